/* Random operands, see operands.h. In 32-bit steps, because JavaScript has those. */
#include "operands.h"

#include "prng.h"

/* A binary format: bits of exponent and fraction. */
typedef struct {
  int bias, fraction;
} Format;
static const Format f16 = {15, 10}, f32 = {127, 23}, f64 = {1023, 52}, f80 = {16383, 63};

/* A number before it is packed: the fraction is the top bits of high:low, with `last` or-ed into its lowest bits. */
typedef struct {
  uint32_t negative, exponent, high, low, last;
  bool odd; /* f80 only: the integer bit is not what the exponent says */
} Number;

/* Integers end at these powers of two; formats overflow and underflow at those. */
static const int limits[8] = {6, 7, 14, 15, 30, 31, 62, 63};
static const int narrow[16] = {127, 128, -126, -127, -149, -150, -151, 1023, 1024, -1022, -1023, -1074, -1075, 15, -14, -25};

static Number number(Draw *d, const Format *f) {
  uint32_t r = prng_next(&d->state), kind = r & 31, a = r >> 8 & 0xFFFF;
  if (kind < 16 && (d->temper == CALM || (d->temper == MIXED && (r >> 5 & 7) != 0))) kind |= 16;
  uint32_t m = prng_next(&d->state), n = f->fraction > 32 ? prng_next(&d->state) : 0;
  int bias = f->bias, top = 2 * bias + 1, e = bias;
  Number x = {.negative = r >> 31, .high = m, .low = n};
  switch (kind) {
    case 0: x.high = x.low = 0; return x;
    case 1: x.high = x.low = 0; x.last = 1; return x; /* the least denormal */
    case 2: x.high = x.low = ~0u; return x;           /* the greatest */
    case 3: x.high = x.low = 0; e = 1; break;         /* the least normal */
    case 4: x.high = x.low = ~0u; e = top - 1; break; /* the greatest finite */
    case 5: x.high = x.low = 0; x.exponent = (uint32_t)top; return x;
    case 6: x.high = 0x80000000; x.low = 0; x.exponent = (uint32_t)top; return x; /* the default NaN */
    case 7: x.high |= 0x80000000; x.exponent = (uint32_t)top; return x;           /* quiet */
    case 8: x.high &= 0x7FFFFFFF; x.last = 1; x.exponent = (uint32_t)top; return x; /* signalling */
    case 9: x.high >>= a & 15; return x;                                          /* denormal */
    case 10: e = 1 + (int)(a & 3); break;
    case 11: e = top - 1 - (int)(a & 3); break;
    case 12: /* where integers end */
      e = bias + limits[a & 7] + (int)(a >> 3 & 1);
      if ((a >> 4 & 3) == 0) x.high = x.low = 0;
      if ((a >> 4 & 3) == 1) x.high = x.low = ~0u;
      if ((a >> 4 & 3) == 2) x.high = ~0u << (a >> 6 & 31), x.low = 0;
      if ((a >> 4 & 3) == 3) x.high = x.low = 0, x.last = 1;
      break;
    case 13: x.high = x.low = 0; break; /* one */
    case 14: e = (a >> 2 & 1 ? bias + bias / 2 : bias / 2) + (int)(a & 3); break; /* products at the ends of the range */
    case 15: x.odd = true; x.last = a >> 14; e = (int)(a % (uint32_t)(top + 1)); x.exponent = (uint32_t)e; return x;
    case 16: case 17: x.high &= 0xFE000000; x.low = 0; e = bias + (int)(a & 7) - 4; break; /* short: sums are exact */
    case 18: x.high &= 0xE0000000; x.low = 0; e = bias + (int)(a & 63) - 32; break;        /* or ties */
    case 19: x.high &= 0xC0000000; x.low = 0; x.last = a >> 8 & 3; e = bias + (int)(a & 7) - 4; break;
    case 20: case 21: case 22: e = bias + (int)(a & 3) - 2; break;
    case 23: case 24: { /* an integer, its half or quarter */
      uint32_t integer = a & 0xFF;
      x.high = x.low = 0;
      if (!integer) return x;
      int bits = 31 - __builtin_clz(integer);
      x.high = bits ? integer << (32 - bits) : 0;
      e = bias + bits - (int)(a >> 8 & 3);
      break;
    }
    case 25: e = bias + (int)(a & 31) - 16; break;
    case 26: e = bias + 20 + (int)(a & 15); break;
    case 27: e = bias + f->fraction - 2 + (int)(a & 3); break; /* units and halves of a unit are the last bits */
    case 28: /* a tie, or one beside it, in the next narrower format */
      if ((a & 3) == 0) x.high = (m & 0xFFC00000) | 0x200000, x.low = 0;
      else if ((a & 3) == 1) x.low = (n & 0xFFFFF000) | 0x800;
      else x.high = (m & 0xFFFFFE00) | 0x100, x.low = 0;
      x.last = (a >> 8 & 3) == 0;
      e = bias + (int)(a >> 2 & 7) - 4;
      break;
    case 29: x.high &= 0xFFFFFF80; x.low = 0; e = bias + narrow[a & 15]; break;
    case 30: e = bias - 1 - (int)(a & 15); break;
    default: e = bias + (int)(a & 255) - 128; break;
  }
  x.exponent = (uint32_t)(e < 1 ? 1 : e > top - 1 ? top - 1 : e);
  return x;
}

static uint32_t float16(Draw *d) {
  Number x = number(d, &f16);
  return x.negative << 15 | x.exponent << 10 | x.high >> 22 | x.last;
}

