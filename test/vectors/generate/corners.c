/* Inputs that random state hardly ever meets, for vectors and state images; those of x87 arithmetic are in corners-x87.c. */
#include "corners.h"

#include <string.h>

#include "shape.h"

#define MAX_LANES 8
typedef struct {
  int bits, bias, fraction;
} Format;
static const Format f32 = {32, 127, 23}, f64 = {64, 1023, 52};

static const Format *format_of(const Form *form) {
  return form->recipe.vector == CLASS_F32 ? &f32 : form->recipe.vector == CLASS_F64 ? &f64 : NULL;
}

/* Elements of the sources. VCVTPS2PH alone has its memory operand for its result. */
static int lanes_of(const Form *form) {
  if (form_is(form, "cvtps2ph")) return form->memory / 2;
  return form->memory * 8 / format_of(form)->bits;
}

static OperandPlace first_source(const Form *form) { return operand_at(form, VVVV).type ? VVVV : REG; }

static uint64_t load_lane(const Case *c, const Form *form, OperandPlace place, int lane) {
  if (format_of(form)->bits == 64) return get_vector(c, form, place, lane);
  return get_vector(c, form, place, lane / 2) >> (lane & 1) * 32 & 0xFFFFFFFF;
}

static void store_lanes(Case *c, const Form *form, OperandPlace place, const uint64_t *value) {
  int lanes = lanes_of(form);
  if (format_of(form)->bits == 64) {
    for (int i = 0; i < lanes; i++) set_vector(c, form, place, i, value[i]);
    return;
  }
  for (int i = 0; i < lanes; i += 2) {
    uint64_t upper = i + 1 < lanes ? value[i + 1] << 32 : get_vector(c, form, place, i / 2) & ~0xFFFFFFFFull;
    set_vector(c, form, place, i / 2, upper | value[i]);
  }
}

static uint64_t pack(const Format *f, int exponent, uint64_t fraction) {
  int top = 2 * f->bias + 1;
  uint64_t e = (uint64_t)(exponent < 0 ? 0 : exponent > top ? top : exponent);
  return (uint64_t)choose(2) << (f->bits - 1) | e << f->fraction | (fraction & ((1ull << f->fraction) - 1));
}

static uint64_t fraction(void) { return choose(4) ? choose64() : choose64() << (40 + choose(20)) >> choose(4); }

static void set_control(Case *c, uint32_t masks, uint32_t rounding, bool ftz, bool daz) {
  c->fpu.mxcsr = masks << 7 | rounding << 13 | (ftz ? 0x8000 : 0) | (daz ? 0x40 : 0);
}

static double to_double(const Format *f, uint64_t bits) {
  float narrow;
  double wide;
  uint32_t low = (uint32_t)bits;
  memcpy(&narrow, &low, 4);
  memcpy(&wide, &bits, 8);
  return f->bits == 32 ? (double)narrow : wide;
}

static uint64_t from_double(const Format *f, double value) {
  float narrow = (float)value;
  uint32_t low;
  uint64_t bits;
  memcpy(&low, &narrow, 4);
  memcpy(&bits, &value, 8);
  return f->bits == 32 ? low : bits;
}

/* Fused multiply-add: the product and the addend cancel to what rounding the product first would lose; ties that a far
 * addend breaks; products out of range whose sum is in range. */
static bool is_fma(const Form *form) { return !strcmp(form->group, "fma"); }

static int cancellation_cases(const Form *form, bool memory) { return mode == 64 && !memory && is_fma(form) ? 18 : 0; }

