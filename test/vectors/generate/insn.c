/* Instruction encoding, Intel SDM vol. 2 chapter 2. */
#include "insn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static int high_bit(int reg) { return reg >= 8 && reg < 16; }

static int put(uint8_t *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> (8 * i));
  return bytes;
}

static int encode_rm(const Insn *insn, uint64_t rip, uint8_t *out, int at) {
  const Rm *rm = &insn->rm;
  int field = (insn->reg & 7) << 3;
  if (!rm->is_mem) {
    out[at++] = (uint8_t)(0xC0 | field | (rm->reg & 7));
    return at;
  }
  if (rm->base == RIP_BASE) {
    out[at++] = (uint8_t)(field | 5);
    uint64_t end = rip + (uint64_t)(at + 4 + insn->imms);
    return at + put(out + at, (uint64_t)rm->disp - end, 4);
  }
  int bytes = rm->disp_bytes, mod;
  if (rm->word) { /* table 2-1 */
    static const uint8_t alone[8] = {0, 0, 0, 7, 0, 6, 4, 5};
    int form = rm->base == NO_REG ? 6 : rm->index == NO_REG ? alone[rm->base] : (rm->base == RBP) << 1 | (rm->index == RDI);
    mod = rm->base == NO_REG || bytes == 0 ? 0 : bytes == 1 ? 0x40 : 0x80;
    out[at++] = (uint8_t)(mod | field | form);
    return at + put(out + at, (uint64_t)rm->disp, bytes);
  }
  if (rm->plain) {
    out[at++] = (uint8_t)(field | 5);
    return at + put(out + at, (uint64_t)rm->disp, 4);
  }
  /* Base RBP/R13 has no form without displacement (vol. 2A table 2-5 note); no base at all is mod 00 with disp32. */
  if (rm->base == NO_REG) bytes = 4;
  else if (bytes == 0 && (rm->base & 7) == 5) bytes = 1;
  mod = rm->base == NO_REG || bytes == 0 ? 0 : bytes == 1 ? 0x40 : 0x80;
  bool sib = rm->base == NO_REG || rm->index != NO_REG || (rm->base & 7) == 4;
  out[at++] = (uint8_t)(mod | field | (sib ? 4 : rm->base & 7));
  if (sib) {
    int index = rm->index == NO_REG ? 4 : rm->index & 7, base = rm->base == NO_REG ? 5 : rm->base & 7;
    out[at++] = (uint8_t)(rm->scale << 6 | index << 3 | base);
  }
  return at + put(out + at, (uint64_t)rm->disp, bytes);
}

int insn_encode(const Insn *insn, uint64_t rip, uint8_t *out) {
  int at = 0;
  const Rm *rm = &insn->rm;
  memcpy(out, insn->prefix, (size_t)insn->prefixes);
  at += insn->prefixes;

  int rex = (insn->rex_w ? 8 : 0);
  bool high = false;
  if (insn->opreg != NO_REG) rex |= high_bit(insn->opreg), high |= insn->opreg > 16;
  if (insn->has_modrm) {
    rex |= high_bit(insn->reg) << 2;
    high |= insn->reg > 16;
    if (rm->is_mem) rex |= high_bit(rm->index) << 1 | high_bit(rm->base);
    else rex |= high_bit(rm->reg), high |= rm->reg > 16;
  }
  if (insn->vex) {
    /* SDM vol. 2A, 2.3.5: R X B and vvvv inverted. In legacy modes R and X must be one, or it is LES or LDS. */
    int tail = (~insn->vvvv & 15) << 3 | insn->vex_l << 2 | insn->vex_pp;
    bool two = !insn->vex_long && insn->vex_map == 1 && !insn->vex_w && !(rex & 3);
    out[at++] = two ? 0xC5 : 0xC4;
    if (!two) out[at++] = (uint8_t)((~rex & 7) << 5 | insn->vex_map);
    out[at++] = (uint8_t)(two ? (~rex & 4) << 5 | tail : insn->vex_w << 7 | tail);
  } else if (rex || insn->rex_force) {
    if (high) {
      fprintf(stderr, "a high-byte register cannot be encoded beside a REX prefix\n");
      exit(1);
    }
    out[at++] = (uint8_t)(0x40 | rex);
  }
  memcpy(out + at, insn->opcode, (size_t)insn->opcodes);
  at += insn->opcodes;
  if (insn->opreg != NO_REG) out[at - 1] = (uint8_t)(out[at - 1] + (insn->opreg & 7));
  if (insn->has_modrm) at = encode_rm(insn, rip, out, at);
  memcpy(out + at, insn->imm, (size_t)insn->imms);
  return at + insn->imms;
}
