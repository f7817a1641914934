/* Ordinary instructions with a bad operand: unmapped, read-only, non-canonical, misaligned, or half of that. */
#include <stddef.h>

#include "groups.h"
#include "shape.h"

/* Whether a shift by zero accesses its operand to write it is nobody's promise. */
static void count_of_five(Case *c, const Shape *s, int number) {
  (void)s, (void)number;
  c->insn.imm[0] = 5;
}

/* Instructions of every kind of access, each with every kind of bad address. */
static void bad_memory(void) {
  static const Shape list[] = {
      {.name = "mov r8, m8", .opcode = {0x8A}, .rm_size = 1, .reg_size = 1, .osz = 1},
      {.name = "mov r32, m32", .opcode = {0x8B}, .rm_size = 4, .reg_size = 4},
      {.name = "mov r64, m64", .opcode = {0x8B}, .rm_size = 8, .reg_size = 8, .osz = 8},
      {.name = "mov m8, r8", .opcode = {0x88}, .rm_size = 1, .reg_size = 1, .osz = 1, .writes = true},
      {.name = "mov m16, r16", .opcode = {0x89}, .rm_size = 2, .reg_size = 2, .osz = 2, .writes = true},
      {.name = "mov m64, r64", .opcode = {0x89}, .rm_size = 8, .reg_size = 8, .osz = 8, .writes = true},
      {.name = "mov m32, imm32", .opcode = {0xC7}, .rm_size = 4, .imm = 4, .writes = true},
      {.name = "add m32, r32", .opcode = {0x01}, .rm_size = 4, .reg_size = 4, .writes = true},
      {.name = "add r64, m64", .opcode = {0x03}, .rm_size = 8, .reg_size = 8, .osz = 8},
      {.name = "adc m64, imm8", .opcode = {0x83}, .digit = 2, .rm_size = 8, .imm = 1, .osz = 8, .writes = true},
      {.name = "cmp m32, r32", .opcode = {0x39}, .rm_size = 4, .reg_size = 4},
      {.name = "cmp m8, imm8", .opcode = {0x80}, .digit = 7, .rm_size = 1, .imm = 1, .osz = 1},
      {.name = "test m64, r64", .opcode = {0x85}, .rm_size = 8, .reg_size = 8, .osz = 8},
      {.name = "inc m32", .opcode = {0xFF}, .rm_size = 4, .writes = true},
      {.name = "not m64", .opcode = {0xF7}, .digit = 2, .rm_size = 8, .osz = 8, .writes = true},
      {.name = "neg m8", .opcode = {0xF6}, .digit = 3, .rm_size = 1, .osz = 1, .writes = true},
      {.name = "mul m32", .opcode = {0xF7}, .digit = 4, .rm_size = 4},
      {.name = "div m64", .opcode = {0xF7}, .digit = 6, .rm_size = 8, .osz = 8},
      {.name = "imul r32, m32, imm8", .opcode = {0x6B}, .rm_size = 4, .reg_size = 4, .imm = 1},
      {.name = "shl m32, 1", .opcode = {0xD1}, .digit = 4, .rm_size = 4, .writes = true},
      {.name = "xchg m32, r32", .opcode = {0x87}, .rm_size = 4, .reg_size = 4, .writes = true},
      {.name = "push m64", .opcode = {0xFF}, .digit = 6, .rm_size = 8, .stack = true},
      {.name = "pop m64", .opcode = {0x8F}, .rm_size = 8, .stack = true, .pops = 8, .writes = true},
      {.name = "call m64", .opcode = {0xFF}, .digit = 2, .rm_size = 8, .stack = true},
      {.name = "jmp m64", .opcode = {0xFF}, .digit = 4, .rm_size = 8},
      {.name = "movzx r32, m16", .opcode = {0x0F, 0xB7}, .opcodes = 2, .rm_size = 2, .reg_size = 4},
      {.name = "movsxd r64, m32", .opcode = {0x63}, .rm_size = 4, .reg_size = 8, .osz = 8},
      {.name = "cmovo r64, m64", .opcode = {0x0F, 0x40}, .opcodes = 2, .rm_size = 8, .reg_size = 8, .osz = 8},
      {.name = "sete m8", .opcode = {0x0F, 0x94}, .opcodes = 2, .rm_size = 1, .osz = 1, .writes = true},
      {.name = "bt m32, imm8", .opcode = {0x0F, 0xBA}, .opcodes = 2, .digit = 4, .rm_size = 4, .imm = 1},
      {.name = "bts m64, imm8", .opcode = {0x0F, 0xBA}, .opcodes = 2, .digit = 5, .rm_size = 8, .imm = 1,
       .osz = 8, .writes = true},
      {.name = "shld m32, r32, imm8", .opcode = {0x0F, 0xA4}, .opcodes = 2, .rm_size = 4, .reg_size = 4,
       .imm = 1, .prepare = count_of_five, .writes = true},
      {.name = "xadd m64, r64", .opcode = {0x0F, 0xC1}, .opcodes = 2, .rm_size = 8, .reg_size = 8, .osz = 8,
       .writes = true},
      {.name = "cmpxchg m32, r32", .opcode = {0x0F, 0xB1}, .opcodes = 2, .rm_size = 4, .reg_size = 4, .writes = true},
      {.name = "bsf r32, m32", .opcode = {0x0F, 0xBC}, .opcodes = 2, .rm_size = 4, .reg_size = 4},
      {.name = "popcnt r64, m64", .opcode = {0x0F, 0xB8}, .opcodes = 2, .prefix = 0xF3, .rm_size = 8,
       .reg_size = 8, .osz = 8},
      {.name = "movbe r32, m32", .opcode = {0x0F, 0x38, 0xF0}, .opcodes = 3, .rm_size = 4, .reg_size = 4},
      {.name = "movbe m64, r64", .opcode = {0x0F, 0x38, 0xF1}, .opcodes = 3, .rm_size = 8, .reg_size = 8,
       .osz = 8, .writes = true},
      {.name = "movnti m32, r32", .opcode = {0x0F, 0xC3}, .opcodes = 2, .rm_size = 4, .reg_size = 4, .writes = true},
      {.name = "cmpxchg8b m64", .opcode = {0x0F, 0xC7}, .opcodes = 2, .digit = 1, .rm_size = 8, .writes = true},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    for (place = UNMAPPED; place <= NON_CANONICAL; place++) {
      if (list[i].rm_size < 2 && (place == ACROSS_END || place == ACROSS_START)) continue;
      Shape s = list[i];
      if (!s.opcodes) s.opcodes = 1;
      s.kinds = MEM_FORM;
      s.cases = 8;
      shape_run(&s);
    }
  /* Writes to the code pages, which are read-only: a protection violation, so the error code has P set. */
  place = IN_CODE;
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    if (!list[i].writes) continue;
    Shape s = list[i];
    if (!s.opcodes) s.opcodes = 1;
    s.kinds = MEM_FORM;
    s.cases = 8;
    shape_run(&s);
  }
  place = IN_DATA;
}

