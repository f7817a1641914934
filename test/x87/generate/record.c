// Executes x87 instructions on this machine's processor and writes down the state before and after each.
// Usage: record SEED CASES [FORM…] > FILE: CASES cases for each form (two hexadecimal bytes: escape and ModRM; by default
// all forms there are). Layout of a record: struct record below, all little-endian.

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
  uint8_t code[2];
  uint16_t unused;
  uint32_t flags_in, flags_out;
  uint8_t in[108], out[108]; // FNSAVE images, 32-bit protected-mode format
  uint8_t memory_in[112], memory_out[112];
} record;

static uint64_t state;
static uint64_t next(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static uint32_t below(uint32_t n) { return (uint32_t)(next() >> 32) % n; }

static uint64_t digits(void) {
  uint64_t s = next();
  switch (below(8)) {
  case 0: return 0;
  case 1: return ~0ull;
  case 2: return s & (s >> 7) & next();
  case 3: return s << below(64);
  case 4: return s & ~0ull << 40;
  case 5: return (s & ~0ull << 11) | (below(2) ? 0x400 : 0);
  case 6: return ~0ull << below(64);
  default: return s;
  }
}
static const uint64_t TOP = 1ull << 63;

/** An 80-bit number; `near` an exponent to stay close to, or 0. */
static void number(uint8_t *to, uint32_t near) {
  uint64_t s = digits();
  uint16_t e;
  uint32_t kind = below(40);
  if (kind < 12) e = 0x3fff - 4 + below(9), s |= TOP;
  else if (kind < 18) e = (near ? near : 0x3fff) - 70 + below(140), s |= TOP;
  else if (kind < 21) e = 0x3fff + below(66), s = (s | TOP) & ~0ull << below(64);
  else if (kind < 24) e = 1 + below(0x7ffe), s |= TOP;
  else if (kind < 26) e = 1 + below(80), s |= TOP;
  else if (kind < 28) e = 0x7ffe - below(80), s |= TOP;
  else if (kind < 29) e = 0x3fff - 127 - 30 + below(60), s |= TOP;
  else if (kind < 30) e = 0x3fff - 1023 - 60 + below(80), s |= TOP;
  else if (kind < 31) e = 0x3fff + (below(2) ? 127 : 1023) - 2 + below(5), s |= TOP;
  else if (kind < 33) e = 0, s = 0;
  else if (kind < 35) e = 0, s = s >> below(64) & ~TOP;
  else if (kind < 36) e = 0, s |= TOP;
  else if (kind < 37) e = 0x7fff, s = TOP;
  else if (kind < 38) e = 0x7fff, s |= TOP | 1ull << 62;
  else if (kind < 39) e = 0x7fff, s = (s | TOP | 1) & ~(1ull << 62);
  else e = below(2) ? 0x7fff : below(0x8000), s &= ~TOP;
  e = (e & 0x7fff) | (next() >> 60 & 1) << 15;
  memcpy(to, &s, 8);
  memcpy(to + 8, &e, 2);
}
static void decimal(uint8_t *to) {
  for (int i = 0; i < 9; i++) to[i] = below(10) << 4 | below(10);
  if (!below(3)) memset(to + below(9), 0, 1);
  if (!below(4)) memset(to + 3, 0, 6);
  if (!below(20)) memset(to, 0, 9);
  to[9] = below(2) << 7 | (below(8) ? 0 : below(128));
}

typedef uint64_t stub(const uint8_t *in, uint8_t *memory, uint8_t *out, uint64_t flags);

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: record SEED CASES [FORM...]\n"), 1;
  uint64_t seed = strtoull(argv[1], 0, 0);
  int cases = atoi(argv[2]);
  uint8_t *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // push rcx; popf; frstor [rdi]; XX XX [rsi]; pushf; pop rax; fnsave [rdx]; cld; ret
  static const uint8_t text[] = {0x51, 0x9d, 0xdd, 0x27, 0, 0, 0x9c, 0x58, 0xdd, 0x32, 0xfc, 0xc3};
  int forms = 0;
  uint16_t form[2048];
  if (argc > 3) for (int i = 3; i < argc; i++) form[forms++] = strtoul(argv[i], 0, 16);
  else
    for (int escape = 0xd8; escape <= 0xdf; escape++) {
      for (int reg = 0; reg < 8; reg++) form[forms++] = escape << 8 | reg << 3 | 6;
      for (int modrm = 0xc0; modrm < 0x100; modrm++) {
        // one register of eight where the instruction names one, all where it is part of the opcode
        int whole = (escape == 0xd9 && modrm >= 0xd0 && (modrm < 0xd8 || modrm >= 0xe0)) ||
                    (escape == 0xda && modrm >= 0xe0) || (escape == 0xdb && modrm >= 0xe0 && modrm < 0xe8) ||
                    (escape == 0xde && (modrm & 0xf8) == 0xd8) || (escape == 0xdf && (modrm & 0xf8) == 0xe0);
        if (whole || (modrm & 7) == 2 || ((modrm & 7) == 0 && escape < 0xdb) ) form[forms++] = escape << 8 | modrm;
      }
    }
  // forms that do not exist
  for (int i = 0; i < forms; i++) {
    int e = form[i] >> 8, m = form[i] & 0xff, r = m >> 3 & 7, ok = 1;
    if (m < 0xc0) ok = !(e == 0xd9 && r == 1) && !(e == 0xdb && (r == 4 || r == 6)) && !(e == 0xdd && r == 5);
    else if (e == 0xd9) ok = !(m >= 0xd1 && m < 0xd8) && m != 0xe2 && m != 0xe3 && m != 0xe6 && m != 0xe7 && m != 0xef;
    else if (e == 0xda) ok = m < 0xe0 || m == 0xe9;
    else if (e == 0xdb) ok = !(m >= 0xe5 && m < 0xe8) && m < 0xf8;
    else if (e == 0xdd) ok = m < 0xf0;
    else if (e == 0xde) ok = (m & 0xf8) != 0xd8 || m == 0xd9;
    else if (e == 0xdf) ok = ((m & 0xf8) != 0xe0 || m == 0xe0) && m < 0xf8;
    if (!ok) form[i--] = form[--forms];
  }
  for (int f = 0; f < forms; f++) {
    int escape = form[f] >> 8, modrm = form[f] & 0xff;
    state = seed ^ (uint64_t)form[f] * 0xd6e8feb86659fd93u;
    memcpy(code, text, sizeof text);
    code[4] = escape, code[5] = modrm;
    __builtin___clear_cache((char *)code, (char *)code + sizeof text);
    int whole = modrm < 0xc0 && (modrm >> 3 == 4 || modrm >> 3 == 6) && (escape == 0xd9 || escape == 0xdd);
    for (int i = 0; i < cases; i++) {
      record r;
      memset(&r, 0, sizeof r);
      r.code[0] = escape, r.code[1] = modrm;
      r.flags_in = 0x202 | (next() & 0x8d5);
      uint16_t cw, sw, tw = 0;
      static const uint8_t precisions[] = {0, 2, 3, 3, 3, 2, 0, 1};
      cw = (below(3) ? 0x3f : (below(2) ? next() & 0x3f : 0)) | 0x40 | precisions[below(below(4) ? 7 : 8)] << 8 |
           below(4) << 10;
      sw = (next() & 0x4700) | below(8) << 11 | (next() & next() & cw & 0x3f);
      uint32_t near = 0;
      for (int j = 0; j < 8; j++) {
        uint8_t *to = r.in + 28 + 10 * j;
        if (j < 2 || (modrm >= 0xc0 && j == (modrm & 7))) {
          number(to, near);
          near = (to[8] | to[9] << 8) & 0x7fff;
          if (near == 0x7fff || near == 0) near = 0;
        } else memcpy(to, "\0\0\0\0\0\0\0\x80\xff\x3f", 10);
        uint32_t physical = ((sw >> 11) + j) & 7;
        if (!below(j < 2 ? 12 : 2)) tw |= 3 << 2 * physical;
      }
      r.in[0] = cw, r.in[1] = cw >> 8, r.in[2] = 0xff, r.in[3] = 0xff;
      r.in[4] = sw, r.in[5] = sw >> 8, r.in[6] = 0xff, r.in[7] = 0xff;
      r.in[8] = tw, r.in[9] = tw >> 8, r.in[10] = 0xff, r.in[11] = 0xff;
      r.in[26] = 0xff, r.in[27] = 0xff;
      if (modrm < 0xc0) {
        uint8_t wide[10];
        number(wide, near);
        if (whole) {
          for (int j = 0; j < 112; j++) r.memory_in[j] = next();
          if (escape == 0xdd) for (int j = 0; j < 8; j++) number(r.memory_in + 28 + 10 * j, 0);
          if (below(2)) r.memory_in[0] |= 0x3f;
        } else if (escape == 0xdf && modrm >> 3 == 4) decimal(r.memory_in);
        else if (escape == 0xdb) {
          if (modrm >> 3 == 5) memcpy(r.memory_in, wide, 10);
          else *(int32_t *)r.memory_in = below(4) ? (int32_t)next() >> below(32) : (int32_t)digits();
        } else if (escape == 0xd8 || escape == 0xd9) {
          if (modrm >> 3 == 5 && escape == 0xd9) *(uint16_t *)r.memory_in = next();
          else {
            uint32_t s = next(), kind = below(8);
            s = kind == 0 ? s & 0x807fffff : kind == 1 ? s | 0x7f800000 : kind < 5 ? (s & 0x807fffff) | (124 + below(7)) << 23 : s;
            if (!below(8)) s &= 0xff800000;
            memcpy(r.memory_in, &s, 4);
          }
        } else if (escape == 0xdc || escape == 0xdd) {
          uint64_t s = next();
          uint32_t kind = below(8);
          s = kind == 0 ? s & 0x800fffffffffffff : kind == 1 ? s | 0x7ff0000000000000
                        : kind < 5 ? (s & 0x800fffffffffffff) | (uint64_t)(1020 + below(7)) << 52 : s;
          if (!below(8)) s &= 0xfff0000000000000;
          memcpy(r.memory_in, &s, 8);
        } else {
          int64_t v = below(4) ? (int64_t)next() >> below(64) : (int64_t)digits();
          memcpy(r.memory_in, &v, 8);
        }
      }
      memcpy(r.memory_out, r.memory_in, 112);
      r.flags_out = ((stub *)code)(r.in, r.memory_out, r.out, r.flags_in);
      fwrite(&r, sizeof r, 1, stdout);
    }
  }
  return 0;
}
