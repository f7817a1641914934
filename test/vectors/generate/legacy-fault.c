/* Accesses that segmentation refuses, of every size and through every segment register: beyond and across a limit,
 * wrong type, null. Then accesses that paging refuses, for the linear address in CR2. */
#include <stdio.h>

#include "groups.h"
#include "legacy.h"

static const Shape list[] = {
    {.name = "mov r8, m8", .opcode = {0x8A}, .rm_size = 1, .reg_size = 1},
    {.name = "mov r16, m16", .opcode = {0x8B}, .osz = 2, .rm_size = 2, .reg_size = 2},
    {.name = "mov r32, m32", .opcode = {0x8B}, .osz = 4, .rm_size = 4, .reg_size = 4},
    {.name = "mov m8, r8", .opcode = {0x88}, .rm_size = 1, .reg_size = 1, .writes = true},
    {.name = "mov m16, r16", .opcode = {0x89}, .osz = 2, .rm_size = 2, .reg_size = 2, .writes = true},
    {.name = "mov m32, r32", .opcode = {0x89}, .osz = 4, .rm_size = 4, .reg_size = 4, .writes = true},
    {.name = "add m16, r16", .opcode = {0x01}, .osz = 2, .rm_size = 2, .reg_size = 2, .writes = true},
    {.name = "sbb r32, m32", .opcode = {0x1B}, .osz = 4, .rm_size = 4, .reg_size = 4},
    {.name = "cmp m8, imm8", .opcode = {0x80}, .rm_size = 1, .digit = 7, .imm = 1},
    {.name = "inc m32", .opcode = {0xFF}, .osz = 4, .rm_size = 4, .writes = true},
    {.name = "xchg m32, r32", .opcode = {0x87}, .osz = 4, .rm_size = 4, .reg_size = 4, .writes = true},
    {.name = "movzx r32, m8", .opcode = {0x0F, 0xB6}, .opcodes = 2, .osz = 4, .rm_size = 1, .reg_size = 4},
    {.name = "push m16", .opcode = {0xFF}, .osz = 2, .rm_size = 2, .digit = 6, .stack = true},
    {.name = "push m32", .opcode = {0xFF}, .osz = 4, .rm_size = 4, .digit = 6, .stack = true},
    {.name = "pop m16", .opcode = {0x8F}, .osz = 2, .rm_size = 2, .stack = true, .pops = 2, .writes = true},
    {.name = "pop m32", .opcode = {0x8F}, .osz = 4, .rm_size = 4, .stack = true, .pops = 4, .writes = true},
    {.name = "cmpxchg8b m64", .opcode = {0x0F, 0xC7}, .opcodes = 2, .rm_size = 8, .digit = 1, .writes = true},
    {.name = "cmove r16, m16", .opcode = {0x0F, 0x44}, .opcodes = 2, .osz = 2, .rm_size = 2, .reg_size = 2},
    {.name = "sete m8", .opcode = {0x0F, 0x94}, .opcodes = 2, .rm_size = 1, .writes = true},
};
enum { FORMS = sizeof list / sizeof list[0] };

static void begin(Case *c, const Shape *s) {
  case_begin(c);
  c->keep_rsp = s->stack;
  c->pops = s->pops;
  if (s->osz) insn_size(&c->insn, s->osz);
  insn_opcode(&c->insn, s->opcodes ? s->opcodes : 1, s->opcode);
  c->insn.has_modrm = true;
  c->insn.reg = s->reg_size ? pick_reg(c, s->reg_size) : s->digit;
  if (s->imm) insn_imm(&c->insn, choose_imm(), s->imm);
  c->faults = 1 << VECTOR_GP | 1 << VECTOR_SS;
}

