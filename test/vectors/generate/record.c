/* Writes one group's file, see record.h. Three streams keep like beside like, which gzip rewards. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segments.h"

typedef struct {
  uint8_t *bytes;
  size_t length, room;
} Stream;

enum {
  HAS_RIP = 1, HAS_FLAGS = 2, HAS_FLAGS_MASK = 4, HAS_REGS_MASK = 8,
  HAS_FAULT = 16, HAS_STORES = 32, HAS_PATCHES = 64, HAS_REGS = 128,
};

enum { FPU_INPUT = 1, FPU_FSW_MASK = 2, FPU_IGNORED = 4, FPU_POINTERS = 8 /* three bits */, FPU_CHANGED = 64, FPU_X87_IGNORED = 128 };
enum { IN_VECTORS = 1, IN_MXCSR = 2, IN_WORDS = 4, IN_X87 = 8, IN_FIP = 16, IN_FDP = 32, IN_FOP = 64 };

static Stream code, control, values, forms;
static uint32_t form_count, case_count;
static char path[512];
static bool legacy, floating;

static void put(Stream *s, const void *bytes, size_t length) {
  if (s->length + length > s->room) {
    s->room = (s->room + length) * 2 + 4096;
    s->bytes = realloc(s->bytes, s->room);
    if (!s->bytes) exit(1);
  }
  memcpy(s->bytes + s->length, bytes, length);
  s->length += length;
}

static void put8(Stream *s, uint8_t value) { put(s, &value, 1); }

static void put_varint(Stream *s, uint64_t value) {
  for (; value >= 0x80; value >>= 7) put8(s, (uint8_t)(value | 0x80));
  put8(s, (uint8_t)value);
}

static void put_signed(Stream *s, int64_t value) { put_varint(s, (uint64_t)value << 1 ^ (uint64_t)(value >> 63)); }

static int width(uint64_t value) {
  int n = 0;
  for (; value; value >>= 8) n++;
  return n;
}

/* The value itself or its difference to what the reader knows already, whichever has fewer significant bytes. */
static void put_value(uint64_t value, uint64_t known) {
  uint64_t difference = value ^ known;
  bool differ = width(difference) < width(value);
  uint64_t stored = differ ? difference : value;
  put8(&control, (uint8_t)(width(stored) | (differ ? 0x10 : 0)));
  put(&values, &stored, (size_t)width(stored));
}

static void put_regs(const uint64_t *now, const uint64_t *known) {
  uint32_t changed = 0;
  for (int i = 0; i < 16; i++) changed |= (uint32_t)(now[i] != known[i]) << i;
  put_varint(&control, changed);
  for (int i = 0; i < 16; i++)
    if (changed >> i & 1) put_value(now[i], known[i]);
}

/* Floating-point and vector state as its difference to what the reader knows. */
static void put_fpu(const Fpu *now, const Fpu *known, uint64_t rip) {
  uint32_t vectors = 0, x87 = 0;
  for (int n = 0; n < 16; n++) vectors |= (uint32_t)(memcmp(now->ymm[n], known->ymm[n], 32) != 0) << n;
  for (int n = 0; n < 8; n++)
    x87 |= (uint32_t)(now->x87[n].significand != known->x87[n].significand || now->x87[n].exponent != known->x87[n].exponent) << n;
  bool words = now->fcw != known->fcw || now->fsw != known->fsw || now->tags != known->tags;
  put8(&control, (uint8_t)((vectors ? IN_VECTORS : 0) | (now->mxcsr != known->mxcsr ? IN_MXCSR : 0) | (words ? IN_WORDS : 0) |
                           (x87 ? IN_X87 : 0) | (now->fip != known->fip ? IN_FIP : 0) |
                           (now->fdp != known->fdp ? IN_FDP : 0) | (now->fop != known->fop ? IN_FOP : 0)));
  if (vectors) put_varint(&control, vectors);
  for (int n = 0; n < 16; n++) {
    if (!(vectors >> n & 1)) continue;
    uint8_t parts = 0;
    for (int i = 0; i < 4; i++) parts |= (uint8_t)((now->ymm[n][i] != known->ymm[n][i]) << i);
    put8(&control, parts);
    for (int i = 0; i < 4; i++)
      if (parts >> i & 1) put_value(now->ymm[n][i], known->ymm[n][i]);
  }
  if (now->mxcsr != known->mxcsr) put_varint(&control, now->mxcsr ^ known->mxcsr);
  if (words) {
    put_varint(&control, now->fcw ^ known->fcw);
    put_varint(&control, now->fsw ^ known->fsw);
    put8(&control, now->tags ^ known->tags);
  }
  if (x87) put8(&control, (uint8_t)x87);
  for (int n = 0; n < 8; n++) {
    if (!(x87 >> n & 1)) continue;
    put_value(now->x87[n].significand, known->x87[n].significand);
    put_varint(&control, now->x87[n].exponent ^ known->x87[n].exponent);
  }
  if (now->fip != known->fip) put_varint(&control, now->fip ^ rip);
  if (now->fdp != known->fdp) put_varint(&control, now->fdp);
  if (now->fop != known->fop) put_varint(&control, now->fop);
}

