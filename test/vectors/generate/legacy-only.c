/* Instructions that 64-bit mode does not have, or that address differently there: decimal arithmetic, INC and DEC of a
 * register, BOUND, INTO, SALC, XLAT, LEA, moffs, and what is forbidden in user mode. */
#include <stdio.h>

#include "groups.h"
#include "legacy.h"
#include "undefined.h"

void group_legacy(void) {
  group_arithmetic();
  group_exchange();
  group_multiply();
  group_shift();
  group_bits();
  group_move();
  group_condition();
}

static const char *const size_name[5] = {"", "8", "16", "", "32"};

static void plain(const char *name, int osz, int cases, uint32_t undefined, int length, const uint8_t *bytes) {
  form_begin("%s", name);
  for (int n = 0; n < cases; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, length, bytes);
    c.flags_mask &= ~undefined;
    c.faults = 1 << VECTOR_DE | 1 << VECTOR_OF | 1 << VECTOR_GP;
    case_emit(&c);
  }
  form_end();
}

/* The accumulator takes every low nibble and the flags every combination. Undefined flags: SDM vol. 2, each
 * instruction's "Flags Affected". */
static void decimal(const char *name, int opcode, uint32_t undefined) {
  form_begin("%s", name);
  for (int n = 0; n < 96; n++) {
    Case c;
    case_begin(&c);
    uint64_t al = n < 32 ? (uint64_t)(n % 16) << 4 | (uint64_t)(n / 16 ? 0xA : 0x9) : choose(256);
    set_reg(&c, RAX, 1, al);
    if (n % 6 == 5) set_reg(&c, RAX, 2, choose(2) ? 0xFFFA : 0x00F0 + choose(16));
    c.flags = (c.flags & ~(uint32_t)(AF | CF)) | (n & 1 ? AF : 0) | (n & 2 ? CF : 0);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)opcode});
    c.flags_mask &= ~undefined;
    case_emit(&c);
  }
  form_end();
}

static void by_base(const char *name, int opcode) {
  form_begin("%s imm8", name);
  for (int n = 0; n < 48; n++) {
    Case c;
    case_begin(&c);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)opcode});
    insn_imm(&c.insn, n % 3 == 0 ? 10 : n % 12 == 1 ? 0 : choose_imm(), 1);
    c.faults = 1 << VECTOR_DE;
    c.flags_mask &= ~(uint32_t)(OF | AF | CF);
    case_emit(&c);
  }
  form_end();
}

static void one_register(const char *name, int opcode, int osz) {
  form_begin("%s r%s (%02X)", name, size_name[osz], opcode);
  for (int n = 0; n < 32; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)opcode});
    c.insn.opreg = n % 8;
    if (n % 4 == 3) set_reg(&c, c.insn.opreg, osz, choose(2) ? ~0ull : 1ull << (osz * 8 - 1));
    case_emit(&c);
  }
  form_end();
}

static void offset_move(int osz, int store) {
  form_begin("mov moffs%s (%02X)", size_name[osz], 0xA0 + 2 * store + (osz > 1));
  for (int n = 0; n < 20; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    int seg = n % 2 ? SEG_DS : (int[]){SEG_ES, SEG_SS, SEG_FS, SEG_GS, SEG_DS}[choose(5)];
    int address_size = n % 3 == 2 ? other_size() : own_size();
    uint64_t target = DATA_BASE + choose(0xF00) + (choose(2) ? 0x1000 : 0);
    uint32_t offset;
    if (!reach(segment_of(c.sel[seg]), target, 8, address_size, &offset)) c.sel[seg] = selector_of(DATA16_LOW);
    if (!reach(segment_of(c.sel[seg]), target, 8, address_size, &offset)) continue;
    insn_address_size(&c.insn, address_size);
    if (seg != SEG_DS) insn_segment(&c.insn, seg);
    insn_opcode(&c.insn, 1, (uint8_t[]){(uint8_t)(0xA0 + 2 * store + (osz > 1))});
    case_patch(&c, target);
    insn_imm(&c.insn, offset, address_size);
    case_emit(&c);
  }
  form_end();
}

