/* Inputs of x87 instructions that random state hardly ever meets, see corners.h. */
#include <string.h>

#include "corners.h"
#include "segments.h"

#define BIAS 16383

static F80 *st(Case *c, int i) { return &c->fpu.x87[(FSW_TOP(c->fpu.fsw) + i) & 7]; }

static F80 from_long_double(long double value) {
  F80 x = {0};
  memcpy(&x.significand, &value, 8);
  memcpy(&x.exponent, (uint8_t *)&value + 8, 2);
  return x;
}

static uint64_t fraction(void) { return choose(4) ? choose64() : choose64() << (40 + choose(24)); }

static F80 normal(int exponent) {
  int e = exponent < 0 ? 0 : exponent > 0x7FFE ? 0x7FFE : exponent;
  return (F80){(e ? 1ull << 63 : 0) | fraction() >> 1, (uint16_t)(choose(2) << 15 | (uint32_t)e)};
}

/* A few units up or down. */
static F80 beside(F80 x) {
  x.significand += choose(5) - 2;
  if (x.exponent & 0x7FFF) x.significand |= 1ull << 63;
  return x;
}

/* No pending exception, all registers valid but ST(7), so that a push has room. */
static void set_environment(Case *c, uint32_t masks, uint32_t precision, uint32_t rounding) {
  uint16_t top = c->fpu.fsw & 0x3800;
  c->fpu.fcw = (uint16_t)(0x40 | masks | precision << 8 | rounding << 10);
  c->fpu.fsw = top;
  c->fpu.tags = (uint8_t)~(1 << ((FSW_TOP(top) + 7) & 7));
}

static uint32_t some_masks(int number) {
  switch (number & 7) {
    case 0: return 63 & ~0x18u; /* overflow and underflow: a result with its exponent wrapped */
    case 1: return 63 & ~(1u << choose(6));
    case 2: return choose(64);
    default: return 63;
  }
}

static const int precisions[3] = {3, 2, 0};

int argument_cases(const Form *form, bool memory) {
  return mode == 64 && !memory && !strcmp(form->group, "x87-transcendental") ? 320 : 0;
}

/* Trigonometric arguments: multiples of pi/2 as near as 64 bits come, small, huge, out of range. */
static F80 angle(int number) {
  const __float128 half_pi = 1.570796326794896619231321691639751442098584699687Q;
  switch (number % 5) {
    case 0: return beside(from_long_double((long double)((__float128)(choose64() >> (24 + choose(40))) * half_pi)));
    case 1: return beside(from_long_double((long double)((__float128)choose(40) * half_pi / 4)));
    case 2: return normal(choose(3) ? BIAS - 80 + (int)choose(80) : (int)choose(3));
    case 3: return normal(BIAS + 30 + (int)choose(40));
    default: return normal(BIAS + (int)choose(66) - 2);
  }
}

static F80 around(long double value) { return beside(from_long_double(choose(2) ? -value : value)); }

static void give_logarithm(Case *c, int number) {
  F80 *x = st(c, 0), *y = st(c, 1);
  *y = choose(3) ? normal(BIAS - 8 + (int)choose(16)) : normal((int)choose(0x7FFF));
  if (number % 5 == 0) *x = beside((F80){1ull << 63, BIAS}); /* one */
  else if (number % 5 == 1) *x = (F80){1ull << 63, (uint16_t)choose(0x7FFF)};
  else if (number % 5 == 2) *x = normal((int)choose(3));
  else *x = normal(number % 5 == 3 ? BIAS - 2 + (int)choose(4) : (int)choose(0x7FFF));
  if (choose(8)) x->exponent &= 0x7FFF;
}

void prepare_arguments(Case *c, const Form *form, int number) {
  set_environment(c, number % 16 == 3 ? 63 & ~(1u << choose(6)) : 63, (uint32_t)precisions[choose(8) ? 0 : choose(3)], (uint32_t)number >> 2 & 3);
  F80 *x = st(c, 0), *y = st(c, 1);
  if (form_is(form, "f2xm1")) {
    if (number % 5 == 0) *x = (F80){~0ull - choose(4), (uint16_t)(choose(2) << 15 | (BIAS - 1))}; /* just below one */
    else if (number % 5 == 1) *x = (F80){1ull << 63, (uint16_t)(choose(2) << 15 | (uint32_t)(BIAS - (int)choose(70)))};
    else if (number % 5 == 2) *x = choose(2) ? around(0.5L) : around(0.25L);
    else *x = normal(number % 5 == 3 ? BIAS - 1 - (int)choose(4) : choose(4) ? BIAS - 1 - (int)choose(80) : (int)choose(3));
  } else if (form_is(form, "fyl2xp1")) {
    const long double limit = 0.29289321881345247559915563789515096L; /* 1 - sqrt(1/2) */
    give_logarithm(c, number);
    F80 bound = from_long_double(limit);
    if (number % 5 == 0) *x = (F80){bound.significand - choose(4), (uint16_t)(bound.exponent | choose(2) << 15)};
    else if (number % 5 < 3) *x = normal(BIAS - 3 - (int)choose(70));
    else *x = normal(number % 5 == 3 ? BIAS - 3 : (int)choose(3));
  } else if (form_is(form, "fyl2x")) {
    give_logarithm(c, number);
  } else if (form_is(form, "fpatan")) {
    int e = number % 4 == 0 ? BIAS : (int)choose(0x7FFF);
    *x = normal(e);
    *y = normal(e + (number % 4 == 1 ? 0 : number % 4 == 2 ? (int)choose(200) - 100 : (int)choose(9) - 4));
    if (number % 8 == 7) *y = beside(*x);
  } else {
    *x = angle(number);
  }
}

