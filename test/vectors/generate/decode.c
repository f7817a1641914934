/* What a decoder gets wrong: every ModRM and SIB byte, prefixes that do not count, long instructions, page borders. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "shape.h"

#define CODE_END (CODE_BASE + CODE_SIZE)

static int modrm(int mod, int reg, int rm) { return mod << 6 | reg << 3 | rm; }

/* Every ModRM with every SIB base and index at least once, over all REX bits; LEA shows the address. */
static void every_address(void) {
  for (int rex = 0; rex < 8; rex++) {
    char r = rex & 4 ? 'R' : '-', x = rex & 2 ? 'X' : '-', b = rex & 1 ? 'B' : '-';
    form_begin("lea r64, any ModRM and SIB, REX.%c%c%c", r, x, b);
    for (int mod = 0; mod < 3; mod++)
      for (int rm = 0; rm < 8; rm++)
        for (int n = 0; n < (rm == 4 ? 32 : 2); n++) {
          Case c;
          case_begin(&c);
          uint8_t bytes[12] = {(uint8_t)(0x48 | rex), 0x8D, (uint8_t)modrm(mod, (int)choose(8), rm)};
          int length = 3, base = rm;
          if (rm == 4) {
            base = n & 7;
            bytes[length++] = (uint8_t)(choose(4) << 6 | (n < 8 ? 4 : choose(8)) << 3 | (uint32_t)base);
          }
          int displacement = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
          uint64_t value = choose64();
          memcpy(bytes + length, &value, 4);
          case_emit_bytes(&c, bytes, length + displacement);
        }
    form_end();
  }
}

static void every_register_pair(void) {
  form_begin("add r64, r64 (every pair)");
  for (int pair = 0; pair < 256; pair++) {
    Case c;
    case_begin(&c);
    int reg = pair >> 4, rm = pair & 15;
    uint8_t bytes[3] = {(uint8_t)(0x48 | (reg >> 3) << 2 | rm >> 3), 0x01, (uint8_t)modrm(3, reg & 7, rm & 7)};
    case_emit_bytes(&c, bytes, 3);
  }
  form_end();
  for (int rex = 0; rex < 2; rex++) {
    form_begin("mov r8, r8 (every pair, %s REX)", rex ? "with" : "without");
    for (int pair = 0; pair < (rex ? 256 : 64); pair++) {
      Case c;
      case_begin(&c);
      int reg = rex ? pair >> 4 : pair >> 3, rm = rex ? pair & 15 : pair & 7;
      uint8_t bytes[3] = {(uint8_t)(0x40 | (reg >> 3) << 2 | rm >> 3), 0x88, (uint8_t)modrm(3, reg & 7, rm & 7)};
      case_emit_bytes(&c, bytes + !rex, 2 + rex);
    }
    form_end();
  }
}

/* `head` bytes, then a register-register ModRM, then `tail` random bytes. */
static void raw(const char *name, int heads, const uint8_t *head, int digit, int tail) {
  form_begin("%s", name);
  for (int n = 0; n < 32; n++) {
    Case c;
    case_begin(&c);
    uint8_t bytes[24];
    memcpy(bytes, head, (size_t)heads);
    bytes[heads] = (uint8_t)modrm(3, digit < 0 ? (int)choose(8) : digit, (int)choose(8));
    uint64_t value = choose_imm();
    memcpy(bytes + heads + 1, &value, 8);
    case_emit_bytes(&c, bytes, heads + 1 + tail);
  }
  form_end();
}

static void prefixes(void) {
  /* REX counts only directly before the opcode (SDM vol. 2A, 2.2.1). */
  raw("add r/m16, r16 (REX.WRB before 66 is ignored)", 3, (uint8_t[]){0x4D, 0x66, 0x01}, -1, 0);
  raw("add r/m32, r32 (REX.W before REX is ignored)", 3, (uint8_t[]){0x48, 0x40, 0x01}, -1, 0);
  raw("add r/m32, r32 (REX.W before 2E is ignored)", 3, (uint8_t[]){0x48, 0x2E, 0x01}, -1, 0);
  raw("add r/m16, r16 (66 three times)", 4, (uint8_t[]){0x66, 0x66, 0x66, 0x01}, -1, 0);
  raw("add r/m64, r64 (66 beside REX.W is ignored)", 3, (uint8_t[]){0x66, 0x48, 0x01}, -1, 0);
  raw("add r/m64, imm32 (66 beside REX.W is ignored)", 3, (uint8_t[]){0x66, 0x48, 0x81}, 0, 4);
  raw("test r/m64, imm32 (66 beside REX.W is ignored)", 3, (uint8_t[]){0x66, 0x48, 0xF7}, 0, 4);
  raw("mov r/m64, imm32 (66 beside REX.W is ignored)", 3, (uint8_t[]){0x66, 0x48, 0xC7}, 0, 4);
  raw("mov r/m8, r8 (66 is ignored)", 2, (uint8_t[]){0x66, 0x88}, -1, 0);
  raw("mov r/m8, r8 (REX.W is ignored)", 2, (uint8_t[]){0x48, 0x88}, -1, 0);
  raw("mov r/m32, r32 (67 without memory is ignored)", 2, (uint8_t[]){0x67, 0x89}, -1, 0);
  raw("mov r/m32, r32 (all four ignored segments)", 5, (uint8_t[]){0x26, 0x2E, 0x36, 0x3E, 0x89}, -1, 0);
  raw("sub r/m32, imm32 (15 bytes)", 10, (uint8_t[]){0x2E, 0x2E, 0x2E, 0x2E, 0x2E, 0x2E, 0x2E, 0x2E, 0x2E, 0x81}, 5, 4);
}

/* Ten-byte MOV and an RMW with address and immediate, placed before the border between the code pages and, where
 * `beyond`, before the unmapped page that follows them: then the fetch faults at the border. */
static void borders(int which, int beyond) {
  static const char *const name[3] = {"mov r64, imm64", "add m32, imm32", "jmp rel32"};
  form_begin("%s (%s)", name[which], beyond ? "runs into an unmapped page" : "across two pages");
  uint64_t border = beyond ? CODE_END : CODE_BASE + 0x1000;
  for (int n = 0; n < 24; n++) {
    Case c;
    case_begin(&c);
    uint8_t bytes[24];
    int length;
    if (which == 0) {
      insn_opcode(&c.insn, 1, (uint8_t[]){0xB8});
      c.insn.rex_w = true;
      c.insn.opreg = (int)choose(16);
      insn_imm(&c.insn, choose64(), 8);
    } else if (which == 1) {
      insn_opcode(&c.insn, 1, (uint8_t[]){0x81});
      c.insn.has_modrm = true;
      pick_mem(&c, 4, 0, 0);
      insn_imm(&c.insn, choose64(), 4);
    } else {
      insn_opcode(&c.insn, 1, (uint8_t[]){0xE9});
      insn_imm(&c.insn, (uint64_t)-(int64_t)(0x40 + choose(0x800)), 4);
      c.branches = true;
    }
    length = insn_encode(&c.insn, CODE_ENTRY, bytes);
    c.rip = border - 1 - (uint64_t)(n % (length - 1));
    if (beyond) c.faults = 1 << VECTOR_PF;
    case_emit(&c);
  }
  form_end();
}

void group_decode(void) {
  every_address();
  every_register_pair();
  prefixes();
  for (int which = 0; which < 3; which++) borders(which, 0), borders(which, 1);
}
