// For the libFuzzer targets: a Wasm trap and a broken invariant both end the process, which is what the fuzzer looks for.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition, ...)                                  \
  do {                                                         \
    if (!(condition)) {                                        \
      fprintf(stderr, "invariant broken: %s: ", #condition);   \
      fprintf(stderr, __VA_ARGS__);                            \
      fputc('\n', stderr);                                     \
      abort();                                                 \
    }                                                          \
  } while (0)

// Reads the input from the front; what is beyond its end reads as zero.
typedef struct {
  const uint8_t *at;
  size_t left;
} Input;

static inline uint8_t take8(Input *in) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++;
}
static inline uint16_t take16(Input *in) {
  uint16_t low = take8(in);
  return (uint16_t)(low | take8(in) << 8);
}
static inline uint64_t take64(Input *in) {
  uint64_t value = 0;
  for (int at = 0; at < 64; at += 8) value |= (uint64_t)take8(in) << at;
  return value;
}
