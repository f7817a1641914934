/* MOV in all its forms, widening moves, LEA, MOVNTI, XLAT. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

static void mov_imm_to_reg(int osz) {
  form_begin("mov %s, imm%d (B%d)", reg_name[log2_of(osz)], osz * 8, osz == 1 ? 0 : 8);
  for (int n = 0; n < DEFAULT_CASES; n += mode == 64 ? 1 : 5) {
    Case c;
    case_begin(&c);
    c.no_rex = osz == 1 && choose(3) == 0;
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 1, (uint8_t[]){osz == 1 ? 0xB0 : 0xB8});
    c.insn.opreg = pick_reg(&c, osz);
    insn_imm(&c.insn, choose_imm(), osz);
    case_emit(&c);
  }
  form_end();
}

/* A0..A3 carry the whole address in the instruction: 8 bytes, or 4 with 67h. */
static void mov_offset(int osz, int store, int narrow) {
  static const char *const acc[4] = {"al", "ax", "eax", "rax"};
  const char *a = acc[log2_of(osz)];
  if (store) form_begin("mov moffs%d, %s%s", osz * 8, a, narrow ? " (67)" : "");
  else form_begin("mov %s, moffs%d%s", a, osz * 8, narrow ? " (67)" : "");
  for (int n = 0; n < 16; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    if (narrow) insn_prefix(&c.insn, 0x67);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)(0xA0 + 2 * store + (osz > 1))});
    uint64_t target = DATA_BASE + choose(0x1F00);
    case_patch(&c, target);
    insn_imm(&c.insn, target, narrow ? 4 : 8);
    case_emit(&c);
  }
  form_end();
}

/* LEA touches no memory, so the registers keep whatever they hold and the sum wraps as it likes. */
static void lea(int osz, int narrow) {
  form_begin("lea %s, m%s", reg_name[log2_of(osz)], narrow ? " (67)" : "");
  for (int n = 0; n < 120; n++) {
    Case c;
    case_begin(&c);
    Insn *insn = &c.insn;
    insn_size(insn, osz);
    if (narrow) insn_prefix(insn, 0x67);
    insn_opcode(insn, 1, (uint8_t[]){0x8D});
    insn->has_modrm = true;
    insn->reg = pick_reg(&c, osz);
    Rm *rm = &insn->rm;
    *rm = (Rm){.is_mem = true, .base = (int)choose(16), .index = NO_REG, .scale = (int)choose(4)};
    rm->disp_bytes = n % 3 == 0 ? 0 : n % 3 == 1 ? 1 : 4;
    rm->disp = rm->disp_bytes == 1 ? (int8_t)choose_imm() : rm->disp_bytes == 4 ? (int32_t)choose_imm() : 0;
    if (choose(2)) do rm->index = (int)choose(16);
      while (rm->index == RSP);
    if (n % 10 == 7) rm->base = NO_REG;
    if (n % 10 == 8) {
      int64_t away = (int32_t)choose64() / 2;
      rm->base = RIP_BASE;
      rm->index = NO_REG;
      rm->disp = (int64_t)c.rip + away;
    }
    case_emit(&c);
  }
  form_end();
}

static void xlat(int narrow) {
  form_begin("xlatb%s", narrow ? " (67)" : "");
  for (int n = 0; n < DEFAULT_CASES; n++) {
    Case c;
    case_begin(&c);
    if (narrow) insn_prefix(&c.insn, 0x67);
    insn_opcode(&c.insn, 1, (uint8_t[]){0xD7});
    c.reg[RBX] = DATA_BASE + choose(0x1F00) + (narrow ? choose64() << 32 : 0);
    if (n % 4 == 0) c.insn.rex_w = true; /* changes nothing */
    case_emit(&c);
  }
  form_end();
}

static void widening(void) {
  char name[64];
  for (int is_signed = 0; is_signed < 2; is_signed++)
    for (int from = 0; from < 2; from++)
      for (int to = from ? 2 : 1; to < WIDTHS; to++) {
        Shape s = {.name = name, .opcodes = 2, .osz = sizes[to], .rm_size = sizes[from], .reg_size = sizes[to]};
        s.opcode[0] = 0x0F;
        s.opcode[1] = (uint8_t)((is_signed ? 0xBE : 0xB6) + from);
        s.kinds = REG_FORM | MEM_FORM;
        snprintf(name, sizeof name, "%s %s, %s", is_signed ? "movsx" : "movzx", reg_name[to], rm_name[from]);
        shape_run(&s);
      }
  if (mode != 64) return;
  Shape s = {.name = "movsxd r64, r/m32", .opcode = {0x63}, .opcodes = 1, .osz = 8, .rm_size = 4, .reg_size = 8};
  s.kinds = REG_FORM | MEM_FORM;
  shape_run(&s);
  s.name = "movsxd r32, r/m32 (no REX.W)";
  s.osz = s.reg_size = 4;
  shape_run(&s);
}

void group_move(void) {
  char name[64];
  for (int i = 0; i < WIDTHS; i++) {
    int size = sizes[i], imm = size == 8 ? 4 : size;
    Shape s = {.name = name, .opcodes = 1, .osz = size, .rm_size = size, .reg_size = size};
    s.kinds = REG_FORM | MEM_FORM;
    s.opcode[0] = (uint8_t)(0x88 + (i > 0));
    snprintf(name, sizeof name, "mov %s, %s", rm_name[i], reg_name[i]);
    shape_run(&s);
    s.opcode[0] += 2;
    snprintf(name, sizeof name, "mov %s, %s", reg_name[i], rm_name[i]);
    shape_run(&s);
    s.opcode[0] = i ? 0xC7 : 0xC6;
    s.reg_size = 0;
    s.imm = imm;
    snprintf(name, sizeof name, "mov %s, imm%d", rm_name[i], imm * 8);
    shape_run(&s);
    mov_imm_to_reg(size);
    for (int store = 0; store < 2 && mode == 64; store++) mov_offset(size, store, 0), mov_offset(size, store, 1);
  }
  widening();
  for (int i = 1; i < WIDTHS && mode == 64; i++) lea(sizes[i], 0), lea(sizes[i], 1);
  for (int i = 2; i < WIDTHS; i++) {
    Shape s = {.name = name, .opcode = {0x0F, 0xC3}, .opcodes = 2, .rm_size = sizes[i]};
    s.osz = i == 3 ? 8 : 0; /* 66 would make it another instruction */
    s.reg_size = sizes[i];
    s.kinds = MEM_FORM;
    snprintf(name, sizeof name, "movnti m%d, %s", sizes[i] * 8, reg_name[i]);
    shape_run(&s);
  }
  if (mode != 64) return;
  xlat(0);
  xlat(1);
}
