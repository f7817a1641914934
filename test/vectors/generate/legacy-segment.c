/* Instructions on segment registers and selectors: MOV PUSH POP LDS LES LSS LFS LGS LAR LSL VERR VERW, with selectors
 * good and bad. A selector register left by a case is compared. */
#include <stdio.h>

#include "groups.h"
#include "legacy.h"

static const char *const segment_name[6] = {"es", "cs", "ss", "ds", "fs", "gs"};
static const char *const size_name[9] = {"", "", "16", "", "32", "", "", "", "64"};

/* Every entry of the LDT with several RPLs, the null selectors, selectors beyond the tables, and those of the GDT that
 * mean the same on every Linux: 10 and 18 are the kernel's, 40 a TSS, 50 the LDT. */
static uint16_t selector(int number, bool null) {
  static const uint16_t other[] = {0, LDT_COUNT << 3 | 7, 0x1007, 0xFFFF, 0x2B, 0x28, 0x10, 0x13, 0x18, 0x1B, 0x23, 0x43,
                                   0x53, 0x83, 0xFFF8, 0};
  if (number < LDT_COUNT - 1) return selector_of(number + 1);
  if (number < LDT_COUNT - 1 + 16) return other[number - LDT_COUNT + 1];
  if (number == 42 && null) return 1 + (uint16_t)choose(3);
  return (uint16_t)((1 + choose(LDT_COUNT - 1)) << 3 | 4 | choose(4));
}
enum { SELECTORS = 52 };

static void begin(Case *c, int osz, int opcodes, const uint8_t *opcode) {
  case_begin(c);
  c->keep_rsp = true;
  insn_size(&c->insn, osz);
  insn_opcode(&c->insn, opcodes, opcode);
  if (mode == 64) c->reg[RSP] = DATA_BASE + 0x1400 + choose(0x80) * 8;
  else set_stack(c, choose_stack(), DATA_BASE + 0x1400 + choose(0x80) * 8);
  c->faults = 1 << VECTOR_GP | 1 << VECTOR_NP | 1 << VECTOR_SS;
}

static void operand(Case *c, int number, int size, uint16_t value) {
  c->insn.has_modrm = true;
  if (number % 2) {
    pick_mem(c, size, 0, 0);
    case_patch_value(c, c->target, value | (choose64() & ~0xFFFFull));
  } else {
    int reg;
    do reg = pick_reg(c, 4);
    while (reg == RSP);
    c->insn.rm = (Rm){.reg = reg, .base = NO_REG, .index = NO_REG};
    set_reg(c, reg, 2, value);
  }
}

static void read_register(int osz) {
  for (int seg = 0; seg < 6; seg++) {
    form_begin("mov r/m%s, %s", size_name[osz], segment_name[seg]);
    for (int n = 0; n < 12; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){0x8C});
      operand(&c, n, 2, 0);
      c.insn.reg = seg;
      case_emit(&c);
    }
    form_end();
  }
}

static void load_register(void) {
  for (int seg = 0; seg < 6; seg++) {
    if (seg == SEG_CS) continue;
    form_begin("mov %s, r/m16", segment_name[seg]);
    for (int n = 0; n < SELECTORS; n++) {
      Case c;
      begin(&c, n % 3 ? 4 : 2, 1, (uint8_t[]){0x8E}); /* the operand size does not matter */
      operand(&c, n, 2, selector(n, seg == SEG_SS));
      c.insn.reg = seg;
      case_emit(&c);
    }
    form_end();
  }
}

