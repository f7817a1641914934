/* The table of floating-point, vector and bit-manipulation forms, and the runner that goes through it. */
#ifndef FORMS_H
#define FORMS_H
#include "case.h"

/* Where an operand is encoded, and what it is. */
typedef enum { NOWHERE, REG, RM, RM_REG, RM_MEM, VVVV, IS4, IMM, STI, IMPLIED, VSIB32, VSIB64 } OperandPlace;
typedef enum { NOTHING, MM, XMM, YMM, R8_, R16, R32, R64 } OperandType;
#define R8 R8_
enum { LEGACY, VEX, ANY = 2 };

typedef struct {
  OperandPlace place;
  OperandType type;
} Operand;

#define MAX_OPERANDS 5
typedef struct {
  const char *name, *group;
  int encoding; /* LEGACY or VEX */
  int map;      /* 0: one byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
  int prefix;   /* mandatory: 66 F2 F3, or 0 */
  int opcode;
  int second; /* second opcode byte, to which an STI operand is added; or -1 */
  bool modrm;
  int digit; /* ModRM.reg where it is no register, or -1 */
  int osz;   /* operand size in bytes where the form has one, or 0 */
  int w, l;  /* of VEX; ANY: ignored */
  bool long_mode; /* 64-bit mode only */
  Operand operand[MAX_OPERANDS];
  int memory; /* size of the memory operand in bytes */
  Recipe recipe;
  int agreement;
  int register_cases, memory_cases;
} Form;

extern const Form forms[];
extern const int form_count;

/* Runs all forms of a group; in legacy modes a share of them and of their cases. */
void forms_run(const char *group);

/* The mnemonic without the V of VEX. */
const char *form_mnemonic(const Form *form);
/* Whether the mnemonic begins with, or is, `name`. */
bool form_begins(const Form *form, const char *name);
bool form_is(const Form *form, const char *name);
/* The form's operand at a place, or of type NOTHING. */
/* Whether its memory operand is a vector of addresses. */
bool gathers(const Form *form);
Operand operand_at(const Form *form, OperandPlace place);

OperandType type_at(const Form *form, OperandPlace place); /* RM finds RM_REG and RM_MEM too */

/* Initial value of 64-bit part `part` of a vector or MMX operand, register or memory; and its replacement. */
void set_vector(Case *c, const Form *form, OperandPlace place, int part, uint64_t value);
uint64_t get_vector(const Case *c, const Form *form, OperandPlace place, int part);

/* What a form needs beyond random operands: prepare.c. `excluded` are registers no address may use. */
uint16_t excluded_registers(const Form *form);
extern bool registers_collide; /* the registers of a gather, which must differ, do not: #UD */
void prepare(Case *c, const Form *form, int number);
/* Bytes that saving instructions leave undefined, and images that restoring ones accept: state.c. */
void prepare_state(Case *c, const Form *form, int number);

/* Inputs that random state hardly ever meets, in forms of their own behind the random ones: corners.c, corners-x87.c. */
typedef struct {
  const char *suffix;
  int (*cases)(const Form *form, bool memory); /* how many, in the current mode */
  void (*prepare)(Case *c, const Form *form, int number);
} Corner;
extern const Corner corners[];
extern const int corner_count;

/* What the manual leaves undefined in the results: undefined.c. */
void leave_undefined(Case *c, const Form *form);

#endif
