/* Jumps, calls, returns, loops. Every byte around the instruction is INT3: the expected RIP tells which was reached. */
#include <stdio.h>
#include <stdlib.h>

#include "groups.h"
#include "shape.h"

static const char *const condition[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g"};

/* A code address that is not part of the instruction. */
static uint64_t landing(const Case *c) {
  uint64_t at;
  do at = CODE_BASE + 0x40 + choose(CODE_SIZE - 0x80);
  while (at + 16 > c->rip && at < c->rip + 16);
  return at;
}

static void begin(Case *c, int opcodes, const uint8_t *opcode) {
  case_begin(c);
  c->branches = true;
  insn_opcode(&c->insn, opcodes, opcode);
}

/* Ends the instruction with a displacement of `bytes` to a random landing place. */
static void finish_relative(Case *c, int bytes) {
  uint64_t length = (uint64_t)(c->insn.prefixes + c->insn.rex_w + c->insn.opcodes + bytes);
  int64_t displacement;
  if (bytes == 1) {
    do displacement = (int8_t)choose(256);
    while (displacement >= -16 && displacement < 0);
  } else {
    displacement = (int64_t)(landing(c) - c->rip - length);
  }
  insn_imm(&c->insn, (uint64_t)displacement, bytes);
  case_emit(c);
}

static void conditional(void) {
  for (int cc = 0; cc < 16; cc++)
    for (int near = 0; near < 2; near++) {
      form_begin("j%s rel%d", condition[cc], near ? 32 : 8);
      for (int n = 0; n < 32; n++) {
        Case c;
        begin(&c, 1 + near, near ? (uint8_t[]){0x0F, (uint8_t)(0x80 + cc)} : (uint8_t[]){(uint8_t)(0x70 + cc)});
        if (n % 8 == 7) insn_prefix(&c.insn, n & 8 ? 0x2E : 0x3E); /* the old branch hints */
        set_condition_flags(&c, n);
        finish_relative(&c, near ? 4 : 1);
      }
      form_end();
    }
}

static void counted(void) {
  static const char *const name[4] = {"loopne", "loope", "loop", "jrcxz"};
  for (int op = 0; op < 4; op++)
    for (int narrow = 0; narrow < 2; narrow++) {
      form_begin("%s rel8%s", op == 3 && narrow ? "jecxz" : name[op], narrow ? " (67)" : "");
      for (int n = 0; n < 48; n++) {
        Case c;
        begin(&c, 1, (uint8_t[]){(uint8_t)(0xE0 + op)});
        if (narrow) insn_prefix(&c.insn, 0x67); /* ECX counts, and its write clears the upper half of RCX */
        if (n % 3 == 0) c.reg[RCX] = (uint64_t)(n / 3 % 3);
        if (n % 3 == 1) c.reg[RCX] = (choose64() << 32) | (uint64_t)(n / 3 % 3);
        finish_relative(&c, 1);
      }
      form_end();
    }
}

static void relative(const char *name, int opcode, int bytes) {
  form_begin("%s rel%d", name, bytes * 8);
  for (int n = 0; n < 48; n++) {
    Case c;
    begin(&c, 1, (uint8_t[]){(uint8_t)opcode});
    finish_relative(&c, bytes);
  }
  form_end();
}

/* FF /2 CALL and FF /4 JMP. */
static void indirect(const char *name, int digit, int memory) {
  form_begin("%s r/m64 [%s]", name, memory ? "mem" : "reg");
  for (int n = 0; n < 64; n++) {
    Case c;
    begin(&c, 1, (uint8_t[]){0xFF});
    c.keep_rsp = true;
    c.insn.has_modrm = true;
    c.insn.reg = digit;
    if (n % 8 == 0) c.insn.rex_w = true;
    uint64_t to = landing(&c);
    if (memory) {
      uint64_t target = DATA_BASE + 0x40 + choose(0x1380);
      case_patch_value(&c, target, to);
      aim_mem(&c, target, 0);
    } else {
      int reg;
      do reg = pick_reg(&c, 8);
      while (reg == RSP);
      c.insn.rm = (Rm){.reg = reg, .base = NO_REG, .index = NO_REG};
      c.reg[reg] = to;
      if (n % 8 == 1) insn_prefix(&c.insn, 0x3E); /* NOTRACK */
    }
    case_emit(&c);
  }
  form_end();
}

static void ret(int bytes, int rep) {
  form_begin("ret%s%s", bytes ? " imm16" : "", rep ? " (F3)" : "");
  for (int n = 0; n < 36; n++) {
    Case c;
    begin(&c, 1, (uint8_t[]){bytes ? 0xC2 : 0xC3});
    if (rep) insn_prefix(&c.insn, 0xF3);
    if (n % 4 == 3) c.reg[RSP] -= choose(8);
    case_patch_value(&c, c.reg[RSP], landing(&c));
    if (bytes) insn_imm(&c.insn, choose_imm(), 2);
    case_emit(&c);
  }
  form_end();
}

void group_flow(void) {
  conditional();
  counted();
  relative("jmp", 0xEB, 1);
  relative("jmp", 0xE9, 4);
  relative("call", 0xE8, 4);
  for (int memory = 0; memory < 2; memory++) indirect("call", 2, memory), indirect("jmp", 4, memory);
  ret(0, 0);
  ret(0, 1);
  ret(2, 0);
}
