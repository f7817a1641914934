// A treap of 8192 random keys: inserts, lookups, removals. Dependent loads and pointer stores.
#include "bench.h"

#define COUNT 8192
const char bench_name[] = "tree";
const uint32_t bench_default_repeats = 35;

struct node {
  struct node *child[2];
  uint32_t key, priority;
};
static struct node pool[COUNT];

static struct node *rotate(struct node *top, int up) {
  struct node *child = top->child[up];
  top->child[up] = child->child[!up];
  child->child[!up] = top;
  return child;
}

static struct node *insert(struct node *at, struct node *fresh) {
  if (!at) return fresh;
  if (at->key == fresh->key) return at;
  int side = fresh->key > at->key;
  at->child[side] = insert(at->child[side], fresh);
  return at->child[side]->priority > at->priority ? rotate(at, side) : at;
}

static struct node *merge(struct node *low, struct node *high) {
  if (!low) return high;
  if (!high) return low;
  if (low->priority > high->priority) {
    low->child[1] = merge(low->child[1], high);
    return low;
  }
  high->child[0] = merge(low, high->child[0]);
  return high;
}

static struct node *removed(struct node *root, uint32_t key) {
  struct node **link = &root;
  while (*link && (*link)->key != key) link = &(*link)->child[key > (*link)->key];
  if (*link) *link = merge((*link)->child[0], (*link)->child[1]);
  return root;
}

static uint64_t in_order(const struct node *at, uint64_t sum) {
  for (; at; at = at->child[1]) sum = fold(in_order(at->child[0], sum), at->key);
  return sum;
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t random = 4, sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    struct node *root = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
      pool[i] = (struct node){.key = next_random(&random) & 0xFFFFF, .priority = next_random(&random)};
      root = insert(root, &pool[i]);
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < 4 * COUNT; i++) {
      uint32_t key = i & 1 ? pool[i / 4].key : next_random(&random) & 0xFFFFF;
      const struct node *at = root;
      while (at && at->key != key) at = at->child[key > at->key];
      found += at != 0;
    }
    for (uint32_t i = 0; i < COUNT; i += 2) root = removed(root, pool[i].key);
    sum = fold(in_order(root, sum), found);
  }
  return sum;
}
