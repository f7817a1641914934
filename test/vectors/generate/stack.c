/* PUSH POP PUSHF POPF ENTER LEAVE. In 64-bit mode the operand is 8 bytes, or 2 with the 66 prefix; never 4. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

static void begin(Case *c, int osz, int opcode) {
  case_begin(c);
  c->keep_rsp = true;
  if (osz == 2) insn_prefix(&c->insn, 0x66);
  else if (choose(6) == 0) c->insn.rex_w = true; /* redundant */
  insn_opcode(&c->insn, 1, (uint8_t[]){(uint8_t)opcode});
  if (choose(4) == 0) c->reg[RSP] -= choose(8); /* misaligned */
}

static void register_forms(int osz) {
  for (int pop = 0; pop < 2; pop++) {
    form_begin("%s %s", pop ? "pop" : "push", reg_name[log2_of(osz)]);
    for (int n = 0; n < 64; n++) {
      Case c;
      begin(&c, osz, pop ? 0x58 : 0x50);
      c.insn.opreg = n % 16;
      if (pop) case_patch(&c, c.reg[RSP]);
      case_emit(&c);
    }
    form_end();
  }
}

static void immediate_forms(int osz) {
  for (int imm = 1; imm <= 4; imm += 3) {
    int bytes = imm == 4 && osz == 2 ? 2 : imm;
    form_begin("push imm%d%s", bytes * 8, osz == 2 ? " (66)" : "");
    for (int n = 0; n < DEFAULT_CASES; n++) {
      Case c;
      begin(&c, osz, imm == 1 ? 0x6A : 0x68);
      insn_imm(&c.insn, choose_imm(), bytes);
      case_emit(&c);
    }
    form_end();
  }
}

static void flag_forms(int osz) {
  form_begin("pushf%s", osz == 2 ? "" : "q");
  for (int n = 0; n < 48; n++) {
    Case c;
    begin(&c, osz, 0x9C);
    if (choose(2)) c.flags ^= DF;
    case_emit(&c);
  }
  form_end();
  form_begin("popf%s", osz == 2 ? "" : "q");
  for (int n = 0; n < 96; n++) {
    Case c;
    begin(&c, osz, 0x9D);
    /* At CPL 3 with IOPL 0, IF, IOPL, VM, VIF, VIP and RF do not follow the popped value (SDM vol. 2, POPF). TF and AC
     * stay clear: the one would trap, the other fault in the harness. */
    case_patch_value(&c, c.reg[RSP], choose64() & ~0x40100ull);
    c.flags_mask = STATUS | DF | IF | IOPL | NT | VM | VIF | VIP | ID; /* the kernel does not show the program's RF */
    case_emit(&c);
  }
  form_end();
}

static void enter(int level) {
  form_begin("enter imm16, %d", level);
  for (int n = 0; n < 24; n++) {
    Case c;
    begin(&c, 8, 0xC8);
    c.reg[RBP] = DATA_BASE + 0x1900 + choose(0x80) * 8 + (n % 4 ? 0 : choose(8));
    insn_imm(&c.insn, n % 3 ? choose(0x200) : 0, 2);
    insn_imm(&c.insn, (uint64_t)level | (n % 5 == 4 ? 0x20u << choose(3) : 0), 1); /* the level is taken modulo 32 */
    case_emit(&c);
  }
  form_end();
}

static void leave(int osz) {
  form_begin("leave%s", osz == 2 ? " (66)" : "");
  for (int n = 0; n < 32; n++) {
    Case c;
    begin(&c, osz, 0xC9);
    c.reg[RBP] = DATA_BASE + 0x1400 + choose(0x3F0);
    case_patch(&c, c.reg[RBP]);
    case_emit(&c);
  }
  form_end();
}

void group_stack(void) {
  char name[64];
  for (int osz = 8; osz >= 2; osz -= 6) {
    register_forms(osz);
    immediate_forms(osz);
    flag_forms(osz);
    for (int pop = 0; pop < 2; pop++) {
      Shape s = {.name = name, .opcode = {pop ? 0x8F : 0xFF}, .opcodes = 1, .osz = osz == 2 ? 2 : 0, .rm_size = osz};
      s.digit = pop ? 0 : 6;
      s.kinds = REG_FORM | MEM_FORM;
      s.stack = true;
      s.pops = pop ? osz : 0; /* SDM vol. 2, POP: RSP is incremented before the address is computed */
      s.cases = 64;
      snprintf(name, sizeof name, "%s %s", pop ? "pop" : "push", rm_name[log2_of(osz)]);
      shape_run(&s);
    }
    leave(osz);
  }
  for (int level = 0; level < 4; level++) enter(level);
}
