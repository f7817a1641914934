/* The replayed random stream: a case's initial state is a pure function of its form's name and its number.
 * test/vectors/prng.ts is the same arithmetic in TypeScript; a change here needs the same change there. */
#ifndef PRNG_H
#define PRNG_H
#include <stdint.h>

/* One 32-bit state word, advanced by the golden ratio and mixed (the splitmix construction). */
uint32_t prng_next(uint32_t *state);

/* Seed of case `index` of the form called `name`: FNV-1a of the name, spread by the index. */
uint32_t prng_seed(const char *name, uint32_t index);

/* A 64-bit value that favours the edges of 8, 16, 32 and 64 bits. */
uint64_t prng_edge64(uint32_t *state);

#endif