static void push_pop(int osz) {
  static const struct {
    int seg, opcodes;
    uint8_t push[2], pop[2];
  } list[6] = {{SEG_ES, 1, {0x06}, {0x07}}, {SEG_CS, 1, {0x0E}, {0}},          {SEG_SS, 1, {0x16}, {0x17}},
               {SEG_DS, 1, {0x1E}, {0x1F}}, {SEG_FS, 2, {0x0F, 0xA0}, {0x0F, 0xA1}}, {SEG_GS, 2, {0x0F, 0xA8}, {0x0F, 0xA9}}};
  for (int i = 0; i < 6; i++) {
    if (mode == 64 && list[i].opcodes == 1) continue; /* FS and GS only */
    form_begin("push %s (%d bits)", segment_name[list[i].seg], osz * 8);
    for (int n = 0; n < 12; n++) {
      Case c;
      begin(&c, osz, list[i].opcodes, list[i].push);
      /* Whether four bytes are written or two differs between makes (SDM vol. 2, PUSH): zero before is zero after. */
      case_patch_value(&c, stack_linear(&c) - 8, 0);
      case_emit(&c);
    }
    form_end();
    if (!list[i].pop[0]) continue;
    form_begin("pop %s (%d bits)", segment_name[list[i].seg], osz * 8);
    for (int n = 0; n < SELECTORS; n++) {
      Case c;
      begin(&c, osz, list[i].opcodes, list[i].pop);
      case_patch_value(&c, stack_linear(&c), selector(n, list[i].seg == SEG_SS) | (choose64() & ~0xFFFFull));
      case_emit(&c);
    }
    form_end();
  }
}

static void far_pointer(int osz) {
  static const struct {
    const char *name;
    int opcodes;
    uint8_t opcode[2];
    bool stack;
  } list[5] = {{"les", 1, {0xC4}, false},       {"lds", 1, {0xC5}, false},       {"lss", 2, {0x0F, 0xB2}, true},
               {"lfs", 2, {0x0F, 0xB4}, false}, {"lgs", 2, {0x0F, 0xB5}, false}};
  for (int i = 0; i < 5; i++) {
    if (mode == 64 && list[i].opcodes == 1) continue;
    form_begin("%s r%s, m", list[i].name, size_name[osz]);
    for (int n = 0; n < SELECTORS; n++) {
      Case c;
      begin(&c, osz, list[i].opcodes, list[i].opcode);
      c.insn.has_modrm = true;
      c.insn.reg = pick_reg(&c, osz);
      pick_mem(&c, osz + 2 > 4 ? 8 : 4, 0, 0);
      uint64_t offset = choose_imm(), s = selector(n, list[i].stack);
      case_patch_value(&c, c.target, osz == 2 ? (offset & 0xFFFF) | s << 16 : (offset & 0xFFFFFFFF) | s << 32);
      case_emit(&c);
    }
    form_end();
  }
}

static void query(int osz) {
  for (int limit = 0; limit < 2; limit++) {
    form_begin("%s r%s, r/m16", limit ? "lsl" : "lar", size_name[osz]);
    for (int n = 0; n < SELECTORS; n++) {
      Case c;
      begin(&c, osz, 2, (uint8_t[]){0x0F, limit ? 0x03 : 0x02});
      c.insn.reg = pick_reg(&c, osz);
      operand(&c, n, 2, selector(n, true));
      case_emit(&c);
    }
    form_end();
  }
}

static void verify(void) {
  for (int write = 0; write < 2; write++) {
    form_begin("%s r/m16", write ? "verw" : "verr");
    for (int n = 0; n < SELECTORS; n++) {
      Case c;
      begin(&c, n % 3 ? 4 : 2, 2, (uint8_t[]){0x0F, 0x00});
      c.insn.reg = 4 + write;
      operand(&c, n, 2, selector(n, true));
      case_emit(&c);
    }
    form_end();
  }
}

void segment_registers(void) {
  for (int osz = 2; osz <= (mode == 64 ? 8 : 4); osz *= 2) {
    read_register(osz);
    if (mode != 64 || osz != 4) push_pop(osz); /* 64-bit mode has no four-byte stack operand */
    if (osz == 8) continue; /* LSS, LAR and others with REX.W: makes differ */
    far_pointer(osz);
    query(osz);
  }
  load_register();
  verify();
}

void group_legacy_segment(void) { segment_registers(); }
