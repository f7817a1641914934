/* Goes through the table of forms, see forms.h. */
#include "forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legacy.h"

const Form forms[] = {
#include "forms.inc"
};
const int form_count = sizeof forms / sizeof forms[0];

const char *form_mnemonic(const Form *form) { return form->name + (form->encoding == VEX && form->name[0] == 'v'); }

bool form_begins(const Form *form, const char *name) { return strncmp(form_mnemonic(form), name, strlen(name)) == 0; }

bool form_is(const Form *form, const char *name) {
  char next = form_mnemonic(form)[strlen(name)];
  return form_begins(form, name) && (next == 0 || next == ' ');
}

bool gathers(const Form *form) { return operand_at(form, VSIB32).type || operand_at(form, VSIB64).type; }

Operand operand_at(const Form *form, OperandPlace place) {
  for (int i = 0; i < MAX_OPERANDS; i++)
    if (form->operand[i].place == place) return form->operand[i];
  return (Operand){NOWHERE, NOTHING};
}

/* The register at a place, or -1 for memory. */
static int register_at(const Case *c, OperandPlace place) {
  switch (place) {
    case REG: return c->insn.reg;
    case VVVV: return c->insn.vvvv;
    case IS4: return c->insn.imm[c->insn.imms - 1] >> 4;
    default: return c->insn.rm.is_mem ? -1 : c->insn.rm.reg;
  }
}

OperandType type_at(const Form *form, OperandPlace place) {
  for (int i = 0; i < MAX_OPERANDS; i++) {
    OperandPlace here = form->operand[i].place;
    if (here == place || (place == RM && (here == RM_REG || here == RM_MEM))) return form->operand[i].type;
  }
  return NOTHING;
}

void set_vector(Case *c, const Form *form, OperandPlace place, int part, uint64_t value) {
  int reg = register_at(c, place);
  if (reg < 0) case_patch_value(c, c->target + 8 * (uint64_t)part, value);
  else if (type_at(form, place) == MM) c->fpu.x87[reg & 7].significand = value;
  else c->fpu.ymm[reg][part] = value;
}

uint64_t get_vector(const Case *c, const Form *form, OperandPlace place, int part) {
  int reg = register_at(c, place);
  if (reg < 0) return case_peek(c->target + 8 * (uint64_t)part, 8);
  return type_at(form, place) == MM ? c->fpu.x87[reg & 7].significand : c->fpu.ymm[reg][part];
}

static int registers(OperandType type) { return type == MM || mode != 64 ? 8 : 16; }

/* An MMX register number has three bits: REX does not reach it, but is allowed. */
static int pick(OperandType type) { return type == NOTHING ? 0 : (int)choose((uint32_t)registers(type)); }

/* ST(i), mostly one that is not empty. */
static int pick_stack(const Case *c) {
  int i = (int)choose(8);
  for (int tries = 0; tries < 6 && !(c->fpu.tags >> ((FSW_TOP(c->fpu.fsw) + i) & 7) & 1); tries++) i = (int)choose(8);
  return i;
}

/* Most memory operands are aligned and inside; some are misaligned, some across the border between the two pages, some
 * reach beyond the end or lie outside. */
static void place_memory(Case *c, const Form *form, int number) {
  int size = form->memory ? form->memory : 1;
  uint64_t target = DATA_BASE + 0x40 + choose(0x1380 - 0x40);
  uint32_t align = (uint32_t)(size >= 64 ? 64 : size & -size);
  uint32_t kind = number % 8 < 5 ? 0 : choose(5);
  if (mode != 64 && kind > 2) kind = 0;
  if (kind == 2 && size > 1) target = DATA_BASE + 0x1000 - 1 - choose((uint32_t)(size - 1));
  else if (kind == 3 && size > 1) target = DATA_BASE + DATA_SIZE - 1 - choose((uint32_t)(size - 1));
  else if (kind == 4) target = choose(2) ? DATA_BASE + DATA_SIZE + choose(0xF00) : 0x0000800000000000ull + choose64() % 0x7000000000000000ull;
  else if (kind == 0) target &= ~(uint64_t)(align - 1);
  if (kind) c->faults |= 1u << VECTOR_GP | 1u << VECTOR_SS | 1u << VECTOR_PF;
  if (kind < 3 && size <= 32)
    for (int i = 0; i < size; i += 8) case_patch(c, target + (uint64_t)i);
  if (mode == 64) aim_mem(c, target, excluded_registers(form));
  else aim_legacy(c, target, size, excluded_registers(form), 0);
}