/* What is not compared is recorded as unchanged. */
static Fpu compared_fpu(const Case *c, const Machine *after) {
  Fpu now = after->fpu;
  now.fsw = (uint16_t)((now.fsw & c->fsw_mask) | (c->fpu.fsw & ~c->fsw_mask));
  for (int n = 0; n < 8; n++)
    if (c->x87_ignored >> n & 1) now.x87[n] = c->fpu.x87[n];
  if (!(c->pointers & COMPARE_FIP)) now.fip = c->fpu.fip;
  if (!(c->pointers & COMPARE_FDP)) now.fdp = c->fpu.fdp;
  if (!(c->pointers & COMPARE_FOP)) now.fop = c->fpu.fop;
  return now;
}

static bool same_fpu(const Fpu *a, const Fpu *b) {
  for (int n = 0; n < 8; n++)
    if (a->x87[n].significand != b->x87[n].significand || a->x87[n].exponent != b->x87[n].exponent) return false;
  return !memcmp(a->ymm, b->ymm, sizeof a->ymm) && a->mxcsr == b->mxcsr && a->fcw == b->fcw && a->fsw == b->fsw &&
         a->tags == b->tags && a->fip == b->fip && a->fdp == b->fdp && a->fop == b->fop;
}

/* Runs of changed bytes; a gap of up to 7 unchanged bytes costs less inside a run than a new run does. */
static void put_stores(const uint8_t *initial) {
  Stream *s = &control;
  int runs = 0, start[64], end[64];
  for (int i = 0; i < (int)DATA_SIZE; i++) {
    if (data_pages[i] == initial[i]) continue;
    if (runs && i - end[runs - 1] < 8) {
      end[runs - 1] = i + 1;
      continue;
    }
    if (runs == 64) exit(1);
    start[runs] = i;
    end[runs++] = i + 1;
  }
  put_varint(s, (uint64_t)runs);
  for (int r = 0; r < runs; r++) {
    put_varint(s, (uint64_t)start[r]);
    put_varint(s, (uint64_t)(end[r] - start[r]));
    put(&values, data_pages + start[r], (size_t)(end[r] - start[r]));
  }
}