static void prepare_cancellation(Case *c, const Form *form, int number) {
  const Format *f = format_of(form);
  const char *order = form_mnemonic(form) + strcspn(form_mnemonic(form), "123");
  OperandPlace place[4] = {REG, REG, VVVV, RM};
  OperandPlace a = place[order[0] - '0'], b = place[order[1] - '0'], addend = place[order[2] - '0'];
  uint64_t x[MAX_LANES], y[MAX_LANES], z[MAX_LANES], sign = 1ull << (f->bits - 1);
  for (int i = 0; i < lanes_of(form); i++) {
    x[i] = load_lane(c, form, a, i), y[i] = load_lane(c, form, b, i);
    switch (number % 6) {
      case 0: case 1:
        z[i] = from_double(f, to_double(f, x[i]) * to_double(f, y[i]));
        if (number % 6) z[i] += choose(7) - 3;
        break;
      case 2: /* half a unit of the addend, or a little more */
        x[i] = pack(f, f->bias + (int)choose(8), 0), y[i] = pack(f, f->bias, choose(3) ? 0 : 1);
        z[i] = pack(f, (int)((x[i] & ~sign) >> f->fraction) + f->fraction + 1, fraction());
        break;
      case 3: /* the product is a tie, the addend far below */
        x[i] = pack(f, f->bias + (int)choose(8), fraction() | 1), y[i] = pack(f, f->bias, 1ull << (f->fraction - 1));
        z[i] = pack(f, choose(2) ? 0 : f->bias - 2 * f->fraction - (int)choose(30), choose(3));
        break;
      case 4: /* the product is too great by itself */
        x[i] = pack(f, 2 * f->bias - (int)choose(2), fraction()), y[i] = pack(f, f->bias + (int)choose(2), fraction());
        z[i] = pack(f, 2 * f->bias, fraction());
        break;
      default: /* denormal, or about to be */
        x[i] = pack(f, f->bias / 2 + (int)choose(8), fraction()), y[i] = pack(f, f->bias / 2 - 8 + (int)choose(12) - (int)choose(2) * f->fraction, fraction());
        z[i] = pack(f, (int)choose(3), fraction());
    }
    if (choose(2)) z[i] ^= sign;
  }
  if (number % 6 > 1) store_lanes(c, form, a, x), store_lanes(c, form, b, y);
  store_lanes(c, form, addend, z);
  if (choose(3)) set_control(c, choose(4) ? 63 : 63 & ~(1u << choose(6)), (uint32_t)number / 6 & 3, number % 6 == 5 && choose(2), false);
}

/* Results around the least normal number, by every combination of FTZ, DAZ, the underflow mask and the rounding. */
static bool one_of_these(const Form *form, const char *const *prefix) {
  for (; *prefix; prefix++)
    if (form_begins(form, *prefix)) return true;
  return false;
}
static bool narrows(const Form *form) {
  return form_is(form, "cvtsd2ss") || form_is(form, "cvtpd2ps") || form_is(form, "cvtps2ph");
}
static bool computes(const Form *form) {
  return strstr(form->group, "-float") || strstr(form->group, "-convert") || is_fma(form);
}

static int underflow_cases(const Form *form, bool memory) {
  static const char *const names[] = {"add", "sub", "mul", "div", "hadd", "hsub", "dp", "fm", "fnm", NULL};
  if (mode != 64 || memory || !format_of(form) || !computes(form) || !(narrows(form) || one_of_these(form, names))) return 0;
  return is_fma(form) ? 16 : form->encoding == VEX ? 32 : 64;
}

static void prepare_underflow(Case *c, const Form *form, int number) {
  const Format *f = format_of(form);
  uint64_t x[MAX_LANES], y[MAX_LANES];
  bool product = form_begins(form, "mul") || form_begins(form, "dp") || is_fma(form);
  for (int i = 0; i < lanes_of(form); i++) {
    int t = (int)choose((uint32_t)f->fraction + 5) - f->fraction - 2; /* exponent of the result, 0: the last denormals */
    if (narrows(form)) {
      int least = form_is(form, "cvtps2ph") ? f->bias - 14 : f->bias - 126, span = form_is(form, "cvtps2ph") ? 14 : 27;
      x[i] = y[i] = pack(f, least + 2 - (int)choose((uint32_t)span), fraction());
    } else if (product) {
      int e = f->bias / 2 + (int)choose(16);
      x[i] = pack(f, e, fraction()), y[i] = pack(f, t + f->bias - e, fraction());
    } else if (form_begins(form, "div")) {
      int e = 1 + (int)choose((uint32_t)(f->bias - f->fraction - 8));
      x[i] = pack(f, e, fraction()), y[i] = pack(f, e + f->bias - t, fraction());
    } else {
      x[i] = pack(f, (int)choose(4), fraction()), y[i] = pack(f, (int)choose(3), fraction());
    }
  }
  if (form_is(form, "cvtps2ph")) store_lanes(c, form, REG, x);
  else {
    if (!narrows(form)) store_lanes(c, form, first_source(form), x);
    store_lanes(c, form, RM, y);
  }
  uint32_t masks = 63 & ~(number & 1 ? 0x10u : 0) & ~(choose(4) ? 0 : 0x20u) & ~(choose(6) ? 0 : 2u);
  set_control(c, masks, is_fma(form) ? choose(4) : (uint32_t)number >> 3 & 3, number & 2, number & 4);
}

