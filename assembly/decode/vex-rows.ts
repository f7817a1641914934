// Row shapes of the VEX maps. There the operand codes tell 128 from 256 bits, so that most instructions have a row for each.

import * as op from './operand-code';
import { row, branch, BY_VEX_L, BY_VEX_W, NO16, NP, P66, PF2, PF3, VEX_ENCODED } from './table';
import { variants } from './vector-rows';

/** Operand size behind a VEX prefix: 32 bits, or 64 with VEX.W. */
const FLAGS: u32 = VEX_ENCODED | NO16;

/** VEX.L is ignored. */
export function anyLength(
  t: usize,
  index: u32,
  operation: u32,
  first: u32 = 0,
  second: u32 = 0,
  third: u32 = 0,
  fourth: u32 = 0,
): void {
  row(t, index, operation, FLAGS, first, second, third, fourth);
}
/** VEX.L must be 0. */
export function only128(
  t: usize,
  index: u32,
  operation: u32,
  first: u32 = 0,
  second: u32 = 0,
  third: u32 = 0,
  fourth: u32 = 0,
): void {
  row(branch(t, index, BY_VEX_L), 0, operation, FLAGS, first, second, third, fourth);
}
/** VEX.L must be 1. */
export function only256(
  t: usize,
  index: u32,
  operation: u32,
  first: u32 = 0,
  second: u32 = 0,
  third: u32 = 0,
  fourth: u32 = 0,
): void {
  row(branch(t, index, BY_VEX_L), 1, operation, FLAGS, first, second, third, fourth);
}

/** The operand with VEX.L = 1, when it is 16 bytes without. */
function widened(code: u32): u32 {
  return (code & 0xff) == op.dq ? (code & 0xff00) | op.qq : code;
}
/** Both lengths, given as with VEX.L = 0: what is 16 bytes there is 32 with VEX.L = 1. */
export function both(
  t: usize,
  index: u32,
  operation: u32,
  first: u32,
  second: u32,
  third: u32 = 0,
  fourth: u32 = 0,
): void {
  const lengths = branch(t, index, BY_VEX_L);
  row(lengths, 0, operation, FLAGS, first, second, third, fourth);
  row(lengths, 1, operation, FLAGS, widened(first), widened(second), widened(third), widened(fourth));
}
/** Both lengths of one that makes wider elements of narrower ones, or the reverse: the second operand is given for each. */
export function converting(
  t: usize,
  index: u32,
  operation: u32,
  first: u32,
  second: u32,
  firstWide: u32,
  secondWide: u32,
  immediate: u32 = 0,
): void {
  const lengths = branch(t, index, BY_VEX_L);
  row(lengths, 0, operation, FLAGS, first, second, immediate);
  row(lengths, 1, operation, FLAGS, firstWide, secondWide, immediate);
}

/** The table of an instruction's two values of VEX.W. Where only one is written, the other is #UD. */
export function byW(t: usize, opcode: u32, prefix: u32): usize {
  return branch(variants(t, opcode), prefix, BY_VEX_W);
}

/** Packed integers, with 66: two sources. */
export function integers(t: usize, opcode: u32, operation: u32): void {
  both(variants(t, opcode), P66, operation, op.Vdq, op.Hdq, op.Wdq);
}
/** One source. */
export function unary(t: usize, opcode: u32, operation: u32): void {
  both(variants(t, opcode), P66, operation, op.Vdq, op.Wdq);
}
/** Packed single and packed double; two sources. */
export function packed(t: usize, opcode: u32, single: u32, double: u32, immediate: u32 = 0): usize {
  const p = variants(t, opcode);
  both(p, NP, single, op.Vdq, op.Hdq, op.Wdq, immediate);
  both(p, P66, double, op.Vdq, op.Hdq, op.Wdq, immediate);
  return p;
}
/** All four: PS PD SS SD, numbered in this order. */
export function arithmetic(t: usize, opcode: u32, ps: u32, immediate: u32 = 0): void {
  const p = packed(t, opcode, ps, ps + 1, immediate);
  anyLength(p, PF3, ps + 2, op.Vdq, op.Hdq, op.Wd, immediate);
  anyLength(p, PF2, ps + 3, op.Vdq, op.Hdq, op.Wq, immediate);
}
