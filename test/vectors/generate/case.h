/* One test case while it is being made: its initial state, its instruction, and what to compare afterwards. */
#ifndef CASE_H
#define CASE_H
#include <stdbool.h>
#include <stdint.h>

#include "insn.h"
#include "machine.h"

#define MAX_PATCHES 16
#define COMPARED_FLAGS (STATUS | DF)
#define MAX_IGNORED 20

typedef struct {
  uint16_t offset;
  bool given; /* the value is stored with the case; otherwise it is the stream's next edge value */
  uint64_t value;
} Patch;

typedef struct {
  uint32_t stream;
  uint64_t rip;
  uint64_t reg[16], base_reg[16];
  uint64_t stack_place; /* the address RSP was drawn to point at */
  uint16_t sel[6];     /* segment registers of legacy cases, by encoding: ES CS SS DS FS GS */
  uint32_t flags, base_flags;
  Patch patch[MAX_PATCHES];
  int patches;
  Insn insn;
  uint32_t flags_mask; /* flags to compare */
  uint16_t regs_mask;  /* registers to compare */
  uint32_t faults;     /* bit n: exception n is an expected outcome; 0: none is */
  bool branches;       /* may end somewhere else than behind the instruction */
  bool no_rex;         /* AH..BH may be used, so nothing may need REX */
  bool partial;        /* what it has done before a fault stays and is recorded: legacy string instructions */
  bool keep_rsp;       /* the instruction uses the stack: RSP stays where it is */
  int pops;            /* bytes by which RSP has grown when the memory operand's address is computed */
  uint64_t target;     /* address of the memory operand, once picked */
  /* Floating point and vectors, where the form has a recipe. */
  Fpu fpu, base_fpu;
  Draw draw;
  uint16_t fsw_mask; /* bits of the status word to compare */
  int pointers;      /* COMPARE_FIP | COMPARE_FDP | COMPARE_FOP */
  bool x87_pointers; /* it sets them */
  uint8_t x87_ignored;    /* physical x87 registers that are not compared */
  bool x87_compares;      /* an unmasked exception of its operands: makes differ in whether it sets the codes or flags */
  bool partial_remainder; /* FPREM and FPREM1: with C2 set, ST(0) and the other condition codes depend on the make */
  struct {
    uint16_t offset, length;
  } ignored[MAX_IGNORED]; /* stored bytes that are not compared */
  int ignores;
} Case;

enum { COMPARE_FIP = 1, COMPARE_FDP = 2, COMPARE_FOP = 4, COMPARE_POINTERS = 7 };
/* How the results of a form agree with hardware. */
enum { EXACT, APPROXIMATE /* 1.5 * 2^-12 */, LAST_PLACE /* one unit in the last place */ };

/* What the forms to come draw floating-point and vector state from; NULL: they have none. */
extern const Recipe *recipe;
extern int agreement;

/* Groups are files, forms are names in them. Everything a generator file calls between form_begin and form_end
 * belongs to that form. */
/* `segments`: its cases have segment registers; `fpu`: floating-point and vector state. */
void group_begin(const char *directory, const char *name, bool segments, bool fpu);
void group_end(void);
void form_begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
void form_end(void);

/* A fresh case of the current form: registers, flags and memory as the replayer will derive them. */
void case_begin(Case *c);
/* Overwrites part of the derived state; the difference is stored with the case. */
void case_patch(Case *c, uint64_t address);                       /* 8 bytes, an edge value of the recipe's class */
void case_patch_value(Case *c, uint64_t address, uint64_t value); /* 8 bytes, this value */
/* Bytes of memory that the instruction leaves undefined. */
void case_ignore(Case *c, uint64_t address, int bytes);
/* Initial content of memory, as patched so far. */
uint64_t case_peek(uint64_t address, int bytes);
/* Runs the case on the CPU and stores it; ends the program if the outcome is none the case allows. */
void case_emit(Case *c);
/* The same with the given bytes as instruction. */
void case_emit_bytes(Case *c, const uint8_t *bytes, int length);

/* The generator's own choices: a stream that restarts with every form and is not replayed. */
uint32_t choose(uint32_t below);
uint64_t choose64(void);

void image_make(void);
extern long total_cases, total_forms;

#endif
