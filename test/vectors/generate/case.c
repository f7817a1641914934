/* Making, running and handing over one case, see case.h. */
#include "case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "legacy.h"
#include "record.h"

static uint8_t image[DATA_SIZE];
static char form_name[128];
static uint32_t form_cases, choices;
long total_cases, total_forms;
const Recipe *recipe;
int agreement = EXACT;

/* The memory every case starts from. Random bytes, but 0x800..0xBFF mostly repeats 0x400..0x7FF and 0xC00..0xFFF is
 * mostly 0x5A, so that REPE CMPS and REPE SCAS have something to run over. */
void image_make(void) {
  uint32_t state = 0x0D00B311u;
  for (uint32_t i = 0; i < DATA_SIZE; i += 4) {
    uint32_t word = prng_next(&state);
    memcpy(image + i, &word, 4);
  }
  for (uint32_t i = 0x800; i < 0xC00; i++)
    if (image[i] & 0x0F) image[i] = image[i - 0x400];
  for (uint32_t i = 0xC00; i < 0x1000; i++)
    if (image[i] & 0x1F) image[i] = 0x5A;
}

void form_begin(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int used = mode == 64 ? 0 : snprintf(form_name, sizeof form_name, "code%d ", mode);
  vsnprintf(form_name + used, sizeof form_name - (size_t)used, format, args);
  va_end(args);
  form_cases = 0;
  choices = ~prng_seed(form_name, 0);
}

void form_end(void) {
  record_form(form_name, form_cases);
  total_forms++;
}

uint32_t choose(uint32_t below) { return prng_next(&choices) % below; }

uint64_t choose64(void) {
  uint64_t low = prng_next(&choices);
  return (uint64_t)prng_next(&choices) << 32 | low;
}

/* Eight registers of 32 bits, random segments of those that reach all data; RSP points at the same place by SS. */
static void segmented_begin(Case *c) {
  static const int data[6] = {DATA32_FLAT, DATA32_RING, DATA32_ODD, DATA16_RING, DATA16_LOW, DATA16_ODD};
  for (int i = 0; i < 6; i++) c->sel[i] = selector_of(data[choose(6)]);
  if (mode == 64) {
    c->sel[SEG_CS] = CODE64;
    c->sel[SEG_SS] = 0x2B; /* as Linux has them */
    return;
  }
  for (int i = 0; i < 16; i++) c->reg[i] = i < 8 ? (uint32_t)c->reg[i] : 0;
  c->sel[SEG_CS] = selector_of(choose_code());
  c->stack_place = c->reg[RSP];
  c->reg[RSP] = offset_in(segment_of(c->sel[SEG_SS]), c->stack_place);
}

/* What RIP holds at an address of the code pages, and back. */
static uint64_t rip_of(uint64_t linear, uint16_t cs) {
  return !segmented || cs == CODE64 ? linear : offset_in(segment_of(cs), linear);
}

static uint64_t code_address(uint64_t rip, uint16_t cs) {
  if (!segmented || cs == CODE64) return rip;
  uint64_t linear = (uint32_t)(segment_of(cs)->base + rip);
  return linear >= CODE_BASE + 0x10000 && linear < CODE_BASE + 0x10000 + CODE_SIZE ? linear - 0x10000 : linear;
}

void case_begin(Case *c) {
  memset(c, 0, sizeof *c);
  c->stream = prng_seed(form_name, form_cases);
  for (int i = 0; i < 16; i++) c->reg[i] = prng_edge64(&c->stream);
  c->reg[RSP] = DATA_BASE + 0x1800 - ((prng_next(&c->stream) & 0x3F) << 3);
  if (segmented) segmented_begin(c);
  uint32_t r = prng_next(&c->stream);
  c->flags = 0x2 | IF | (r & STATUS) | ((r >> 16 & 7) == 0 ? DF : 0);
  memcpy(c->base_reg, c->reg, sizeof c->reg);
  c->base_flags = c->flags;
  c->rip = CODE_ENTRY;
  c->flags_mask = COMPARED_FLAGS;
  c->regs_mask = 0xFFFF;
  c->insn.opreg = NO_REG;
  c->fsw_mask = 0xFFFF;
  if (recipe) fpu_derive(&c->draw, prng_seed(form_name, form_cases), recipe, &c->fpu);
  c->base_fpu = c->fpu;
  memcpy(data_pages, image, DATA_SIZE);
}

static void patch(Case *c, uint64_t address, bool given, uint64_t value) {
  if (c->patches == MAX_PATCHES || address < DATA_BASE || address > DATA_BASE + DATA_SIZE - 8) {
    fprintf(stderr, "%s: a patch does not fit\n", form_name);
    exit(1);
  }
  c->patch[c->patches++] = (Patch){(uint16_t)(address - DATA_BASE), given, value};
  memcpy((void *)address, &value, 8);
}

void case_patch(Case *c, uint64_t address) {
  /* The draw's place is that in a vector: 32 bytes. */
  uint64_t value = recipe ? draw64(&c->draw, recipe->memory, c->patches & 3) : prng_edge64(&c->stream);
  patch(c, address, false, value);
}

void case_patch_value(Case *c, uint64_t address, uint64_t value) { patch(c, address, true, value); }