static void encode(Case *c, const Form *form, bool memory) {
  static const uint8_t escape[4][3] = {{0}, {1, 0x0F}, {2, 0x0F, 0x38}, {2, 0x0F, 0x3A}};
  Insn *insn = &c->insn;
  if (form->encoding == VEX) {
    insn->vex = true;
    insn->vex_long = choose(3) == 0;
    insn->vex_map = form->map;
    insn->vex_pp = form->prefix == 0x66 ? 1 : form->prefix == 0xF3 ? 2 : form->prefix == 0xF2 ? 3 : 0;
    insn->vex_w = form->w == ANY ? (int)choose(2) : form->w;
    insn->vex_l = form->l == ANY ? (int)choose(2) : form->l;
  } else {
    /* Legacy prefixes may come in any order (SDM vol. 2A, 2.1.1). */
    bool size_last = choose(2);
    if (!size_last && form->osz) insn_size(insn, form->osz);
    if (form->prefix) insn_prefix(insn, form->prefix);
    if (size_last && form->osz) insn_size(insn, form->osz);
    memcpy(insn->opcode, escape[form->map] + 1, escape[form->map][0]);
    insn->opcodes = escape[form->map][0];
  }
  insn->opcode[insn->opcodes++] = (uint8_t)form->opcode;
  if (form->second >= 0) insn->opcode[insn->opcodes++] = (uint8_t)form->second;
  insn->has_modrm = form->modrm;
  insn->reg = form->digit >= 0 ? form->digit : 0;
  insn->rm = (Rm){.base = NO_REG, .index = NO_REG, .is_mem = memory};
  for (int i = 0; i < MAX_OPERANDS; i++) {
    const Operand *operand = &form->operand[i];
    switch (operand->place) {
      case REG: insn->reg = pick(operand->type); break;
      case VVVV: insn->vvvv = pick(operand->type); break;
      case RM: case RM_REG: if (!memory) insn->rm.reg = pick(operand->type); break;
      case IS4: insn_imm(insn, (uint64_t)pick(operand->type) << 4, 1); break;
      case IMM: insn_imm(insn, choose(256), 1); break;
      case STI: insn->opcode[insn->opcodes - 1] = (uint8_t)(form->second + pick_stack(c)); break;
      default: break;
    }
  }
  /* Now and then two operands are the same register. */
  if (!memory && form->modrm && choose(6) == 0 && insn->rm.reg < 8) {
    if (operand_at(form, VVVV).type) insn->vvvv = insn->rm.reg;
    else if (operand_at(form, REG).type == type_at(form, RM)) insn->reg = insn->rm.reg;
  }
}

/* Exceptions that arithmetic may raise. */
static uint32_t arithmetic_faults(const Form *form) {
  uint32_t faults = form->recipe.x87 != CLASS_NONE ? 1u << VECTOR_MF : 0;
  bool floats = form->recipe.vector == CLASS_F32 || form->recipe.vector == CLASS_F64 || form->recipe.vector == CLASS_F16;
  if (floats || form_begins(form, "cvt")) faults |= 1u << VECTOR_XM;
  return faults;
}

static void run_kind(const Form *form, bool memory, int cases, const Corner *corner) {
  recipe = strcmp(form->group, "bmi") ? &form->recipe : NULL;
  agreement = form->agreement;
  bool both = operand_at(form, RM).place == RM;
  form_begin("%s%s%s%s", registers_collide ? "#UD same registers " : "", form->name, !both ? "" : memory ? " [mem]" : " [reg]",
             corner ? corner->suffix : "");
  int step = corner || mode == 64 ? 1 : mode == 32 ? 10 : 20;
  for (int number = 0; number < cases; number += step) {
    Case c;
    case_begin(&c);
    c.faults = arithmetic_faults(form);
    encode(&c, form, memory);
    if (memory && !gathers(form)) place_memory(&c, form, corner ? 0 : number);
    prepare(&c, form, number);
    if (corner) corner->prepare(&c, form, number);
    leave_undefined(&c, form);
    case_emit(&c);
  }
  form_end();
  recipe = NULL;
  agreement = EXACT;
}

void forms_run(const char *group) {
  for (int i = 0; i < form_count; i++) {
    const Form *form = &forms[i];
    if (strcmp(form->group, group) || (mode != 64 && form->long_mode)) continue;
    bool only = operand_at(form, RM_MEM).place == RM_MEM || gathers(form);
    bool memory = only || operand_at(form, RM).place == RM;
    if (!only) run_kind(form, false, form->register_cases, NULL);
    if (memory) run_kind(form, true, form->memory_cases, NULL);
    for (int k = 0; k < corner_count; k++) {
      int register_cases = corners[k].cases(form, false), memory_cases = corners[k].cases(form, true);
      if (!only && register_cases) run_kind(form, false, register_cases, &corners[k]);
      if (memory && memory_cases) run_kind(form, true, memory_cases, &corners[k]);
    }
    if (!gathers(form)) continue;
    registers_collide = true;
    run_kind(form, true, 3, NULL);
    registers_collide = false;
  }
}
