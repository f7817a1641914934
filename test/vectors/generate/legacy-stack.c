/* PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE with both operand sizes on 16- and 32-bit stacks, stack pointers that wrap,
 * and stacks that end. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "legacy.h"

static const char *const size_name[5] = {"", "", "16", "", "32"};

static void begin(Case *c, int osz, int opcodes, const uint8_t *opcode) {
  case_begin(c);
  c->keep_rsp = true;
  insn_size(&c->insn, osz);
  insn_opcode(&c->insn, opcodes, opcode);
  set_stack(c, choose_stack(), DATA_BASE + 0x1400 + choose(0x80) * 8 + (choose(4) ? 0 : choose(8)));
}

static void patch_stack(Case *c, int bytes) {
  for (int at = 0; at < bytes; at += 8) case_patch(c, stack_linear(c) + (uint64_t)at);
}

static void registers(int osz) {
  for (int pop = 0; pop < 2; pop++) {
    form_begin("%s r%s", pop ? "pop" : "push", size_name[osz]);
    for (int n = 0; n < 48; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){pop ? 0x58 : 0x50});
      c.insn.opreg = n % 8;
      if (pop) patch_stack(&c, 8);
      case_emit(&c);
    }
    form_end();
    form_begin("%s", pop ? osz == 2 ? "popa" : "popad" : osz == 2 ? "pusha" : "pushad");
    for (int n = 0; n < 32; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){pop ? 0x61 : 0x60});
      if (pop) patch_stack(&c, osz * 8);
      case_emit(&c);
    }
    form_end();
  }
}

static void immediates(int osz) {
  for (int imm = 1; imm < 3; imm++) {
    form_begin("push imm%s%s", imm == 1 ? "8" : size_name[osz], imm == 1 && osz != own_size() ? " (66)" : "");
    for (int n = 0; n < 24; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){imm == 1 ? 0x6A : 0x68});
      insn_imm(&c.insn, choose_imm(), imm == 1 ? 1 : osz);
      case_emit(&c);
    }
    form_end();
  }
}

static void flags(int osz) {
  form_begin("%s", osz == 2 ? "pushf" : "pushfd");
  for (int n = 0; n < 24; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){0x9C});
    case_emit(&c);
  }
  form_end();
  form_begin("%s", osz == 2 ? "popf" : "popfd");
  for (int n = 0; n < 48; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){0x9D});
    case_patch_value(&c, stack_linear(&c), choose64() & ~0x40100ull); /* neither TF nor AC: see stack.c */
    c.flags_mask = STATUS | DF | IF | IOPL | NT | VM | VIF | VIP | ID;
    case_emit(&c);
  }
  form_end();
}

static void operands(int osz) {
  char name[32];
  for (int pop = 0; pop < 2; pop++) {
    Shape s = {.name = name, .opcode = {pop ? 0x8F : 0xFF}, .opcodes = 1, .osz = osz, .rm_size = osz};
    s.digit = pop ? 0 : 6;
    s.kinds = REG_FORM | MEM_FORM;
    s.stack = true;
    s.pops = pop ? osz : 0;
    s.cases = 160;
    snprintf(name, sizeof name, "%s r/m%s", pop ? "pop" : "push", size_name[osz]);
    shape_run(&s);
  }
}

/* The frame pointer is EBP or BP by the size of the stack, whatever the operand size. */
static void set_frame(Case *c, uint64_t linear) {
  const Segment *s = segment_of(c->sel[SEG_SS]);
  c->reg[RBP] = offset_in(s, linear);
  if (!s->big && choose(2)) c->reg[RBP] |= choose64() << 16 & 0xFFFF0000;
}

static void frames(int osz) {
  for (int level = 0; level < 4; level++) {
    form_begin("enter imm16, %d%s", level, osz == own_size() ? "" : " (66)");
    for (int n = 0; n < 20; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){0xC8});
      set_frame(&c, DATA_BASE + 0x1900 + choose(0x80) * 8);
      insn_imm(&c.insn, n % 3 ? choose(0x200) : 0, 2);
      insn_imm(&c.insn, (uint64_t)level | (n % 5 == 4 ? 0x20u : 0), 1);
      case_emit(&c);
    }
    form_end();
  }
  form_begin("leave%s", osz == own_size() ? "" : " (66)");
  for (int n = 0; n < 32; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){0xC9});
    uint64_t at = DATA_BASE + 0x1400 + choose(0x3F0);
    set_frame(&c, at);
    case_patch(&c, at);
    case_emit(&c);
  }
  form_end();
}