static void bad_stack(void) {
  static const struct {
    const char *name;
    uint8_t bytes[5];
    int length;
    bool pops;
  } list[] = {
      {"push rax", {0x50}, 1, false},
      {"push r9", {0x41, 0x51}, 2, false},
      {"push imm32", {0x68, 1, 2, 3, 4}, 5, false},
      {"pushfq", {0x9C}, 1, false},
      {"call rel32", {0xE8, 0x40, 0, 0, 0}, 5, false},
      {"enter 32, 0", {0xC8, 0x20, 0, 0}, 4, false},
      {"push ax", {0x66, 0x50}, 2, false},
      {"pop rax", {0x58}, 1, true},
      {"pop r15", {0x41, 0x5F}, 2, true},
      {"pop rsp", {0x5C}, 1, true},
      {"popfq", {0x9D}, 1, true},
      {"ret", {0xC3}, 1, true},
      {"ret imm16", {0xC2, 8, 0}, 3, true},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    form_begin("%s [bad stack]", list[i].name);
    for (int n = 0; n < 12; n++) {
      Case c;
      case_begin(&c);
      uint64_t low = DATA_BASE, high = DATA_BASE + DATA_SIZE;
      int narrow = list[i].bytes[0] == 0x66;
      if (n % 3 == 0) c.reg[RSP] = list[i].pops ? high + choose(64) * 8 : low - choose(64) * 8;
      if (n % 3 == 1) c.reg[RSP] = list[i].pops ? high - 1 - choose(7) : low + 1 + choose(narrow ? 1 : 7);
      if (n % 3 == 2) c.reg[RSP] = 0x8000000000000000ull ^ choose64() >> 2;
      c.faults = 1 << VECTOR_PF | 1 << VECTOR_SS;
      case_emit_bytes(&c, list[i].bytes, list[i].length);
    }
    form_end();
  }
  form_begin("leave [bad stack]");
  for (int n = 0; n < 8; n++) {
    Case c;
    case_begin(&c);
    c.reg[RBP] = n % 2 ? DATA_BASE + DATA_SIZE - 4 : 0x8000000000000000ull ^ choose64() >> 2;
    c.faults = 1 << VECTOR_PF | 1 << VECTOR_SS;
    case_emit_bytes(&c, (uint8_t[]){0xC9}, 1);
  }
  form_end();
}

