// Products of 64 x 64 matrices of 32-bit integers, row by column: multiply-add with two strides.
#include "bench.h"

#define SIDE 64
const char bench_name[] = "matrix";
const uint32_t bench_default_repeats = 160;

static uint32_t a[SIDE][SIDE], b[SIDE][SIDE], product[SIDE][SIDE];

uint64_t bench_run(uint32_t repeats) {
  uint64_t random = 5, sum = 0;
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) a[i][j] = next_random(&random), b[i][j] = next_random(&random);
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    for (int i = 0; i < SIDE; i++)
      for (int j = 0; j < SIDE; j++) {
        uint32_t dot = 0;
        for (int k = 0; k < SIDE; k++) dot += a[i][k] * b[k][j];
        product[i][j] = dot;
      }
    for (int i = 0; i < SIDE; i++)
      for (int j = 0; j < SIDE; j++) a[i][j] = product[i][j] ^ (uint32_t)(i * SIDE + j);
    sum = fold(sum, (uint64_t)product[repeat % SIDE][7] << 32 | product[11][repeat % SIDE]);
  }
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) sum = fold(sum, product[i][j]);
  return sum;
}