/* The stack pointer passes the border of the segment: it wraps at the stack's size, and where the operand itself lies
 * across the border, or the stack has a limit, the answer is #SS(0). */
static void edges(int osz, int entry, const char *where, uint32_t edge, int aligned) {
  static const struct {
    const char *name;
    int length;
    uint8_t bytes[4];
    int imm; /* operand-size immediate */
  } list[] = {
      {"push r", 1, {0x50}, 0}, {"pop r", 1, {0x58}, 0}, {"pusha", 1, {0x60}, 0}, {"popa", 1, {0x61}, 0},
      {"push imm", 1, {0x68}, 1}, {"pushf", 1, {0x9C}, 0}, {"popf", 1, {0x9D}, 0}, {"enter 8, 0", 4, {0xC8, 8, 0, 0}, 0},
      {"leave", 1, {0xC9}, 0}, {"call rel", 1, {0xE8}, 1}, {"ret", 1, {0xC3}, 0}, {"pop sp", 1, {0x5C}, 0},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    bool named = strchr("\x60\x61\x9C\x9D", list[i].bytes[0]) != NULL; /* PUSHA is PUSHAD */
    form_begin("%s%s (%d bits) [stack %s]", list[i].name, named && osz == 4 ? "d" : "", osz * 8, where);
    for (int n = 0; n < 14; n++) {
      Case c;
      begin(&c, osz, list[i].length, list[i].bytes);
      set_stack(&c, entry, DATA_BASE + 0x1000);
      if (osz == 2 && mode == 32) set_code(&c, CODE32_LOW);
      uint32_t at = edge + (uint32_t)((n - 6) * (aligned ? osz : 1));
      if (n == 13) at = edge + (uint32_t)(4 * osz);
      uint32_t mask = offset_mask(segment_of(c.sel[SEG_SS])), above = (uint32_t)c.reg[RSP] & ~mask;
      c.reg[RSP] = (at & mask) | above;
      bool leave = list[i].bytes[0] == 0xC9;
      if (leave) c.reg[RBP] = (at & mask) | ((uint32_t)choose64() & ~mask);
      if (list[i].imm) insn_imm(&c.insn, list[i].bytes[0] == 0xE8 ? 0x40 : choose_imm(), osz);
      uint64_t place = (uint32_t)(segment_of(c.sel[SEG_SS])->base + (at & mask));
      if (place >= DATA_BASE + 0x10000) place -= 0x10000;
      bool loads_rip = list[i].bytes[0] == 0xC3, loads_flags = list[i].bytes[0] == 0x9D;
      if (loads_rip || loads_flags) {
        /* Somewhere in the code, or flags without TF and AC, wherever the bytes come from. */
        uint64_t cs_base = segment_of(c.sel[SEG_CS])->base;
        uint32_t value = loads_flags ? 0x0202 | (choose(256) & STATUS) : (uint32_t)(CODE_BASE + 0x1100 - cs_base);
        if (place < DATA_BASE || place + 8 > DATA_BASE + DATA_SIZE) continue;
        case_patch_value(&c, place, value);
        if (loads_flags) c.flags_mask = STATUS | DF;
      }
      c.branches = loads_rip || list[i].bytes[0] == 0xE8;
      c.faults = 1 << VECTOR_SS | 1 << VECTOR_PF;
      case_emit(&c);
    }
    form_end();
  }
}

void group_legacy_stack(void) {
  for (int osz = 2; osz <= 4; osz += 2) {
    registers(osz);
    immediates(osz);
    flags(osz);
    operands(osz);
    frames(osz);
    edges(osz, DATA16_RING, "wraps at 64 KiB", 0, 0);
    edges(osz, DATA32_RING, "wraps at 4 GiB", 0, 1);
    edges(osz, DATA16_SHORT, "16-bit limit", 0x1200, 0);
    edges(osz, DATA32_SHORT, "32-bit limit", 0x1200, 0);
    edges(osz, DATA16_DOWN, "16-bit expand-down", 0xF000, 0);
    edges(osz, DATA32_DOWN, "32-bit expand-down", 0xFFFFF000, 0);
  }
}