/* Conversions to integers and rounding, where integers of 8 to 64 bits end and between them. */
static int limit_cases(const Form *form, bool memory) {
  static const char *const names[] = {"cvtss2si", "cvtsd2si", "cvttss2si", "cvttsd2si", "cvtps2dq", "cvttps2dq", "cvtpd2dq",
                                      "cvttpd2dq", "cvtps2pi", "cvttps2pi", "cvtpd2pi", "cvttpd2pi", "round", NULL};
  if (mode != 64 || memory || !one_of_these(form, names)) return 0;
  return form->encoding == VEX ? 32 : 64;
}

double near_limit(void) {
  static const int power[8] = {7, 15, 16, 31, 31, 32, 63, 64};
  int k = power[choose(8)];
  double value = (double)(1ull << (k - 1)) * 2;
  if (choose(3) == 0) value = 0; /* small ones */
  value += ((int)choose(21) - 10) / 4.0;
  if (choose(4) == 0) value *= 1 + ((int)choose(7) - 3) * 0x1p-52;
  return choose(2) ? -value : value;
}

static void prepare_limits(Case *c, const Form *form, int number) {
  const Format *f = format_of(form);
  uint64_t x[MAX_LANES];
  for (int i = 0; i < lanes_of(form); i++) {
    x[i] = from_double(f, near_limit());
    if (choose(2)) x[i] += choose(5) - 2;
    if (f->bits == 32) x[i] &= 0xFFFFFFFF;
  }
  store_lanes(c, form, RM, x);
  set_control(c, number % 8 < 6 ? 63 : 63 & ~(number & 1 ? 1u : 0x20u), (uint32_t)number / 8 & 3, false, false);
}

/* Several elements, several exceptions, some of them unmasked. */
static int unmasked_cases(const Form *form, bool memory) {
  if (mode != 64 || memory || !format_of(form) || !computes(form) || lanes_of(form) < 2 || form->agreement != EXACT) return 0;
  return is_fma(form) ? 12 : form->encoding == VEX ? 20 : 32;
}

static uint64_t hot(const Format *f) {
  int top = 2 * f->bias + 1;
  uint64_t half = 1ull << (f->fraction - 1);
  switch (choose(20)) {
    case 0: return pack(f, 0, 0);
    case 1: return pack(f, 0, 1);
    case 2: return pack(f, 0, choose64());
    case 3: return pack(f, 1, 0);
    case 4: return pack(f, top - 1, ~0ull);
    case 5: return pack(f, top, 0);
    case 6: return pack(f, top, half | 3);
    case 7: return pack(f, top, 5);
    case 8: return pack(f, f->bias / 2, 1ull << 3);
    case 9: return pack(f, f->bias * 3 / 2, 3ull << 2);
    case 10: return pack(f, f->bias, 1);
    case 11: return pack(f, f->bias + 1, half);
    default: return pack(f, f->bias, 0); /* mostly the calm beside which the others stand out */
  }
}

