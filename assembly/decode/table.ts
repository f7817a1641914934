// The opcode tables' form: the decoder's only source, and what the coverage listing reads.
//
// A table is an array of 16-byte rows indexed by a byte of the instruction or by a part of one. A row is either an
// instruction (ROW_LEAF: operation, flags, up to five operand codes) or a branch: a table of its own, indexed by
// whatever the row's kind says. Prefixes are rows too. The opcode maps (MAP_* of insn.ts: four, and three behind a VEX prefix)
// stand at TABLES, 256 rows each; branches follow the size table. A row that nobody wrote is all zero: Operation.INVALID.
//
// To read the tables: mapRow(map, opcode), then while rowKind(row) is a branch, branchRow(row, 0 … branchWidth(row) - 1).

import { TABLES, TABLES_SIZE } from '../state';
import {
  SIZES,
  SIZES_SIZE,
  FIRST_MODRM,
  b,
  A,
  Z,
  O,
  X,
  Y,
  E,
  G,
  M,
  R,
  N,
  U,
  CR,
  DR,
  B,
  H,
  VMX,
  VMY,
} from './operand-code';
import { featureOf } from './feature';

export const ROW_SIZE: u32 = 16;
/** Offsets in a row: kind, number of operands, operation (branches: 0), flags, operand codes u16 each, feature (as in insn.ts; derived by feature.ts); of a branch the address of its first row. */
export const ROW_KIND: usize = 0;
export const ROW_COUNT: usize = 1;
export const ROW_OPERATION: usize = 2;
export const ROW_FLAGS: usize = 4;
export const ROW_OPERANDS: usize = 6;
export const ROW_FEATURE: usize = 14; // u8
export const ROW_BRANCH: usize = 8;

// ---------------------------------------------------------------- kinds
export const ROW_LEAF: u32 = 0;
/** 66 67 F0 F2 F3: ROW_FLAGS = PREFIX_* bits to set, ROW_OPERATION = bits to clear first. */
export const ROW_PREFIX: u32 = 1;
/** Segment override: ROW_FLAGS = SEG_*. */
export const ROW_OVERRIDE: u32 = 2;
export const ROW_REX: u32 = 3;
/** The next byte indexes another map: ROW_FLAGS = MAP_*. */
export const ROW_ESCAPE: u32 = 4;
/** C4 and C5 as a VEX prefix: ROW_FLAGS = its length, 3 or 2. Behind a branch by form the ModRM byte is its second. */
export const ROW_VEX: u32 = 5;
/** Branches, with their widths: ModRM.reg (8), ModRM.rm (8), memory or register form (2), mandatory prefix none 66 F3 F2 (4; F2 and F3 win over 66; or VEX.pp), outside or in 64-bit mode (2), REX.W, or VEX.W where that counts in 64-bit mode only (2), REX.B (2), VEX.L (2), VEX.W where it counts in every mode (2). */
export const BY_REG: u32 = 6;
export const BY_RM: u32 = 7;
export const BY_FORM: u32 = 8;
export const BY_PREFIX: u32 = 9;
export const BY_MODE: u32 = 10;
export const BY_REX_W: u32 = 11;
export const BY_REX_B: u32 = 12;
export const BY_VEX_L: u32 = 13;
export const BY_VEX_W: u32 = 14;

/** Indices in BY_FORM, BY_PREFIX, BY_MODE. */
export const MEMORY_FORM: u32 = 0;
export const REGISTER_FORM: u32 = 1;
export const NP: u32 = 0;
export const P66: u32 = 1;
export const PF3: u32 = 2;
export const PF2: u32 = 3;
export const LEGACY: u32 = 0;
export const LONG: u32 = 1;

// ---------------------------------------------------------------- flags of a leaf
/** Has a ModRM byte. Derived from the operand codes, except where a ModRM byte names no operand. */
export const MODRM: u32 = 1;
/** LOCK is allowed when the first operand is memory (SDM vol. 2, LOCK). */
export const LOCK: u32 = 2;
/** #UD in 64-bit mode, #UD outside of it. */
export const NO64: u32 = 4;
export const ONLY64: u32 = 8;
/** Operand size in 64-bit mode: 64 unless a 66 prefix makes it 16 (stack); 64 whatever the prefixes (near branches, control registers; SDM vol. 1, table 3-4 and Intel's behaviour of 66 before branches). */
export const DEFAULT64: u32 = 16;
export const FORCE64: u32 = 32;
/** #UD with ModRM.mod = 3, with ModRM.mod < 3. Derived from the operand codes. */
export const NEEDS_MEMORY: u32 = 64;
export const NEEDS_REGISTER: u32 = 128;
/** ModRM.rm is a register whatever mod says: MOV to and from control and debug registers. */
export const IGNORE_MOD: u32 = 256;
/** The operand size is a byte. Derived from the first operand, given where that one is a port or a register of another width. */
export const BYTE: u32 = 512;
/** REX.W makes the operand size 32 bits, not 64 (ports). */
export const IGNORE_W: u32 = 1024;
/** The operand size is 32 bits, or 64 with REX.W: there is no 16-bit form (SYSRET, SYSEXIT). */
export const NO16: u32 = 2048;
/** Stands behind a VEX prefix. */
export const VEX_ENCODED: u32 = 4096;
/** Has an operand in VEX.vvvv, which else must be 1111b. Derived from the operand codes. */
export const VVVV: u32 = 8192;

