/* Operand selection and families of forms, see shape.h. */
#include "shape.h"

#include <stdio.h>
#include <string.h>

#include "legacy.h"

Place place = IN_DATA;
const int sizes[4] = {1, 2, 4, 8};
const char *const reg_name[4] = {"r8", "r16", "r32", "r64"};
const char *const rm_name[4] = {"r/m8", "r/m16", "r/m32", "r/m64"};

int log2_of(int size) { return size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3; }

void insn_prefix(Insn *insn, int byte) { insn->prefix[insn->prefixes++] = (uint8_t)byte; }

void insn_opcode(Insn *insn, int count, const uint8_t *opcode) {
  memcpy(insn->opcode, opcode, (size_t)count);
  insn->opcodes = count;
}

void insn_size(Insn *insn, int osz) {
  if (mode == 16 ? osz == 4 : osz == 2) insn_prefix(insn, 0x66);
  if (osz == 8) insn->rex_w = true;
}

void insn_imm(Insn *insn, uint64_t value, int bytes) {
  memcpy(insn->imm + insn->imms, &value, (size_t)bytes);
  insn->imms += bytes;
}

uint64_t choose_imm(void) {
  static const uint64_t edges[] = {0, 1, ~0ull, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000};
  uint32_t n = choose(24);
  if (n < sizeof edges / sizeof edges[0]) return edges[n];
  return n < 16 ? 1ull << choose(64) : choose64();
}

void set_condition_flags(Case *c, int number) {
  static const uint32_t flag[5] = {CF, ZF, SF, OF, PF};
  for (int i = 0; i < 5; i++) c->flags = (c->flags & ~flag[i]) | (number >> i & 1 ? flag[i] : 0);
}

int pick_reg(Case *c, int size) {
  int reg = (int)choose(c->no_rex || mode != 64 ? 8 : 16);
  if (size == 1 && reg >= 4 && reg < 8) {
    if (c->no_rex || mode != 64) return HIGH_BYTE(reg);
    c->insn.rex_force = true; /* SPL BPL SIL DIL */
  }
  return reg;
}

uint64_t get_reg(const Case *c, int reg, int size) {
  uint64_t value = reg >= 16 ? c->reg[reg - 20] >> 8 : c->reg[reg];
  return size == 8 ? value : value & ((1ull << (size * 8)) - 1);
}

void set_reg(Case *c, int reg, int size, uint64_t value) {
  int shift = reg >= 16 ? 8 : 0;
  uint64_t mask = (size == 8 ? ~0ull : (1ull << (size * 8)) - 1) << shift;
  uint64_t *r = &c->reg[reg >= 16 ? reg - 20 : reg];
  *r = (*r & ~mask) | ((value << shift) & mask);
}

uint64_t get_rm(const Case *c, int size) {
  return c->insn.rm.is_mem ? case_peek(c->target, size) : get_reg(c, c->insn.rm.reg, size);
}

static int pick_address_reg(const Case *c, uint16_t exclude) {
  int reg;
  do reg = (int)choose(c->no_rex ? 8 : 16);
  while (exclude >> reg & 1);
  return reg;
}

void aim_mem(Case *c, uint64_t target, uint16_t exclude) {
  Rm *rm = &c->insn.rm;
  bool low = target < 0x7fffffff;
  bool narrow = low && choose(8) == 0; /* 67h: the address is computed modulo 2^32 */
  *rm = (Rm){.is_mem = true, .base = NO_REG, .index = NO_REG};
  if (narrow) insn_prefix(&c->insn, 0x67);
  if (low && choose(16) == 0) { /* CS DS ES SS overrides mean nothing in 64-bit mode (SDM vol. 1, 3.4.4) */
    static const uint8_t segment[4] = {0x2E, 0x3E, 0x26, 0x36};
    insn_prefix(&c->insn, segment[choose(4)]);
  }
  c->target = target;

  uint32_t mode = choose(low ? 12 : 9);
  if (mode == 9) { /* disp32 alone */
    rm->disp = (int64_t)target;
    return;
  }
  if (mode == 10) {
    rm->base = RIP_BASE;
    rm->disp = (int64_t)target;
    return;
  }
  if (mode == 11) { /* index and disp32 without base */
    rm->index = pick_address_reg(c, exclude | 1 << RSP);
    rm->scale = (int)choose(4);
    c->reg[rm->index] = choose(64);
    rm->disp = (int64_t)(target - (c->reg[rm->index] << rm->scale));
    return;
  }
  rm->base = pick_address_reg(c, exclude);
  rm->disp_bytes = mode % 3 == 0 ? 0 : mode % 3 == 1 ? 1 : 4;
  if (rm->disp_bytes == 0 && (rm->base & 7) == 5) rm->disp_bytes = 1;
  rm->disp = rm->disp_bytes == 1 ? (int8_t)choose(256) : rm->disp_bytes == 4 ? (int32_t)choose(0x2000) - 0x1000 : 0;
  uint64_t offset = (uint64_t)rm->disp;
  if (mode >= 4) {
    rm->index = pick_address_reg(c, (uint16_t)(exclude | 1 << RSP | 1 << rm->base));
    rm->scale = (int)choose(4);
    if (choose(4)) c->reg[rm->index] = (uint64_t)(int64_t)((int)choose(64) - 32);
    offset += c->reg[rm->index] << rm->scale;
  }
  if (rm->base == RSP && c->keep_rsp) {
    if (rm->index != NO_REG) c->reg[rm->index] = choose(16), offset = c->reg[rm->index] << rm->scale;
    rm->disp_bytes = 4;
    rm->disp = (int64_t)(target - c->reg[RSP] - (uint64_t)c->pops - (rm->index != NO_REG ? offset : 0));
    return;
  }
  c->reg[rm->base] = target - offset;
  if (narrow) set_reg(c, rm->base, 8, (c->reg[rm->base] & 0xffffffff) | (uint64_t)choose(0x10000) << 40);
}

