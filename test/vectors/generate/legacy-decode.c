/* What a decoder gets wrong in 16- and 32-bit code: every ModRM and SIB byte, the two size prefixes together, the
 * longest instructions, borders in the code, LOCK where it is illegal, hints. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "legacy.h"
#include "undefined.h"

/* Every ModRM byte that means memory, and a part of the SIB bytes; LEA shows the sum, wrapped at the address size. */
static void every_address(int osz, int address_size) {
  form_begin("lea r%d, any ModRM%s (address size %d)", osz * 8, address_size == 4 ? " and SIB" : "", address_size * 8);
  for (int mod = 0; mod < 3; mod++)
    for (int rm = 0; rm < 8; rm++)
      for (int n = 0; n < (address_size == 4 && rm == 4 ? 64 : 2); n++) {
        Case c;
        case_begin(&c);
        insn_size(&c.insn, osz);
        insn_address_size(&c.insn, address_size);
        int sib = address_size == 4 && rm == 4, base = sib ? n & 7 : rm, displacement = mod == 1 ? 1 : 0;
        if (address_size == 2 && (mod == 2 || (mod == 0 && rm == 6))) displacement = 2;
        if (address_size == 4 && (mod == 2 || (mod == 0 && base == 5))) displacement = 4;
        insn_opcode(&c.insn, 1, (uint8_t[]){0x8D});
        insn_imm(&c.insn, (uint64_t)(mod << 6 | (int)choose(8) << 3 | rm), 1);
        if (sib) insn_imm(&c.insn, choose(4) << 6 | (uint64_t)(n >> 3) << 3 | (uint64_t)base, 1);
        insn_imm(&c.insn, choose_imm(), displacement);
        case_emit(&c);
      }
  form_end();
}

/* 66 and 67 in all combinations and both orders, and one of them twice, which means once. */
static void sizes_together(void) {
  for (int store = 0; store < 2; store++) {
    form_begin("mov %s (66 and 67)", store ? "m, r" : "r, m");
    for (int n = 0; n < 64; n++) {
      Case c;
      case_begin(&c);
      int osz = n & 1 ? own_size() : other_size();
      if (n & 2) insn_size(&c.insn, osz);
      if (n & 4) insn_size(&c.insn, osz);
      if (!(n & 6)) osz = own_size();
      insn_opcode(&c.insn, 1, (uint8_t[]){store ? 0x89 : 0x8B});
      c.insn.has_modrm = true;
      c.insn.reg = pick_reg(&c, osz);
      pick_mem(&c, osz, 0, 0);
      case_emit(&c);
    }
    form_end();
  }
}

static void longest(void) {
  for (int over = 0; over < 2; over++) {
    form_begin("add %s with prefixes: %d bytes", mode == 16 ? "ax, imm16" : "eax, imm32", 15 + over);
    for (int n = 0; n < 4; n++) {
      Case c;
      case_begin(&c);
      uint8_t bytes[16];
      int immediate = own_size();
      memset(bytes, n % 2 ? 0x3E : 0x2E, sizeof bytes);
      bytes[14 + over - immediate] = 0x05;
      c.faults = over ? 1 << VECTOR_GP : 0;
      case_emit_bytes(&c, bytes, 15 + over);
    }
    form_end();
  }
}

/* Bytes on both sides of the border between the code pages, which in the 16-bit ring is also that of the segment: #GP(0)
 * there. And bytes beyond the last page: #PF. */
static void borders(void) {
  static const struct {
    const char *name;
    int osz, length;
    uint8_t bytes[8];
    int imm;
  } list[] = {
      {"add eax, imm32", 4, 1, {0x05}, 4},       {"add ax, imm16", 2, 1, {0x05}, 2},
      {"mov ecx, imm32", 4, 1, {0xB9}, 4},       {"sub cl, imm8", 1, 2, {0x80, 0xE9}, 1},
      {"bswap ebx", 4, 2, {0x0F, 0xCB}, 0},      {"imul edx, ecx, imm32", 4, 2, {0x69, 0xD1}, 4},
      {"push imm16", 2, 1, {0x68}, 2},           {"inc ax", 2, 2, {0xFF, 0xC0}, 0},
      {"jmp rel8", 0, 1, {0xEB}, 1},             {"movzx edx, cl", 4, 3, {0x0F, 0xB6, 0xD1}, 0},
      {"lea eax, [bx+si+disp]", 4, 2, {0x8D, 0x80}, 0},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
    for (int end = 0; end < 2; end++) {
      form_begin("%s [%s]", list[i].name, end ? "code ends" : "code page border");
      for (int n = 0; n < 10; n++) {
        Case c;
        case_begin(&c);
        if (mode == 32) set_code(&c, n % 2 ? CODE32_LOW : CODE32_FLAT); /* 4 GiB: makes differ */
        insn_size(&c.insn, list[i].osz);
        insn_opcode(&c.insn, 1, list[i].bytes);
        for (int at = 1; at < list[i].length; at++) insn_imm(&c.insn, list[i].bytes[at], 1);
        if (list[i].bytes[0] == 0x8D) insn_imm(&c.insn, choose_imm(), own_size());
        insn_imm(&c.insn, list[i].bytes[0] == 0xEB ? choose(0x40) : choose_imm(), list[i].imm);
        int length = c.insn.prefixes + 1 + c.insn.imms;
        if (length < 2) continue;
        c.rip = CODE_BASE + (end ? 0x2000 : 0x1000) - 1 - choose((uint32_t)length - 1);
        c.faults = 1 << VECTOR_GP | 1 << VECTOR_PF;
        c.branches = list[i].bytes[0] == 0xEB;
        if (list[i].bytes[0] == 0x69) c.flags_mask &= ~(uint32_t)UNDEFINED_MUL;
        case_emit(&c);
      }
      form_end();
    }
}

static void hint(const char *name, int second, int digit) {
  Shape s = {.name = name, .opcode = {0x0F, (uint8_t)second}, .opcodes = 2, .rm_size = 1, .digit = digit};
  s.kinds = MEM_FORM;
  s.cases = 40;
  shape_run(&s);
  /* Outside a limit, too, a hint does nothing (SDM vol. 2, PREFETCHh: it never faults). */
  form_begin("%s [beyond the limit]", name);
  for (int n = 0; n < 4; n++) {
    Case c;
    case_begin(&c);
    insn_opcode(&c.insn, 2, s.opcode);
    c.insn.has_modrm = true;
    c.insn.reg = digit;
    c.sel[SEG_FS] = selector_of(DATA16_SHORT);
    aim_at(&c, SEG_FS, 0x1200 + choose(0x1000), own_size(), 0);
    case_emit(&c);
  }
  form_end();
}

void group_legacy_decode(void) {
  for (int osz = 2; osz <= 4; osz += 2) every_address(osz, 2), every_address(osz, 4);
  sizes_together();
  longest();
  borders();
  forbidden_locks();
  hint("nop m (0F 1F)", 0x1F, 0);
  hint("prefetchnta m8", 0x18, 0);
  hint("prefetcht0 m8", 0x18, 1);
  hint("prefetchw m8", 0x0D, 1);
}