/* LEA: any registers, the sum wraps at the address size and is cut or widened to the operand size. */
static void lea(int osz, int address_size) {
  form_begin("lea r%s, m (address size %d)", size_name[osz], address_size * 8);
  for (int n = 0; n < 64; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 1, (uint8_t[]){0x8D});
    c.insn.has_modrm = true;
    c.insn.reg = pick_reg(&c, osz);
    aim_at(&c, SEG_DS, (uint32_t)choose64(), address_size, 0);
    if (n % 2 && c.insn.rm.base != NO_REG) c.reg[c.insn.rm.base] = (uint32_t)choose_imm();
    case_emit(&c);
  }
  form_end();
}

static void xlat(int address_size) {
  form_begin("xlatb (address size %d)", address_size * 8);
  for (int n = 0; n < 32; n++) {
    Case c;
    case_begin(&c);
    int seg = n % 2 ? SEG_DS : (int)choose(6);
    if (seg == SEG_CS) seg = SEG_SS;
    uint32_t offset;
    /* AL is added to (E)BX, wrapping at the address size. */
    if (!reach(segment_of(c.sel[seg]), DATA_BASE + 0x200, 0x1000, address_size, &offset)) {
      c.sel[seg] = selector_of(DATA16_RING);
      offset = 0x10000 - choose(256);
    } else {
      offset += choose(0xE00);
    }
    insn_address_size(&c.insn, address_size);
    if (seg != SEG_DS) insn_segment(&c.insn, seg);
    insn_opcode(&c.insn, 1, (uint8_t[]){0xD7});
    set_reg(&c, RBX, address_size, offset);
    c.faults = 1 << VECTOR_GP;
    if (seg == SEG_SS) c.faults |= 1 << VECTOR_SS;
    case_emit(&c);
  }
  form_end();
}

/* The bounds are signed; the second limit is inclusive since the 80286 (SDM vol. 2, BOUND). */
static void bound(int osz) {
  form_begin("bound r%s, m", size_name[osz]);
  for (int n = 0; n < 64; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 1, (uint8_t[]){0x62});
    c.insn.has_modrm = true;
    c.insn.reg = pick_reg(&c, osz);
    pick_mem(&c, osz * 2, (uint16_t)(1 << c.insn.reg), 0);
    uint64_t low = choose_imm(), high = low + choose(3) * (n % 5 ? choose(1000) : 1);
    case_patch_value(&c, c.target, osz == 2 ? (low & 0xFFFF) | high << 16 : (low & 0xFFFFFFFF) | high << 32);
    static const int64_t away[5] = {-1, 0, 1, 0, 0};
    set_reg(&c, c.insn.reg, osz, n % 5 == 4 ? choose64() : (n % 2 ? low : high) + (uint64_t)away[n % 5]);
    c.faults = 1 << VECTOR_BR;
    case_emit(&c);
  }
  form_end();
}

static void alias(void) { /* 82 is 80 outside 64-bit mode */
  static const char *const op[8] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
  char name[40];
  for (int i = 0; i < 8; i++) {
    Shape s = {.name = name, .opcode = {0x82}, .opcodes = 1, .osz = 1, .rm_size = 1, .digit = i, .imm = 1};
    s.kinds = REG_FORM | MEM_FORM;
    s.undefined = i == 1 || i == 4 || i == 6 ? UNDEFINED_LOGIC : 0;
    s.cases = 40;
    snprintf(name, sizeof name, "%s r/m8, imm8 (82)", op[i]);
    shape_run(&s);
  }
}

static void adjust_rpl(void) {
  Shape s = {.name = "arpl r/m16, r16", .opcode = {0x63}, .opcodes = 1, .rm_size = 2, .reg_size = 2};
  s.kinds = REG_FORM | MEM_FORM;
  s.cases = 200;
  shape_run(&s);
}

