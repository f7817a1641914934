// The decoder's result: one instruction taken apart, before it becomes micro-operations. It stands in the vCPU's state
// page at `cpu + INSN` (offsets below are relative to that), so that nothing is allocated. The lowering, the
// disassembly listing and the tests against other decoders read this one form.

import { cpu, INSN } from '../state';

export const OPERATION: usize = 0; // u16, Operation
export const LENGTH: usize = 2; // u8, bytes
/** Effective operand size, log2 of bytes: 0 byte, 1 word, 2 doubleword, 3 quadword. */
export const OPERAND_SIZE: usize = 3;
/** Effective address size, log2 of bytes: 1, 2, 3. */
export const ADDRESS_SIZE: usize = 4;
/** Segment of the memory operand after override and default (SEG_*); for string sources too. */
export const SEGMENT: usize = 5;
/** Condition code 0-15 of Jcc, SETcc, CMOVcc. */
export const CONDITION: usize = 6;
export const OPERAND_COUNT: usize = 7;
/** PREFIX_* bits. */
export const PREFIXES: usize = 8; // u32
export const OPCODE: usize = 12; // u8, last opcode byte
/** MAP_*: which table the opcode was found in. */
export const MAP: usize = 13;
export const MODRM: usize = 14;
export const HAS_MODRM: usize = 15;
/** Memory operand: base and index register 0-15, NO_REGISTER, or REGISTER_RIP as base; scale as shift count; displacement sign-extended (for RIP-relative: the raw disp32). 16-bit addressing is expressed in the same base/index form. */
export const BASE: usize = 16;
export const INDEX: usize = 17;
export const SCALE: usize = 18;
/** u8, 0 = no REX prefix; of a VEX prefix W, R, X and B in REX's form (outside 64-bit mode W alone, which few rows ask for). */
export const REX: usize = 19;
/** How the instruction is VEX-encoded: VEX_NONE, VEX_128, VEX_256 (VEX.L, also where it is ignored). */
export const VEX: usize = 20;
/** The feature that has to be there (FEATURE_*), as the number of its bit plus 1; 0 = none. */
export const FEATURE: usize = 21;
/** u16: which row of the tables it is, counted from their beginning. */
export const ROW: usize = 22;
export const DISPLACEMENT: usize = 24; // i64
/** Immediate, sign-extended as the instruction demands; branch displacement; offset of a far pointer. */
export const IMMEDIATE: usize = 32; // i64
/** Second immediate: ENTER's nesting level, selector of a far pointer, EXTRQ's second. */
export const IMMEDIATE2: usize = 40; // u32
/** Operands, 8 bytes each: kind u8 (KIND_*), size u8 in bytes (0 = no size, e.g. LEA's memory), register u8, flags u8 (see OPERAND_FLAGS), pad. */
export const OPERANDS: usize = 48;
export const OPERAND_STRIDE: usize = 8;
export const MAX_OPERANDS: usize = 5;
export const OPERAND_KIND: usize = 0;
export const OPERAND_BYTES: usize = 1;
export const OPERAND_REGISTER: usize = 2;
/** Bit 0: AH, CH, DH or BH (OPERAND_REGISTER is then 0-3). Bit 1: implicit in the opcode (AL of `ADD AL, imm8`, CL, DX, 1). Bit 2: memory at several addresses, one for each element of a vector of indices: INDEX is the number of an XMM or YMM register, OPERAND_REGISTER its size in bytes, OPERAND_BYTES that of one element. */
export const OPERAND_FLAGS: usize = 3;
export const OPERAND_HIGH: u32 = 1;
export const OPERAND_IMPLICIT: u32 = 2;
export const OPERAND_VECTOR_INDEX: u32 = 4;

export const KIND_NONE: u32 = 0;
export const KIND_REGISTER: u32 = 1;
export const KIND_MEMORY: u32 = 2; // BASE, INDEX, SCALE, DISPLACEMENT, SEGMENT (moffs too: no base, no index)
export const KIND_IMMEDIATE: u32 = 3;
export const KIND_RELATIVE: u32 = 4; // IMMEDIATE from the end of the instruction
export const KIND_FAR: u32 = 5; // IMMEDIATE2:IMMEDIATE
export const KIND_SEGMENT: u32 = 6;
export const KIND_CONTROL: u32 = 7;
export const KIND_DEBUG: u32 = 8;
export const KIND_STRING_SOURCE: u32 = 9; // SEGMENT:rSI
export const KIND_STRING_TARGET: u32 = 10; // ES:rDI
export const KIND_IMMEDIATE2: u32 = 11;
export const KIND_X87: u32 = 12;
export const KIND_MMX: u32 = 13;
export const KIND_XMM: u32 = 14; // 16 bytes an XMM register, 32 a YMM register
export const KIND_ONE: u32 = 15; // the constant 1 of D0/D1 shifts

export const VEX_NONE: u32 = 0;
export const VEX_128: u32 = 1;
export const VEX_256: u32 = 2;

export const NO_REGISTER: u32 = 0xff;
export const REGISTER_RIP: u32 = 0xfe;

export const PREFIX_LOCK: u32 = 1;
export const PREFIX_REP: u32 = 2; // F3, the last of F2/F3 wins
export const PREFIX_REPNE: u32 = 4; // F2
export const PREFIX_OPERAND: u32 = 8; // 66
export const PREFIX_ADDRESS: u32 = 16; // 67
export const PREFIX_SEGMENT: u32 = 32; // an override that counts is present (CS/SS/DS/ES are ignored in 64-bit mode)
export const PREFIX_REX_W: u32 = 64;

export const MAP_ONE_BYTE: u32 = 0;
export const MAP_0F: u32 = 1;
export const MAP_0F38: u32 = 2;
export const MAP_0F3A: u32 = 3;
/** The same three behind a VEX prefix. */
export const MAP_VEX_0F: u32 = 4;
export const MAP_VEX_0F38: u32 = 5;
export const MAP_VEX_0F3A: u32 = 6;
export const MAPS: u32 = 7;

// @ts-ignore: decorator
@inline export function insn(): usize {
  return cpu + INSN;
}

/** decode() results other than a length 1…15. */
export const DECODE_INVALID: i32 = 0; // #UD
export const DECODE_MORE: i32 = -1; // the bytes given end before the instruction does
export const DECODE_TOO_LONG: i32 = -2; // over 15 bytes: #GP(0)
