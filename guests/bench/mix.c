// What business programs do: records copied and linked, small functions, strings compared, enumerations switched on,
// array elements reached through parameters, a division now and then.
#include "bench.h"

const char bench_name[] = "mix";
const uint32_t bench_default_repeats = 400000;

enum colour { RED, AMBER, GREEN, OFF, BROKEN };

struct record {
  struct record *next;
  enum colour colour;
  int32_t amount;
  char label[24];
};

static struct record first, second;
static int32_t row[48], grid[24][24];
static char last_letter = 'A';

#define CALLED __attribute__((noinline, noclone))

static CALLED enum colour follow(enum colour now) {
  switch (now) {
    case RED: return GREEN;
    case GREEN: return AMBER;
    case AMBER: return RED;
    case OFF: return BROKEN;
    default: return OFF;
  }
}

static CALLED int compare(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (uint8_t)*a - (uint8_t)*b;
}

static CALLED void label(char *to, const char *text, uint32_t number) {
  while (*text) *to++ = *text++;
  for (int digit = 0; digit < 3; digit++, number /= 10) *to++ = (char)('0' + number % 10);
  *to = 0;
}

static CALLED void pay(int32_t *balance, int32_t amount) {
  if (amount > 40) *balance -= amount;
  else *balance += amount + 2;
}

static CALLED void pass_on(struct record *from) {
  struct record *to = from->next;
  *to = *from;
  to->next = from;
  to->colour = follow(from->colour);
  pay(&to->amount, from->amount & 63);
  if (compare(from->label, to->label) != 0) to->amount = -1;
  from->amount = to->amount + 5;
}

static CALLED void post(int32_t line[48], int32_t table[24][24], int32_t at, int32_t value) {
  int32_t slot = at + 5;
  line[slot] = value;
  line[slot + 1] = line[slot];
  line[slot + 12] = slot;
  for (int32_t i = slot; i <= slot + 1; i++) table[slot][i] = slot;
  table[slot][slot - 1] += 1;
  table[slot + 4][slot] = line[slot];
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  first.next = &second;
  second.next = &first;
  first.colour = RED;
  first.amount = 40;
  label(first.label, "RECORD ONE, COPY ", 0);
  for (uint32_t repeat = 1; repeat <= repeats; repeat++) {
    char text[24];
    label(text, "RECORD ONE, COPY ", repeat);
    int order = compare(first.label, text);
    int32_t whole = (int32_t)(repeat % 97) + 3, part = 7;
    while (part < whole) {
      whole -= part;
      pay(&part, whole);
    }
    post(row, grid, (int32_t)(repeat & 7), whole);
    pass_on(&first);
    first.colour = second.colour;
    if (order < 0) last_letter++;
    else last_letter--;
    whole = (whole * 11 + part) / (int32_t)(1 + (repeat & 15));
    if ((repeat & 1023) == 0 || repeat == repeats) {
      label(first.label, "RECORD ONE, COPY ", repeat / 1024);
      sum = fold(sum, (uint32_t)first.amount);
      sum = fold(sum, (uint64_t)(uint32_t)whole << 32 | (uint8_t)last_letter << 8 | second.colour);
      for (int i = 0; i < 48; i++) sum = fold(sum, (uint32_t)row[i]);
      for (int i = 0; i < 24; i++) sum = fold(sum, (uint32_t)grid[i][(i * 7 + (int)repeat) % 24]);
    }
  }
  return sum;
}
