/* Runs one instruction on the CPU this program runs on, with every register under control. */
#ifndef MACHINE_H
#define MACHINE_H
#include <stdbool.h>
#include <stdint.h>

#include "fpu.h"

/* Pages of the test program; everything around them is unmapped,
 * and both are mapped a second time 64 KiB higher, for offsets that wrap. README.md, "The page layout", repeats these. */
#define CODE_BASE 0x08000000ull /* two pages, read + execute, filled with INT3 */
#define CODE_SIZE 0x2000ull
#define CODE_ENTRY (CODE_BASE + 0x800)
#define DATA_BASE 0x10000000ull /* two pages, read + write, no execute */
#define DATA_SIZE 0x2000ull

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum {
  CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, IF = 0x200, DF = 0x400, OF = 0x800,
  IOPL = 0x3000, NT = 0x4000, VM = 0x20000, VIF = 0x80000, VIP = 0x100000, ID = 0x200000,
};
#define STATUS (CF | PF | AF | ZF | SF | OF)
enum {
  VECTOR_DE = 0, VECTOR_BP = 3, VECTOR_OF = 4, VECTOR_BR = 5, VECTOR_UD = 6, VECTOR_NP = 11, VECTOR_SS = 12,
  VECTOR_GP = 13, VECTOR_PF = 14, VECTOR_MF = 16, VECTOR_XM = 19,
};

typedef struct {
  uint64_t reg[16];
  uint64_t rflags;
  bool legacy;     /* loads the segment registers */
  bool floating;   /* loads `fpu` */
  Fpu fpu;
  uint16_t sel[6]; /* as in Case */
  uint64_t rip;
  int vector; /* out: VECTOR_BP where execution reached an INT3 (rip then points at it) */
  uint32_t error;
  uint64_t cr2;
} Machine;

extern uint8_t *code_alias; /* the code pages, writable: the test program itself cannot write them */
extern uint8_t *const data_pages;

void machine_open(void);
void machine_run(const Machine *before, Machine *after);

#endif