static void prepare_unmasked(Case *c, const Form *form, int number) {
  const Format *f = format_of(form);
  OperandPlace places[3] = {form_is(form, "cvtps2ph") ? REG : RM, first_source(form), REG};
  int count = is_fma(form) ? 3 : strstr(form->group, "-convert") ? 1 : 2;
  uint64_t x[MAX_LANES];
  for (int k = 0; k < count; k++) {
    for (int i = 0; i < lanes_of(form); i++) x[i] = hot(f);
    store_lanes(c, form, places[k], x);
  }
  uint32_t masks = number % 4 == 0 ? 63 & ~(1u << choose(6)) : number % 4 == 1 ? 0 : choose(63);
  set_control(c, masks, choose(4), number % 8 == 6, number % 8 == 3);
}

/* Strings of all lengths. */
static int length_cases(const Form *form, bool memory) {
  return mode == 64 && !memory && !strcmp(form->group, "string-compare") ? 128 : 0;
}

static void end_string(Case *c, const Form *form, OperandPlace place, bool words) {
  uint8_t string[16];
  int size = words ? 2 : 1, end = (int)choose(16u / (uint32_t)size + 1) * size;
  for (int part = 0; part < 2; part++) {
    uint64_t value = get_vector(c, form, place, part);
    memcpy(string + 8 * part, &value, 8);
  }
  for (int i = 0; i < end; i += size)
    if (!string[i] && (!words || !string[i + 1])) string[i] = 0x41;
  if (end < 16) memset(string + end, 0, (size_t)size);
  for (int part = 0; part < 2; part++) {
    uint64_t value;
    memcpy(&value, string + 8 * part, 8);
    set_vector(c, form, place, part, value);
  }
}

static void prepare_strings(Case *c, const Form *form, int number) {
  uint8_t control = (uint8_t)(choose(8) ? choose(128) : choose(256));
  c->insn.imm[0] = control;
  if (form_begins(form, "pcmpistr")) {
    end_string(c, form, REG, control & 1);
    end_string(c, form, RM, control & 1);
    return;
  }
  int span = control & 1 ? 10 : 19;
  c->reg[RAX] = (uint64_t)(number & 1 ? (int64_t)choose((uint32_t)span) : (int64_t)choose(2 * (uint32_t)span) - span);
  c->reg[RDX] = (uint64_t)(number & 2 ? (int64_t)choose((uint32_t)span) : (int64_t)choose(2 * (uint32_t)span) - span);
}

/* XSAVE and its kind with each set of components in turn, in place. */
static int component_cases(const Form *form, bool memory) {
  return mode == 64 && memory && form_begins(form, "x") && form->memory == XSAVE_SIZE ? 32 : 0;
}

static void prepare_components(Case *c, const Form *form, int number) {
  (void)form;
  c->reg[RAX] = (c->reg[RAX] & ~7ull) | (uint64_t)(number & 7);
}

/* Environments and states of both sizes, in place: random cases have few in the modes where the sizes differ most. */
static int image_cases(const Form *form, bool memory) {
  static const char *const names[] = {"fldenv", "fnstenv", "frstor", "fnsave", "fxsave", "fxrstor", NULL};
  return memory && one_of_these(form, names) ? mode == 64 ? 32 : 16 : 0;
}

static void prepare_image(Case *c, const Form *form, int number) {
  (void)form;
  if (!(number & 1)) return;
  c->fpu.fcw &= (uint16_t)~choose(64);
  c->fpu.fsw = fsw_summary((uint16_t)(c->fpu.fsw | 1u << choose(6)), c->fpu.fcw);
}

const Corner corners[] = {
    {" (cancellation)", cancellation_cases, prepare_cancellation},
    {" (underflow)", underflow_cases, prepare_underflow},
    {" (limits)", limit_cases, prepare_limits},
    {" (unmasked)", unmasked_cases, prepare_unmasked},
    {" (lengths)", length_cases, prepare_strings},
    {" (components)", component_cases, prepare_components},
    {" (images)", image_cases, prepare_image},
    {" (arguments)", argument_cases, prepare_arguments},
    {" (range)", range_cases, prepare_range},
    {" (integers)", integer_cases, prepare_integers},
    {" (formats)", format_cases, prepare_formats},
};
const int corner_count = sizeof corners / sizeof corners[0];
