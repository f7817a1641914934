// The decoder: bytes of one instruction to the record of insn.ts. It walks the tables (table.ts) from the first byte to
// a leaf - prefixes, escapes, groups and mandatory prefixes are all rows - then reads the operands that the leaf names.

import { SEG_CS, SEG_DS, SEG_FS } from '../state';
import * as record from './insn';
import * as op from './operand-code';
import * as table from './table';
import { memoryOperand } from './memory-operand';

/** Longest instruction (SDM vol. 2, 2.3.11). */
const MAX_LENGTH: u32 = 15;
/** No override seen. */
const NO_OVERRIDE: u32 = 0xff;
/** #UD when one of these comes before a VEX prefix (a REX prefix too). */
const NOT_BEFORE_VEX: u32 = record.PREFIX_LOCK | record.PREFIX_REP | record.PREFIX_REPNE | record.PREFIX_OPERAND;
/** The control registers there are: 0, 2, 3, 4, 8. */
const CONTROL_REGISTERS: u32 = 0b1_0001_1101;

/** The bytes end before the instruction: for lack of bytes, or because it is over 15 long. */
// @ts-ignore: decorator
@inline function ended(available: u32): i32 {
  return available >= MAX_LENGTH ? record.DECODE_TOO_LONG : record.DECODE_MORE;
}

/** One operand, as the record holds it. */
// @ts-ignore: decorator
@inline function operand(at: usize, kind: u32, size: u32, register: u32, flags: u32): void {
  store<u32>(at, kind | (size << 8) | (register << 16) | (flags << 24));
}

/** A general register: without REX, the byte registers 4-7 are AH, CH, DH and BH. */
// @ts-ignore: decorator
@inline function general(at: usize, size: u32, register: u32, rex: u32, flags: u32): void {
  if (size == 1 && !rex && register >= 4)
    operand(at, record.KIND_REGISTER, 1, register & 3, flags | record.OPERAND_HIGH);
  else operand(at, record.KIND_REGISTER, size, register, flags);
}

/**
 * The bytes of a VEX prefix behind C5 (one) or C4 (two), SDM vol. 2, 2.3.5: vvvv as a register's number | VEX_128 or
 * VEX_256 << 4 | pp << 6 | W, R, X and B as a REX prefix has them << 8 | MAP_VEX_* << 16; 0 when there is no such map.
 */
function vexPrefix(at: usize, length: u32, codeSize: u32): u32 {
  const first: u32 = load<u8>(at);
  let last = first;
  let map = record.MAP_VEX_0F;
  let rex = (~first >> 5) & 4; // R, X, B and vvvv are inverted
  if (length == 2) {
    const select = first & 31;
    if (!select || select > 3) return 0;
    map += select - 1;
    last = load<u8>(at + 1);
    rex = ((last >> 4) & 8) | ((~first >> 5) & 7);
  }
  // Outside 64-bit mode R and X are 1, and B is ignored.
  if (codeSize != 2) rex &= 8;
  const size = last & 4 ? record.VEX_256 : record.VEX_128;
  return ((~last >> 3) & 15) | (size << 4) | ((last & 3) << 6) | ((rex | 0x40) << 8) | (map << 16);
}

/**
 * Decodes the instruction at `bytes` (linear-memory address) of which `available` bytes may be read, for a code segment
 * of 16, 32 or 64 bits (`codeSize` 0, 1, 2), into the record at cpu + INSN. Returns its length 1…15, or DECODE_INVALID
 * (#UD), DECODE_MORE (the bytes end first; never with 15 or more) or DECODE_TOO_LONG (#GP). The record is defined only
 * when a length is returned. Bytes are read strictly in order, so whoever gets DECODE_MORE is right to fault on the
 * next page: the instruction needs at least one byte of it.
 */
