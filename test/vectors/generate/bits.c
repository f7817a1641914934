/* Bit tests and scans, POPCNT, CRC32, MOVBE, BSWAP. */
#include <stdio.h>

#include "groups.h"
#include "shape.h"
#include "undefined.h"

/* A register bit offset is signed and reaches beyond the operand (SDM vol. 2A, 3.1.1.9, "Bit(BitBase, BitOffset)"):
 * up to 1 KiB to either side here, which the shape keeps free as its margin. */
static void prepare_bit_string(Case *c, const Shape *s, int number) {
  if (!c->insn.rm.is_mem) return;
  int64_t offset = number < 8 ? (int64_t[]){0, 7, 8, 63, 64, -1, -8, -64}[number] : (int64_t)choose(16384) - 8192;
  set_reg(c, c->insn.reg, s->rm_size, (uint64_t)offset);
}

/* With a zero source the destination is undefined. */
static void prepare_scan(Case *c, const Shape *s, int number) {
  if (number % 8 == 0 && !c->insn.rm.is_mem) set_reg(c, c->insn.rm.reg, s->rm_size, 0);
  if (get_rm(c, s->rm_size) == 0) c->regs_mask &= (uint16_t)~(1 << c->insn.reg);
}

static void bit_tests(void) {
  static const char *const op[4] = {"bt", "bts", "btr", "btc"};
  char name[64];
  for (int o = 0; o < 4; o++)
    for (int i = 1; i < WIDTHS; i++) {
      Shape s = {.name = name, .opcodes = 2, .osz = sizes[i], .rm_size = sizes[i], .reg_size = sizes[i]};
      s.opcode[0] = 0x0F;
      s.opcode[1] = (uint8_t)(0xA3 + 8 * o);
      s.kinds = REG_FORM | MEM_FORM | (o ? LOCK_FORM : 0);
      s.undefined = UNDEFINED_BIT_TEST;
      s.margin = 0x420;
      s.cases = 96;
      s.prepare = prepare_bit_string;
      snprintf(name, sizeof name, "%s %s, %s", op[o], rm_name[i], reg_name[i]);
      shape_run(&s);
      s.opcode[1] = 0xBA;
      s.reg_size = 0;
      s.digit = 4 + o;
      s.margin = 0;
      s.imm = 1;
      s.prepare = NULL;
      snprintf(name, sizeof name, "%s %s, imm8", op[o], rm_name[i]);
      shape_run(&s);
    }
}

static void bswap(int osz) {
  form_begin("bswap %s", reg_name[log2_of(osz)]);
  for (int n = 0; n < 3 * REGISTERS; n++) {
    Case c;
    case_begin(&c);
    insn_size(&c.insn, osz);
    insn_opcode(&c.insn, 2, (uint8_t[]){0x0F, 0xC8});
    c.insn.opreg = n % REGISTERS;
    case_emit(&c);
  }
  form_end();
}

void group_bits(void) {
  char name[64];
  bit_tests();
  for (int i = 1; i < WIDTHS; i++) {
    Shape s = {.name = name, .opcodes = 2, .osz = sizes[i], .rm_size = sizes[i], .reg_size = sizes[i]};
    s.kinds = REG_FORM | MEM_FORM;
    s.cases = 96;
    s.opcode[0] = 0x0F;
    s.undefined = UNDEFINED_BIT_SCAN;
    s.prepare = prepare_scan;
    s.opcode[1] = 0xBC;
    snprintf(name, sizeof name, "bsf %s, %s", reg_name[i], rm_name[i]);
    shape_run(&s);
    s.opcode[1] = 0xBD;
    snprintf(name, sizeof name, "bsr %s, %s", reg_name[i], rm_name[i]);
    shape_run(&s);
    s.undefined = 0;
    s.prepare = NULL;
    s.prefix = 0xF3;
    s.opcode[1] = 0xB8;
    snprintf(name, sizeof name, "popcnt %s, %s", reg_name[i], rm_name[i]);
    shape_run(&s);

    s.prefix = 0;
    s.kinds = MEM_FORM;
    s.opcodes = 3;
    s.opcode[1] = 0x38;
    s.opcode[2] = 0xF0;
    snprintf(name, sizeof name, "movbe %s, m%d", reg_name[i], sizes[i] * 8);
    shape_run(&s);
    s.opcode[2] = 0xF1;
    snprintf(name, sizeof name, "movbe m%d, %s", sizes[i] * 8, reg_name[i]);
    shape_run(&s);
  }
  for (int wide = 0; wide < (mode == 64 ? 2 : 1); wide++)
    for (int i = 0; i < WIDTHS; i++) {
      if (wide ? i == 1 || i == 2 : i == 3) continue; /* r32 takes 8, 16, 32 bits; r64 takes 8 and 64 */
      Shape s = {.name = name, .opcode = {0x0F, 0x38, (uint8_t)(0xF0 + (i > 0))}, .opcodes = 3, .prefix = 0xF2};
      s.osz = wide ? 8 : i == 1 ? 2 : 4;
      s.rm_size = sizes[i];
      s.reg_size = wide ? 8 : 4;
      s.kinds = REG_FORM | MEM_FORM;
      s.cases = 96;
      snprintf(name, sizeof name, "crc32 %s, %s", wide ? "r64" : "r32", rm_name[i]);
      shape_run(&s);
    }
  bswap(4);
  if (mode == 64) bswap(8);
}
