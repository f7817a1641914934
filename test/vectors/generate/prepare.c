/* Operands that random state would hardly ever make interesting: counts, indexes, lengths, control bytes. */
#include <string.h>

#include "forms.h"
#include "legacy.h"

/* Shift counts: inside the width, at it, beyond it, far beyond it. */
static uint64_t count(int width) {
  uint32_t n = choose(8);
  if (n == 0) return choose(2) ? (uint64_t)width : (uint64_t)width - 1;
  if (n == 1) return 1ull << choose(64);
  if (n == 2) return (uint64_t)width + choose(256);
  return choose((uint32_t)width + 4);
}

/* Bits of an element, by the last letter of the mnemonic. */
static int element_bits(const Form *form) {
  const char *end = form_mnemonic(form);
  while (*end && *end != ' ') end++;
  switch (end[-1]) {
    case 'b': return 8;
    case 'w': return 16;
    case 'd': case 's': return 32;
    default: return 64;
  }
}

static bool is_shift(const Form *form) { return form_begins(form, "psll") || form_begins(form, "psrl") || form_begins(form, "psra"); }

/* The immediate, which is the first of the instruction's: by `number`, so that all control bits appear. */
static void prepare_immediate(Case *c, const Form *form, int number) {
  uint8_t *imm = &c->insn.imm[0];
  if (is_shift(form)) *imm = (uint8_t)count(form_begins(form, "pslldq") || form_begins(form, "psrldq") ? 16 : element_bits(form));
  else if (form_begins(form, "cmp") || form_begins(form, "pclmul")) *imm = (uint8_t)(choose(8) ? number & 31 : choose(256));
  else if (form_begins(form, "pcmp")) *imm = (uint8_t)(form->register_cases == 256 && !c->insn.rm.is_mem ? number : (int)choose(256));
  else if (form_begins(form, "rorx")) *imm = (uint8_t)count(element_bits(form));
  else if (form_begins(form, "palignr")) *imm = (uint8_t)choose(choose(4) ? 34 : 256);
}

static void prepare_shift(Case *c, const Form *form) {
  bool variable = strchr("vV", form_mnemonic(form)[4]) != NULL; /* VPSLLVD: a count for each element */
  int width = element_bits(form);
  if (operand_at(form, IMM).place == IMM || (c->insn.rm.is_mem && c->faults & 1u << VECTOR_PF)) return;
  if (!variable) {
    if (choose(8)) set_vector(c, form, RM, 0, count(width)); /* the upper half does not count */
    return;
  }
  for (int part = 0; part * 8 < (operand_at(form, REG).type == YMM ? 32 : 16); part++) {
    if (choose(8) == 0) continue;
    set_vector(c, form, RM, part, width == 32 ? (count(32) & 0xFFFFFFFF) | count(32) << 32 : count(64));
  }
}

/* Lengths of PCMPESTRx are signed and saturate at the number of elements. */
static void prepare_lengths(Case *c) {
  static const int regs[2] = {RAX, RDX};
  for (int i = 0; i < 2; i++) {
    uint32_t n = choose(12);
    if (n < 2) continue; /* an edge value */
    int64_t length = (int)choose(20);
    c->reg[regs[i]] = (uint64_t)(n == 2 ? -length : length);
    if (n == 3) c->reg[regs[i]] |= choose64() << 32; /* only REX.W looks at the upper half */
  }
}

static void prepare_mxcsr(Case *c, int number) {
  if (!c->patches) return;
  uint32_t value = (uint32_t)choose64() & 0xFFFF;
  if (number % 4 == 0) value |= 1u << (16 + choose(16)), c->faults |= 1u << VECTOR_GP;
  value &= ~0x20000u; /* AMD's misaligned-SSE mode */
  case_patch_value(c, c->target, value);
}

/* A packed decimal number of 18 digits; the other seven bits of the sign byte are ignored (SDM vol. 1, 4.7). */
static void prepare_decimal(Case *c, int number) {
  if (!c->patches) return;
  uint64_t digits = 0;
  for (int i = 0; i < 16; i++) digits |= (uint64_t)choose(number % 3 ? 10 : 2) << (4 * i);
  if (number % 5 == 0) digits >>= 4 * choose(16);
  case_patch_value(c, c->target, digits);
  case_patch_value(c, c->target + 8, (choose64() & ~0x7FFFull) | (choose(2) ? 0x8000 : 0) | choose(10) << 4 | choose(10));
}

static void prepare_extended(Case *c) {
  if (!c->patches) return;
  F80 value = draw_f80(&c->draw);
  case_patch_value(c, c->target, value.significand);
  case_patch_value(c, c->target + 8, value.exponent);
}

/* MASKMOVDQU and MASKMOVQ store at [RDI]. */
static void prepare_masked_store(Case *c, const Form *form) {
  c->target = DATA_BASE + 0x100 + choose(0x1000);
  int size = operand_at(form, REG).type == MM ? 8 : 16;
  for (int i = 0; i < size; i += 8) case_patch(c, c->target + (uint64_t)i);
  c->reg[RDI] = mode == 64 ? c->target : offset_in(segment_of(c->sel[SEG_DS]), c->target);
}

bool registers_collide;

