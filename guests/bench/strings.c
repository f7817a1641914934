// Text: numbers written and parsed, words split, folded to lower case, reversed, searched and counted. Byte loads and stores.
#include "bench.h"

const char bench_name[] = "strings";
const uint32_t bench_default_repeats = 450;

static char text[8192], work[8192];

static uint32_t length(const char *s) {
  uint32_t n = 0;
  while (s[n]) n++;
  return n;
}

static char *write_number(char *to, uint32_t value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) *to++ = digits[--count];
  return to;
}

static uint32_t count_matches(const char *in, const char *needle) {
  uint32_t matches = 0;
  for (; *in; in++) {
    uint32_t i = 0;
    while (needle[i] && in[i] == needle[i]) i++;
    matches += needle[i] == 0;
  }
  return matches;
}

static void reverse(char *from, char *to) {
  while (from < --to) {
    char kept = *from;
    *from++ = *to;
    *to = kept;
  }
}

uint64_t bench_run(uint32_t repeats) {
  static const char *const words[8] = {"Kick", "doorbell ", "EVENTFD", "store", "Guest", "Page walk", "exit", "DECODE"};
  uint64_t random = 6, sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    char *to = text;
    while (to < text + sizeof text - 32) {
      uint32_t pick = next_random(&random);
      for (const char *word = words[pick & 7]; *word;) *to++ = *word++;
      *to++ = ' ';
      to = write_number(to, pick >> 3);
      *to++ = ' ';
    }
    *to = 0;
    uint32_t size = length(text);
    for (uint32_t i = 0; i <= size; i++) {
      char c = text[i];
      work[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    sum = fold(sum, count_matches(work, "doorbell 1"));
    sum = fold(sum, count_matches(work, "e"));
    uint64_t total = 0;
    char *start = work;
    for (char *at = work;; at++) {
      if (*at && *at != ' ') continue;
      uint32_t value = 0;
      for (const char *c = start; c < at && *c >= '0' && *c <= '9'; c++) value = value * 10 + (uint32_t)(*c - '0');
      total += value;
      reverse(start, at);
      if (!*at) break;
      start = at + 1;
    }
    sum = fold(sum, total);
    for (uint32_t i = 0; i < size; i += 16) sum = fold(sum, (uint8_t)work[i] | (uint64_t)(uint8_t)work[size - 1 - i] << 8);
  }
  return sum;
}