static bool arithmetic(const Form *form) {
  static const char *const names[] = {"fadd", "fsub", "fmul", "fdiv", "fiadd", "fisub", "fimul", "fidiv"};
  for (int i = 0; i < 8; i++)
    if (form_begins(form, names[i])) return true;
  return form_is(form, "fsqrt") || form_is(form, "fscale");
}
static bool narrows(const Form *form) {
  return !strncmp(form->name, "fst", 3) && (strstr(form->name, "m32fp") || strstr(form->name, "m64fp"));
}

int range_cases(const Form *form, bool memory) {
  if (mode != 64 || strcmp(form->group, "x87") || !(arithmetic(form) || narrows(form))) return 0;
  return memory ? narrows(form) ? 96 : 32 : 64;
}

void prepare_range(Case *c, const Form *form, int number) {
  set_environment(c, some_masks(number), (uint32_t)precisions[number % 3], (uint32_t)number >> 3 & 3);
  F80 *x = st(c, 0), *y = st(c, form->second >= 0 ? c->insn.opcode[c->insn.opcodes - 1] - form->second : 1);
  int kind = (int)choose(4);
  if (narrows(form)) {
    bool wide = strstr(form->name, "m64fp") != NULL;
    int least = wide ? 1022 : 126, bits = wide ? 52 : 23;
    *x = normal(kind == 0 ? BIAS + (wide ? 1022 : 126) + (int)choose(3) : kind == 1 ? BIAS - 2 + (int)choose(4) : BIAS - least + 2 - (int)choose((uint32_t)bits + 6));
    if (choose(3) == 0) x->significand = (x->significand >> (63 - bits) | 1) << (63 - bits); /* a tie */
    return;
  }
  if (form_is(form, "fscale")) {
    *x = normal(kind == 3 ? (int)choose(4) : (int)choose(0x7FFF));
    *y = from_long_double((long double)((int)choose(80) - (kind == 0 ? (x->exponent & 0x7FFF) + 40 : kind == 1 ? (x->exponent & 0x7FFF) - 0x7FFE + 40 : 40)) + choose(4) / 4.0L);
    return;
  }
  bool product = strstr(form->name, "mul") != NULL, quotient = strstr(form->name, "div") != NULL;
  int e = (int)choose(0x7FFF), result = kind == 0 ? 0x7FFD + (int)choose(4) : kind == 1 ? 3 - (int)choose(70) : e;
  *x = normal(e);
  if (product) *y = normal(result - e + BIAS);
  else if (quotient) *y = normal(choose(2) ? e - result + BIAS : result + e - BIAS);
  else *x = normal(kind == 0 ? 0x7FFE : kind == 1 ? (int)choose(70) : e), *y = normal((x->exponent & 0x7FFF) + (int)choose(5) - (int)choose(3) * 32);
  if (kind == 2) { /* short ones: exact results, and ties in the narrower precisions */
    int keep = choose(2) ? 25 : 54;
    x->significand &= ~0ull << (64 - keep);
    y->significand &= ~0ull << 40;
  }
  if (kind == 3 && !product && !quotient) *y = beside(*x), y->exponent ^= (uint16_t)(choose(2) << 15);
}

static bool to_integer(const Form *form) {
  return form_begins(form, "fist") || form_is(form, "frndint") || form_is(form, "fbstp");
}

int integer_cases(const Form *form, bool memory) {
  return mode == 64 && to_integer(form) && memory == (form->memory != 0) ? 64 : 0;
}

void prepare_integers(Case *c, const Form *form, int number) {
  set_environment(c, number % 8 == 7 ? 63 & ~(choose(2) ? 1u : 0x20u) : 63, (uint32_t)precisions[choose(3)], (uint32_t)number >> 1 & 3);
  long double value = near_limit();
  if (form_is(form, "fbstp") && choose(2)) value = 999999999999999999.0L + ((int)choose(9) - 4) / 8.0L;
  if (choose(4) == 0) value = (long double)(choose64() >> choose(64)) + choose(4) / 4.0L;
  *st(c, 0) = choose(3) ? from_long_double(choose(2) ? -value : value) : beside(from_long_double(value));
}

int format_cases(const Form *form, bool memory) {
  bool these = form_is(form, "fld m80fp") || form_is(form, "fbld") || form_is(form, "fbstp") || form_is(form, "fstp m80fp");
  return memory && these ? mode == 64 ? 48 : 12 : 0;
}

void prepare_formats(Case *c, const Form *form, int number) {
  (void)form;
  if (number & 1) set_environment(c, some_masks(number >> 1), 3, (uint32_t)choose(4));
}
