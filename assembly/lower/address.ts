// Memory operands. One is either used in place (64-bit mode, no segment base, 64-bit addresses) or first turned into a linear
// address in T0 by an EA micro-operation; everything after that is the same in every mode.

import { ACCESS_READ, ACCESS_WRITE, cpu, PAGE, SEG_FS, SEG_SS, T0, T1, T2, ZERO } from '../state';
import { AUX, BASE, DISP, IMM, INDEX, MEM, MEM_READ, MEM_STACK, MEM_WRITE, SCALE, SEG, Uop, UOP } from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { code, emit, offset, setDst, setImmediate, setSrc } from './emit';
import { gpr, kind, register } from './operand';

/** The address fields of the memory operand, as the next micro-operations will use them. */
export let memBase: usize = 0;
let memIndex: usize = 0;
let memScale: u32 = 0;
let memDisp: i32 = 0;
let memStack: u32 = 0;

function addressRegister(encoded: u32): usize {
  if (encoded == I.NO_REGISTER) return cpu + ZERO;
  if (encoded == I.REGISTER_RIP) return cpu + PAGE;
  return gpr(encoded);
}
/** From here on the operand's address is the one in `register` (a temporary). */
export function useAddressIn(register: usize): void {
  memBase = register;
  memIndex = cpu + ZERO;
  memScale = 0;
  memDisp = 0;
}
export function putAddress(op: usize): void {
  store<u16>(op, <u16>memBase, BASE);
  store<u16>(op, <u16>memIndex, INDEX);
  store<u8>(op, <u8>memScale, SCALE);
  store<i32>(op, memDisp, DISP);
}
export function rawAddress(): void {
  const i = I.insn();
  const b = load<u8>(i, I.BASE);
  memBase = addressRegister(b);
  memIndex = addressRegister(load<u8>(i, I.INDEX));
  memScale = load<u8>(i, I.SCALE);
  let displacement = load<i64>(i, I.DISPLACEMENT);
  if (b == I.REGISTER_RIP) displacement += offset + load<u8>(i, I.LENGTH);
  memStack = load<u8>(i, I.SEGMENT) == SEG_SS ? MEM_STACK : 0;
  if (<i64>(<i32>displacement) != displacement) {
    // a 64-bit offset (MOV AL, [moffs64]), or RIP-relative at the very end of the range: by way of T2
    const sum = emit(Uop.MOV64);
    setDst(sum, cpu + T2);
    setImmediate(sum, displacement);
    if (b == I.NO_REGISTER) memBase = cpu + T2;
    else {
      const add = emit(Uop.LEA64);
      setDst(add, cpu + T2);
      store<u16>(add, <u16>memBase, BASE);
      store<u16>(add, <u16>(cpu + T2), INDEX);
      memBase = cpu + T2;
    }
    displacement = 0;
  }
  memDisp = <i32>displacement;
}
// @ts-ignore: decorator
@inline export function direct(): bool {
  return code == 2 && load<u8>(I.insn(), I.ADDRESS_SIZE) == 3 && load<u8>(I.insn(), I.SEGMENT) < SEG_FS;
}
/** EA: T0 = linear address of memBase…, checked for `bytes` and `access`; not at all for 0 bytes. */
export function emitLinear(bytes: u32, access: u32): void {
  const op = emit(Uop.EA);
  putAddress(op);
  setDst(op, cpu + T0);
  store<u8>(op, load<u8>(I.insn(), I.SEGMENT), SEG);
  store<u8>(op, load<u8>(I.insn(), I.ADDRESS_SIZE), AUX);
  store<u32>(op, bytes, IMM);
  store<u32>(op, access, IMM + 4);
  useAddressIn(cpu + T0);
}
/** Prepare the memory operand for accesses of `bytes`. */
export function memory(bytes: u32, access: u32): void {
  rawAddress();
  if (!direct()) emitLinear(bytes, access);
}
export function emitMemory(handler: u32, size: u32, flags: u32): usize {
  const op = emit(handler);
  putAddress(op);
  store<u8>(op, <u8>(size | flags | memStack), MEM);
  store<u8>(op, load<u8>(I.insn(), I.SEGMENT), SEG);
  return op;
}
export function loadTo(register: usize, size: u32): void {
  memory(1 << size, ACCESS_READ);
  setDst(emitMemory(Uop.LOAD8 + size, size, MEM_READ), register);
}
/** The LOAD_LOCKED of the instruction that is being lowered; 0 = its update is not a locked one. */
let lockedLoad: usize = 0;
/** LOCK, or XCHG with memory, which locks by itself (SDM vol. 3, 9.1.2.1). */
export function isLocked(): bool {
  return (load<u32>(I.insn(), I.PREFIXES) & I.PREFIX_LOCK) != 0 || load<u16>(I.insn(), I.OPERATION) == Operation.XCHG;
}
/** Load T1 from memory that will be written back by storeUpdated(); memory() has prepared the address. */
export function loadUpdate(size: u32): void {
  const locked = isLocked();
  const handler = locked ? Uop.LOAD_LOCKED8 : Uop.LOAD_RMW8;
  const op = emitMemory(handler + size, size, MEM_READ | MEM_WRITE);
  lockedLoad = locked ? op : 0;
  setDst(op, cpu + T1);
}
export function loadForUpdate(size: u32): void {
  memory(1 << size, ACCESS_READ | ACCESS_WRITE);
  loadUpdate(size);
}
/** The end of what loadUpdate() began. */
export function storeUpdated(register: usize, size: u32): void {
  if (!lockedLoad) return storeFrom(register, size, 0);
  const op = emitMemory(Uop.STORE_LOCKED8 + size, size, MEM_WRITE);
  setSrc(op, register);
  store<u8>(op, <u8>((op - lockedLoad) / UOP), AUX);
}
export function storeFrom(register: usize, size: u32, plain: u32): void {
  setSrc(emitMemory(Uop.STORE8 + size, size, MEM_WRITE | plain), register);
}
/** Address of an operand's value: its register, or T1 after loading it. */
export function value(index: usize, size: u32): usize {
  if (kind(index) == I.KIND_MEMORY) {
    loadTo(cpu + T1, size);
    return cpu + T1;
  }
  return register(index);
}
/** Address of the destination while it is worked on: its register, or T1 after loading it from memory that can be written. */
export function updated(size: u32): usize {
  if (kind(0) != I.KIND_MEMORY) return register(0);
  loadForUpdate(size);
  return cpu + T1;
}
/** The end of what updated() began: a destination in memory gets the value. */
export function putBack(size: u32): void {
  if (kind(0) == I.KIND_MEMORY) storeUpdated(cpu + T1, size);
}
