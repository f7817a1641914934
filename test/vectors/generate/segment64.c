/* Segmentation in 64-bit mode: bases of FS and GS, loads of segment registers, queries, and far transfers, also to 16-
 * and 32-bit code. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "legacy.h"
#include "undefined.h"

/* Which segment prefix counts where there are several is not defined: only the one under test stays. */
static void drop_ignored_segments(Insn *insn) {
  int kept = 0;
  for (int i = 0; i < insn->prefixes; i++)
    if (!memchr("\x26\x2E\x36\x3E", insn->prefix[i], 4)) insn->prefix[kept++] = insn->prefix[i];
  insn->prefixes = kept;
}

static uint64_t base_of(const Case *c, int seg) { return segment_of(c->sel[seg])->base; }

static void based(void) {
  static const Shape list[] = {
      {.name = "mov r64, m64", .opcode = {0x8B}, .osz = 8, .rm_size = 8, .reg_size = 8},
      {.name = "mov m32, r32", .opcode = {0x89}, .rm_size = 4, .reg_size = 4},
      {.name = "mov r8, m8", .opcode = {0x8A}, .rm_size = 1, .reg_size = 1},
      {.name = "add m64, r64", .opcode = {0x01}, .osz = 8, .rm_size = 8, .reg_size = 8},
      {.name = "cmp m16, imm16", .opcode = {0x81}, .osz = 2, .rm_size = 2, .digit = 7, .imm = 2},
      {.name = "xchg m32, r32", .opcode = {0x87}, .rm_size = 4, .reg_size = 4},
      {.name = "push m64", .opcode = {0xFF}, .rm_size = 8, .digit = 6, .stack = true},
      {.name = "pop m64", .opcode = {0x8F}, .rm_size = 8, .stack = true, .pops = 8},
      {.name = "lea r64, m", .opcode = {0x8D}, .osz = 8, .rm_size = 8, .reg_size = 8},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    for (int seg = SEG_FS; seg <= SEG_GS; seg++) {
      form_begin("%s [%s]", list[i].name, seg == SEG_FS ? "fs" : "gs");
      for (int n = 0; n < 48; n++) {
        Case c;
        case_begin(&c);
        c.keep_rsp = list[i].stack;
        c.pops = list[i].pops;
        insn_size(&c.insn, list[i].osz);
        insn_opcode(&c.insn, 1, list[i].opcode);
        c.insn.has_modrm = true;
        c.insn.reg = list[i].reg_size ? pick_reg(&c, list[i].reg_size) : list[i].digit;
        uint64_t target = DATA_BASE + 0x40 + choose(0x1380);
        /* Limits mean nothing, and half of the cases take segments whose limit ends before. */
        if (n % 2) c.sel[seg] = selector_of((int[]){DATA16_SHORT, DATA_BYTE, DATA32_DOWN, DATA_PAGE}[choose(4)]);
        if (list[i].imm) insn_imm(&c.insn, choose_imm(), list[i].imm);
        case_patch(&c, target);
        aim_mem(&c, target - base_of(&c, seg), 0);
        drop_ignored_segments(&c.insn);
        insn_segment(&c.insn, seg);
        c.target = target;
        case_emit(&c);
      }
      form_end();
    }
  for (int seg = SEG_FS; seg <= SEG_GS; seg++) {
    form_begin("mov eax, moffs32 [%s]", seg == SEG_FS ? "fs" : "gs");
    for (int n = 0; n < 12; n++) {
      Case c;
      case_begin(&c);
      insn_segment(&c.insn, seg);
      insn_opcode(&c.insn, 1, (uint8_t[]){0xA1});
      insn_imm(&c.insn, DATA_BASE + choose(0x1F00) - base_of(&c, seg), 8);
      case_emit(&c);
    }
    form_end();
    form_begin("movsd [%s]", seg == SEG_FS ? "fs" : "gs"); /* only the source */
    for (int n = 0; n < 24; n++) {
      Case c;
      case_begin(&c);
      if (n % 2) insn_prefix(&c.insn, 0xF3);
      insn_segment(&c.insn, seg);
      insn_opcode(&c.insn, 1, (uint8_t[]){0xA5});
      c.reg[RCX] = choose(8);
      c.reg[RSI] = DATA_BASE + 0x600 - base_of(&c, seg) + choose(64);
      c.reg[RDI] = DATA_BASE + 0xE00 + choose(64);
      case_emit(&c);
    }
    form_end();
    /* The sum of base and offset may leave the canonical half: #GP, whatever the base register. */
    form_begin("mov eax, m32 [%s, non-canonical]", seg == SEG_FS ? "fs" : "gs");
    for (int n = 0; n < 8; n++) {
      Case c;
      case_begin(&c);
      insn_segment(&c.insn, seg);
      insn_opcode(&c.insn, 1, (uint8_t[]){0x8B});
      insn_imm(&c.insn, n % 2 ? 0x45 : 0x46, 1); /* [RBP+disp8] or [RSI+disp8] */
      insn_imm(&c.insn, 0, 1);
      c.reg[RBP] = c.reg[RSI] = 0x8000000000000000ull ^ choose64() >> 2;
      c.faults = 1 << VECTOR_GP | 1 << VECTOR_SS;
      case_emit(&c);
    }
    form_end();
  }
}

static const int code_entry[6] = {CODE32_FLAT, CODE32_LOW, CODE32_RING, CODE16_LOW, CODE16_RING, CODE16_UNREADABLE};

static uint16_t far_selector(int number, Case *c, uint64_t *offset) {
  static const uint16_t bad[] = {DATA16_LOW << 3 | 7, CODE_ABSENT << 3 | 7, LDT_CLEARED << 3 | 7, 0, LDT_COUNT << 3 | 7,
                                 0x1007, 0x13, 0x2B, 0x43, 0x83};
  uint64_t at;
  do at = CODE_BASE + 0x40 + choose(CODE_SIZE - 0x80);
  while (at + 24 > c->rip && at < c->rip + 24);
  *offset = at;
  if (number % 4 == 3) return bad[number / 4 % 10];
  uint16_t selector = number % 4 == 0 ? 0x33 : number % 8 == 1 ? 0x23 : selector_of(code_entry[choose(6)]);
  if (selector != 0x33) *offset = offset_in(segment_of(selector), at);
  return selector;
}

static void begin(Case *c, int osz, int opcode) {
  case_begin(c);
  c->branches = c->keep_rsp = true;
  insn_size(&c->insn, osz);
  insn_opcode(&c->insn, 1, (uint8_t[]){(uint8_t)opcode});
  c->faults = 1 << VECTOR_GP | 1 << VECTOR_NP | 1 << VECTOR_SS;
  c->reg[RSP] = DATA_BASE + 0x1400 + choose(0x80) * 8;
}

/* With REX.W the pointer has 64 bits on one make and 32 on another, so it is left out. */
static void far_transfer(const char *name, int digit, int osz) {
  form_begin("%s m16:%d", name, osz * 8);
  for (int n = 0; n < 64; n++) {
    Case c;
    begin(&c, osz, 0xFF);
    for (int at = 1; at <= 2; at++) case_patch_value(&c, c.reg[RSP] - (uint64_t)at * 8, 0);
    uint64_t offset;
    uint16_t selector = far_selector(n, &c, &offset);
    if (osz == 2) { /* reaches segments near the code only */
      selector = n % 4 == 3 ? selector : selector_of(CODE16_LOW);
      offset = (CODE_BASE + 0x1000 + choose(0xF00)) & 0xFFFF;
    }
    c.insn.has_modrm = true;
    c.insn.reg = digit;
    pick_mem(&c, 8, 0, 0);
    case_patch_value(&c, c.target, osz == 2 ? offset | (uint64_t)selector << 16 : (uint32_t)offset | (uint64_t)selector << 32);
    case_emit(&c);
  }
  form_end();
}

static void put_stack(Case *c, int osz, int items, const uint64_t *item) {
  uint8_t bytes[48] = {0};
  for (int i = 0; i < items; i++) memcpy(bytes + i * osz, &item[i], (size_t)osz);
  for (int at = 0; at < items * osz; at += 8) {
    uint64_t value;
    memcpy(&value, bytes + at, 8);
    case_patch_value(c, c->reg[RSP] + (uint64_t)at, value);
  }
}

static void far_return(const char *name, int opcode, int osz) {
  form_begin("%s (operand size %d)", name, osz * 8);
  for (int n = 0; n < 64; n++) {
    Case c;
    begin(&c, osz, opcode);
    uint64_t offset;
    uint16_t selector = far_selector(n, &c, &offset);
    if (osz == 2) {
      selector = n % 4 == 3 ? selector : selector_of(CODE16_LOW);
      offset = 0x1000 + choose(0xF00);
    }
    /* IRET in 64-bit mode pops SS and RSP always. */
    static const int stacks[4] = {DATA32_FLAT, DATA16_LOW, DATA16_RING, DATA32_ODD};
    uint64_t flags = 0x202 | (choose64() & (STATUS | DF | IF | IOPL));
    uint16_t ss = n % 16 == 14 ? 0 : n % 16 == 10 ? selector_of(DATA_ABSENT) : n % 2 ? selector_of(stacks[choose(4)]) : 0x2B;
    uint64_t rsp = osz == 8 ? choose64() >> 17 : choose64();
    put_stack(&c, osz, opcode == 0xCF ? 5 : 2, (uint64_t[]){offset, selector, flags, rsp, ss});
    if (opcode == 0xCA) insn_imm(&c.insn, choose(0x200), 2);
    if (opcode == 0xCF) c.flags_mask = STATUS | DF | IF | IOPL;
    case_emit(&c);
  }
  form_end();
}

void group_segment64(void) {
  based();
  segment_registers();
  for (int osz = 2; osz <= 4; osz += 2) far_transfer("jmp", 5, osz), far_transfer("call", 3, osz);
  for (int osz = 2; osz <= 8; osz *= 2) {
    far_return("retf", 0xCB, osz);
    far_return("retf imm16", 0xCA, osz);
    far_return(osz == 2 ? "iret" : osz == 4 ? "iretd" : "iretq", 0xCF, osz);
  }
}
