/* Shifts and rotates: by one, by CL and by an immediate, with counts from 0 to 255. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"
#include "undefined.h"

/* The first 72 counts in turn cover every masked value and the wrap; the rest are any byte. */
static unsigned count_of(int number) { return number < 72 ? (unsigned)number : choose(256); }

static void set_count(Case *c, const Shape *s, unsigned count) {
  if (s->imm) c->insn.imm[0] = (uint8_t)count;
  else set_reg(c, RCX, 1, count);
}

static void prepare_shift_by_one(Case *c, const Shape *s, int number) {
  (void)number;
  c->flags_mask &= ~undefined_shift(s->digit, s->rm_size, 1);
}

static void prepare_shift(Case *c, const Shape *s, int number) {
  unsigned count = count_of(number);
  set_count(c, s, count);
  c->flags_mask &= ~undefined_shift(s->digit, s->rm_size, count);
}

static void prepare_double(Case *c, const Shape *s, int number) {
  unsigned count = count_of(number);
  bool beyond = (count & 31) > 16 && s->rm_size == 2;
  /* An undefined memory destination could not be left out of the comparison as a register can. */
  if (beyond && c->insn.rm.is_mem) count &= 15, beyond = false;
  set_count(c, s, count);
  c->flags_mask &= ~undefined_double_shift(s->rm_size, count);
  if (beyond) c->regs_mask &= (uint16_t)~(1 << c->insn.rm.reg);
}

void group_shift(void) {
  static const char *const op[8] = {"rol", "ror", "rcl", "rcr", "shl", "shr", NULL, "sar"};
  char name[64];
  for (int digit = 0; digit < 8; digit++) {
    if (!op[digit]) continue; /* /6 is no documented instruction */
    for (int i = 0; i < WIDTHS; i++) {
      Shape s = {.name = name, .opcodes = 1, .osz = sizes[i], .rm_size = sizes[i], .digit = digit};
      s.kinds = REG_FORM | MEM_FORM;
      s.prepare = prepare_shift_by_one;
      s.opcode[0] = (uint8_t)(0xD0 + (i > 0));
      snprintf(name, sizeof name, "%s %s, 1", op[digit], rm_name[i]);
      shape_run(&s);
      s.prepare = prepare_shift;
      s.cases = 100;
      s.exclude = 1 << RCX;
      s.opcode[0] = (uint8_t)(0xD2 + (i > 0));
      snprintf(name, sizeof name, "%s %s, cl", op[digit], rm_name[i]);
      shape_run(&s);
      s.exclude = 0;
      s.imm = 1;
      s.opcode[0] = (uint8_t)(0xC0 + (i > 0));
      snprintf(name, sizeof name, "%s %s, imm8", op[digit], rm_name[i]);
      shape_run(&s);
    }
  }
  for (int right = 0; right < 2; right++)
    for (int i = 1; i < WIDTHS; i++) {
      Shape s = {.name = name, .opcodes = 2, .osz = sizes[i], .rm_size = sizes[i], .reg_size = sizes[i]};
      s.kinds = REG_FORM | MEM_FORM;
      s.prepare = prepare_double;
      s.cases = 100;
      s.opcode[0] = 0x0F;
      s.opcode[1] = right ? 0xAC : 0xA4;
      s.imm = 1;
      snprintf(name, sizeof name, "%s %s, %s, imm8", right ? "shrd" : "shld", rm_name[i], reg_name[i]);
      shape_run(&s);
      s.opcode[1]++;
      s.imm = 0;
      s.exclude = 1 << RCX;
      snprintf(name, sizeof name, "%s %s, %s, cl", right ? "shrd" : "shld", rm_name[i], reg_name[i]);
      shape_run(&s);
    }
}
