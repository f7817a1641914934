/* Operands of 16- and 32-bit code, see legacy.h. */
#include "legacy.h"

#include <stdio.h>
#include <stdlib.h>

int own_size(void) { return mode == 16 ? 2 : 4; }
int other_size(void) { return mode == 16 ? 4 : 2; }

void insn_address_size(Insn *insn, int bytes) {
  if (bytes != own_size()) insn_prefix(insn, 0x67);
}

void insn_segment(Insn *insn, int seg) {
  static const uint8_t prefix[6] = {0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
  insn_prefix(insn, prefix[seg]);
}

void set_stack(Case *c, int entry, uint64_t linear) {
  c->sel[SEG_SS] = selector_of(entry);
  const Segment *s = segment_of(c->sel[SEG_SS]);
  c->reg[RSP] = offset_in(s, linear);
  if (!s->big && choose(2)) c->reg[RSP] |= choose64() << 16 & 0xFFFF0000; /* above SP: must not matter, must stay */
}

uint64_t stack_linear(const Case *c) {
  if (mode == 64) return c->reg[RSP];
  const Segment *s = segment_of(c->sel[SEG_SS]);
  uint64_t at = (uint32_t)(s->base + ((uint32_t)c->reg[RSP] & offset_mask(s)));
  return at >= DATA_BASE + 0x10000 ? at - 0x10000 : at;
}

void set_code(Case *c, int entry) { c->sel[SEG_CS] = selector_of(entry); }

int choose_code(void) {
  static const int entry[2][3] = {{CODE32_FLAT, CODE32_RING, CODE32_LOW}, {CODE16_LOW, CODE16_RING, CODE16_LOW}};
  return entry[mode == 16][choose(3)];
}

int choose_stack(void) {
  static const int entry[] = {DATA32_FLAT, DATA32_RING, DATA32_ODD,  DATA16_RING,
                              DATA16_LOW,  DATA16_ODD,  DATA32_DOWN, DATA16_DOWN};
  return entry[choose(8)];
}

static bool excluded(int reg, uint16_t exclude) { return reg != NO_REG && exclude >> reg & 1; }

/* Registers of the 16-bit addressing forms by ModRM.rm (SDM vol. 2A, table 2-1). */
static const int8_t base16[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
static const int8_t index16[8] = {RSI, RDI, RSI, RDI, NO_REG, NO_REG, NO_REG, NO_REG};

static int aim16(Case *c, uint32_t offset, uint16_t exclude) {
  Rm *rm = &c->insn.rm;
  *rm = (Rm){.is_mem = true, .word = true, .base = NO_REG, .index = NO_REG};
  int form;
  do form = (int)choose(9); /* 8: the displacement alone */
  while (form < 8 && (excluded(base16[form], exclude) || excluded(index16[form], exclude)));
  if (form == 8) {
    rm->disp_bytes = 2;
    rm->disp = (int16_t)offset;
    return SEG_DS;
  }
  rm->base = base16[form];
  rm->index = index16[form];
  rm->disp_bytes = (int)choose(3);
  if (form == 6 && rm->disp_bytes == 0) rm->disp_bytes = 1;
  rm->disp = rm->disp_bytes == 1 ? (int8_t)choose(256) : rm->disp_bytes == 2 ? (int16_t)choose_imm() : 0;
  uint64_t sum = (uint64_t)rm->disp + (rm->index == NO_REG ? 0 : c->reg[rm->index]);
  set_reg(c, rm->base, 2, offset - sum); /* the upper half stays what it is, and must not matter */
  return rm->base == RBP ? SEG_SS : SEG_DS;
}

static int aim32(Case *c, uint32_t offset, uint16_t exclude) {
  Rm *rm = &c->insn.rm;
  *rm = (Rm){.is_mem = true, .base = NO_REG, .index = NO_REG};
  uint32_t form = choose(12);
  if (form >= 6 && form < 11) { /* an index, scaled */
    do rm->index = (int)choose(8);
    while (rm->index == RSP || excluded(rm->index, exclude));
    rm->scale = (int)choose(4);
  }
  if (form >= 10) { /* no base */
    uint64_t sum = rm->index == NO_REG ? 0 : c->reg[rm->index] << rm->scale;
    rm->disp = (int32_t)(offset - sum);
    rm->plain = form == 11 && choose(2);
    return SEG_DS;
  }
  do rm->base = (int)choose(8);
  while (excluded(rm->base, exclude) || rm->base == rm->index);
  int seg = rm->base == RBP || rm->base == RSP ? SEG_SS : SEG_DS;
  uint64_t sum = rm->index == NO_REG ? 0 : c->reg[rm->index] << rm->scale;
  if (rm->base == RSP && c->keep_rsp) {
    const Segment *s = segment_of(c->sel[SEG_SS]);
    uint64_t popped = ((c->reg[RSP] + (uint64_t)c->pops) & offset_mask(s)) | (c->reg[RSP] & ~(uint64_t)offset_mask(s));
    rm->disp_bytes = 4;
    rm->disp = (int32_t)(offset - sum - popped);
    return seg;
  }
  rm->disp_bytes = (int)(form % 3 == 2 ? 4 : form % 3);
  if (rm->disp_bytes == 0 && rm->base == RBP) rm->disp_bytes = 1;
  rm->disp = rm->disp_bytes == 1 ? (int8_t)choose(256) : rm->disp_bytes == 4 ? (int32_t)choose_imm() : 0;
  c->reg[rm->base] = (uint32_t)(offset - sum - (uint64_t)rm->disp);
  return seg;
}

void aim_at(Case *c, int seg, uint32_t offset, int address_size, uint16_t exclude) {
  const Segment *s = segment_of(c->sel[seg]);
  c->target = (uint32_t)(s->base + offset);
  if (c->target >= DATA_BASE + 0x10000 && c->target < DATA_BASE + 0x10000 + DATA_SIZE) c->target -= 0x10000;
  int assumed = address_size == 2 ? aim16(c, offset, exclude) : aim32(c, offset, exclude);
  bool override = assumed != seg || choose(12) == 0, first = choose(2);
  if (!first) insn_address_size(&c->insn, address_size);
  if (override) insn_segment(&c->insn, seg);
  if (first) insn_address_size(&c->insn, address_size);
}

void aim_legacy(Case *c, uint64_t target, int size, uint16_t exclude, uint32_t margin) {
  for (int tries = 0; tries < 400; tries++) {
    static const uint8_t segs[8] = {SEG_DS, SEG_DS, SEG_DS, SEG_SS, SEG_SS, SEG_ES, SEG_FS, SEG_GS};
    int seg = segs[choose(8)], address_size = choose(4) ? own_size() : other_size();
    if (tries == 100) c->sel[SEG_DS] = selector_of(DATA16_LOW);
    if (tries == 200) c->sel[SEG_DS] = selector_of(DATA16_ODD);
    uint32_t offset;
    if (!reach(segment_of(c->sel[seg]), target - margin, (uint32_t)size + 2 * margin, address_size, &offset)) continue;
    aim_at(c, seg, offset + margin, address_size, exclude);
    return;
  }
  fprintf(stderr, "no segment reaches an operand\n");
  exit(1);
}

void in_both_modes(void (*run)(void)) {
  segmented = true;
  for (mode = 32; mode >= 16; mode -= 16) run();
  mode = 64;
  segmented = false;
}
