// Near branches, and the links by which a block ends.

import { SEG_SS } from '../state';
import {
  AUX,
  DISP,
  HANDLER,
  IMM,
  LENGTH,
  LINK_SEQUENTIAL,
  LINK_WORD,
  MEM,
  MEM_READ,
  MEM_STACK,
  MEM_WRITE,
  NOT_TAKEN,
  NUMBER,
  RARE_OPERATION,
  RARE_SIZE,
  SEG,
  TAKEN,
  Uop,
} from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { at, code, emit, last, number, offset, setSrc } from './emit';
import { immediate, kind, operandSize } from './operand';
import { value } from './address';

/** A stub that finds the target; `field` of `branch` points to it until it is found. */
function emitLink(branch: usize, field: usize, delta: i64, flags: u32): void {
  const op = emit(Uop.LINK);
  store<i64>(op, delta, IMM);
  setSrc(op, branch + field);
  store<u8>(op, <u8>flags, AUX);
  store<u32>(branch + field, <u32>op);
}
/** The block ends before the instruction at `next` (page offset): go on there. */
export function emitFallthrough(next: u32, count: u32): void {
  at(next, count - 1);
  const op = emit(Uop.JMP);
  store<u8>(op, 1, AUX);
  store<u8>(op, 0, LENGTH);
  emitLink(op, TAKEN, next, LINK_SEQUENTIAL);
}
function targetDelta(): i64 {
  return <i64>offset + load<u8>(I.insn(), I.LENGTH) + immediate();
}
// @ts-ignore: decorator
@inline function nextDelta(): i64 {
  return <i64>offset + load<u8>(I.insn(), I.LENGTH);
}
function linkFlags(): u32 {
  return code != 2 && operandSize() == 1 ? LINK_WORD : 0;
}
function branchLinks(op: usize, negated: bool): void {
  emitLink(op, negated ? NOT_TAKEN : TAKEN, targetDelta(), linkFlags());
  emitLink(op, negated ? TAKEN : NOT_TAKEN, nextDelta(), LINK_SEQUENTIAL);
}
/** CMP or TEST just before: which fused handler serves this condition, or 0. */
function fusedBranch(condition: u32): u32 {
  if (!last || <u32>load<u8>(last, NUMBER) + 1 != number) return 0;
  const handler = <u32>load<u16>(last, HANDLER);
  const c = condition >> 1;
  if (handler >= <u32>Uop.CMP8 && handler <= <u32>Uop.CMP64) {
    if (c == 0 || c == 5) return 0;
    const which: u32 = c < 5 ? c - 1 : c - 2;
    return Uop.CMP8_JB + (handler - Uop.CMP8) * 6 + which;
  }
  if (handler >= <u32>Uop.TEST8 && handler <= <u32>Uop.TEST64) {
    // TEST clears CF and OF: L is S
    if (c == 2) return Uop.TEST8_JZ + (handler - Uop.TEST8) * 3;
    if (c == 4 || c == 6) return Uop.TEST8_JS + (handler - Uop.TEST8) * 3;
    if (c == 7) return Uop.TEST8_JLE + (handler - Uop.TEST8) * 3;
  }
  return 0;
}
export function lowerJcc(): void {
  const condition = load<u8>(I.insn(), I.CONDITION);
  const fused = fusedBranch(condition);
  let op: usize;
  if (fused) {
    op = last;
    store<u16>(op, <u16>fused, HANDLER);
    store<u8>(op, <u8>number, NUMBER);
  } else op = emit(Uop.JO + (condition >> 1));
  branchLinks(op, (condition & 1) != 0);
}
function rareBranch(operation: u32, s: usize): void {
  const op = emit(Uop.RARE_END);
  store<u16>(op, <u16>operation, RARE_OPERATION);
  store<u8>(op, <u8>operandSize(), RARE_SIZE);
  if (s) setSrc(op, s);
  else {
    // relative: the distance from NEXT_RIP
    store<i32>(op, <i32>immediate(), DISP);
    store<u8>(op, 1, AUX);
  }
}
export function lowerJmp(): void {
  if (kind(0) == I.KIND_RELATIVE) {
    const op = emit(Uop.JMP);
    emitLink(op, TAKEN, targetDelta(), linkFlags());
    return;
  }
  const s = value(0, operandSize());
  if (code == 2) setSrc(emit(Uop.JMP_R), s);
  else rareBranch(Operation.JMP, s);
}
export function lowerCall(): void {
  const relative = kind(0) == I.KIND_RELATIVE;
  if (code != 2) return rareBranch(Operation.CALL, relative ? 0 : value(0, operandSize()));
  const s = relative ? 0 : value(0, 3);
  const op = emit(relative ? Uop.CALL : Uop.CALL_R);
  store<i64>(op, nextDelta(), IMM);
  // BASE and DISP are the links' room: the slow path knows a call's stack slot without them
  store<u8>(op, <u8>(3 | MEM_WRITE | MEM_STACK), MEM);
  store<u8>(op, <u8>SEG_SS, SEG);
  if (relative) emitLink(op, TAKEN, targetDelta(), 0);
  else setSrc(op, s);
}
export function lowerRet(): void {
  const bytes = load<u8>(I.insn(), I.OPERAND_COUNT) ? <i64>(<u16>immediate()) : 0;
  if (code != 2 || operandSize() != 3) {
    const op = emit(Uop.RARE_END);
    store<u16>(op, <u16>Operation.RET, RARE_OPERATION);
    store<u8>(op, <u8>operandSize(), RARE_SIZE);
    store<i32>(op, <i32>bytes, DISP);
    return;
  }
  const op = emit(bytes ? Uop.RET_N : Uop.RET);
  store<i64>(op, bytes, IMM);
  store<u8>(op, <u8>(3 | MEM_READ | MEM_STACK), MEM);
  store<u8>(op, <u8>SEG_SS, SEG);
}
export function lowerLoop(which: u32): void {
  const op = emit(Uop.LOOP);
  store<u8>(op, <u8>(which | (load<u8>(I.insn(), I.ADDRESS_SIZE) << 4)), AUX);
  branchLinks(op, false);
}
