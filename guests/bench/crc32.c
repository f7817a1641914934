// CRC-32 (polynomial 0xEDB88320, reflected) of a 32 KiB buffer, one byte a step through a table of 256.
#include "bench.h"

#define SIZE 32768
const char bench_name[] = "crc32";
const uint32_t bench_default_repeats = 1300;

static uint32_t table[256];
static uint8_t buffer[SIZE];

uint64_t bench_run(uint32_t repeats) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    table[i] = crc;
  }
  uint64_t random = 1;
  for (uint32_t i = 0; i < SIZE; i++) buffer[i] = (uint8_t)next_random(&random);
  uint64_t sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < SIZE; i++) crc = crc >> 8 ^ table[(uint8_t)crc ^ buffer[i]];
    crc = ~crc;
    sum = fold(sum, crc);
    buffer[repeat % SIZE] ^= (uint8_t)crc;
  }
  return sum;
}
