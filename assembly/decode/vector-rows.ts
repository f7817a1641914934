// Row shapes that the MMX and SSE tables share.

import * as op from './operand-code';
import { row, rowKind, branch, branchRow, BY_PREFIX, BY_REX_W, NP, P66, PF3, PF2, ROW_SIZE } from './table';

/** The table of an opcode's four mandatory-prefix variants, made at first. */
export function variants(t: usize, opcode: u32): usize {
  const at = t + opcode * ROW_SIZE;
  return rowKind(at) == BY_PREFIX ? branchRow(at, 0) : branch(t, opcode, BY_PREFIX);
}
/** MMX without prefix, the same on XMM with 66. */
export function both(t: usize, opcode: u32, operation: u32): void {
  const p = variants(t, opcode);
  row(p, NP, operation, 0, op.Pq, op.Qq);
  row(p, P66, operation, 0, op.Vdq, op.Wdq);
}
/** XMM only, with 66; `source` is Wdq or narrower. */
export function wide(t: usize, opcode: u32, operation: u32, source: u32 = op.Wdq): void {
  row(variants(t, opcode), P66, operation, 0, op.Vdq, source);
}
/** The same with an 8-bit immediate. */
export function wideImmediate(t: usize, opcode: u32, operation: u32, source: u32 = op.Wdq): void {
  row(variants(t, opcode), P66, operation, 0, op.Vdq, source, op.Ib);
}
/** Packed single and packed double. */
export function packed(t: usize, opcode: u32, single: u32, double: u32): usize {
  const p = variants(t, opcode);
  row(p, NP, single, 0, op.Vdq, op.Wdq);
  row(p, P66, double, 0, op.Vdq, op.Wdq);
  return p;
}
/** All four: PS PD SS SD, numbered in this order. */
export function arithmetic(t: usize, opcode: u32, ps: u32, immediate: u32 = 0): void {
  const p = variants(t, opcode);
  row(p, NP, ps, 0, op.Vdq, op.Wdq, immediate);
  row(p, P66, ps + 1, 0, op.Vdq, op.Wdq, immediate);
  row(p, PF3, ps + 2, 0, op.Vdq, op.Wd, immediate);
  row(p, PF2, ps + 3, 0, op.Vdq, op.Wq, immediate);
}
/** One operation by 32 bits, another with REX.W. */
export function byW(t: usize, index: u32, narrow: u32, long: u32, first: u32, second: u32, third: u32 = 0): void {
  const w = branch(t, index, BY_REX_W);
  row(w, 0, narrow, 0, first, second, third);
  row(w, 1, long, 0, first, second, third);
}
