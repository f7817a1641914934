/* The mode the cases run in, and the descriptor table of the legacy ones: compatibility mode with segments that have
 * bases and limits. */
#ifndef SEGMENTS_H
#define SEGMENTS_H
#include <stdbool.h>
#include <stdint.h>

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

/* Entries of the LDT, see segments.c. "Ring": the offset wraps at the border of the two pages. */
enum {
  LDT_NULL,
  CODE32_FLAT, CODE32_RING, CODE32_LOW, CODE16_LOW, CODE16_RING, CODE32_SHORT, CODE16_SHORT,
  CODE32_UNREADABLE, CODE16_UNREADABLE,
  DATA32_FLAT, DATA32_RING, DATA32_ODD, DATA16_RING, DATA16_LOW, DATA16_ODD,
  DATA32_SHORT, DATA16_SHORT, DATA32_DOWN, DATA16_DOWN, DATA_READ_ONLY, DATA_BYTE, DATA_PAGE,
  DATA_ABSENT, CODE_ABSENT, CONFORMING_ABSENT, LDT_CLEARED, LDT_COUNT,
};

typedef struct {
  uint32_t base, limit; /* limit in the descriptor's own granularity */
  bool code, down, big, locked /* code: no reading, data: no writing */, absent, conforming, pages;
} Segment;

/* Bits of the code the cases are: 64, 32 or 16. Form names of the last two begin with code32 or code16. */
extern int mode;
/* Whether the cases have segment registers: always in legacy modes. */
extern bool segmented;

/* Makes the LDT and reads back the descriptors the kernel wrote into it. */
void segments_open(void);
extern uint64_t descriptors[LDT_COUNT];

/* Selector of an entry with RPL 3; the null selector for LDT_NULL. */
uint16_t selector_of(int entry);
#define CODE64 0x33 /* Linux's selector of 64-bit user code */
/* The segment a selector means: an entry of the LDT, or the flat 32-bit code and data in every Linux GDT. */
const Segment *segment_of(uint16_t selector);
/* Mask of offsets in a code segment, or of the stack pointer. */
uint32_t offset_mask(const Segment *s);
/* Whether `size` bytes at `offset` are inside. */
bool inside(const Segment *s, uint32_t offset, uint32_t size);
/* Offset of an address of the test pages in a segment, through the second mapping of the pages if need be. */
uint32_t offset_in(const Segment *s, uint64_t linear);
/* The same, and whether it can be addressed with `address_size` bytes and `size` bytes there are inside the limit. */
bool reach(const Segment *s, uint64_t linear, uint32_t size, int address_size, uint32_t *offset);

#endif
