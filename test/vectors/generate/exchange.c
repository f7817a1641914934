/* XCHG, XADD and the compare-and-exchange instructions, locked or not. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

/* Random operands hardly ever compare equal: half of the cases make them. */
static void make_equal(Case *c, const Shape *s, int number) {
  if (number & 1) set_reg(c, RAX, s->rm_size, get_rm(c, s->rm_size));
}

static void make_pair_equal(Case *c, const Shape *s, int number) {
  if (!(number & 1)) return;
  int half = s->rm_size / 2;
  set_reg(c, RAX, half, case_peek(c->target, half));
  set_reg(c, RDX, half, case_peek(c->target + (uint64_t)half, half));
  if (number % 4 == 3) c->reg[number & 4 ? RDX : RAX] ^= 1; /* one half equal is not equal */
}

static void exchange_with_accumulator(int osz) {
  static const char *const acc[4] = {"al", "ax", "eax", "rax"};
  form_begin("xchg %s, %s (90)", acc[log2_of(osz)], reg_name[log2_of(osz)]);
  for (int n = 0; n < 2 * REGISTERS; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 1, (uint8_t[]){0x90});
    c.insn.opreg = 1 + n % (REGISTERS - 1); /* with R8 this is 41 90, an exchange and no NOP */
    case_emit(&c);
  }
  form_end();
}

void group_exchange(void) {
  char name[64];
  for (int i = 0; i < WIDTHS; i++) {
    int size = sizes[i];
    Shape s = {.name = name, .osz = size, .rm_size = size, .reg_size = size, .kinds = REG_FORM | MEM_FORM | LOCK_FORM};
    s.opcodes = 1;
    s.opcode[0] = (uint8_t)(0x86 + (i > 0));
    snprintf(name, sizeof name, "xchg %s, %s", rm_name[i], reg_name[i]);
    shape_run(&s);
    if (i) exchange_with_accumulator(size);

    s.opcodes = 2;
    s.opcode[0] = 0x0F;
    s.opcode[1] = (uint8_t)(0xC0 + (i > 0));
    snprintf(name, sizeof name, "xadd %s, %s", rm_name[i], reg_name[i]);
    shape_run(&s);

    s.opcode[1] = (uint8_t)(0xB0 + (i > 0));
    s.exclude = 1 << RAX;
    s.prepare = make_equal;
    s.cases = 2 * DEFAULT_CASES;
    snprintf(name, sizeof name, "cmpxchg %s, %s", rm_name[i], reg_name[i]);
    shape_run(&s);
  }
  Shape pair = {.name = "cmpxchg8b m64", .opcode = {0x0F, 0xC7}, .opcodes = 2, .osz = 4, .rm_size = 8, .digit = 1};
  pair.kinds = MEM_FORM | LOCK_FORM;
  pair.exclude = 1 << RAX | 1 << RDX;
  pair.prepare = make_pair_equal;
  pair.cases = 2 * DEFAULT_CASES;
  shape_run(&pair);
  if (mode != 64) return;
  pair.name = "cmpxchg16b m128";
  pair.osz = 8;
  pair.rm_size = 16;
  shape_run(&pair);
}