/* Around the first offset that is not inside. */
static void limits(void) {
  static const struct {
    int entry;
    uint32_t edge;
    const char *name;
  } segments[] = {
      {DATA16_SHORT, 0x1200, "16-bit limit"},       {DATA32_SHORT, 0x1200, "32-bit limit"},
      {DATA_PAGE, 0x1000, "one page"},              {DATA_BYTE, 1, "one byte"},
      {DATA16_DOWN, 0xF000, "16-bit expand-down"},  {DATA32_DOWN, 0xFFFFF000, "32-bit expand-down"},
      {DATA16_RING, 0x10000, "64 KiB"},             {DATA16_DOWN, 0x10000, "top of expand-down"},
  };
  for (int i = 0; i < FORMS; i++)
    for (size_t k = 0; k < sizeof segments / sizeof segments[0]; k++) {
      const Shape *s = &list[i];
      bool down = k == 4 || k == 5;
      form_begin("%s [%s]", s->name, segments[k].name);
      for (int n = 0; n < 10; n++) {
        Case c;
        begin(&c, s);
        int seg = (int[]){SEG_DS, SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS}[choose(s->stack ? 1 : 6)];
        if (s->stack) c.keep_rsp = true;
        c.sel[seg] = selector_of(segments[k].entry);
        uint32_t offset = segments[k].edge - (uint32_t)s->rm_size; /* the last that fits */
        if (down) offset = segments[k].edge;                       /* or the first */
        if (n < 4) offset += (uint32_t)((down ? -1 : 1) * (n == 3 ? s->rm_size : n));
        else if (n < 8) offset += (uint32_t)((down ? -1 : 1) * (int)choose((uint32_t)s->rm_size + 3));
        else offset += down ? -choose(0x800) : choose(0x800);
        int address_size = choose(2) ? 2 : 4;
        if (address_size == 2 && offset > 0xFFFF) address_size = 4;
        aim_at(&c, seg, offset, address_size, 0);
        c.faults |= 1 << VECTOR_PF; /* 64 KiB beyond the ring's start is its second mapping's end */
        case_emit(&c);
      }
      form_end();
    }
}

static void types(void) {
  for (int i = 0; i < FORMS; i++) {
    const Shape *s = &list[i];
    form_begin("%s [read-only segment]", s->name);
    for (int n = 0; n < 6; n++) {
      Case c;
      begin(&c, s);
      int seg = (int[]){SEG_DS, SEG_ES, SEG_FS, SEG_GS}[choose(4)];
      c.sel[seg] = selector_of(DATA_READ_ONLY);
      aim_at(&c, seg, 0x100 + choose(0x1000), n % 2 ? 2 : 4, 0);
      case_emit(&c);
    }
    form_end();
    form_begin("%s [null selector]", s->name);
    for (int n = 0; n < 6; n++) {
      Case c;
      begin(&c, s);
      int seg = (int[]){SEG_DS, SEG_ES, SEG_FS, SEG_GS}[n % 4];
      c.sel[seg] = 0;
      aim_at(&c, seg, choose(2) ? choose(0x10000) : 0, n % 2 ? 2 : 4, 0);
      case_emit(&c);
    }
    form_end();
    /* Code is never writable, and readable if its type says so. The address is in the second code page. */
    form_begin("%s [code segment]", s->name);
    for (int n = 0; n < 8; n++) {
      Case c;
      begin(&c, s);
      int seg = n % 2 ? SEG_CS : SEG_DS;
      bool secret = n % 4 > 1;
      int entry = mode == 16 ? (secret ? CODE16_UNREADABLE : CODE16_LOW) : secret ? CODE32_UNREADABLE : CODE32_LOW;
      if (seg == SEG_DS && secret) continue; /* cannot be loaded */
      c.sel[seg] = selector_of(entry);
      aim_at(&c, seg, 0x1000 + choose(0xF00), n % 3 ? 2 : 4, 0);
      case_emit(&c);
    }
    form_end();
  }
}

static void paging(void) {
  for (int i = 0; i < FORMS; i++)
    for (place = UNMAPPED; place <= ACROSS_START; place++) {
      if (list[i].rm_size < 2 && place != UNMAPPED) continue;
      Shape s = list[i];
      if (!s.opcodes) s.opcodes = 1;
      s.kinds = MEM_FORM;
      s.cases = 40;
      shape_run(&s);
    }
  place = IN_DATA;
}

void group_legacy_fault(void) {
  limits();
  types();
  paging();
}
