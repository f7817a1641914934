/* Picking operands, and running whole families of forms that share a shape. */
#ifndef SHAPE_H
#define SHAPE_H
#include "case.h"
#include "segments.h"

/* Where a memory operand lies. */
typedef enum { IN_DATA, UNMAPPED, ACROSS_END, ACROSS_START, NON_CANONICAL, IN_CODE } Place;

enum { REG_FORM = 1, MEM_FORM = 2, LOCK_FORM = 4 };

typedef struct Shape Shape;
struct Shape {
  const char *name;   /* as a manual writes it, without the operand kind */
  uint8_t opcode[4];
  int opcodes;
  int prefix;         /* mandatory F2 or F3, or 0 */
  int osz;            /* operand-size attribute in bytes: 2 adds 66, 8 adds REX.W, 0, 1 and 4 add nothing */
  int rm_size;        /* bytes the r/m operand has */
  int digit;          /* ModRM.reg, where it is not a register */
  int reg_size;       /* bytes of the register operand in ModRM.reg; 0: `digit` stands there */
  int imm;            /* immediate bytes */
  int kinds;          /* REG_FORM | MEM_FORM | LOCK_FORM */
  uint32_t undefined; /* flags */
  void (*prepare)(Case *c, const Shape *shape, int number); /* last touches before the case runs */
  int cases;          /* per kind; 0: DEFAULT_CASES */
  uint32_t margin;    /* how far around its memory operand the instruction may reach */
  uint16_t exclude;   /* registers that must not be part of an address */
  bool stack;         /* uses the stack, so RSP must stay */
  int pops;           /* bytes it pops before it computes the address of its memory operand */
  bool writes;        /* its memory operand */
};

#define DEFAULT_CASES 64
/* How many of `sizes`, and of the general-purpose registers, the mode has. */
#define WIDTHS (mode == 64 ? 4 : 3)
#define REGISTERS (mode == 64 ? 16 : 8)

extern Place place;        /* of the memory operands of the shapes that run */
extern const int sizes[4]; /* 1 2 4 8 */
extern const char *const reg_name[4], *const rm_name[4]; /* r8 r16 r32 r64, r/m8 … by log2 of the size */
int log2_of(int size);

void shape_run(const Shape *shape);

void insn_prefix(Insn *insn, int byte);
void insn_opcode(Insn *insn, int count, const uint8_t *opcode);
void insn_size(Insn *insn, int osz); /* 66 or REX.W, where the mode needs it */
void insn_imm(Insn *insn, uint64_t value, int bytes);

/* A register operand; a byte register may be AH..BH if the case says no_rex. */
int pick_reg(Case *c, int size);
/* A memory operand of `size` bytes: picks place and addressing form, sets the registers and patches the content. */
void pick_mem(Case *c, int size, uint16_t exclude, uint32_t margin);
/* Makes the memory operand of the case address exactly `target`. */
void aim_mem(Case *c, uint64_t target, uint16_t exclude);
/* Reads and writes a register operand's initial value, AH..BH included. */
uint64_t get_reg(const Case *c, int reg, int size);
void set_reg(Case *c, int reg, int size, uint64_t value);
/* Initial value of the case's r/m operand. */
uint64_t get_rm(const Case *c, int size);

/* A value that favours edges, for immediates. */
uint64_t choose_imm(void);
/* All combinations of CF PF ZF SF OF in turn, by `number`. */
void set_condition_flags(Case *c, int number);

#endif
