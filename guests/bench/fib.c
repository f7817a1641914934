// Fibonacci numbers by naive recursion: calls and returns.
#include "bench.h"

const char bench_name[] = "fib";
const uint32_t bench_default_repeats = 50;

// Not inlined into itself: the point is the calls.
static __attribute__((noinline, noclone, optimize("no-inline", "no-optimize-sibling-calls"))) uint32_t fib(uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) sum = fold(sum, fib(25 + repeat % 3));
  return sum;
}
