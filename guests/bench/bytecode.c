// An interpreter within: a stack machine whose program counts the steps of Collatz sequences. Indirect jumps.
#include "bench.h"

const char bench_name[] = "bytecode";
const uint32_t bench_default_repeats = 30;

enum op { PUSH, LOAD, STORE, ADD, SUB, MUL, SHR1, AND1, LESS, JUMP, JUMP_IF_ZERO, INC, HALT };

enum variable { N, X, STEPS, LIMIT };

// for (n = 1; n < limit; n++) for (x = n; x - 1 != 0; steps++) x = x odd ? 3 x + 1 : x / 2
static const uint8_t program[] = {
    PUSH, 1, STORE, N,  // 0
    LOAD, N, LOAD, LIMIT, LESS, JUMP_IF_ZERO, 52, LOAD, N, STORE, X,  // 4: outer
    LOAD, X, PUSH, 1, SUB, JUMP_IF_ZERO, 48, LOAD, X, AND1, JUMP_IF_ZERO, 39,  // 15: inner
    LOAD, X, PUSH, 3, MUL, PUSH, 1, ADD, STORE, X, JUMP, 44,  // 27: odd
    LOAD, X, SHR1, STORE, X,  // 39: even
    INC, STEPS, JUMP, 15,  // 44: count
    INC, N, JUMP, 4,  // 48: next
    HALT,  // 52: halt
};

static uint64_t interpret(const uint8_t *code, uint64_t *variables) {
  uint64_t stack[16], *top = stack;
  uint64_t executed = 0;
  const uint8_t *at = code;
  for (;;) {
    executed++;
    switch (*at++) {
      case PUSH: *top++ = *at++; break;
      case LOAD: *top++ = variables[*at++]; break;
      case STORE: variables[*at++] = *--top; break;
      case ADD: top--, top[-1] += *top; break;
      case SUB: top--, top[-1] -= *top; break;
      case MUL: top--, top[-1] *= *top; break;
      case SHR1: top[-1] >>= 1; break;
      case AND1: top[-1] &= 1; break;
      case LESS: top--, top[-1] = top[-1] < *top; break;
      case JUMP: at = code + *at; break;
      case JUMP_IF_ZERO: at = *--top ? at + 1 : code + *at; break;
      case INC: variables[*at++]++; break;
      default: return executed;
    }
  }
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    uint64_t variables[4] = {0, 0, 0, 1000 + repeat % 7};
    sum = fold(sum, interpret(program, variables));
    sum = fold(sum, variables[STEPS]);
  }
  return sum;
}