export function decode(bytes: usize, available: u32, codeSize: u32): i32 {
  const end = bytes + min(available, MAX_LENGTH);
  let at = bytes;
  if (at >= end) return record.DECODE_MORE;
  let opcode: u32 = load<u8>(at++);
  let map: u32 = record.MAP_ONE_BYTE;
  let prefixes: u32 = 0;
  let segmentOverride: u32 = NO_OVERRIDE;
  let rex: u32 = 0;
  let modrm: u32 = 0;
  let hasModrm: u32 = 0;
  let vex: u32 = 0; // vexPrefix()'s result
  let row = table.mapRow(record.MAP_ONE_BYTE, opcode);

  for (;;) {
    const kind: u32 = load<u8>(row, table.ROW_KIND);
    if (kind == table.ROW_LEAF) break;
    // The kinds from BY_REG to BY_FORM ask the ModRM byte.
    if (kind >= table.BY_REG && kind <= table.BY_FORM && !hasModrm) {
      if (at >= end) return ended(available);
      modrm = load<u8>(at++);
      hasModrm = 1;
    }
    let index: u32 = 0;
    switch (kind) {
      case table.ROW_PREFIX:
        prefixes = (prefixes & ~table.rowOperation(row)) | table.rowFlags(row);
        break;
      case table.ROW_OVERRIDE: {
        const segment = table.rowFlags(row);
        if (codeSize != 2 || segment >= <u32>SEG_FS) {
          segmentOverride = segment;
          prefixes |= record.PREFIX_SEGMENT;
        }
        break;
      }
      case table.ROW_REX:
        break;
      case table.ROW_ESCAPE:
        map = table.rowFlags(row);
        break;
      case table.ROW_VEX: {
        if (rex || prefixes & NOT_BEFORE_VEX) return record.DECODE_INVALID;
        if (hasModrm) at--; // the byte that told it from LES or LDS
        hasModrm = 0;
        modrm = 0;
        const length = table.rowFlags(row) - 1;
        if (at + length > end) return ended(available);
        vex = vexPrefix(at, length, codeSize);
        if (!vex) return record.DECODE_INVALID;
        at += length;
        rex = (vex >> 8) & 0xff;
        map = vex >> 16;
        break;
      }
      case table.BY_REG:
        index = (modrm >> 3) & 7;
        break;
      case table.BY_RM:
        index = modrm & 7;
        break;
      case table.BY_FORM:
        index = modrm >= 0xc0 ? table.REGISTER_FORM : table.MEMORY_FORM;
        break;
      case table.BY_PREFIX:
        if (vex) index = (vex >> 6) & 3;
        else if (prefixes & record.PREFIX_REP) index = table.PF3;
        else if (prefixes & record.PREFIX_REPNE) index = table.PF2;
        else if (prefixes & record.PREFIX_OPERAND) index = table.P66;
        break;
      case table.BY_MODE:
        index = codeSize == 2 ? table.LONG : table.LEGACY;
        break;
      case table.BY_REX_W:
        index = (rex >> 3) & (codeSize >> 1);
        break;
      case table.BY_REX_B:
        index = rex & 1;
        break;
      case table.BY_VEX_L:
        index = ((vex >> 4) & 3) - record.VEX_128;
        break;
      case table.BY_VEX_W:
        index = (rex >> 3) & 1;
        break;
    }
    if (kind >= table.BY_REG) {
      row = table.branchRow(row, index);
      continue;
    }
    // A REX prefix counts only right before the opcode (SDM vol. 2, 2.2.1).
    if (kind == table.ROW_REX) rex = opcode;
    else if (kind < table.ROW_REX) rex = 0;
    if (at >= end) return ended(available);
    opcode = load<u8>(at++);
    row = table.mapRow(map, opcode);
  }

  const operation = table.rowOperation(row);
  if (!operation) return record.DECODE_INVALID;
  const flags = table.rowFlags(row);
  if (flags & (codeSize == 2 ? table.NO64 : table.ONLY64)) return record.DECODE_INVALID;
  if (vex & 15 && !(flags & table.VVVV)) return record.DECODE_INVALID;
  if (flags & table.MODRM && !hasModrm) {
    if (at >= end) return ended(available);
    modrm = load<u8>(at++);
    hasModrm = 1;
  }

  // Effective sizes (SDM vol. 1, tables 3-3 and 3-4), as log2 of bytes.
  let size: u32 = codeSize == 0 ? 1 : 2;
  if (prefixes & record.PREFIX_OPERAND) size ^= 3;
  let addressSize: u32 = codeSize + 1;
  if (prefixes & record.PREFIX_ADDRESS) addressSize = codeSize == 2 ? 2 : addressSize ^ 3;
  if (codeSize == 2) {
    if (rex & 8) {
      prefixes |= record.PREFIX_REX_W;
      size = flags & table.IGNORE_W ? 2 : 3; // over a 66 prefix
    } else if (flags & table.DEFAULT64 && !(prefixes & record.PREFIX_OPERAND)) size = 3;
    if (flags & table.FORCE64) size = 3;
  }
  if (flags & (table.BYTE | table.NO16)) size = flags & table.BYTE ? 0 : max(size, 2);

  const out = record.insn();
  // Neighbouring bytes of the record are stored at once, here and at the end.
  store<u32>(out, record.NO_REGISTER | (record.NO_REGISTER << 8) | (rex << 24), record.BASE); // no SCALE; REX
  store<u8>(out, SEG_DS, record.SEGMENT);
  store<i64>(out, 0, record.DISPLACEMENT);
  store<i64>(out, 0, record.IMMEDIATE);
  store<u32>(out, 0, record.IMMEDIATE2);

  const sibAt = at;
  const isMemory = hasModrm && modrm < 0xc0 && !(flags & table.IGNORE_MOD);
  if (isMemory) {
    if (flags & table.NEEDS_REGISTER) return record.DECODE_INVALID;
    at = memoryOperand(at, end, modrm, rex, addressSize, codeSize);
    if (!at) return ended(available);
  } else if (flags & table.NEEDS_MEMORY) return record.DECODE_INVALID;
  if (prefixes & record.PREFIX_LOCK && !(isMemory && flags & table.LOCK)) return record.DECODE_INVALID;

  const reg = (modrm >> 3) & 7;
  const rm = modrm & 7;
  const regX = reg | ((rex & 4) << 1);
  const rmX = rm | ((rex & 1) << 3);
  const most: u32 = codeSize == 2 ? 15 : 7; // the highest number of a vector register
  const count: u32 = load<u8>(row, table.ROW_COUNT);
  let to = out + record.OPERANDS;
  for (let i: u32 = 0; i < count; i++, to += record.OPERAND_STRIDE) {
    const code = table.rowOperand(row, i);
    const type = code & 0xff;
    const width: u32 = load<u8>(op.SIZES + ((type << 2) | size));
    switch (code >> 8) {
      case op.A >> 8:
        operand(to, record.KIND_REGISTER, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.C >> 8:
        operand(to, record.KIND_REGISTER, width, 1, record.OPERAND_IMPLICIT);
        break;
      case op.D >> 8:
        operand(to, record.KIND_REGISTER, width, 2, record.OPERAND_IMPLICIT);
        break;
      case op.Z >> 8:
        general(to, width, (opcode & 7) | ((rex & 1) << 3), rex, 0);
        break;
      case op.SEG >> 8:
        operand(to, record.KIND_SEGMENT, 2, type, record.OPERAND_IMPLICIT);
        break;
      case op.I >> 8:
      case op.IS >> 8: {
        if (at + width > end) return ended(available);
        const signed = code >> 8 == op.IS >> 8;
        let value: i64;
        if (width == 1) value = signed ? <i64>load<i8>(at) : <i64>load<u8>(at);
        else if (width == 4) value = load<i32>(at);
        else if (width == 2) value = signed ? <i64>load<i16>(at) : <i64>load<u16>(at);
        else value = load<i64>(at);
        at += width;
        store<i64>(out, value, record.IMMEDIATE);
        operand(to, record.KIND_IMMEDIATE, signed ? 1 << size : width, 0, 0);
        break;
      }
      case op.I2 >> 8:
        if (at >= end) return ended(available);
        store<u32>(out, load<u8>(at++), record.IMMEDIATE2);
        operand(to, record.KIND_IMMEDIATE2, 1, 0, 0);
        break;
      case op.J >> 8:
        if (at + width > end) return ended(available);
        store<i64>(
          out,
          width == 1 ? <i64>load<i8>(at) : width == 4 ? <i64>load<i32>(at) : <i64>load<i16>(at),
          record.IMMEDIATE,
        );
        at += width;
        operand(to, record.KIND_RELATIVE, 1 << size, 0, 0);
        break;
      case op.P_FAR >> 8:
        if (at + width > end) return ended(available);
        store<i64>(out, width == 4 ? <i64>load<u16>(at) : <i64>load<u32>(at), record.IMMEDIATE);
        at += width;
        store<u32>(out, load<u16>(at - 2), record.IMMEDIATE2);
        operand(to, record.KIND_FAR, width, 0, 0);
        break;
      case op.O >> 8: {
        const bytesOfOffset: u32 = 1 << addressSize;
        if (at + bytesOfOffset > end) return ended(available);
        store<i64>(
          out,
          addressSize == 2 ? <i64>load<u32>(at) : addressSize == 3 ? load<i64>(at) : <i64>load<u16>(at),
          record.DISPLACEMENT,
        );
        at += bytesOfOffset;
        operand(to, record.KIND_MEMORY, width, 0, 0);
        break;
      }
      case op.X >> 8:
        operand(to, record.KIND_STRING_SOURCE, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.Y >> 8:
        operand(to, record.KIND_STRING_TARGET, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.ONE >> 8:
        operand(to, record.KIND_ONE, 1, 0, record.OPERAND_IMPLICIT);
        break;
      case op.ST0 >> 8:
        operand(to, record.KIND_X87, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.XMM0 >> 8:
        operand(to, record.KIND_XMM, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.XLAT_TABLE >> 8:
        store<u8>(out, 3, record.BASE);
        operand(to, record.KIND_MEMORY, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.DI_MEMORY >> 8:
        store<u8>(out, 7, record.BASE);
        operand(to, record.KIND_MEMORY, width, 0, record.OPERAND_IMPLICIT);
        break;
      case op.E >> 8:
      case op.R >> 8:
        if (isMemory) operand(to, record.KIND_MEMORY, width, 0, 0);
        else general(to, width, rmX, rex, 0);
        break;
      case op.EV >> 8:
        if (isMemory) operand(to, record.KIND_MEMORY, width, 0, 0);
        else operand(to, record.KIND_REGISTER, 1 << size, rmX, 0);
        break;
      case op.EY >> 8:
        if (isMemory) operand(to, record.KIND_MEMORY, width, 0, 0);
        else operand(to, record.KIND_REGISTER, size == 3 ? 8 : 4, rmX, 0);
        break;
      case op.G >> 8:
        general(to, width, regX, rex, 0);
        break;
      case op.M >> 8:
        operand(to, record.KIND_MEMORY, width, 0, 0);
        break;
      case op.S >> 8:
        if (reg > 5) return record.DECODE_INVALID;
        operand(to, record.KIND_SEGMENT, 2, reg, 0);
        break;
      case op.S_TARGET >> 8:
        if (reg > 5 || reg == <u32>SEG_CS) return record.DECODE_INVALID;
        operand(to, record.KIND_SEGMENT, 2, reg, 0);
        break;
      case op.CR >> 8:
        if (!((CONTROL_REGISTERS >> regX) & 1)) return record.DECODE_INVALID;
        operand(to, record.KIND_CONTROL, width, regX, 0);
        break;
      case op.DR >> 8:
        if (regX > 7) return record.DECODE_INVALID;
        operand(to, record.KIND_DEBUG, width, regX, 0);
        break;
      case op.STI >> 8:
        operand(to, record.KIND_X87, width, rm, 0);
        break;
      case op.P >> 8:
        operand(to, record.KIND_MMX, 8, reg, 0);
        break;
      case op.Q >> 8:
      case op.N >> 8:
        if (isMemory) operand(to, record.KIND_MEMORY, width, 0, 0);
        else operand(to, record.KIND_MMX, 8, rm, 0);
        break;
      case op.V >> 8:
        operand(to, record.KIND_XMM, max<u32>(width, 16), regX, 0);
        break;
      case op.W >> 8:
      case op.U >> 8:
        if (isMemory) operand(to, record.KIND_MEMORY, width, 0, 0);
        else operand(to, record.KIND_XMM, max<u32>(width, 16), rmX, 0);
        break;
      case op.H >> 8:
        operand(to, record.KIND_XMM, width, vex & most, 0);
        break;
      case op.B >> 8:
        operand(to, record.KIND_REGISTER, width, vex & most, 0);
        break;
      case op.L >> 8:
        if (at >= end) return ended(available);
        operand(to, record.KIND_XMM, width, ((<u32>load<u8>(at++)) >> 4) & most, 0);
        break;
      case op.VMX >> 8:
      case op.VMY >> 8: {
        // A SIB byte, whose index 4 is a register too; the three vector registers must differ (SDM vol. 2, VGATHERDPD).
        if (rm != 4 || addressSize == 1) return record.DECODE_INVALID;
        const sib: u32 = load<u8>(sibAt);
        const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
        const mask = vex & most;
        if (index == regX || index == mask || mask == regX) return record.DECODE_INVALID;
        store<u8>(out, index, record.INDEX);
        store<u8>(out, sib >> 6, record.SCALE);
        operand(to, record.KIND_MEMORY, width, code >> 8 == op.VMX >> 8 ? 16 : 32, record.OPERAND_VECTOR_INDEX);
        break;
      }
    }
  }
  for (let i = count; i < <u32>record.MAX_OPERANDS; i++, to += record.OPERAND_STRIDE) store<u32>(to, 0);

  const length = <u32>(at - bytes);
  store<u32>(out, operation | (length << 16) | (size << 24), record.OPERATION); // LENGTH, OPERAND_SIZE
  store<u8>(out, addressSize, record.ADDRESS_SIZE);
  if (segmentOverride != NO_OVERRIDE) store<u8>(out, segmentOverride, record.SEGMENT);
  store<u16>(out, (opcode & 15) | (count << 8), record.CONDITION); // OPERAND_COUNT
  store<u32>(out, prefixes, record.PREFIXES);
  store<u32>(out, opcode | (map << 8) | (modrm << 16) | (hasModrm << 24), record.OPCODE); // MAP, MODRM, HAS_MODRM
  const feature: u32 = load<u8>(row, table.ROW_FEATURE);
  store<u32>(out, ((vex >> 4) & 3) | (feature << 8) | (table.rowNumber(row) << 16), record.VEX); // FEATURE, ROW
  return length;
}
