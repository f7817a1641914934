/* Branches in 16- and 32-bit code: near ones with both operand sizes, wrapping and leaving the limit; far ones between
 * the code segments of the LDT, and IRET at the same level. */
#include <stdio.h>

#include "groups.h"
#include "legacy.h"

static const char *const condition[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g"};

static const Segment *code(const Case *c) { return segment_of(c->sel[SEG_CS]); }

/* A code address that is not part of the instruction; it fits every code segment but the short ones. */
static uint64_t landing(const Case *c) {
  uint64_t at;
  do at = CODE_BASE + 0x40 + choose(CODE_SIZE - 0x80);
  while (at + 16 > c->rip && at < c->rip + 16);
  return at;
}

static void begin(Case *c, int osz, int opcodes, const uint8_t *opcode) {
  case_begin(c);
  c->branches = c->keep_rsp = true;
  /* A 16-bit operand size cuts EIP (SDM vol. 2, JMP), which only suits segments that start near the code. */
  if (mode == 32 && osz == 2) set_code(c, CODE32_LOW);
  insn_size(&c->insn, osz);
  insn_opcode(&c->insn, opcodes, opcode);
  set_stack(c, choose_stack(), DATA_BASE + 0x1400 + choose(0x80) * 8);
}

static void relative_to(Case *c, uint64_t linear, int bytes) {
  int length = c->insn.prefixes + c->insn.opcodes + bytes;
  uint32_t from = offset_in(code(c), c->rip) + (uint32_t)length;
  insn_imm(&c->insn, offset_in(code(c), linear) - from, bytes);
  case_emit(c);
}

static void short_branch(Case *c) {
  int64_t displacement;
  do displacement = (int8_t)choose(256);
  while (displacement >= -16 && displacement < 0);
  insn_imm(&c->insn, (uint64_t)displacement, 1);
  case_emit(c);
}

static void conditional(int osz) {
  for (int cc = 0; cc < 16; cc++)
    for (int near = 0; near < 2; near++) {
      form_begin("j%s rel%d (operand size %d)", condition[cc], near ? osz * 8 : 8, osz * 8);
      for (int n = 0; n < 12; n++) {
        Case c;
        begin(&c, osz, 1 + near, near ? (uint8_t[]){0x0F, (uint8_t)(0x80 + cc)} : (uint8_t[]){(uint8_t)(0x70 + cc)});
        set_condition_flags(&c, n * 3 + cc);
        if (near) relative_to(&c, landing(&c), osz);
        else short_branch(&c);
      }
      form_end();
    }
}

static void counted(int osz) {
  static const char *const name[4] = {"loopne", "loope", "loop", "jcxz"};
  for (int op = 0; op < 4; op++)
    for (int address_size = 2; address_size <= 4; address_size += 2) {
      form_begin("%s rel8 (address size %d, operand size %d)", op == 3 && address_size == 4 ? "jecxz" : name[op],
                 address_size * 8, osz * 8);
      for (int n = 0; n < 24; n++) {
        Case c;
        begin(&c, osz, 1, (uint8_t[]){(uint8_t)(0xE0 + op)});
        insn_address_size(&c.insn, address_size);
        if (n % 3 == 0) c.reg[RCX] = (uint64_t)(n / 3 % 3);
        if (n % 3 == 1) c.reg[RCX] = choose(0x10000) << 16 | (uint64_t)(n / 3 % 3);
        short_branch(&c);
      }
      form_end();
    }
}

static void relative(const char *name, int opcode, int osz) {
  form_begin("%s rel%d", name, osz * 8);
  for (int n = 0; n < 32; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){(uint8_t)opcode});
    relative_to(&c, landing(&c), osz);
  }
  form_end();
}

static void indirect(const char *name, int digit, int osz, int memory) {
  form_begin("%s r/m%d [%s]", name, osz * 8, memory ? "mem" : "reg");
  for (int n = 0; n < 32; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){0xFF});
    c.insn.has_modrm = true;
    c.insn.reg = digit;
    uint32_t to = offset_in(code(&c), landing(&c));
    if (memory) {
      pick_mem(&c, osz, 0, 0);
      case_patch_value(&c, c.target, to | (osz == 2 ? (choose64() & 0xFFFF) << 16 : 0));
    } else {
      int reg;
      do reg = pick_reg(&c, 4);
      while (reg == RSP);
      c.insn.rm = (Rm){.reg = reg, .base = NO_REG, .index = NO_REG};
      set_reg(&c, reg, osz, to);
    }
    case_emit(&c);
  }
  form_end();
}

