// The sieve of Eratosthenes over the odd numbers below 131072: byte stores with growing strides.
#include "bench.h"

#define LIMIT 131072
const char bench_name[] = "sieve";
const uint32_t bench_default_repeats = 400;

static uint8_t composite[LIMIT / 2];  // [i] stands for 2i + 1

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    for (uint32_t i = 0; i < LIMIT / 2; i++) composite[i] = 0;
    uint32_t count = 1, last = 2;
    for (uint32_t i = 1; i < LIMIT / 2; i++) {
      if (composite[i]) continue;
      last = 2 * i + 1;
      count++;
      for (uint64_t j = (uint64_t)last * last / 2; j < LIMIT / 2; j += last) composite[j] = 1;
    }
    sum = fold(sum, (uint64_t)count << 32 | last);
  }
  return sum;
}