static uint64_t pick_target(int size, uint32_t margin) {
  uint32_t n = choose(0x1000);
  switch (place) {
    case UNMAPPED: return n & 1 ? DATA_BASE + DATA_SIZE + (n >> 1) % 0xF00 : DATA_BASE - 0x40 - (n >> 1) % 0xF00;
    case ACROSS_END: return DATA_BASE + DATA_SIZE - 1 - (uint64_t)(n % (uint32_t)(size - 1));
    case ACROSS_START: return DATA_BASE - 1 - (uint64_t)(n % (uint32_t)(size - 1));
    case NON_CANONICAL: {
      uint64_t away = choose64() % 0x7000000000000000ull;
      return n & 1 ? 0x0000800000000000ull + away : 0xffff7fffffffff00ull - away;
    }
    case IN_CODE: return CODE_BASE + 0x40 + n % 0x600;
    case IN_DATA: break;
  }
  uint64_t low = DATA_BASE + 0x40 + margin, high = DATA_BASE + 0x13C0 - margin;
  uint64_t target = low + choose((uint32_t)(high - low));
  if (choose(8) == 0 && size > 1 && high > DATA_BASE + 0x1000) /* across the border between the two data pages */
    return DATA_BASE + 0x1000 - 1 - choose((uint32_t)(size - 1));
  return choose(2) ? target : target & ~(uint64_t)(size - 1);
}

void pick_mem(Case *c, int size, uint16_t exclude, uint32_t margin) {
  uint64_t target = pick_target(size, margin);
  /* A locked access across a cache line is legal, but slow enough on hardware that kernels may refuse it. */
  if (c->insn.prefixes && memchr(c->insn.prefix, 0xF0, (size_t)c->insn.prefixes) && place == IN_DATA)
    target &= ~(uint64_t)(size - 1);
  if (size == 16 && place != NON_CANONICAL) target &= ~15ull;
  if (place == IN_DATA)
    for (int i = 0; i < size; i += 8) case_patch(c, target + (uint64_t)i);
  if (mode == 64) aim_mem(c, target, exclude);
  else aim_legacy(c, target, size, exclude, margin);
}

static void run_kind(const Shape *s, int kind) {
  static const char *const suffix[6] = {"[mem]",          "[unmapped]",      "[across end]",
                                        "[across start]", "[non-canonical]", "[read-only]"};
  form_begin("%s%s %s", kind == LOCK_FORM ? "lock " : "", s->name, kind == REG_FORM ? "[reg]" : suffix[place]);
  int cases = s->cases ? s->cases : DEFAULT_CASES;
  /* Legacy modes run a part of the cases, spread over their numbers. */
  int step = mode == 64 ? 1 : 5;
  for (int number = 0; number < cases; number += step) {
    Case c;
    case_begin(&c);
    Insn *insn = &c.insn;
    c.keep_rsp = s->stack;
    c.pops = s->pops;
    c.no_rex = (s->rm_size == 1 || s->reg_size == 1) && s->osz != 8 && choose(3) == 0;
    if (place == NON_CANONICAL) c.faults = 1 << VECTOR_GP | 1 << VECTOR_SS;
    else if (place != IN_DATA) c.faults = 1 << VECTOR_PF;
    /* Legacy prefixes may come in any order (SDM vol. 2A, 2.1.1). */
    bool size_last = choose(2);
    if (!size_last) insn_size(insn, s->osz);
    if (kind == LOCK_FORM) insn_prefix(insn, 0xF0);
    if (s->prefix) insn_prefix(insn, s->prefix);
    insn_opcode(insn, s->opcodes, s->opcode);
    insn->has_modrm = true;
    insn->reg = s->reg_size ? pick_reg(&c, s->reg_size) : s->digit;
    if (kind == REG_FORM) {
      insn->rm = (Rm){.reg = pick_reg(&c, s->rm_size), .base = NO_REG, .index = NO_REG};
    } else {
      /* A bit offset must be free to choose, so it cannot be part of the address. */
      uint16_t offset = s->margin && s->reg_size ? (uint16_t)(1 << insn->reg) : 0;
      pick_mem(&c, s->rm_size, s->exclude | offset, s->margin);
    }
    if (size_last) insn_size(insn, s->osz);
    if (s->imm) insn_imm(insn, choose_imm(), s->imm);
    c.flags_mask = COMPARED_FLAGS & ~s->undefined;
    if (s->prepare) s->prepare(&c, s, number);
    case_emit(&c);
  }
  form_end();
}

void shape_run(const Shape *shape) {
  for (int kind = REG_FORM; kind <= LOCK_FORM; kind <<= 1)
    if (shape->kinds & kind) run_kind(shape, kind);
}