static uint32_t float32(Draw *d) {
  Number x = number(d, &f32);
  return x.negative << 31 | x.exponent << 23 | x.high >> 9 | x.last;
}

static uint64_t float64(Draw *d) {
  Number x = number(d, &f64);
  uint32_t low = x.high << 20 | x.low >> 12 | x.last, high = x.negative << 31 | x.exponent << 20 | x.high >> 12;
  return (uint64_t)high << 32 | low;
}

static uint32_t bytes(Draw *d) {
  static const uint8_t edge[8] = {0, 1, 0x7F, 0x80, 0xFF, 0x81, 0x40, 0x0F};
  uint32_t r = prng_next(&d->state), value = 0;
  if (d->temper == CALM || (r & 3) == 0) return prng_next(&d->state);
  for (int i = 0; i < 4; i++) value |= (uint32_t)edge[r >> (4 + 3 * i) & 7] << (8 * i);
  return value;
}

static uint32_t words(Draw *d) {
  static const uint16_t edge[8] = {0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x8001, 0xFF, 0x100};
  uint32_t r = prng_next(&d->state);
  if (d->temper == CALM || (r & 3) == 0) return prng_next(&d->state);
  return (uint32_t)edge[r >> 7 & 7] << 16 | edge[r >> 4 & 7];
}

static uint32_t doubleword(Draw *d) {
  uint32_t r = prng_next(&d->state), byte = r >> 8 & 0xFF;
  if (d->temper == CALM) return prng_next(&d->state);
  switch (r & 15) {
    case 0: return 0;
    case 1: return 1;
    case 2: return ~0u;
    case 3: return 0x7FFFFFFF;
    case 4: return 0x80000000;
    case 5: return byte;
    case 6: return -byte;
    case 7: return 1u << (byte & 31);
    case 8: return 0xFFFF;
    case 9: return 0x8000;
    default: return prng_next(&d->state);
  }
}

/* Few letters, so that strings have something in common, and now and then the end of one. */
static uint32_t letters(Draw *d) {
  static const uint8_t letter[4] = {0x41, 0x42, 0x80, 0xFF};
  static const uint16_t wide[4] = {0x41, 0x42, 0x8000, 0xFF41};
  uint32_t r = prng_next(&d->state), value = 0;
  for (int i = 0; i < (d->wide ? 2 : 4); i++) {
    uint32_t pick = r >> (4 * i) & 15;
    if (pick) value |= (uint32_t)(d->wide ? wide[pick & 3] : letter[pick & 3]) << (d->wide ? 16 * i : 8 * i);
  }
  return value;
}

static uint64_t fresh(Draw *d, int class) {
  uint32_t low;
  switch (class) {
    case CLASS_I8: low = bytes(d); return (uint64_t)bytes(d) << 32 | low;
    case CLASS_I16: low = words(d); return (uint64_t)words(d) << 32 | low;
    case CLASS_I32: low = doubleword(d); return (uint64_t)doubleword(d) << 32 | low;
    case CLASS_I64: return prng_edge64(&d->state);
    case CLASS_F16: {
      low = float16(d);
      low |= float16(d) << 16;
      uint32_t high = float16(d);
      return (uint64_t)(high | float16(d) << 16) << 32 | low;
    }
    case CLASS_F32: low = float32(d); return (uint64_t)float32(d) << 32 | low;
    case CLASS_F64: return float64(d);
    case CLASS_STRING: low = letters(d); return (uint64_t)letters(d) << 32 | low;
    default: return 0;
  }
}

static uint32_t tweak32(uint32_t value, uint32_t how) {
  switch (how & 7) {
    case 3: return value ^ 0x80000000;
    case 4: return value + 1;
    case 5: return value - 1;
    case 6: return value + 0x800000;
    case 7: return value ^ 0x80000001;
    default: return value;
  }
}

static uint64_t tweak64(uint64_t value, uint32_t how) {
  switch (how & 7) {
    case 3: return value ^ 0x8000000000000000;
    case 4: return value + 1;
    case 5: return value - 1;
    case 6: return value + 0x10000000000000;
    case 7: return value ^ 0x8000000000000001;
    default: return value;
  }
}

uint64_t draw64(Draw *d, int class, int place) {
  if (class == CLASS_NONE) return 0;
  if (!d->related || d->base_class != class) return fresh(d, class);
  uint32_t r = prng_next(&d->state);
  if (r & 1) return fresh(d, class);
  uint64_t value = d->base[place];
  switch (class) {
    case CLASS_I32: case CLASS_F32:
      return (uint64_t)tweak32((uint32_t)(value >> 32), r >> 11) << 32 | tweak32((uint32_t)value, r >> 8);
    case CLASS_I64: case CLASS_F64: return tweak64(value, r >> 8);
    default: return (r >> 8 & 3) == 0 ? value ^ 1ull << (r >> 10 & 63) : value;
  }
}

F80 draw_f80(Draw *d) {
  Number x = number(d, &f80);
  /* Encodings that arithmetic never makes: pseudo-denormals, unnormals, pseudo-infinities and pseudo-NaNs. */
  uint32_t integer = x.exponent != 0;
  if (x.odd && (x.last & 1)) integer ^= 1;
  if (x.odd && (x.last & 2)) x.exponent = x.high & 1 ? 0x7FFF : 0, integer = x.high >> 1 & 1;
  if (x.odd) x.last = 0;
  uint32_t high = integer << 31 | x.high >> 1, low = x.high << 31 | x.low >> 1 | x.last;
  return (F80){(uint64_t)high << 32 | low, (uint16_t)(x.negative << 15 | x.exponent)};
}
