// PUSH, POP and LEAVE: inline for 64-bit operands on a 64-bit stack, else out of line.

import { ACCESS_WRITE, cpu, SEG_SS, T1 } from '../state';
import {
  AUX,
  BASE,
  DISP,
  MEM,
  MEM_READ,
  MEM_STACK,
  MEM_WRITE,
  POP_ADJUST,
  POP_PEEK,
  POP_REGISTER,
  RARE_OPERATION,
  RARE_SIZE,
  SEG,
  Uop,
} from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { code, emit, setDst, setImmediate, setSrc } from './emit';
import { gpr, immediate, kind, operandSize, register } from './operand';
import { memory, storeFrom, value } from './address';
import { lowerRare } from './rare';

// @ts-ignore: decorator
@inline function quadStack(): bool {
  return code == 2 && operandSize() == 3;
}
function stackAccess(op: usize, flags: u32): void {
  store<u16>(op, <u16>gpr(4), BASE);
  store<u8>(op, <u8>(3 | flags | MEM_STACK), MEM);
  store<u8>(op, <u8>SEG_SS, SEG);
}
export function lowerPush(): void {
  const size = operandSize();
  if (quadStack()) {
    let s: usize = 0;
    if (kind(0) == I.KIND_MEMORY || kind(0) == I.KIND_REGISTER) s = value(0, 3);
    const op = emit(Uop.PUSH64);
    if (s) setSrc(op, s);
    else setImmediate(op, immediate());
    stackAccess(op, MEM_WRITE);
    store<i32>(op, -8, DISP);
    return;
  }
  let s: usize = 0;
  if (kind(0) == I.KIND_MEMORY) s = value(0, size);
  else if (kind(0) == I.KIND_REGISTER) s = register(0);
  const op = emit(Uop.RARE);
  store<u16>(op, <u16>Operation.PUSH, RARE_OPERATION);
  store<u8>(op, <u8>size, RARE_SIZE);
  if (s) setSrc(op, s);
  else {
    store<i32>(op, <i32>immediate(), DISP);
    setSrc(op, op + DISP);
  }
}
function emitPop(size: u32, what: u32, d: usize): void {
  const op = emit(Uop.RARE);
  store<u16>(op, <u16>Operation.POP, RARE_OPERATION);
  store<u8>(op, <u8>size, RARE_SIZE);
  store<u8>(op, <u8>what, AUX);
  setDst(op, d);
}
export function lowerPop(): void {
  const size = operandSize();
  if (kind(0) == I.KIND_MEMORY) {
    // the address is worked out with rSP already past the value (SDM vol. 2, POP)
    emitPop(size, POP_PEEK, cpu + T1);
    const i = I.insn();
    if (load<u8>(i, I.BASE) == 4) store<i64>(i, load<i64>(i, I.DISPLACEMENT) + (1 << size), I.DISPLACEMENT);
    memory(1 << size, ACCESS_WRITE);
    storeFrom(cpu + T1, size, 0);
    emitPop(size, POP_ADJUST, 0);
    return;
  }
  if (quadStack()) {
    const op = emit(Uop.POP64);
    setDst(op, register(0));
    stackAccess(op, MEM_READ);
    return;
  }
  emitPop(size, POP_REGISTER, register(0));
}
export function lowerLeave(): void {
  if (!quadStack()) {
    lowerRare(Operation.LEAVE, false);
    return;
  }
  const read = emit(Uop.LOAD64);
  stackAccess(read, MEM_READ);
  store<u16>(read, <u16>gpr(5), BASE);
  setDst(read, cpu + T1);
  const lea = emit(Uop.LEA64);
  store<u16>(lea, <u16>gpr(5), BASE);
  store<i32>(lea, 8, DISP);
  setDst(lea, gpr(4));
  const move = emit(Uop.MOV64);
  setDst(move, gpr(5));
  setSrc(move, cpu + T1);
}
