// The Mandelbrot set on a grid: short chains of multiply and add with a comparison each round, all in registers.
#include "bench.h"
#include "real.h"

#define SIDE 64
#define ROUNDS 200
const char bench_name[] = REAL_NAME("mandelbrot");
#ifdef X87
const uint32_t bench_default_repeats = 20;
#else
const uint32_t bench_default_repeats = 80;
#endif

static uint32_t rounds_at(real cx, real cy) {
  real x = 0, y = 0;
  for (uint32_t n = 0; n < ROUNDS; n++) {
    real xx = x * x, yy = y * y;
    if (xx + yy > 4) return n;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return ROUNDS;
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    real shift = (real)(int32_t)repeat / 8192;
    for (int i = 0; i < SIDE; i++)
      for (int j = 0; j < SIDE; j++)
        sum = fold(sum, rounds_at(shift - 2 + (real)j * 3 / SIDE, (real)i * 2 / SIDE - 1));
  }
  return sum;
}
