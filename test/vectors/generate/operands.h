/* Random operands of floating-point and vector cases: values of a class, edges first. test/vectors/operands.ts is the
 * same arithmetic in TypeScript, so that a file stores no input that can be drawn again; a change here needs the same
 * change there. */
#ifndef OPERANDS_H
#define OPERANDS_H
#include <stdbool.h>
#include <stdint.h>

/* What a 64-bit draw is made of. CLASS_NONE draws nothing: zero. */
enum {
  CLASS_NONE, CLASS_I8, CLASS_I16, CLASS_I32, CLASS_I64, CLASS_F16, CLASS_F32, CLASS_F64, CLASS_STRING, CLASS_F80,
};

/* How much of a case is edges: the denser they are, the more its elements mask each other's exceptions. */
enum { CALM, MIXED, WILD };

typedef struct {
  uint32_t state; /* of the stream */
  int temper;
  bool related;     /* operands are often equal, opposite, or one unit apart */
  bool wide;        /* strings of words */
  uint64_t base[4]; /* what related operands are related to */
  uint8_t base_class;
} Draw;

typedef struct {
  uint64_t significand;
  uint16_t exponent; /* with the sign */
} F80;

/* A 64-bit group of elements; `place` 0 … 3 says which part of a register it is, for related ones. */
uint64_t draw64(Draw *draw, int class, int place);
F80 draw_f80(Draw *draw);

#endif
