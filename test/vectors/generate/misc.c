/* Sign extensions of the accumulator, no-operations, hints and fences. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"

static void plain(const char *name, int length, const uint8_t *bytes, int cases) {
  form_begin("%s", name);
  for (int n = 0; n < cases; n++) {
    Case c;
    case_begin(&c);
    case_emit_bytes(&c, bytes, length);
  }
  form_end();
}

/* ModRM.rm does not count (SDM vol. 2, "LFENCE"). */
static void fences(const char *name, int first, int last) {
  form_begin("%s", name);
  for (int modrm = first; modrm <= last; modrm++) {
    Case c;
    case_begin(&c);
    case_emit_bytes(&c, (uint8_t[]){0x0F, 0xAE, (uint8_t)modrm}, 3);
  }
  form_end();
}

static void memory_hint(const char *name, int second, int digit, int osz) {
  Shape s = {.name = name, .opcode = {0x0F, (uint8_t)second}, .opcodes = 2, .osz = osz, .rm_size = 8, .digit = digit};
  s.kinds = MEM_FORM;
  s.cases = 16;
  shape_run(&s);
  /* A hint never faults, whatever its address (SDM vol. 2, PREFETCHh); a NOP never reads. */
  if (second == 0xAE) return;
  place = UNMAPPED;
  shape_run(&s);
  place = NON_CANONICAL;
  shape_run(&s);
  place = IN_DATA;
}

void group_misc(void) {
  plain("cbw", 2, (uint8_t[]){0x66, 0x98}, 40);
  plain("cwde", 1, (uint8_t[]){0x98}, 40);
  plain("cdqe", 2, (uint8_t[]){0x48, 0x98}, 40);
  plain("cwd", 2, (uint8_t[]){0x66, 0x99}, 40);
  plain("cdq", 1, (uint8_t[]){0x99}, 40);
  plain("cqo", 2, (uint8_t[]){0x48, 0x99}, 40);
  plain("nop (90)", 1, (uint8_t[]){0x90}, 4);
  plain("nop (66 90)", 2, (uint8_t[]){0x66, 0x90}, 4);
  plain("nop (48 90)", 2, (uint8_t[]){0x48, 0x90}, 4);
  plain("pause", 2, (uint8_t[]){0xF3, 0x90}, 4);
  plain("nop (9 bytes)", 9, (uint8_t[]){0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x02, 0x00, 0x00}, 4);
  plain("nop r32 (0F 1F)", 3, (uint8_t[]){0x0F, 0x1F, 0xC8}, 4);
  plain("endbr64", 4, (uint8_t[]){0xF3, 0x0F, 0x1E, 0xFA}, 4);
  plain("lfence", 3, (uint8_t[]){0x0F, 0xAE, 0xE8}, 4);
  plain("mfence", 3, (uint8_t[]){0x0F, 0xAE, 0xF0}, 4);
  plain("sfence", 3, (uint8_t[]){0x0F, 0xAE, 0xF8}, 4);
  fences("lfence (0F AE E9 ... EF)", 0xE9, 0xEF);
  fences("mfence (0F AE F1 ... F7)", 0xF1, 0xF7);
  fences("sfence (0F AE F9 ... FF)", 0xF9, 0xFF);
  memory_hint("nop m16 (0F 1F)", 0x1F, 0, 2);
  memory_hint("nop m32 (0F 1F)", 0x1F, 0, 4);
  memory_hint("prefetchnta m8", 0x18, 0, 4);
  memory_hint("prefetcht0 m8", 0x18, 1, 4);
  memory_hint("prefetcht1 m8", 0x18, 2, 4);
  memory_hint("prefetcht2 m8", 0x18, 3, 4);
  memory_hint("prefetchw m8", 0x0D, 1, 4);
  memory_hint("clflush m8", 0xAE, 7, 4);
}

/* The number is not compared, nor CF, which tells whether there is one; the other flags are cleared. */
void group_random(void) {
  static const struct {
    const char *name;
    int digit, osz;
  } list[] = {
      {"rdrand r16", 6, 2}, {"rdrand r32", 6, 4}, {"rdrand r64", 6, 8},
      {"rdseed r16", 7, 2}, {"rdseed r32", 7, 4}, {"rdseed r64", 7, 8},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
    form_begin("%s", list[i].name);
    for (int reg = 0; reg < REGISTERS; reg++) {
      Case c;
      case_begin(&c);
      insn_size(&c.insn, list[i].osz);
      insn_opcode(&c.insn, 2, (uint8_t[]){0x0F, 0xC7});
      c.insn.has_modrm = true;
      c.insn.reg = list[i].digit;
      c.insn.rm = (Rm){.reg = reg, .base = NO_REG, .index = NO_REG};
      c.regs_mask &= (uint16_t)~(1u << reg);
      c.flags_mask &= ~(uint32_t)CF;
      case_emit(&c);
    }
    form_end();
  }
}
