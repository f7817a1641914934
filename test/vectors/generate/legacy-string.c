/* String instructions with 16- and 32-bit addresses, segment bases, overrides on the source, and pointers that wrap. */
#include <stdio.h>

#include "groups.h"
#include "legacy.h"

typedef struct {
  const char *name;
  int opcode;
  bool source, destination, compares;
} StringOp;

static const StringOp ops[5] = {
    {"movs", 0xA4, true, true, false},  {"cmps", 0xA6, true, true, true},    {"stos", 0xAA, false, true, false},
    {"lods", 0xAC, true, false, false}, {"scas", 0xAE, false, true, true},
};

static uint64_t above(int address_size) { return address_size == 2 ? choose64() << 16 & 0xFFFF0000 : 0; }

/* Gives a segment register a segment in which a pointer can run 0x100 bytes to both sides. */
static uint32_t pointer_to(Case *c, int seg, uint64_t linear, int address_size) {
  uint32_t offset;
  static const int entry[] = {DATA16_LOW, DATA16_ODD};
  for (int tries = 0; tries < 3; tries++) {
    if (reach(segment_of(c->sel[seg]), linear - 0x100, 0x208, address_size, &offset)) return offset + 0x100;
    c->sel[seg] = selector_of(entry[choose(2)]);
  }
  return 0;
}

static void start(Case *c, const StringOp *op, int size, int rep, int address_size, int source, uint64_t count, bool down) {
  insn_size(&c->insn, size);
  if (rep) insn_prefix(&c->insn, rep);
  if (source != SEG_DS) insn_segment(&c->insn, source);
  insn_address_size(&c->insn, address_size);
  insn_opcode(&c->insn, 1, (uint8_t[]){(uint8_t)(op->opcode + (size > 1))});
  c->flags = (c->flags & ~(uint32_t)DF) | (down ? DF : 0);
  if (rep) c->reg[RCX] = (uint32_t)(count | above(address_size));
}

static void run(const StringOp *op, int size, int rep, int address_size) {
  const char *prefix = rep == 0xF2 ? "repne " : rep == 0xF3 ? (op->compares ? "repe " : "rep ") : "";
  form_begin("%s%s%c (address size %d)", prefix, op->name, "bw?d"[size - 1], address_size * 8);
  for (int n = 0; n < (rep ? 24 : 12); n++) {
    Case c;
    case_begin(&c);
    int source = op->source && n % 4 == 2 ? (int[]){SEG_ES, SEG_SS, SEG_FS, SEG_GS}[choose(4)] : SEG_DS;
    uint64_t count = rep ? (n < 4 ? (uint64_t)(n / 2) : choose(op->compares ? 20 : 14)) : 1;
    start(&c, op, size, rep, address_size, source, count, n & 1);
    uint64_t from = DATA_BASE + 0x500 + choose(0x200), to = from + 0x400;
    if (op->opcode == 0xAE && n % 2) to = DATA_BASE + 0xD00 + choose(0x200);
    if (op->opcode == 0xA4 && n % 6 == 5) to = from + 1 + choose(16) - 8;
    if (op->destination) c.reg[RDI] = pointer_to(&c, SEG_ES, to, address_size) | above(address_size);
    if (op->source) c.reg[RSI] = pointer_to(&c, source, from, address_size) | above(address_size);
    /* The override may be ES: then both pointers are in the segment the second was placed in. */
    if (op->source && op->destination && source == SEG_ES)
      c.reg[RDI] = pointer_to(&c, SEG_ES, to, address_size) | above(address_size);
    if (op->opcode == 0xAE) {
      int64_t step = (n & 1 ? -size : size) * (int64_t)choose((uint32_t)(count ? count : 1));
      if (rep == 0xF2 && n % 3) set_reg(&c, RAX, size, case_peek(to + (uint64_t)step, size));
      if (rep == 0xF3 && n % 2) set_reg(&c, RAX, size, 0x5A5A5A5Aull);
    }
    case_emit(&c);
  }
  form_end();
}

/* Pointers that pass the border of a ring, with elements that fit it or do not (#GP(0), the elements before are done),
 * and that leave a short segment. */
static void edges(const StringOp *op, int size, int rep, int address_size, int entry, const char *where, uint32_t edge) {
  if (rep == 0xF3 && op->opcode == 0xAE) rep = 0xF2;
  const char *prefix = rep == 0xF2 ? "repne " : rep == 0xF3 ? (op->compares ? "repe " : "rep ") : "";
  form_begin("%s%s%c (address size %d) [%s]", prefix, op->name, "bw?d"[size - 1], address_size * 8, where);
  for (int n = 0; n < 12; n++) {
    Case c;
    case_begin(&c);
    bool down = n & 1, breaks = entry == DATA16_RING && n % 4 > 1;
    start(&c, op, size, rep, address_size, SEG_DS, 2 + choose(10), down);
    uint32_t steps = rep ? choose(6) : choose(2);
    uint32_t at = edge + (down ? steps * (uint32_t)size : -steps * (uint32_t)size) + (breaks ? 1 + choose(3) : 0);
    if (address_size == 2) at &= 0xFFFF;
    bool source = op->source && (!op->destination || n % 3 == 0);
    c.sel[SEG_DS] = c.sel[SEG_ES] = selector_of(DATA16_LOW);
    c.sel[source ? SEG_DS : SEG_ES] = selector_of(entry);
    c.reg[RSI] = (source ? at : 0x480u + choose(0x40)) | (uint32_t)above(address_size);
    c.reg[RDI] = (source ? 0x880u + choose(0x40) : at) | (uint32_t)above(address_size);
    c.faults = 1 << VECTOR_GP | 1 << VECTOR_PF;
    c.partial = true;
    if (op->compares) {
      if (rep == 0xF3) { /* equal elements, so that the comparison gets there */
        for (int i = 0; i < 4; i++) case_patch_value(&c, DATA_BASE + 0x460 + (uint64_t)i * 0x28, choose64());
      }
      c.flags_mask = DF;
    }
    case_emit(&c);
  }
  form_end();
}

void group_legacy_string(void) {
  for (int o = 0; o < 5; o++)
    for (int size = 1; size <= 4; size *= 2) {
      for (int address_size = 2; address_size <= 4; address_size += 2) {
        run(&ops[o], size, 0, address_size);
        run(&ops[o], size, 0xF3, address_size);
        if (ops[o].compares) run(&ops[o], size, 0xF2, address_size);
        edges(&ops[o], size, 0, address_size, DATA16_SHORT, "limit", 0x1200);
        edges(&ops[o], size, 0xF3, address_size, DATA16_SHORT, "limit", 0x1200);
        edges(&ops[o], size, 0xF3, address_size, DATA32_DOWN, "expand-down", 0xFFFFF000);
      }
      edges(&ops[o], size, 0, 2, DATA16_RING, "wraps at 64 KiB", 0);
      edges(&ops[o], size, 0xF3, 2, DATA16_RING, "wraps at 64 KiB", 0);
      edges(&ops[o], size, 0xF3, 4, DATA32_RING, "wraps at 4 GiB", 0);
    }
}
