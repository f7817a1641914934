// Quicksort of 16384 random 32-bit numbers: unpredictable branches, recursion, swaps.
#include "bench.h"

#define COUNT 16384
const char bench_name[] = "quicksort";
const uint32_t bench_default_repeats = 120;

static uint32_t numbers[COUNT];

static void sort(int32_t first, int32_t last) {
  while (first < last) {
    uint32_t pivot = numbers[first + (last - first) / 2];
    int32_t i = first, j = last;
    while (i <= j) {
      while (numbers[i] < pivot) i++;
      while (numbers[j] > pivot) j--;
      if (i <= j) {
        uint32_t kept = numbers[i];
        numbers[i++] = numbers[j];
        numbers[j--] = kept;
      }
    }
    if (j - first < last - i) {  // recurse into the smaller part: the stack stays shallow
      sort(first, j);
      first = i;
    } else {
      sort(i, last);
      last = j;
    }
  }
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t random = 3, sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    for (int32_t i = 0; i < COUNT; i++) numbers[i] = next_random(&random);
    sort(0, COUNT - 1);
    for (int32_t i = 0; i < COUNT; i += 64) sum = fold(sum, numbers[i]);
    for (int32_t i = 1; i < COUNT; i++)
      if (numbers[i - 1] > numbers[i]) return i;  // not sorted: a checksum nobody expects
  }
  return sum;
}