/* A gather's base lies in the data, its indexes reach around there; elements whose mask is clear may lie anywhere. */
static void prepare_gather(Case *c, const Form *form, int number) {
  bool quad = operand_at(form, VSIB64).place == VSIB64;
  OperandType type = operand_at(form, quad ? VSIB64 : VSIB32).type;
  Insn *insn = &c->insn;
  Rm *rm = &insn->rm;
  uint32_t count = mode == 64 ? 16 : 8;
  do {
    insn->reg = (int)choose(count);
    insn->vvvv = (int)choose(count);
    rm->index = (int)choose(count);
  } while (insn->reg == insn->vvvv || insn->reg == rm->index || insn->vvvv == rm->index);
  if (registers_collide) {
    if (number % 3 == 0) insn->vvvv = insn->reg;
    else if (number % 3 == 1) rm->index = insn->reg;
    else rm->index = insn->vvvv;
    c->faults = 1u << VECTOR_UD;
  }
  if (mode == 16) insn_address_size(insn, 4); /* a vector of addresses needs a SIB byte */
  rm->scale = (int)choose(4);
  rm->disp_bytes = choose(2) ? 4 : 0;
  uint64_t base = DATA_BASE + 0x800;
  rm->base = (int)choose(mode == 64 ? 16 : 8);
  rm->disp = rm->disp_bytes ? (int32_t)choose(0x1000) - 0x800 : 0;
  c->reg[rm->base] = base - (uint64_t)rm->disp;
  if (mode != 64) c->reg[rm->base] = (uint32_t)(offset_in(segment_of(c->sel[rm->base == RSP || rm->base == RBP ? SEG_SS : SEG_DS]), base) - (uint32_t)rm->disp);
  c->target = base;
  int bytes = type == YMM ? 32 : 16;
  for (int i = 0; i < bytes / (quad ? 8 : 4); i++) {
    int64_t index = (int64_t)choose(0x600 >> rm->scale) - (0x300 >> rm->scale);
    if (quad) c->fpu.ymm[rm->index][i] = (uint64_t)index;
    else memcpy((uint8_t *)c->fpu.ymm[rm->index] + 4 * i, &(int32_t){(int32_t)index}, 4);
  }
  /* One element alone lies outside: behind a clear mask it does not matter, otherwise nothing else is loaded. */
  if (number % 8 == 7) {
    int size = form->memory, lane = (int)choose((uint32_t)(bytes / (quad ? 8 : 4) < 32 / size ? bytes / (quad ? 8 : 4) : 32 / size));
    bool loaded = choose(2);
    memset(c->fpu.ymm[insn->vvvv], loaded ? 0 : 0xFF, 32);
    memset((uint8_t *)c->fpu.ymm[insn->vvvv] + lane * size, loaded ? 0xFF : 0, (size_t)size);
    if (quad) c->fpu.ymm[rm->index][lane] = 0x40000000;
    else memcpy((uint8_t *)c->fpu.ymm[rm->index] + 4 * lane, &(int32_t){0x10000000}, 4);
    if (loaded) c->faults |= 1u << VECTOR_PF | 1u << VECTOR_GP | 1u << VECTOR_SS;
  }
}

static void prepare_bmi(Case *c, const Form *form) {
  const Rm *rm = &c->insn.rm;
  if (rm->is_mem && (rm->base == c->insn.vvvv || rm->index == c->insn.vvvv)) return;
  bool wide = operand_at(form, REG).type == R64 || operand_at(form, VVVV).type == R64;
  if (form_is(form, "bextr")) c->reg[c->insn.vvvv] = choose(8) ? choose(wide ? 72 : 40) | choose(wide ? 72 : 40) << 8 : choose64();
  else if (form_is(form, "bzhi") && choose(4)) c->reg[c->insn.vvvv] = (choose64() & ~255ull) | choose(wide ? 80 : 48);
}

/* Beyond -1 … 1 the result of F2XM1 is undefined, and that of FYL2XP1 beyond -(1 - sqrt(1/2)) … 1 - sqrt(1/2) (SDM vol. 2):
 * numbers there get a smaller exponent. */
static void prepare_domain(Case *c, const Form *form) {
  F80 *x = &c->fpu.x87[FSW_TOP(c->fpu.fsw)];
  int limit = form_is(form, "f2xm1") ? 0x3FFE : 0x3FFC, exponent = x->exponent & 0x7FFF;
  bool number = x->significand >> 63 && (exponent < 0x7FFF || !(x->significand << 1));
  if (number && exponent > limit) x->exponent = (uint16_t)((x->exponent & 0x8000) | (limit - (int)choose(16)));
}

uint16_t excluded_registers(const Form *form) {
  if (form_begins(form, "pcmpestr") || form_begins(form, "xsave") || form_begins(form, "xrstor")) return 1 << RAX | 1 << RDX;
  return 0;
}

void prepare(Case *c, const Form *form, int number) {
  if (operand_at(form, IMM).place == IMM) prepare_immediate(c, form, number);
  if (is_shift(form)) prepare_shift(c, form);
  if (form_begins(form, "pcmpestr")) prepare_lengths(c);
  if (form_is(form, "ldmxcsr")) prepare_mxcsr(c, number);
  if (form_is(form, "fbld")) prepare_decimal(c, number);
  if (form_is(form, "fld m80fp")) prepare_extended(c);
  if (form_begins(form, "maskmov") && operand_at(form, IMPLIED).place == IMPLIED) prepare_masked_store(c, form);
  if (form_is(form, "f2xm1") || form_is(form, "fyl2xp1")) prepare_domain(c, form);
  if (gathers(form)) prepare_gather(c, form, number);
  if (!recipe) prepare_bmi(c, form);
  if (!strcmp(form->group, "fpu-state")) prepare_state(c, form, number);
}