static void near_return(int osz, int bytes) {
  form_begin("ret%s (operand size %d)", bytes ? " imm16" : "", osz * 8);
  for (int n = 0; n < 28; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){bytes ? 0xC2 : 0xC3});
    case_patch_value(&c, stack_linear(&c), offset_in(code(&c), landing(&c)) | (osz == 2 ? choose64() << 16 : 0));
    if (bytes) insn_imm(&c.insn, choose_imm(), 2);
    case_emit(&c);
  }
  form_end();
}

/* Targets around and beyond the limit 9FFH: #GP(0) at the branch, with nothing pushed or popped. */
static void leaves_limit(int osz) {
  static const struct {
    const char *name;
    int opcodes;
    uint8_t opcode[2];
    int how; /* 0: relative, 1: register, 2: stack, 3: rel8 */
  } list[] = {
      {"jmp rel", 1, {0xE9}, 0}, {"call rel", 1, {0xE8}, 0}, {"jb rel", 2, {0x0F, 0x82}, 0},
      {"jmp r", 2, {0xFF, 0xE0}, 1}, {"call r", 2, {0xFF, 0xD0}, 1}, {"ret", 1, {0xC3}, 2},
      {"jmp rel8", 1, {0xEB}, 3}, {"jb rel8", 1, {0x72}, 3}, {"loop rel8", 1, {0xE2}, 3}, {"jcxz rel8", 1, {0xE3}, 3},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    bool ecx = mode == 32 && list[i].opcode[0] == 0xE3;
    form_begin("%s (operand size %d) [leaves the limit]", ecx ? "jecxz rel8" : list[i].name, osz * 8);
    for (int n = 0; n < 10; n++) {
      Case c;
      begin(&c, osz, list[i].opcodes, list[i].opcode);
      set_code(&c, mode == 32 ? CODE32_SHORT : CODE16_SHORT);
      if (list[i].how == 3) c.rip = CODE_BASE + 0x9B0;
      uint32_t to = n == 0 ? 0x9FE : n == 1 ? 0xA00 : n == 2 ? 0xA01 : 0xA00 + choose(n < 6 ? 0x20 : 0xF000);
      if (n == 9 && osz == 4) to = (uint32_t)choose64() | 0x10000;
      c.faults = 1 << VECTOR_GP;
      if (n % 3 == 2) c.flags ^= CF, c.reg[RCX] = choose(2);
      if (list[i].how == 0) insn_imm(&c.insn, to - 0x800 - (uint32_t)(c.insn.prefixes + c.insn.opcodes + osz), osz);
      if (list[i].how == 1) set_reg(&c, RAX, osz, to);
      if (list[i].how == 2) case_patch_value(&c, stack_linear(&c), to);
      if (list[i].how == 3) insn_imm(&c.insn, n == 0 ? 0x40 : 0x50 + choose(0x30), 1);
      case_emit(&c);
    }
    form_end();
  }
  /* Instructions whose bytes run over the limit. */
  form_begin("add ax, imm (operand size %d) [runs over the limit]", osz * 8);
  for (int n = 0; n < 8; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){0x05});
    set_code(&c, mode == 32 ? CODE32_SHORT : CODE16_SHORT);
    insn_imm(&c.insn, choose_imm(), osz);
    int length = c.insn.prefixes + 1 + osz;
    c.rip = CODE_BASE + 0xA00 - (uint64_t)(length - 1) + (uint64_t)(n % 3 == 2 ? -2 : (int)choose((uint32_t)length - 1));
    c.faults = 1 << VECTOR_GP;
    case_emit(&c);
  }
  form_end();
}

/* Code segment selectors of far transfers, good and bad. Selectors of the GDT are those of Linux; the one of 64-bit
 * code is left out. */
static uint16_t far_selector(int number, uint64_t *linear, uint32_t *offset, Case *c) {
  static const int good[8] = {CODE32_FLAT, CODE32_RING, CODE32_LOW, CODE16_LOW,
                              CODE16_RING, CODE32_UNREADABLE, CODE16_UNREADABLE, CODE16_SHORT};
  static const uint16_t bad[] = {DATA16_LOW << 3 | 7,        CODE_ABSENT << 3 | 7, CONFORMING_ABSENT << 3 | 7,
                                 LDT_CLEARED << 3 | 7,         0,                    3,
                                 LDT_COUNT << 3 | 7,       0x1007,               0x13,
                                 0x2B,                       0x43,                 0x83,
                                 DATA_ABSENT << 3 | 7};
  *linear = landing(c);
  if (number % 3 == 2) {
    *offset = (uint32_t)(*linear - CODE_BASE);
    return bad[number / 3 % (int)(sizeof bad / sizeof bad[0])];
  }
  int entry = good[choose(8)];
  uint16_t selector = number % 12 == 7 ? 0x23 : selector_of(entry);
  if (selector != 0x23 && number % 12 == 4) selector = (uint16_t)((selector & ~3) | choose(4)); /* RPL */
  *offset = offset_in(segment_of(selector), *linear);
  return selector;
}