void record_case(const Case *c, const uint8_t *bytes, int length, const Machine *after, const uint8_t *initial) {
  uint64_t reg[16];
  for (int i = 0; i < c->ignores; i++)
    memcpy(data_pages + c->ignored[i].offset, initial + c->ignored[i].offset, c->ignored[i].length);
  bool fault = after->vector != VECTOR_BP, stores = memcmp(data_pages, initial, DATA_SIZE) != 0;
  for (int i = 0; i < 16; i++) reg[i] = c->regs_mask >> i & 1 ? after->reg[i] : c->reg[i];
  uint32_t flags = (uint32_t)(after->rflags & c->flags_mask) | (c->flags & ~c->flags_mask);

  int has = 0;
  if (c->rip != CODE_ENTRY) has |= HAS_RIP;
  if (c->flags != c->base_flags) has |= HAS_FLAGS;
  if (c->flags_mask != COMPARED_FLAGS) has |= HAS_FLAGS_MASK;
  if (c->regs_mask != 0xFFFF) has |= HAS_REGS_MASK;
  if (fault) has |= HAS_FAULT;
  if (stores) has |= HAS_STORES;
  if (c->patches) has |= HAS_PATCHES;
  if (memcmp(c->reg, c->base_reg, sizeof c->reg)) has |= HAS_REGS;

  put(&code, bytes, (size_t)length);
  put8(&control, (uint8_t)length);
  put8(&control, (uint8_t)has);
  Fpu fpu = {0};
  int fpu_has = 0;
  if (floating) {
    fpu = compared_fpu(c, after);
    if (!same_fpu(&c->fpu, &c->base_fpu)) fpu_has |= FPU_INPUT;
    if (c->fsw_mask != 0xFFFF) fpu_has |= FPU_FSW_MASK;
    if (c->ignores) fpu_has |= FPU_IGNORED;
    if (c->x87_ignored) fpu_has |= FPU_X87_IGNORED;
    fpu_has |= FPU_POINTERS * c->pointers;
    if (!same_fpu(&fpu, &c->fpu)) fpu_has |= FPU_CHANGED;
    put8(&control, (uint8_t)fpu_has);
  }
  if (segmented)
    for (int i = 0; i < 6; i++) put8(&control, (uint8_t)c->sel[i]);
  if (has & HAS_RIP) put_signed(&control, (int64_t)(c->rip - CODE_ENTRY));
  if (has & HAS_FLAGS) put_varint(&control, c->flags ^ c->base_flags);
  if (has & HAS_REGS) put_regs(c->reg, c->base_reg);
  if (has & HAS_PATCHES) {
    put_varint(&control, (uint64_t)c->patches);
    for (int i = 0; i < c->patches; i++) {
      put_varint(&control, (uint64_t)c->patch[i].offset << 1 | c->patch[i].given);
      if (c->patch[i].given) put(&values, &c->patch[i].value, 8);
    }
  }
  if (has & HAS_FLAGS_MASK) put_varint(&control, c->flags_mask);
  if (has & HAS_REGS_MASK) put_varint(&control, c->regs_mask);

  if (fpu_has & FPU_INPUT) put_fpu(&c->fpu, &c->base_fpu, c->rip);
  if (fpu_has & FPU_FSW_MASK) put_varint(&control, c->fsw_mask);
  if (fpu_has & FPU_X87_IGNORED) put8(&control, c->x87_ignored);
  if (fpu_has & FPU_IGNORED) {
    put_varint(&control, (uint64_t)c->ignores);
    for (int i = 0; i < c->ignores; i++) {
      put_varint(&control, c->ignored[i].offset);
      put_varint(&control, c->ignored[i].length);
    }
  }
  if (fpu_has & FPU_CHANGED) put_fpu(&fpu, &c->fpu, c->rip);

  put_regs(reg, c->reg);
  put_varint(&control, flags ^ c->flags);
  if (segmented) {
    uint8_t changed = 0;
    for (int i = 0; i < 6; i++) changed |= (uint8_t)((after->sel[i] != c->sel[i]) << i);
    put8(&control, changed);
    for (int i = 0; i < 6; i++)
      if (changed >> i & 1) put(&values, &after->sel[i], 2);
  }
  if (has & HAS_STORES) put_stores(initial);
  if (fault) {
    put8(&control, (uint8_t)after->vector);
    put_varint(&control, after->error);
    if (after->vector == VECTOR_PF) put_varint(&control, after->cr2);
  } else {
    put_signed(&control, (int64_t)(after->rip - c->rip) - length);
  }
  case_count++;
}

void record_form(const char *name, uint32_t cases) {
  size_t length = strlen(name);
  put8(&forms, (uint8_t)length);
  put(&forms, name, length);
  put_varint(&forms, cases);
  if (floating) {
    put8(&forms, recipe->vector);
    put8(&forms, recipe->x87);
    put8(&forms, recipe->memory);
    put8(&forms, (uint8_t)agreement);
  }
  form_count++;
}

void group_begin(const char *directory, const char *name, bool segments, bool fpu) {
  legacy = segments;
  floating = fpu;
  snprintf(path, sizeof path, "%s/%s.bin", directory, name);
  code.length = control.length = values.length = forms.length = 0;
  form_count = case_count = 0;
}

void group_end(void) {
  FILE *file = fopen(path, "wb");
  if (!file) perror(path), exit(1);
  const uint32_t magic = 0x31564244u + ((uint32_t)legacy + 2 * (uint32_t)floating) * 0x01000000u; /* "DBV1" … "DBV4" */
  uint32_t header[7] = {magic, form_count, case_count, (uint32_t)forms.length, (uint32_t)code.length,
                        (uint32_t)control.length, (uint32_t)values.length};
  fwrite(header, sizeof header, 1, file);
  if (legacy) {
    const uint32_t entries = LDT_COUNT;
    fwrite(&entries, sizeof entries, 1, file);
    fwrite(descriptors, sizeof descriptors, 1, file);
  }
  fwrite(forms.bytes, forms.length, 1, file);
  fwrite(code.bytes, code.length, 1, file);
  fwrite(control.bytes, control.length, 1, file);
  fwrite(values.bytes, values.length, 1, file);
  if (fclose(file)) perror(path), exit(1);
}