// ---------------------------------------------------------------- building (once, when the memory is made)
let nextBranch: usize = 0;

// @ts-ignore: decorator
@inline export function mapTable(map: u32): usize {
  return TABLES + map * 256 * ROW_SIZE;
}

/** Empty tables. */
export function clearTables(): void {
  memory.fill(TABLES, 0, TABLES_SIZE);
  nextBranch = SIZES + SIZES_SIZE;
}

/** What an operand code says about the instruction as a whole. */
function derivedFlags(code: u32): u32 {
  const method = code & 0xff00;
  let flags: u32 = method >= FIRST_MODRM ? MODRM : 0;
  if (method == M || method == VMX || method == VMY) flags |= NEEDS_MEMORY;
  if (method == R || method == N || method == U) flags |= NEEDS_REGISTER;
  if (method == CR || method == DR) flags |= IGNORE_MOD;
  if (method == B || method == H) flags |= VVVV;
  return flags;
}

/** Rows whose first operand is a byte here work on bytes. */
function isByte(code: u32): bool {
  const method = code & 0xff00;
  return (
    (code & 0xff) == b &&
    (method == A || method == Z || method == O || method == X || method == Y || method == E || method == G)
  );
}

/** One instruction. `flags` are those that the operands do not tell by themselves. */
export function row(
  table: usize,
  index: u32,
  operation: u32,
  flags: u32 = 0,
  first: u32 = 0,
  second: u32 = 0,
  third: u32 = 0,
  fourth: u32 = 0,
): void {
  const at = table + index * ROW_SIZE;
  flags |= derivedFlags(first) | derivedFlags(second) | derivedFlags(third) | derivedFlags(fourth);
  if (isByte(first)) flags |= BYTE;
  store<u8>(at, ROW_LEAF, ROW_KIND);
  store<u8>(at, fourth ? 4 : third ? 3 : second ? 2 : first ? 1 : 0, ROW_COUNT);
  store<u16>(at, operation, ROW_OPERATION);
  store<u16>(at, flags, ROW_FLAGS);
  store<u16>(at, first, ROW_OPERANDS);
  store<u16>(at, second, ROW_OPERANDS + 2);
  store<u16>(at, third, ROW_OPERANDS + 4);
  store<u16>(at, fourth, ROW_OPERANDS + 6);
  store<u8>(at, featureOf(operation, (flags & VEX_ENCODED) != 0, first, second, third), ROW_FEATURE);
}

/** A prefix, an override or an escape byte: see the kinds. */
export function special(table: usize, index: u32, kind: u32, value: u32, clear: u32 = 0): void {
  const at = table + index * ROW_SIZE;
  store<u8>(at, kind, ROW_KIND);
  store<u16>(at, clear, ROW_OPERATION);
  store<u16>(at, value, ROW_FLAGS);
}

/** Makes a row a branch and returns its table, all rows invalid. */
export function branch(table: usize, index: u32, kind: u32): usize {
  const at = table + index * ROW_SIZE;
  const rows = nextBranch;
  nextBranch += branchWidth(kind) * ROW_SIZE;
  store<u8>(at, kind, ROW_KIND);
  store<u32>(at, rows, ROW_BRANCH);
  return rows;
}

/** Bytes of TABLES in use: must stay within TABLES_SIZE. */
export function tablesUsed(): usize {
  return nextBranch - TABLES;
}

// ---------------------------------------------------------------- reading
// @ts-ignore: decorator
@inline export function mapRow(map: u32, opcode: u32): usize {
  return mapTable(map) + opcode * ROW_SIZE;
}
/** Rows counted from the beginning of the tables. */
// @ts-ignore: decorator
@inline export function rowNumber(row: usize): u32 {
  return <u32>(row - TABLES) / ROW_SIZE;
}
export function rowKind(row: usize): u32 {
  return load<u8>(row, ROW_KIND);
}
/** Number of rows below a branch; 0 for what is no branch. */
export function branchWidth(kind: u32): u32 {
  if (kind == BY_REG || kind == BY_RM) return 8;
  if (kind == BY_PREFIX) return 4;
  return kind >= BY_FORM ? 2 : 0; // the others have two
}
// @ts-ignore: decorator
@inline export function branchRow(row: usize, index: u32): usize {
  return <usize>load<u32>(row, ROW_BRANCH) + index * ROW_SIZE;
}
// @ts-ignore: decorator
@inline export function rowOperation(row: usize): u32 {
  return load<u16>(row, ROW_OPERATION);
}
// @ts-ignore: decorator
@inline export function rowFlags(row: usize): u32 {
  return load<u16>(row, ROW_FLAGS);
}
export function rowOperandCount(row: usize): u32 {
  return load<u8>(row, ROW_COUNT);
}
/** Operand code (operand-code.ts). */
// @ts-ignore: decorator
@inline export function rowOperand(row: usize, index: u32): u32 {
  return load<u16>(row + index * 2, ROW_OPERANDS);
}
