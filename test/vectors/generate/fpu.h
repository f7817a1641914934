/* Floating-point and vector state, as XSAVE keeps it, and its random values. test/vectors/fpu.ts is the same. */
#ifndef FPU_H
#define FPU_H
#include "operands.h"

enum { FSW_IE = 1, FSW_DE = 2, FSW_SF = 0x40, FSW_ES = 0x80, FSW_C0 = 0x100, FSW_C1 = 0x200, FSW_C2 = 0x400, FSW_C3 = 0x4000, FSW_B = 0x8000 };
#define FSW_TOP(fsw) ((fsw) >> 11 & 7)
#define FSW_EXCEPTIONS 0x3F
#define FCW_DEFAULT 0x37F
#define MXCSR_DEFAULT 0x1F80

typedef struct {
  uint16_t fcw, fsw, fop;
  uint8_t tags; /* bit n: physical register n is not empty */
  uint32_t mxcsr;
  uint64_t fip, fdp;
  F80 x87[8]; /* by physical number; the significand of number n is MMn */
  uint64_t ymm[16][4];
} Fpu;

/* What a form's state is drawn from. */
typedef struct {
  uint8_t vector; /* class of the elements of YMM registers; CLASS_NONE: all zero, MXCSR at its reset value */
  uint8_t x87;    /* CLASS_F80, or the class of MMX elements; CLASS_NONE: FNINIT's state */
  uint8_t memory; /* class of memory operands */
} Recipe;

/* The state a case starts with; `draw` goes on with its memory operands. */
void fpu_derive(Draw *draw, uint32_t seed, const Recipe *recipe, Fpu *fpu);
/* ES and B follow from flags and masks (SDM vol. 1, 8.1.3.3). */
uint16_t fsw_summary(uint16_t fsw, uint16_t fcw);

/* To and from the signal frame's XSAVE image in standard form (SDM vol. 1, 13.4). */
void fpu_to_image(const Fpu *fpu, uint8_t *image);
void fpu_from_image(Fpu *fpu, const uint8_t *image);
#define XSAVE_SIZE 832

#endif
