/* CMOVcc, SETcc, and the instructions that read or write single flags or flags through AH. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

static const char *const condition[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                          "s", "ns", "p", "np", "l", "ge", "le", "g"};

static void prepare_flags(Case *c, const Shape *s, int number) {
  (void)s;
  set_condition_flags(c, number);
}

static void flags_only(const char *name, int opcode) {
  form_begin("%s", name);
  for (int n = 0; n < 32; n++) {
    Case c;
    case_begin(&c);
    set_condition_flags(&c, n);
    if (choose(2)) c.flags ^= DF;
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)opcode});
    case_emit(&c);
  }
  form_end();
}

void group_condition(void) {
  char name[64];
  for (int cc = 0; cc < 16; cc++) {
    for (int i = 1; i < WIDTHS; i++) {
      Shape s = {.name = name, .opcode = {0x0F, (uint8_t)(0x40 + cc)}, .opcodes = 2, .osz = sizes[i]};
      s.rm_size = s.reg_size = sizes[i];
      s.kinds = REG_FORM | MEM_FORM;
      s.prepare = prepare_flags;
      s.cases = 64;
      snprintf(name, sizeof name, "cmov%s %s, %s", condition[cc], reg_name[i], rm_name[i]);
      shape_run(&s);
    }
    Shape s = {.name = name, .opcode = {0x0F, (uint8_t)(0x90 + cc)}, .opcodes = 2, .osz = 1, .rm_size = 1};
    s.kinds = REG_FORM | MEM_FORM;
    s.prepare = prepare_flags;
    s.cases = 64;
    snprintf(name, sizeof name, "set%s r/m8", condition[cc]);
    shape_run(&s);
  }
  static const struct {
    const char *name;
    int opcode;
  } one[] = {{"lahf", 0x9F}, {"sahf", 0x9E}, {"cmc", 0xF5}, {"clc", 0xF8}, {"stc", 0xF9}, {"cld", 0xFC}, {"std", 0xFD}};
  for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) flags_only(one[i].name, one[i].opcode);
}
