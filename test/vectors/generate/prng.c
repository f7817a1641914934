/* The replayed random stream, see prng.h. */
#include "prng.h"

uint32_t prng_next(uint32_t *state) {
  *state += 0x9E3779B9u;
  uint32_t z = *state;
  z = (z ^ (z >> 16)) * 0x21F0AAADu;
  z = (z ^ (z >> 15)) * 0x735A2D97u;
  return z ^ (z >> 15);
}

uint32_t prng_seed(const char *name, uint32_t index) {
  uint32_t hash = 0x811C9DC5u;
  for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 0x01000193u;
  return hash ^ (index * 0x85EBCA6Bu);
}

uint64_t prng_edge64(uint32_t *state) {
  uint32_t r = prng_next(state);
  uint32_t kind = r & 15, bits = 8u << ((r >> 4) & 3), bit = (r >> 16) & 63;
  uint64_t byte = (r >> 8) & 0xff, top = 1ull << (bits - 1), value;
  switch (kind) {
    case 0: value = 0; break;
    case 1: value = 1; break;
    case 2: value = ~0ull; break;
    case 3: value = byte; break;
    case 4: value = 1ull << bit; break;
    case 5: value = ~(1ull << bit); break;
    case 6: value = top - 1; break;
    case 7: value = top; break;
    case 8: value = -top; break;
    case 9: value = (top << 1) - 1; break;
    case 10: value = -byte; break;
    case 11: value = byte * 0x0101010101010101ull; break;
    default: {
      uint64_t low = prng_next(state);
      return (uint64_t)prng_next(state) << 32 | low;
    }
  }
  /* Half of the narrow edges get garbage above them: a narrow operation must neither read it nor lose it. */
  if ((r & 0x40) && bits < 64) {
    uint64_t mask = (1ull << bits) - 1, low = prng_next(state);
    uint64_t garbage = (uint64_t)prng_next(state) << 32 | low;
    value = (value & mask) | (garbage & ~mask);
  }
  return value;
}