static void far_transfer(const char *name, int opcode, int digit, int osz) {
  form_begin("%s far (%02X, operand size %d)", name, opcode, osz * 8);
  for (int n = 0; n < 72; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){(uint8_t)opcode});
    /* The upper half of a pushed selector is not defined: zero before, zero after. */
    for (int at = 1; at <= 2; at++) case_patch_value(&c, stack_linear(&c) - (uint64_t)at * 8, 0);
    uint64_t linear;
    uint32_t offset;
    uint16_t selector = far_selector(n, &linear, &offset, &c);
    if (osz == 2 && offset > 0xFFFF) selector = selector_of(CODE16_LOW), offset = (uint32_t)(linear - CODE_BASE);
    c.faults = 1 << VECTOR_GP | 1 << VECTOR_NP;
    uint64_t pointer = osz == 2 ? (offset & 0xFFFF) | (uint64_t)selector << 16 : offset | (uint64_t)selector << 32;
    if (opcode == 0xFF) {
      c.insn.has_modrm = true;
      c.insn.reg = digit;
      pick_mem(&c, 8, 0, 0);
      case_patch_value(&c, c.target, pointer);
    } else {
      insn_imm(&c.insn, pointer, osz + 2);
    }
    case_emit(&c);
  }
  form_end();
}

static void far_return(const char *name, int opcode, int osz) {
  form_begin("%s (operand size %d)", name, osz * 8);
  for (int n = 0; n < 72; n++) {
    Case c;
    begin(&c, osz, 1, (uint8_t[]){(uint8_t)opcode});
    uint64_t linear;
    uint32_t offset;
    uint16_t selector = far_selector(n, &linear, &offset, &c);
    if (osz == 2 && offset > 0xFFFF) selector = selector_of(CODE16_LOW), offset = (uint32_t)(linear - CODE_BASE);
    c.faults = 1 << VECTOR_GP | 1 << VECTOR_NP | 1 << VECTOR_SS;
    uint32_t flags = 0x202 | ((uint32_t)choose64() & (STATUS | DF | IF | IOPL));
    if (osz == 2) {
      case_patch_value(&c, stack_linear(&c), (offset & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)flags << 32);
    } else {
      case_patch_value(&c, stack_linear(&c), offset | (uint64_t)selector << 32);
      if (opcode == 0xCF) case_patch_value(&c, stack_linear(&c) + 8, flags);
    }
    /* Where the selector is bad and the stack ends too, either fault may come first. */
    bool bad = n % 3 == 2 || n % 12 == 4;
    if (opcode == 0xCA) insn_imm(&c.insn, bad || choose(3) ? choose(64) : choose_imm(), 2);
    if (opcode == 0xCF) c.flags_mask = STATUS | DF | IF | IOPL;
    case_emit(&c);
  }
  form_end();
}

void group_legacy_flow(void) {
  for (int osz = 2; osz <= 4; osz += 2) {
    conditional(osz);
    counted(osz);
    relative("jmp", 0xE9, osz);
    relative("call", 0xE8, osz);
    form_begin("jmp rel8 (operand size %d)", osz * 8);
    for (int n = 0; n < 12; n++) {
      Case c;
      begin(&c, osz, 1, (uint8_t[]){0xEB});
      short_branch(&c);
    }
    form_end();
    for (int memory = 0; memory < 2; memory++) indirect("call", 2, osz, memory), indirect("jmp", 4, osz, memory);
    near_return(osz, 0);
    near_return(osz, 2);
    leaves_limit(osz);
    far_transfer("jmp", 0xEA, 0, osz);
    far_transfer("call", 0x9A, 0, osz);
    far_transfer("jmp", 0xFF, 5, osz);
    far_transfer("call", 0xFF, 3, osz);
    far_return("retf", 0xCB, osz);
    far_return("retf imm16", 0xCA, osz);
    far_return(osz == 2 ? "iret" : "iretd", 0xCF, osz);
  }
}
