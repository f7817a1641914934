// The operands of the decoded instruction, as micro-operations name them: registers by the address of their value, immediates
// by the address of the micro-operation's own IMM field.

import { cpu, GPR } from '../state';
import * as I from '../decode/insn';
import { setImmediate, setSrc } from './emit';

// @ts-ignore: decorator
@inline export function operand(index: usize): usize {
  return I.insn() + I.OPERANDS + index * I.OPERAND_STRIDE;
}
// @ts-ignore: decorator
@inline export function kind(index: usize): u32 {
  return load<u8>(operand(index), I.OPERAND_KIND);
}
export function register(index: usize): usize {
  const o = operand(index);
  return (
    cpu + GPR + <usize>load<u8>(o, I.OPERAND_REGISTER) * 8 + (load<u8>(o, I.OPERAND_FLAGS) & I.OPERAND_HIGH ? 1 : 0)
  );
}
// @ts-ignore: decorator
@inline export function gpr(index: usize): usize {
  return cpu + GPR + index * 8;
}
/** log2 of an operand's size in bytes. */
export function sizeOf(index: usize): u32 {
  return 31 - clz<u32>(max<u32>(load<u8>(operand(index), I.OPERAND_BYTES), 1));
}
// @ts-ignore: decorator
@inline export function operandSize(): u32 {
  return load<u8>(I.insn(), I.OPERAND_SIZE);
}
// @ts-ignore: decorator
@inline export function immediate(): i64 {
  return load<i64>(I.insn(), I.IMMEDIATE);
}
/** SRC = register or immediate operand. */
export function source(op: usize, index: usize): void {
  const k = kind(index);
  if (k == I.KIND_REGISTER) setSrc(op, register(index));
  else setImmediate(op, k == I.KIND_ONE ? 1 : k == I.KIND_IMMEDIATE2 ? load<u32>(I.insn(), I.IMMEDIATE2) : immediate());
}