static void forbidden(void) {
  static const struct {
    const char *name;
    int vector, length;
    uint8_t bytes[8];
  } list[] = {
      {"hlt", VECTOR_GP, 1, {0xF4}},
      {"cli", VECTOR_GP, 1, {0xFA}},
      {"sti", VECTOR_GP, 1, {0xFB}},
      {"in al, imm8", VECTOR_GP, 2, {0xE4, 0x80}},
      {"in eax, imm8", VECTOR_GP, 2, {0xE5, 0x80}},
      {"out imm8, al", VECTOR_GP, 2, {0xE6, 0x80}},
      {"in al, dx", VECTOR_GP, 1, {0xEC}},
      {"out dx, eax", VECTOR_GP, 1, {0xEF}},
      {"mov eax, cr0", VECTOR_GP, 3, {0x0F, 0x20, 0xC0}},
      {"mov cr3, eax", VECTOR_GP, 3, {0x0F, 0x22, 0xD8}},
      {"mov eax, dr7", VECTOR_GP, 3, {0x0F, 0x21, 0xF8}},
      {"wrmsr", VECTOR_GP, 2, {0x0F, 0x30}},
      {"clts", VECTOR_GP, 2, {0x0F, 0x06}},
      {"invd", VECTOR_GP, 2, {0x0F, 0x08}},
      {"lmsw ax", VECTOR_GP, 3, {0x0F, 0x01, 0xF0}},
      {"lldt ax", VECTOR_GP, 3, {0x0F, 0x00, 0xD0}},
      {"ltr ax", VECTOR_GP, 3, {0x0F, 0x00, 0xD8}},
      {"int 20", VECTOR_GP, 2, {0xCD, 0x20}},
      {"int 50", VECTOR_GP, 2, {0xCD, 0x50}},
      {"int ff", VECTOR_GP, 2, {0xCD, 0xFF}},
      {"ud2", VECTOR_UD, 2, {0x0F, 0x0B}},
      {"swapgs", VECTOR_UD, 3, {0x0F, 0x01, 0xF8}},
      {"mov cs, ax", VECTOR_UD, 2, {0x8E, 0xC8}},
      {"mov segment 6, ax", VECTOR_UD, 2, {0x8E, 0xF0}},
      {"mov ax, segment 7", VECTOR_UD, 2, {0x8C, 0xF8}},
      {"lss eax, eax", VECTOR_UD, 3, {0x0F, 0xB2, 0xC0}},
      {"lea eax, eax", VECTOR_UD, 2, {0x8D, 0xC0}},
      {"cmpxchg8b eax", VECTOR_UD, 3, {0x0F, 0xC7, 0xC8}},
      {"lock inc eax (40)", VECTOR_UD, 2, {0xF0, 0x40}},
      {"lock daa", VECTOR_UD, 2, {0xF0, 0x27}},
      {"lock pusha", VECTOR_UD, 2, {0xF0, 0x60}},
      {"lock add eax, ecx", VECTOR_UD, 3, {0xF0, 0x01, 0xC8}},
      {"hole FE /2", VECTOR_UD, 2, {0xFE, 0xD0}},
      {"hole FF /7", VECTOR_UD, 2, {0xFF, 0xF8}},
      {"hole 82 lock", VECTOR_UD, 4, {0xF0, 0x82, 0xC0, 0x01}},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    form_begin("#%s %s", list[i].vector == VECTOR_UD ? "UD" : "GP", list[i].name);
    for (int n = 0; n < 3; n++) {
      Case c;
      case_begin(&c);
      c.faults = 1u << list[i].vector;
      case_emit_bytes(&c, list[i].bytes, list[i].length);
    }
    form_end();
  }
}

void group_legacy_only(void) {
  decimal("daa", 0x27, OF);
  decimal("das", 0x2F, OF);
  decimal("aaa", 0x37, OF | SF | ZF | PF);
  decimal("aas", 0x3F, OF | SF | ZF | PF);
  by_base("aam", 0xD4);
  by_base("aad", 0xD5);
  plain("salc", 0, 8, 0, 1, (uint8_t[]){0xD6});
  plain("into", 0, 16, 0, 1, (uint8_t[]){0xCE});
  plain("cbw", 2, 12, 0, 1, (uint8_t[]){0x98});
  plain("cwde", 4, 12, 0, 1, (uint8_t[]){0x98});
  plain("cwd", 2, 12, 0, 1, (uint8_t[]){0x99});
  plain("cdq", 4, 12, 0, 1, (uint8_t[]){0x99});
  plain("nop", 0, 3, 0, 1, (uint8_t[]){0x90});
  for (int osz = 2; osz <= 4; osz += 2) {
    one_register("inc", 0x40, osz);
    one_register("dec", 0x48, osz);
    bound(osz);
    lea(osz, 2);
    lea(osz, 4);
  }
  for (int osz = 1; osz <= 4; osz *= 2) offset_move(osz, 0), offset_move(osz, 1);
  xlat(2);
  xlat(4);
  alias();
  adjust_rpl();
  forbidden();
}
