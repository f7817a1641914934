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

static Stream code, control, values, forms;
static uint32_t form_count, case_count;
static char path[512];
static bool legacy;

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
  form_count++;
}

void group_begin(const char *directory, const char *name) {
  legacy = strncmp(name, "legacy", 6) == 0 || strcmp(name, "segment64") == 0;
  snprintf(path, sizeof path, "%s/%s.bin", directory, name);
  code.length = control.length = values.length = forms.length = 0;
  form_count = case_count = 0;
}

void group_end(void) {
  FILE *file = fopen(path, "wb");
  if (!file) perror(path), exit(1);
  const uint32_t magic = legacy ? 0x32564244u : 0x31564244u; /* "DBV2", "DBV1" */
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
