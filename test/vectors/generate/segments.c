/* The LDT of the legacy cases, see segments.h. */
#define _GNU_SOURCE
#include "segments.h"

#include <asm/ldt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"

int mode = 64;
bool segmented;
uint64_t descriptors[LDT_COUNT];

/* The test pages are mapped once more 64 KiB higher, so a 16-bit segment based on the border between two pages has the
 * first page at its end and the second at its start. */
static const Segment table[LDT_COUNT] = {
    [CODE32_FLAT] = {.code = true, .limit = 0xFFFFF, .pages = true, .big = true},
    [CODE32_RING] = {.code = true, .base = CODE_BASE + 0x1000, .limit = 0xFFFFF, .pages = true, .big = true},
    [CODE32_LOW] = {.code = true, .base = CODE_BASE, .limit = 0xFFFF, .big = true},
    [CODE16_LOW] = {.code = true, .base = CODE_BASE, .limit = 0xFFFF},
    [CODE16_RING] = {.code = true, .base = CODE_BASE + 0x1000, .limit = 0xFFFF},
    [CODE32_SHORT] = {.code = true, .base = CODE_BASE, .limit = 0x9FF, .big = true},
    [CODE16_SHORT] = {.code = true, .base = CODE_BASE, .limit = 0x9FF},
    [CODE32_UNREADABLE] = {.code = true, .base = CODE_BASE, .limit = 0xFFFF, .big = true, .locked = true},
    [CODE16_UNREADABLE] = {.code = true, .base = CODE_BASE, .limit = 0xFFFF, .locked = true},
    [DATA32_FLAT] = {.limit = 0xFFFFF, .pages = true, .big = true},
    [DATA32_RING] = {.base = DATA_BASE + 0x1000, .limit = 0xFFFFF, .pages = true, .big = true},
    [DATA32_ODD] = {.base = DATA_BASE - 0x12345, .limit = 0x14FFF, .big = true},
    [DATA16_RING] = {.base = DATA_BASE + 0x1000, .limit = 0xFFFF},
    [DATA16_LOW] = {.base = DATA_BASE, .limit = 0xFFFF},
    [DATA16_ODD] = {.base = DATA_BASE - 0x8765, .limit = 0xFFFF},
    [DATA32_SHORT] = {.base = DATA_BASE, .limit = 0x11FF, .big = true},
    [DATA16_SHORT] = {.base = DATA_BASE, .limit = 0x11FF},
    [DATA32_DOWN] = {.base = DATA_BASE + 0x2000, .limit = 0xFFFFE, .pages = true, .big = true, .down = true},
    [DATA16_DOWN] = {.base = DATA_BASE + 0x2000 - 0x10000, .limit = 0xEFFF, .down = true},
    [DATA_READ_ONLY] = {.base = DATA_BASE, .limit = 0xFFFF, .locked = true},
    [DATA_BYTE] = {.base = DATA_BASE + 0x123},
    [DATA_PAGE] = {.base = DATA_BASE, .pages = true, .big = true},
    [DATA_ABSENT] = {.base = DATA_BASE, .limit = 0xFFFF, .absent = true},
    [CODE_ABSENT] = {.code = true, .base = CODE_BASE, .limit = 0xFFFF, .absent = true},
    [CONFORMING_ABSENT] = {.code = true, .conforming = true, .base = CODE_BASE, .limit = 0xFFFF, .absent = true},
};
static const Segment gdt_code = {.code = true, .limit = 0xFFFFF, .pages = true, .big = true};
static const Segment gdt_data = {.limit = 0xFFFFF, .pages = true, .big = true};

void segments_open(void) {
  for (int i = LDT_COUNT - 1; i > 0; i--) {
    const Segment *s = &table[i];
    struct user_desc d = {.entry_number = (unsigned)i, .base_addr = s->base, .limit = s->limit};
    d.seg_32bit = s->big;
    d.contents = s->code ? (s->conforming ? 3 : 2) : s->down ? 1 : 0;
    d.read_exec_only = s->locked;
    d.limit_in_pages = s->pages;
    d.seg_not_present = s->absent;
    if (i == LDT_CLEARED) d.read_exec_only = d.seg_not_present = 1; /* how modify_ldt(2) is told to clear an entry */
    if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d)) fprintf(stderr, "LDT entry %d is refused\n", i), exit(1);
  }
  if (syscall(SYS_modify_ldt, 0, descriptors, sizeof descriptors) < 0) perror("reading the LDT"), exit(1);
}

uint16_t selector_of(int entry) { return entry ? (uint16_t)(entry << 3 | 7) : 0; }

const Segment *segment_of(uint16_t selector) {
  if (!(selector & 4)) return selector >> 3 == 5 ? &gdt_data : &gdt_code;
  return &table[selector >> 3];
}

uint32_t offset_mask(const Segment *s) { return s->big ? 0xFFFFFFFF : 0xFFFF; }

bool inside(const Segment *s, uint32_t offset, uint32_t size) {
  uint32_t limit = s->pages ? s->limit << 12 | 0xFFF : s->limit;
  uint64_t last = (uint64_t)offset + size - 1;
  return s->down ? offset > limit && last <= offset_mask(s) : last <= limit;
}

uint32_t offset_in(const Segment *s, uint64_t linear) { return (uint32_t)(linear - s->base) & offset_mask(s); }

bool reach(const Segment *s, uint64_t linear, uint32_t size, int address_size, uint32_t *offset) {
  *offset = (uint32_t)(linear - s->base);
  if (address_size == 2) *offset &= 0xFFFF;
  uint32_t at = s->base + *offset;
  bool pages = linear >= DATA_BASE && linear + size <= DATA_BASE + DATA_SIZE;
  if (at != linear && !(pages && at == linear + 0x10000)) return false;
  /* An operand across the top of 4 GiB or of the address size: what happens differs between makes. */
  if ((uint64_t)*offset + size > (address_size == 2 ? 0x10000 : 0x100000000ull)) return false;
  return inside(s, *offset, size);
}
