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
  memory_hint("nop m16 (0F 1F)", 0x1F, 0, 2);
  memory_hint("nop m32 (0F 1F)", 0x1F, 0, 4);
  memory_hint("prefetchnta m8", 0x18, 0, 4);
  memory_hint("prefetcht0 m8", 0x18, 1, 4);
  memory_hint("prefetcht1 m8", 0x18, 2, 4);
  memory_hint("prefetcht2 m8", 0x18, 3, 4);
  memory_hint("prefetchw m8", 0x0D, 1, 4);
  memory_hint("clflush m8", 0xAE, 7, 4);
}
