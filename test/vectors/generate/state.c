/* Instructions that save and restore floating-point state: images they accept, and bytes they leave undefined. */
#include <string.h>

#include "forms.h"
#include "shape.h"

/* In the images, whatever the makes write: reserved bytes, selectors (deprecated: CPUID.7.EBX[13]), MXCSR_MASK; and
 * without a pending exception the pointers (undefined.h). */
static void ignore_environment(Case *c, int word) {
  uint64_t at = c->target;
  bool pending = c->fpu.fsw & FSW_ES;
  if (word == 2) { /* SDM vol. 1, figure 8-12: FCW FSW FTW FIP FCS FDP FDS */
    if (!pending) return case_ignore(c, at + 6, 8);
    case_ignore(c, at + 8, 2);
    case_ignore(c, at + 12, 2);
    return;
  }
  for (int i = 0; i < 3; i++) case_ignore(c, at + 2 + 4 * (uint64_t)i, 2); /* figure 8-9 */
  if (!pending) return case_ignore(c, at + 12, 16);
  case_ignore(c, at + 16, 2);
  case_ignore(c, at + 24, 4);
}

/* SDM vol. 1, table 10-2 */
static void ignore_fxsave(Case *c, bool wide) {
  uint64_t at = c->target;
  case_ignore(c, at + 5, 1);
  if (!(c->fpu.fsw & FSW_ES)) case_ignore(c, at + 6, 18);
  else if (!wide) case_ignore(c, at + 12, 4), case_ignore(c, at + 20, 4);
  case_ignore(c, at + 28, 4);
  for (uint64_t i = 0; i < 8; i++) case_ignore(c, at + 42 + 16 * i, 6);
  int end = mode == 64 ? 416 : 288;
  case_ignore(c, at + (uint64_t)end, 512 - end);
}

static uint16_t random_control(void) { return (uint16_t)(0x40 | (choose(2) ? 0x3F : choose(64)) | (choose(3) ? 3 : 2 * choose(2)) << 8 | choose(4) << 10); }

static uint32_t random_mxcsr(int number) {
  uint32_t value = (uint32_t)choose64() & 0xFFFF;
  return number % 8 == 5 ? value | 1u << (18 + choose(14)) : value;
}

/* Control, status and tag words of FLDENV and FRSTOR. The status word's summary bit follows from the others. */
static void give_environment(Case *c, int word) {
  uint64_t control = random_control(), status = choose64() & 0x7F7F, tags = choose64() & 0xFFFF;
  if (choose(3)) status &= ~0x3Full;
  if (word == 2) case_patch_value(c, c->target, control | status << 16 | tags << 32 | choose64() << 48);
  else {
    case_patch_value(c, c->target, control | (choose64() & 0xFFFF) << 16 | status << 32 | choose64() << 48);
    case_patch_value(c, c->target + 8, tags | choose64() << 16);
  }
}

static void give_fxsave(Case *c, int number) {
  uint64_t control = random_control(), status = choose64() & 0x7F7F, fop = choose64() & 0x7FF;
  if (choose(3)) status &= ~0x3Full;
  case_patch_value(c, c->target, control | status << 16 | (choose64() & 0xFF) << 32 | fop << 48);
  case_patch_value(c, c->target + 8, choose64() & 0x7FFFFFFFFFFF); /* pointers of 64 bits are canonical */
  case_patch_value(c, c->target + 16, choose64() & 0x7FFFFFFFFFFF);
  case_patch_value(c, c->target + 24, random_mxcsr(number));
  c->faults |= 1u << VECTOR_GP;
}

/* A header XRSTOR takes: which components there are, the rest zero (SDM vol. 1, 13.4.2); sometimes one it refuses. */
static void give_header(Case *c, int number) {
  uint64_t components = choose(3) ? 7 : choose(8), compacted = 0;
  if (number % 12 == 7) components |= 1ull << (8 + choose(56));
  if (number % 12 == 9) compacted = 1ull << choose(63);
  if (number % 3 == 1 && number % 12 != 9) compacted = 1ull << 63 | components | (choose(4) ? 7 : choose(8));
  case_patch_value(c, c->target + 512, components);
  case_patch_value(c, c->target + 520, compacted);
  for (uint64_t i = 2; i < 8; i++) case_patch_value(c, c->target + 512 + 8 * i, number % 12 == 11 && i == 2 ? choose64() : 0);
}

/* The mask in EDX:EAX names no component that is not x87, SSE or AVX: the processor here has more than most. */
static void give_mask(Case *c) {
  c->reg[RAX] = (choose64() & ~0xFFFFFFFFull) | (choose(2) ? 7 : choose(8));
  c->reg[RDX] &= ~0xFFFFFFFFull;
}

void prepare_state(Case *c, const Form *form, int number) {
  bool restores = form_begins(form, "fldenv") || form_begins(form, "frstor") || form_begins(form, "fxrstor") || form_begins(form, "xrstor");
  bool extended = form_begins(form, "x") && form->memory;
  if (extended) give_mask(c);
  if (form_is(form, "xgetbv")) { /* XCR0 and XINUSE are the machine's own */
    c->reg[RCX] = (choose64() & ~0xFFFFFFFFull) | (2 + choose(1000));
    c->faults = 1u << VECTOR_GP;
    return;
  }
  if (form_is(form, "xsetbv") || form_begins(form, "xsaves") || form_begins(form, "xrstors")) c->faults = 1u << VECTOR_GP; /* privileged */
  if (form_is(form, "ldmxcsr") || form->memory < 14) return;
  if (c->target < DATA_BASE || c->target + (uint64_t)form->memory > DATA_BASE + DATA_SIZE) return;
  if (form->memory == 14 || form->memory == 94) restores ? give_environment(c, 2) : ignore_environment(c, 2);
  else if (form->memory == 28 || form->memory == 108) restores ? give_environment(c, 4) : ignore_environment(c, 4);
  else if (restores) {
    give_fxsave(c, number);
    if (extended) give_header(c, number);
  } else {
    ignore_fxsave(c, strstr(form->name, "64 ") != NULL);
    if (extended && form_begins(form, "xsavec")) return;
  }
}
