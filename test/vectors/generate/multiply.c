/* MUL IMUL DIV IDIV, with divisions around the edge of overflow and beyond it. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"
#include "undefined.h"

typedef unsigned __int128 u128;
typedef __int128 i128;

static int64_t sign_extend(uint64_t value, int size) { return (int64_t)(value << (64 - size * 8)) >> (64 - size * 8); }

/* The dividend is AX for bytes and rDX:rAX otherwise. */
static void set_dividend(Case *c, int size, u128 dividend) {
  if (size == 1) {
    set_reg(c, RAX, 2, (uint64_t)dividend);
    return;
  }
  set_reg(c, RAX, size, (uint64_t)dividend);
  set_reg(c, RDX, size, (uint64_t)(dividend >> (size * 8)));
}

static void prepare_division(Case *c, const Shape *s, int number) {
  int size = s->rm_size, is_signed = s->digit == 7;
  c->faults = 1 << VECTOR_DE;
  const Rm *rm = &c->insn.rm;
  if (number % 6 == 0) return; /* whatever the registers hold: mostly #DE */
  bool in_dividend = !rm->is_mem && (rm->reg == RAX || rm->reg == RDX || rm->reg == HIGH_BYTE(4));
  if (in_dividend) { /* the divisor moves with the dividend: small high halves make most of them divide */
    if (rm->reg == RAX) set_dividend(c, size, choose64() & 0x7f);
    return;
  }
  uint64_t divisor = get_rm(c, size);
  if (divisor == 0) return;
  if (number % 6 == 1) {
    uint64_t low = choose64() >> choose(64);
    set_dividend(c, size, is_signed ? (u128)(i128)sign_extend(low, size) : low & (~0ull >> (64 - size * 8)));
    return;
  }
  /* dividend = divisor * quotient + remainder, with the quotient inside, at and one past the range. */
  uint64_t top = 1ull << (size * 8 - 1), max = (top - 1) << 1 | 1;
  uint64_t pick = choose(3) ? choose64() & max : choose64() & max >> choose((uint32_t)size * 8);
  if (is_signed) {
    i128 by = sign_extend(divisor, size), size_of = by < 0 ? -by : by;
    i128 quotient = sign_extend(pick, size);
    if (number % 6 == 4) quotient = choose(2) ? (i128)(top - 1) : -(i128)top;
    if (number % 6 == 5) quotient = choose(2) ? (i128)top : -(i128)top - 1;
    i128 remainder = size_of > 1 ? (i128)(choose64() % (uint64_t)size_of) : 0;
    i128 product = by * quotient;
    set_dividend(c, size, (u128)(product + (product < 0 ? -remainder : remainder)));
  } else {
    u128 quotient = number % 6 == 4 ? max : number % 6 == 5 ? (u128)max + 1 : pick;
    uint64_t remainder = choose(4) == 0 ? divisor - 1 : choose64() % divisor;
    if (number % 6 == 5) remainder = 0;
    set_dividend(c, size, quotient * divisor + remainder);
  }
}

void group_multiply(void) {
  static const char *const op[4] = {"mul", "imul", "div", "idiv"};
  char name[64];
  for (int digit = 4; digit < 8; digit++)
    for (int i = 0; i < WIDTHS; i++) {
      Shape s = {.name = name, .opcodes = 1, .osz = sizes[i], .rm_size = sizes[i], .digit = digit};
      s.opcode[0] = i ? 0xF7 : 0xF6;
      s.kinds = REG_FORM | MEM_FORM;
      s.undefined = digit < 6 ? UNDEFINED_MUL : UNDEFINED_DIV;
      s.cases = digit < 6 ? 96 : 144;
      s.exclude = 1 << RAX | 1 << RDX;
      if (digit >= 6) s.prepare = prepare_division;
      snprintf(name, sizeof name, "%s %s", op[digit - 4], rm_name[i]);
      shape_run(&s);
    }
  for (int i = 1; i < WIDTHS; i++) {
    int imm = i == 1 ? 2 : 4;
    Shape s = {.name = name, .opcode = {0x0F, 0xAF}, .opcodes = 2, .osz = sizes[i], .rm_size = sizes[i]};
    s.reg_size = sizes[i];
    s.kinds = REG_FORM | MEM_FORM;
    s.undefined = UNDEFINED_MUL;
    s.cases = 96;
    snprintf(name, sizeof name, "imul %s, %s", reg_name[i], rm_name[i]);
    shape_run(&s);
    s.opcodes = 1;
    s.opcode[0] = 0x69;
    s.imm = imm;
    snprintf(name, sizeof name, "imul %s, %s, imm%d", reg_name[i], rm_name[i], imm * 8);
    shape_run(&s);
    s.opcode[0] = 0x6B;
    s.imm = 1;
    snprintf(name, sizeof name, "imul %s, %s, imm8 (6B)", reg_name[i], rm_name[i]);
    shape_run(&s);
  }
}
