/* Two-operand arithmetic and logic, TEST, and the one-operand INC DEC NEG NOT. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"
#include "undefined.h"

/* The forms without ModRM: operation on AL, AX, EAX, RAX with an immediate. */
static void accumulator(const char *name, int opcode, int size, uint32_t undefined) {
  static const char *const acc[4] = {"al", "ax", "eax", "rax"};
  int imm = size == 8 ? 4 : size;
  form_begin("%s %s, imm%d", name, acc[log2_of(size)], imm * 8);
  for (int n = 0; n < DEFAULT_CASES; n += mode == 64 ? 1 : 5) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, size);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)(opcode + (size > 1))});
    insn_imm(&c.insn, choose_imm(), imm);
    c.flags_mask &= ~undefined;
    case_emit(&c);
  }
  form_end();
}

static void two_operand(const char *op, int base, int digit, uint32_t undefined, int lock) {
  char name[64];
  for (int i = 0; i < WIDTHS; i++) {
    int size = sizes[i], imm = size == 8 ? 4 : size;
    Shape s = {.name = name, .opcodes = 1, .osz = size, .rm_size = size, .undefined = undefined};
    s.kinds = REG_FORM | MEM_FORM | lock;
    s.reg_size = size;
    s.opcode[0] = (uint8_t)(base + (i > 0));
    snprintf(name, sizeof name, "%s %s, %s", op, rm_name[i], reg_name[i]);
    shape_run(&s);

    s.kinds = REG_FORM | MEM_FORM;
    s.opcode[0] = (uint8_t)(base + 2 + (i > 0));
    snprintf(name, sizeof name, "%s %s, %s", op, reg_name[i], rm_name[i]);
    shape_run(&s);

    s.kinds |= lock;
    s.reg_size = 0;
    s.digit = digit;
    s.imm = imm;
    s.opcode[0] = i ? 0x81 : 0x80;
    snprintf(name, sizeof name, "%s %s, imm%d", op, rm_name[i], imm * 8);
    shape_run(&s);

    if (i) {
      s.imm = 1;
      s.opcode[0] = 0x83;
      snprintf(name, sizeof name, "%s %s, imm8 (83)", op, rm_name[i]);
      shape_run(&s);
    }
    accumulator(op, base + 4, size, undefined);
  }
}

static void test(void) {
  char name[64];
  for (int i = 0; i < WIDTHS; i++) {
    int size = sizes[i], imm = size == 8 ? 4 : size;
    Shape s = {.name = name, .opcodes = 1, .osz = size, .rm_size = size, .undefined = UNDEFINED_LOGIC};
    s.kinds = REG_FORM | MEM_FORM;
    s.reg_size = size;
    s.opcode[0] = i ? 0x85 : 0x84;
    snprintf(name, sizeof name, "test %s, %s", rm_name[i], reg_name[i]);
    shape_run(&s);
    s.reg_size = 0;
    s.imm = imm;
    s.opcode[0] = i ? 0xF7 : 0xF6;
    snprintf(name, sizeof name, "test %s, imm%d", rm_name[i], imm * 8);
    shape_run(&s);
    accumulator("test", 0xA8, size, UNDEFINED_LOGIC);
  }
}

void group_arithmetic(void) {
  static const char *const op[8] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
  for (int i = 0; i < 8; i++) {
    int logic = i == 1 || i == 4 || i == 6;
    two_operand(op[i], i * 8, i, logic ? UNDEFINED_LOGIC : 0, i == 7 ? 0 : LOCK_FORM);
  }
  test();

  static const struct {
    const char *name;
    int opcode, digit;
  } one[4] = {{"inc", 0xFE, 0}, {"dec", 0xFE, 1}, {"not", 0xF6, 2}, {"neg", 0xF6, 3}};
  for (int o = 0; o < 4; o++)
    for (int i = 0; i < WIDTHS; i++) {
      char name[64];
      snprintf(name, sizeof name, "%s %s", one[o].name, rm_name[i]);
      Shape s = {.name = name, .opcodes = 1, .osz = sizes[i], .rm_size = sizes[i], .digit = one[o].digit};
      s.opcode[0] = (uint8_t)(one[o].opcode + (i > 0));
      s.kinds = REG_FORM | MEM_FORM | LOCK_FORM;
      shape_run(&s);
    }
}
