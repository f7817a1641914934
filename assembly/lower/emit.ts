// Where micro-operations go: the next free place, and the instruction that the ones being made belong to.

import { cpu, ZERO } from '../state';
import { BASE, DST, IMM, INDEX, LENGTH, NUMBER, OFFSET, SRC, UOP, Uop } from '../uop';
import * as I from '../decode/insn';

/** The next free micro-operation. */
export let out: usize = 0;
/** Page offset of the instruction being lowered, and how many of the block come before it. */
export let offset: u32 = 0;
export let number: u32 = 0;
/** The micro-operation emitted last; 0 = none yet. */
export let last: usize = 0;
/** Code size of the block: 2 = 64-bit. */
export let code: u32 = 0;

/** A block begins: its micro-operations go to `at`. */
export function begin(at: usize, codeSize: u32): void {
  out = at;
  last = 0;
  code = codeSize;
}
/** The instruction at `pageOffset` is next. */
export function at(pageOffset: u32, instructionNumber: u32): void {
  offset = pageOffset;
  number = instructionNumber;
}

/** A micro-operation of the instruction being lowered, with no operands yet. */
export function emit(handler: u32): usize {
  const op = out;
  out += UOP;
  last = op;
  store<u64>(op, handler);
  store<u64>(op, 0, 8);
  store<u64>(op, 0, 16);
  store<u64>(op, 0, 24);
  const zero = <u16>(cpu + ZERO);
  store<u16>(op, zero, BASE);
  store<u16>(op, zero, INDEX);
  store<u16>(op, <u16>offset, OFFSET);
  store<u8>(op, load<u8>(I.insn(), I.LENGTH), LENGTH);
  store<u8>(op, <u8>number, NUMBER);
  return op;
}
// @ts-ignore: decorator
@inline export function setDst(op: usize, address: usize): void {
  store<u16>(op, <u16>address, DST);
}
// @ts-ignore: decorator
@inline export function setSrc(op: usize, address: usize): void {
  store<u32>(op, <u32>address, SRC);
}
export function setImmediate(op: usize, value: i64): void {
  store<i64>(op, value, IMM);
  setSrc(op, op + IMM);
}

/** Raise #UD when this is reached; `operation` is counted as missing when it is one. */
export function emitUndefined(operation: u32): void {
  store<i64>(emit(Uop.UNDEFINED), operation, IMM);
}
export function emitFault(vector: u32, handler: u32): void {
  store<i64>(emit(handler), vector, IMM);
}
