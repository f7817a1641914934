// Around a loop: reads n=K (repeats) from the command line, runs it, prints `name checksum`.
// The word `ticks` adds a line `name ticks T`, the TSC ticks the loop took. With -DNATIVE the same as a Linux program.

#include "bench.h"

static int is_word_end(char c) { return c == 0 || c == ' '; }

// Finds `word` in the space-separated words; one that ends in '=' matches as a prefix. Returns what follows it, or 0.
static const char *find_word(const char *line, const char *word) {
  for (const char *start = line; *start; start++) {
    if (start != line && start[-1] != ' ') continue;
    const char *have = start, *want = word;
    while (*want && *have == *want) have++, want++;
    if (*want == 0 && (want[-1] == '=' || is_word_end(*have))) return have;
  }
  return 0;
}

static uint32_t parse_repeats(const char *line) {
  const char *digits = find_word(line, "n=");
  uint32_t value = 0;
  if (digits)
    while (*digits >= '0' && *digits <= '9') value = value * 10 + (uint32_t)(*digits++ - '0');
  return value ? value : bench_default_repeats;
}

static uint64_t read_tsc(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

#ifdef NATIVE

#include <stdio.h>

int main(int count, char **words) {
  char line[256] = "";
  for (int i = 1; i < count; i++) snprintf(line, sizeof line, "%s", words[i]);
  (void)read_tsc;
  uint32_t repeats = parse_repeats(line);
  printf("%s %016llx\n", bench_name, (unsigned long long)bench_run(repeats));
  fprintf(stderr, "%u\n", repeats);
  return 0;
}

#else

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static void put_char(char c) {
  while (!(in8(0x3FD) & 0x20)) continue;
  out8(0x3F8, (uint8_t)c);
}

static void put_text(const char *text) {
  while (*text) put_char(*text++);
}

static void put_hex(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) put_char("0123456789abcdef"[value >> shift & 15]);
}

static void put_decimal(uint64_t value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do digits[--at] = (char)('0' + value % 10);
  while (value /= 10);
  put_text(digits + at);
}

// GCC may call these four even in freestanding code.
void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (size--) *t++ = *f++;
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if (t < f) while (size--) *t++ = *f++;
  else while (size--) t[size] = f[size];
  return to;
}

void *memset(void *to, int value, size_t size) {
  uint8_t *t = to;
  while (size--) *t++ = (uint8_t)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *x = a, *y = b;
  for (; size; size--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

// Called by entry.asm; returns the value for the debug-exit port.
uint32_t bench_main(const char *line) {
  if (!line) line = "";
  uint32_t repeats = parse_repeats(line);
  uint64_t before = read_tsc();
  uint64_t checksum = bench_run(repeats);
  uint64_t ticks = read_tsc() - before;
  put_text(bench_name);
  put_char(' ');
  put_hex(checksum);
  put_char('\n');
  if (find_word(line, "ticks")) {
    put_text(bench_name);
    put_text(" ticks ");
    put_decimal(ticks);
    put_char('\n');
  }
  return 0;
}

#endif
