// What a loop and its runtime know of each other.
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

// Each loop's file defines these three.
extern const char bench_name[];
extern const uint32_t bench_default_repeats;  // retires 200 to 400 million instructions
uint64_t bench_run(uint32_t repeats);         // returns the checksum of all repeats

// Folds a value into a checksum: order matters, no value is lost.
static inline uint64_t fold(uint64_t sum, uint64_t value) {
  sum = (sum ^ value) * 0x9E3779B97F4A7C15u;
  return sum ^ (sum >> 29);
}

// A linear congruential generator (modulus 2^64); the upper bits are the good ones.
static inline uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

#endif
