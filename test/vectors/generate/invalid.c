/* Encodings of the floating-point and vector opcode space that are #UD: rows and opcodes that are not there, prefixes that
 * may not stand before VEX, reserved values of its fields, LOCK. */
#include <stdio.h>

#include "case.h"
#include "groups.h"
#include "segments.h"

static const struct {
  int bits;
  const char *form, *encodings; /* in hexadecimal digits, each followed by a space */
} invalid[] = {
#include "invalid.inc"
};

void group_invalid(void) {
  for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
    if (invalid[i].bits != mode) continue;
    form_begin("%s", invalid[i].form);
    for (const char *p = invalid[i].encodings; *p; p++) {
      uint8_t bytes[15];
      int length = 0;
      unsigned byte;
      for (; *p != ' '; p += 2) {
        sscanf(p, "%2x", &byte);
        bytes[length++] = (uint8_t)byte;
      }
      Case c;
      case_begin(&c);
      c.faults = 1u << VECTOR_UD;
      case_emit_bytes(&c, bytes, length);
    }
    form_end();
  }
}
