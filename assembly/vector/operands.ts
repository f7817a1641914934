// How the micro-operations of the vector families name their operands (uop.ts): registers by address.

import { cpu, V0, YMM } from '../state';
import { BASE, DISP, DST, INDEX, SRC, V_FLAGS, V_OPERATION } from '../uop';

// @ts-ignore: decorator
@inline export function operation(op: usize): u32 {
  return load<u16>(op, V_OPERATION);
}
// @ts-ignore: decorator
@inline export function flags(op: usize): u32 {
  return load<u8>(op, V_FLAGS);
}
/** Register of the first operand; V0 when that is memory. */
// @ts-ignore: decorator
@inline export function target(op: usize): usize {
  return <usize>load<u16>(op, DST);
}
/** First source. */
// @ts-ignore: decorator
@inline export function first(op: usize): usize {
  return <usize>load<u16>(op, BASE);
}
/** Last source; V0 when it was memory. */
// @ts-ignore: decorator
@inline export function last(op: usize): usize {
  return <usize>load<u32>(op, SRC);
}
/** A fourth operand, or the implied XMM0. */
// @ts-ignore: decorator
@inline export function fourth(op: usize): usize {
  return <usize>load<u16>(op, INDEX);
}
/** The immediate byte. */
// @ts-ignore: decorator
@inline export function immediate(op: usize): u32 {
  return load<u8>(op, DISP);
}
/** Whether an operand's address says that it is in memory. */
// @ts-ignore: decorator
@inline export function isMemory(operand: usize): bool {
  return operand == cpu + V0;
}
/** XMM or YMM register, and not one of another kind. */
// @ts-ignore: decorator
@inline export function isXmm(operand: usize): bool {
  return operand - (cpu + YMM) < 16 * 32;
}
/** Write 128 bits of a register. True, as from all that does an instruction: it is done. */
// @ts-ignore: decorator
@inline export function put(register: usize, value: v128): bool {
  store<v128>(register, value);
  return true;
}
