/* MOVS CMPS STOS LODS SCAS: all sizes, prefixes and directions, with small counts. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

typedef struct {
  const char *name;
  int opcode;
  bool source, destination, compares;
} StringOp;

static const StringOp ops[5] = {
    {"movs", 0xA4, true, true, false},  {"cmps", 0xA6, true, true, true},    {"stos", 0xAA, false, true, false},
    {"lods", 0xAC, true, false, false}, {"scas", 0xAE, false, true, true},
};

/* Garbage above a 32-bit address: with 67h it must not matter. */
static uint64_t high_garbage(int narrow) { return narrow ? choose64() << 32 : 0; }

static void one_form(const StringOp *op, int size, int rep, int narrow) {
  static const char letter[4] = {'b', 'w', 'd', 'q'};
  const char *prefix = rep == 0xF2 ? "repne " : rep == 0xF3 ? (op->compares ? "repe " : "rep ") : "";
  form_begin("%s%s%c%s", prefix, op->name, letter[log2_of(size)], narrow ? " (67)" : "");
  for (int n = 0; n < (rep ? 60 : 24); n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, size);
    if (rep) insn_prefix(&c.insn, rep);
    if (narrow) insn_prefix(&c.insn, 0x67);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)(op->opcode + (size > 1))});
    c.flags = (c.flags & ~(uint32_t)DF) | (n & 1 ? DF : 0);
    uint64_t count = rep ? (n < 4 ? (uint64_t)(n / 2) : choose(op->compares ? 20 : 14)) : 1;
    /* Zero iterations with 67h: whether the upper half of RCX is cleared differs between makes, so it is zero. */
    if (rep) c.reg[RCX] = count ? count + high_garbage(narrow) : 0;

    /* Sources lie in 0x500..0x6FF and 0x800..0xBFF repeats them but for sparse differences, see image_make. */
    uint64_t from = DATA_BASE + 0x500 + choose(0x200), to = from + 0x400;
    if (op->opcode == 0xAE && n % 2) to = DATA_BASE + 0xD00 + choose(0x200); /* mostly 0x5A */
    if (op->opcode == 0xA4 && n % 6 == 5) to = from + 1 + choose(16) - 8;    /* overlapping */
    if (op->opcode == 0xA4 && n % 6 == 3) to = DATA_BASE + 0xFF8 + choose(16); /* across the page border */
    if (op->source) c.reg[RSI] = from + high_garbage(narrow && count);
    if (op->destination) c.reg[RDI] = to + high_garbage(narrow && count);
    if (op->opcode == 0xAE) { /* look for what is there, some steps ahead (REPNE), or for 0x5A5A… (REPE) */
      int64_t step = (n & 1 ? -size : size) * (int64_t)choose((uint32_t)(count ? count : 1));
      if (rep == 0xF2 && n % 3) set_reg(&c, RAX, size, case_peek(to + (uint64_t)step, size));
      if (rep == 0xF3 && n % 2) set_reg(&c, RAX, size, 0x5A5A5A5A5A5A5A5Aull);
    }
    case_emit(&c);
  }
  form_end();
}

void group_string(void) {
  for (int o = 0; o < 5; o++)
    for (int i = 0; i < 4; i++)
      for (int narrow = 0; narrow < 2; narrow++) {
        one_form(&ops[o], sizes[i], 0, narrow);
        one_form(&ops[o], sizes[i], 0xF3, narrow);
        if (ops[o].compares) one_form(&ops[o], sizes[i], 0xF2, narrow);
      }
}
