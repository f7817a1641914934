/* What cases in 16- and 32-bit code need beyond shape.h. */
#ifndef LEGACY_H
#define LEGACY_H
#include "segments.h"
#include "shape.h"

/* Makes the memory operand address `offset` in a segment register's segment; adds 67h and the override if needed. */
void aim_at(Case *c, int seg, uint32_t offset, int address_size, uint16_t exclude);
/* Makes it address `size` bytes at a linear address, by any register whose segment reaches them. `margin` bytes to
 * either side are reachable too. */
void aim_legacy(Case *c, uint64_t target, int size, uint16_t exclude, uint32_t margin);

/* The size attributes of the mode: 2 or 4 bytes. */
int own_size(void);
int other_size(void);
void insn_address_size(Insn *insn, int bytes);
void insn_segment(Insn *insn, int seg);

/* Loads SS with an entry and points the stack pointer at a linear address. */
void set_stack(Case *c, int entry, uint64_t linear);
/* Where the stack pointer points. */
uint64_t stack_linear(const Case *c);
/* Places the instruction's code segment. */
void set_code(Case *c, int entry);
/* Code and stack segments for cases that are to run without fault. */
int choose_code(void);
int choose_stack(void);

/* Runs a function for all of legacy32 and legacy16: form names get the mode. */
void in_both_modes(void (*run)(void));

#endif
