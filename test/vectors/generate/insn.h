/* One instruction in pieces, and its encoding. */
#ifndef INSN_H
#define INSN_H
#include <stdbool.h>
#include <stdint.h>

enum { NO_REG = -1, RIP_BASE = 16 };
#define HIGH_BYTE(n) (16 + (n)) /* n = 4..7: AH CH DH BH, which exist only without a REX prefix */

typedef struct {
  bool is_mem;
  bool word;      /* 16-bit addressing */
  bool plain;     /* displacement alone without a SIB byte, in legacy modes */
  int reg;        /* register operand: 0..15, or HIGH_BYTE */
  int base;       /* NO_REG, 0..15 or RIP_BASE */
  int index;      /* NO_REG or 0..15 but not RSP; a vector register in a gather: any */
  int scale;      /* 0..3, log2 */
  int disp_bytes; /* 0, 1, 2 or 4: what the form wants; raised where the encoding demands it */
  int64_t disp;   /* for RIP_BASE: the absolute target */
} Rm;

typedef struct {
  uint8_t prefix[14]; /* legacy prefixes in order */
  int prefixes;
  bool rex_w, rex_force;
  uint8_t opcode[4];
  int opcodes;
  bool has_modrm;
  int reg; /* the ModRM.reg operand or /digit */
  Rm rm;
  int opreg; /* register added to the last opcode byte, or NO_REG */
  uint8_t imm[8];
  int imms;
  /* VEX: `opcode` has one byte; `prefix` has none of 66 F2 F3 F0. */
  bool vex, vex_long; /* vex_long: three bytes where two would do */
  int vex_map, vex_pp, vex_w, vex_l; /* as encoded */
  int vvvv;                          /* register, 0 where there is none: it is stored inverted */
} Insn;

/* Writes the instruction that will stand at `rip` and returns its length in bytes. */
int insn_encode(const Insn *insn, uint64_t rip, uint8_t *out);

#endif
