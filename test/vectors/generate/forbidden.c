/* Instructions that do not run in 64-bit user mode: #UD for what means nothing there, #GP for what is privileged. */
#include <stdio.h>

#include "groups.h"
#include "segments.h"
#include "shape.h"

static void raw(int vector, const char *name, const char *hex) {
  uint8_t bytes[24];
  int length = 0;
  unsigned byte;
  for (const char *p = hex; sscanf(p, "%2x", &byte) == 1;) {
    bytes[length++] = (uint8_t)byte;
    p += p[2] ? 3 : 2;
  }
  form_begin("%s (%s)", name, hex);
  for (int n = 0; n < 3; n++) {
    Case c;
    case_begin(&c);
    for (int r = 0; r < 16; r++) /* any register may be an address: all are good ones */
      if (r != RSP && mode == 64) c.reg[r] = DATA_BASE + 0x100 * (uint64_t)(r + 1);
    c.faults = 1u << vector;
    case_emit_bytes(&c, bytes, length);
  }
  form_end();
}

static void invalid(void) {
  static const char *const hex[] = {
      "06", "07", "0E", "16", "17", "1E", "1F", "27", "2F", "37", "3F", "60", "61", "82 C0 01",
      "9A 00 00 00 00 00 00", "CE", "D4 0A", "D5 0A", "D6", "EA 00 00 00 00 00 00", "0F 04", "0F 0A", "0F 0B",
      "0F 0C", "0F 24 C0", "0F 25 C0", "0F 26 C0", "0F 27 C0", "0F 36", "0F 39", "0F 3B", "0F 3C", "0F 3D", "0F 3E",
      "0F 3F", "0F A6 C0", "0F A7 C0", "0F B9 C0", "0F FF C0",
      /* holes in the groups */
      "FE D0", "FE D8", "FE E0", "FE E8", "FE F0", "FE F8", "FE 10", "FF F8", "FF 38", "C6 C8 00", "C6 D0 00",
      "C6 08 00", "C7 C8 00 00 00 00", "C7 D0 00 00 00 00", "C7 08 00 00 00 00", "0F BA C0 01", "0F BA C8 01",
      "0F BA D0 01", "0F BA D8 01", "0F BA 00 01", "0F C7 C0", "0F C7 C8", "0F C7 00",
      /* a register where only memory makes sense */
      "8D C0", "48 8D C3", "0F C3 C0", "FF D8", "FF E8", "48 0F C7 C9",
  };
  for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++) raw(VECTOR_UD, "#UD", hex[i]);
}

void forbidden_locks(void) {
  static const char *const hex[] = {
      "F0 01 C8", "F0 03 00", "F0 39 00", "F0 3B 00", "F0 83 38 01", "F0 85 00", "F0 89 00", "F0 8B 00",
      "F0 C7 00 01 00 00 00", "F0 FF C0", "F0 F7 D8", "F0 F7 D0", "F0 F7 20", "F0 F7 00 01 00 00 00", "F0 D1 20",
      "F0 C1 20 03", "F0 0F A3 08", "F0 0F BA 20 01", "F0 0F BA E8 01", "F0 0F AB C8", "F0 0F B1 C8", "F0 0F C1 C8",
      "F0 87 C8", "F0 90", "F0 50", "F0 C3", "F0 A4", "F0 AB", "F0 8D 00", "F0 0F AF 00", "F0 0F B6 00",
      "F0 0F 44 00", "F0 0F 94 00", "F0 99", "F0 F8", "F0 E8 00 00 00 00", "F0 EB 10", "F0 FF 30", "F0 FF 20",
      "F0 0F BC 00", "F0 0F C3 08", "F0 04 01", "F0 A8 01",
  };
  for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++) raw(VECTOR_UD, "#UD LOCK", hex[i]);
}

static void privileged(void) {
  static const struct {
    const char *name, *hex;
  } list[] = {
      {"hlt", "F4"}, {"cli", "FA"}, {"sti", "FB"}, {"in al, imm8", "E4 80"}, {"in eax, imm8", "E5 80"},
      {"out imm8, al", "E6 80"}, {"out imm8, eax", "E7 80"}, {"in al, dx", "EC"}, {"in ax, dx", "66 ED"},
      {"in eax, dx", "ED"}, {"out dx, al", "EE"}, {"out dx, ax", "66 EF"}, {"out dx, eax", "EF"}, {"insb", "6C"},
      {"insd", "6D"}, {"outsb", "6E"}, {"outsd", "6F"}, {"rep insb", "F3 6C"}, {"rep outsd", "F3 6F"},
      {"mov rax, cr0", "0F 20 C0"}, {"mov rcx, cr2", "0F 20 D1"}, {"mov rdx, cr3", "0F 20 DA"},
      {"mov rbx, cr4", "0F 20 E3"}, {"mov rax, cr8", "44 0F 20 C0"}, {"mov cr0, rax", "0F 22 C0"},
      {"mov cr2, rcx", "0F 22 D1"}, {"mov cr3, rdx", "0F 22 DA"}, {"mov cr4, rbx", "0F 22 E3"},
      {"mov cr8, rax", "44 0F 22 C0"}, {"mov rax, dr0", "0F 21 C0"}, {"mov rax, dr7", "0F 21 F8"},
      {"mov dr0, rax", "0F 23 C0"}, {"mov dr7, rax", "0F 23 F8"}, {"wrmsr", "0F 30"}, {"rdmsr", "0F 32"},
      {"clts", "0F 06"}, {"invd", "0F 08"}, {"wbinvd", "0F 09"}, {"lgdt m", "0F 01 10"}, {"lidt m", "0F 01 18"},
      {"lmsw m16", "0F 01 30"}, {"lmsw r16", "0F 01 F0"}, {"invlpg m", "0F 01 38"}, {"lldt r16", "0F 00 D0"},
      {"ltr r16", "0F 00 D8"}, {"swapgs", "0F 01 F8"}, {"sysretq", "48 0F 07"}, {"sysret", "0F 07"},
  };
  for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) raw(VECTOR_GP, list[i].name, list[i].hex);
  raw(VECTOR_GP, "add eax, imm32 with 11 prefixes: 16 bytes", "2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 05 01 00 00 00");
  raw(VECTOR_GP, "nop with 15 prefixes: 16 bytes", "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90");
}

void group_forbidden(void) {
  invalid();
  forbidden_locks();
  privileged();
}