void case_ignore(Case *c, uint64_t address, int bytes) {
  if (c->ignores == MAX_IGNORED) {
    fprintf(stderr, "%s: too much to ignore\n", form_name);
    exit(1);
  }
  c->ignored[c->ignores].offset = (uint16_t)(address - DATA_BASE);
  c->ignored[c->ignores++].length = (uint16_t)bytes;
}

uint64_t case_peek(uint64_t address, int bytes) {
  uint64_t value = 0;
  if (address >= DATA_BASE && address + (uint64_t)bytes <= DATA_BASE + DATA_SIZE)
    memcpy(&value, (void *)address, (size_t)bytes);
  return value;
}

static void refuse(const char *why, const uint8_t *bytes, int length, const Machine *after) {
  fprintf(stderr, "%s case %u: %s; vector %d error %#x cr2 %#lx rip %#lx; bytes", form_name, form_cases, why,
          after->vector, after->error, after->cr2, after->rip);
  for (int i = 0; i < length; i++) fprintf(stderr, " %02x", bytes[i]);
  fprintf(stderr, "\n");
  exit(1);
}

/* Makes agree on the pointers only while an unmasked exception is pending, and on FDP only for a memory operand:
 * undefined.h. */
static void settle_pointers(Case *c, const Machine *after) {
  c->pointers = after->fpu.fsw & FSW_ES ? COMPARE_POINTERS : 0;
  if (c->x87_pointers && after->vector == VECTOR_BP && !c->insn.rm.is_mem) c->pointers &= ~COMPARE_FDP;
}

static void settle_comparison(Case *c, const Machine *after) {
  if (!c->x87_compares || after->vector != VECTOR_BP || !(after->fpu.fsw & ~c->fpu.fcw & (FSW_IE | FSW_DE))) return;
  c->fsw_mask &= (uint16_t)~(FSW_C0 | FSW_C2 | FSW_C3);
  c->flags_mask &= ~(uint32_t)STATUS;
}

static void settle_remainder(Case *c, const Machine *after) {
  if (!c->partial_remainder || !(after->fpu.fsw & FSW_C2)) return;
  c->x87_ignored |= (uint8_t)(1 << FSW_TOP(after->fpu.fsw));
  c->fsw_mask &= (uint16_t)~(FSW_C0 | FSW_C1 | FSW_C3);
}

void case_emit_bytes(Case *c, const uint8_t *bytes, int length) {
  static uint8_t initial[DATA_SIZE];
  for (int i = 0; mode != 64 && i < 16; i++) c->reg[i] = i < 8 ? (uint32_t)c->reg[i] : 0;
  Machine before = {.rflags = c->flags, .rip = rip_of(c->rip, c->sel[SEG_CS]), .legacy = segmented}, after = {0};
  memcpy(before.reg, c->reg, sizeof before.reg);
  memcpy(before.sel, c->sel, sizeof before.sel);
  before.floating = recipe != NULL;
  before.fpu = c->fpu;
  memcpy(initial, data_pages, DATA_SIZE);
  uint64_t at = c->rip - CODE_BASE, room = CODE_SIZE - at;
  size_t placed = (uint64_t)length < room ? (size_t)length : (size_t)room;
  memcpy(code_alias + at, bytes, placed);
  machine_run(&before, &after);
  memset(code_alias + at, 0xCC, placed);
  after.rip = code_address(after.rip, after.sel[SEG_CS]);
  if (mode != 64) /* compatibility mode leaves the upper halves undefined (SDM vol. 1, 3.4.1.1) */
    for (int i = 0; i < 16; i++) after.reg[i] = i < 8 ? (uint32_t)after.reg[i] : 0;

  /* An outcome nobody planned means the generator encoded something else than it thinks. */
  if (after.vector == VECTOR_BP) {
    if (!c->branches && after.rip != c->rip + (uint64_t)length) refuse("wrong length", bytes, length, &after);
    if (after.rip < CODE_BASE || after.rip >= CODE_BASE + CODE_SIZE) refuse("left the code", bytes, length, &after);
  } else if (after.vector > 31 || !(c->faults >> after.vector & 1)) {
    refuse("unplanned fault", bytes, length, &after);
  } else if (after.rip != c->rip + (after.vector == VECTOR_OF ? (uint64_t)length : 0)) { /* INTO's is a trap */
    refuse("a fault must leave RIP at the instruction", bytes, length, &after);
  }
  /* What a faulting instruction has already done elsewhere than in its string registers is a make's own business: PUSHA
   * and CALL far may have stored, POPA may have loaded (SDM vol. 3, 6.5 asks for a restart, no more). */
  bool changed = memcmp(initial, data_pages, DATA_SIZE) || memcmp(after.reg, c->reg, sizeof after.reg);
  if (segmented && !c->partial && after.vector != VECTOR_BP && changed) return;
  /* Which byte of a state image is touched first is a make's own business too. */
  if (recipe && after.vector == VECTOR_PF && after.cr2 != c->target && after.cr2 & 0xFFF) return;
  if (mode != 64) c->base_reg[RSP] = offset_in(segment_of(c->sel[SEG_SS]), c->stack_place);
  if (recipe) settle_pointers(c, &after), settle_comparison(c, &after), settle_remainder(c, &after);
  record_case(c, bytes, length, &after, initial);
  form_cases++;
  total_cases++;
}

void case_emit(Case *c) {
  uint8_t bytes[64];
  int length = insn_encode(&c->insn, c->rip, bytes);
  case_emit_bytes(c, bytes, length);
}