/* Transfers to an address no code can have. */
static void bad_target(void) {
  for (int kind = 0; kind < 3; kind++) {
    static const char *const name[3] = {"jmp r64", "call r64", "ret"};
    form_begin("%s [non-canonical target]", name[kind]);
    for (int n = 0; n < 8; n++) {
      Case c;
      case_begin(&c);
      uint64_t target = 0x8000000000000000ull ^ choose64() >> 2;
      c.reg[RAX] = target;
      if (kind == 2) case_patch_value(&c, c.reg[RSP], target);
      c.faults = 1 << VECTOR_GP;
      if (kind == 2) case_emit_bytes(&c, (uint8_t[]){0xC3}, 1);
      else case_emit_bytes(&c, (uint8_t[]){0xFF, (uint8_t)(kind ? 0xD0 : 0xE0)}, 2);
    }
    form_end();
  }
}

/* A repeated string instruction that faults keeps what it has done: RCX, RSI and RDI stand at the failing element
 * (SDM vol. 2, REP). CMPS and SCAS restore the flags of before then, or not: makes differ, so they are not compared. */
static void broken_strings(void) {
  static const struct {
    const char *name;
    int opcode, rep;
    bool source, destination, compares;
  } list[] = {
      {"rep movs", 0xA4, 0xF3, true, true, false},  {"rep stos", 0xAA, 0xF3, false, true, false},
      {"rep lods", 0xAC, 0xF3, true, false, false}, {"repe cmps", 0xA6, 0xF3, true, true, true},
      {"repne scas", 0xAE, 0xF2, false, true, true},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    for (int size = 1; size <= 8; size *= 2) {
      form_begin("%s%c [runs off]", list[i].name, "bwdq"[log2_of(size)]);
      for (int n = 0; n < 24; n++) {
        Case c;
        case_begin(&c);
        insn_size(&c.insn, size);
        insn_prefix(&c.insn, list[i].rep);
        insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)(list[i].opcode + (size > 1))});
        bool down = n & 1;
        c.flags = (c.flags & ~(uint32_t)DF) | (down ? DF : 0);
        c.reg[RCX] = 10 + choose(20);
        int done = (int)choose(8) * size + (size > 1 && n % 4 > 1 ? 1 + (int)choose((uint32_t)size - 1) : 0);
        uint64_t edge = down ? DATA_BASE - (uint64_t)size + (uint64_t)done : DATA_BASE + DATA_SIZE - (uint64_t)done;
        uint64_t inside = DATA_BASE + 0x1000;
        bool source_breaks = list[i].source && (!list[i].destination || n % 3 == 0);
        c.reg[RSI] = source_breaks ? edge : inside;
        c.reg[RDI] = source_breaks ? inside : edge;
        if (list[i].opcode == 0xA6) /* equal elements, so that the comparison gets to the edge */
          for (int at = 0; at < done; at += 8) {
            /* The bytes from the edge inwards, eight at a time; the last eight end where the pages do. */
            uint64_t from = down ? edge + (uint64_t)size - 8 - (uint64_t)at : edge + (uint64_t)at;
            if (from < DATA_BASE) from = DATA_BASE;
            if (from > DATA_BASE + DATA_SIZE - 8) from = DATA_BASE + DATA_SIZE - 8;
            case_patch_value(&c, inside + (from - edge), case_peek(from, 8));
          }
        if (list[i].compares) c.flags_mask = DF;
        c.faults = 1 << VECTOR_PF;
        case_emit(&c);
      }
      form_end();
    }
}

static void misaligned(void) {
  form_begin("cmpxchg16b m128 [misaligned]");
  for (int n = 0; n < 16; n++) {
    Case c;
    case_begin(&c);
    c.reg[RSI] = DATA_BASE + 0x200 + 1 + choose(15) + 16 * choose(16);
    c.faults = 1 << VECTOR_GP;
    case_emit_bytes(&c, (uint8_t[]){0x48, 0x0F, 0xC7, 0x0E}, 4);
  }
  form_end();
}

void group_fault(void) {
  bad_memory();
  bad_stack();
  bad_target();
  broken_strings();
  misaligned();
}
