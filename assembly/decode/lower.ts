// From a decoded instruction to micro-operations: how operands are named, and what every kind of instruction is made of.
// A memory operand is either used in place (64-bit mode, no segment base, 64-bit addresses) or first turned into a linear
// address in T0 by an EA micro-operation; everything after that is the same in every mode.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  cpu,
  GPR,
  PAGE,
  RFLAGS,
  SEG_FS,
  SEG_SS,
  segment,
  SEGMENT_SELECTOR,
  T0,
  T1,
  T2,
  ZERO,
} from '../state';
import * as I from './insn';
import { insn } from './insn';
import { Operation } from './operation';
import {
  AUX,
  BASE,
  DISP,
  DST,
  HANDLER,
  IMM,
  INDEX,
  LENGTH,
  MEM,
  MEM_PLAIN,
  MEM_READ,
  MEM_STACK,
  MEM_WRITE,
  NOT_TAKEN,
  NUMBER,
  OFFSET,
  RARE_ADDRESS_SIZE,
  RARE_CONDITION,
  RARE_IMM2,
  RARE_MEMORY,
  RARE_OPERATION,
  RARE_PREFIXES,
  RARE_REGISTER,
  RARE_SELECTOR,
  RARE_SIZE,
  SCALE,
  SEG,
  SRC,
  TAKEN,
  Uop,
  UOP,
} from '../uop';
import { BT, BTC, BTR, BTS, BSF, BSR, POPCNT } from '../execute/bits';

// ---------------------------------------------------------------- where micro-operations go
/** Next free micro-operation, page offset and number of the instruction being lowered, the one emitted last. */
export let out: usize = 0;
let offset: u32 = 0;
let number: u32 = 0;
let last: usize = 0;
/** Code size of the block: 2 = 64-bit. */
let code: u32 = 0;

export function begin(at: usize, codeSize: u32): void {
  out = at;
  last = 0;
  code = codeSize;
}
export function at(pageOffset: u32, instructionNumber: u32): void {
  offset = pageOffset;
  number = instructionNumber;
}

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
  store<u8>(op, load<u8>(insn(), I.LENGTH), LENGTH);
  store<u8>(op, <u8>number, NUMBER);
  return op;
}

// ---------------------------------------------------------------- operands
// @ts-ignore: decorator
@inline function operand(index: usize): usize {
  return insn() + I.OPERANDS + index * I.OPERAND_STRIDE;
}
// @ts-ignore: decorator
@inline function kind(index: usize): u32 {
  return load<u8>(operand(index), I.OPERAND_KIND);
}
function register(index: usize): usize {
  const o = operand(index);
  return (
    cpu + GPR + <usize>load<u8>(o, I.OPERAND_REGISTER) * 8 + (load<u8>(o, I.OPERAND_FLAGS) & I.OPERAND_HIGH ? 1 : 0)
  );
}
// @ts-ignore: decorator
@inline function gpr(index: usize): usize {
  return cpu + GPR + index * 8;
}
/** log2 of an operand's size in bytes. */
function sizeOf(index: usize): u32 {
  return 31 - clz<u32>(max<u32>(load<u8>(operand(index), I.OPERAND_BYTES), 1));
}
// @ts-ignore: decorator
@inline function operandSize(): u32 {
  return load<u8>(insn(), I.OPERAND_SIZE);
}
// @ts-ignore: decorator
@inline function immediate(): i64 {
  return load<i64>(insn(), I.IMMEDIATE);
}
// @ts-ignore: decorator
@inline function setDst(op: usize, address: usize): void {
  store<u16>(op, <u16>address, DST);
}
// @ts-ignore: decorator
@inline function setSrc(op: usize, address: usize): void {
  store<u32>(op, <u32>address, SRC);
}
function setImmediate(op: usize, value: i64): void {
  store<i64>(op, value, IMM);
  setSrc(op, op + IMM);
}
/** SRC = register or immediate operand. */
function source(op: usize, index: usize): void {
  const k = kind(index);
  if (k == I.KIND_REGISTER) setSrc(op, register(index));
  else setImmediate(op, k == I.KIND_ONE ? 1 : k == I.KIND_IMMEDIATE2 ? load<u32>(insn(), I.IMMEDIATE2) : immediate());
}

// ---------------------------------------------------------------- memory operands
/** The address fields of the memory operand, as the next micro-operations will use them. */
let memBase: usize = 0;
let memIndex: usize = 0;
let memScale: u32 = 0;
let memDisp: i32 = 0;
let memStack: u32 = 0;

function addressRegister(encoded: u32): usize {
  if (encoded == I.NO_REGISTER) return cpu + ZERO;
  if (encoded == I.REGISTER_RIP) return cpu + PAGE;
  return gpr(encoded);
}
function useT0(): void {
  memBase = cpu + T0;
  memIndex = cpu + ZERO;
  memScale = 0;
  memDisp = 0;
}
function putAddress(op: usize): void {
  store<u16>(op, <u16>memBase, BASE);
  store<u16>(op, <u16>memIndex, INDEX);
  store<u8>(op, <u8>memScale, SCALE);
  store<i32>(op, memDisp, DISP);
}
function rawAddress(): void {
  const i = insn();
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
@inline function direct(): bool {
  return code == 2 && load<u8>(insn(), I.ADDRESS_SIZE) == 3 && load<u8>(insn(), I.SEGMENT) < SEG_FS;
}
/** EA: T0 = linear address of memBase…, checked for `bytes` and `access`. */
function emitLinear(bytes: u32, access: u32): void {
  const op = emit(Uop.EA);
  putAddress(op);
  setDst(op, cpu + T0);
  store<u8>(op, load<u8>(insn(), I.SEGMENT), SEG);
  store<u8>(op, load<u8>(insn(), I.ADDRESS_SIZE), AUX);
  store<u32>(op, bytes, IMM);
  store<u32>(op, access, IMM + 4);
  useT0();
}
/** Prepare the memory operand for accesses of `bytes`. */
function memory(bytes: u32, access: u32): void {
  rawAddress();
  if (!direct()) emitLinear(bytes, access);
}
function emitMemory(handler: u32, size: u32, flags: u32): usize {
  const op = emit(handler);
  putAddress(op);
  store<u8>(op, <u8>(size | flags | memStack), MEM);
  store<u8>(op, load<u8>(insn(), I.SEGMENT), SEG);
  return op;
}
function loadTo(register: usize, size: u32): void {
  memory(1 << size, ACCESS_READ);
  setDst(emitMemory(Uop.LOAD8 + size, size, MEM_READ), register);
}
function loadForUpdate(size: u32): void {
  memory(1 << size, ACCESS_READ | ACCESS_WRITE);
  setDst(emitMemory(Uop.LOAD_RMW8 + size, size, MEM_READ | MEM_WRITE), cpu + T1);
}
function storeFrom(register: usize, size: u32, plain: u32): void {
  setSrc(emitMemory(Uop.STORE8 + size, size, MEM_WRITE | plain), register);
}
/** Address of an operand's value: its register, or T1 after loading it. */
function value(index: usize, size: u32): usize {
  if (kind(index) == I.KIND_MEMORY) {
    loadTo(cpu + T1, size);
    return cpu + T1;
  }
  return register(index);
}

// ---------------------------------------------------------------- ends of blocks
/** A stub that finds the target; `field` of `branch` points to it until it is found. */
function emitLink(branch: usize, field: usize, delta: i64, flags: u32): void {
  const op = emit(Uop.LINK);
  store<i64>(op, delta, IMM);
  setSrc(op, branch + field);
  store<u8>(op, <u8>flags, AUX);
  store<u32>(branch + field, <u32>op);
}
export const LINK_WORD: u32 = 1; // target is cut to 16 bits
export const LINK_SEQUENTIAL: u32 = 2; // not a branch: falls through
/** The block ends before the instruction at `next` (page offset): go on there. */
export function emitFallthrough(next: u32, count: u32): void {
  offset = next;
  number = count - 1;
  const op = emit(Uop.JMP);
  store<u8>(op, 1, AUX);
  store<u8>(op, 0, LENGTH);
  emitLink(op, TAKEN, next, LINK_SEQUENTIAL);
}
function targetDelta(): i64 {
  return <i64>offset + load<u8>(insn(), I.LENGTH) + immediate();
}
// @ts-ignore: decorator
@inline function nextDelta(): i64 {
  return <i64>offset + load<u8>(insn(), I.LENGTH);
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
function lowerJcc(): void {
  const condition = load<u8>(insn(), I.CONDITION);
  const fused = fusedBranch(condition);
  let op: usize;
  if (fused) {
    op = last;
    store<u16>(op, <u16>fused, HANDLER);
    store<u8>(op, <u8>number, NUMBER);
  } else op = emit(Uop.JO + (condition >> 1));
  branchLinks(op, (condition & 1) != 0);
}

// ---------------------------------------------------------------- out of line
/** Anything executed by execute/rare.ts. Memory operand: its linear address is put in T0 first. */
function lowerRare(operation: u32, ends: bool, access: u32 = ACCESS_READ): usize {
  const i = insn();
  const count = <u32>load<u8>(i, I.OPERAND_COUNT);
  let hasMemory = false;
  for (let k: u32 = 0; k < count; k++) {
    if (kind(k) == I.KIND_MEMORY) {
      rawAddress();
      const bytes = <u32>load<u8>(operand(k), I.OPERAND_BYTES);
      emitLinear(bytes ? bytes : 1, access);
      hasMemory = true;
    }
  }
  const op = emit(ends ? Uop.RARE_END : Uop.RARE);
  let registerNumber: u32 = 0;
  for (let k: i32 = <i32>count - 1; k >= 0; k--) {
    const o = kind(k);
    if (o == I.KIND_REGISTER) {
      if (k == 0) setDst(op, register(k));
      else setSrc(op, register(k));
    } else if (o == I.KIND_SEGMENT || o == I.KIND_CONTROL || o == I.KIND_DEBUG)
      registerNumber = load<u8>(operand(k), I.OPERAND_REGISTER);
  }
  if (count && kind(0) == I.KIND_REGISTER && !load<u32>(op, SRC)) setSrc(op, register(0));
  store<u16>(op, <u16>operation, RARE_OPERATION);
  store<u8>(op, <u8>operandSize(), RARE_SIZE);
  store<u8>(op, load<u8>(i, I.ADDRESS_SIZE), RARE_ADDRESS_SIZE);
  store<u8>(op, load<u8>(i, I.CONDITION), RARE_CONDITION);
  store<u8>(op, <u8>load<u32>(i, I.PREFIXES), RARE_PREFIXES);
  store<u8>(op, <u8>registerNumber, RARE_REGISTER);
  store<u8>(op, hasMemory ? 1 : 0, RARE_MEMORY);
  store<u8>(op, load<u8>(i, I.SEGMENT), SEG);
  store<i32>(op, <i32>immediate(), DISP);
  store<u16>(op, <u16>load<u32>(i, I.IMMEDIATE2), RARE_SELECTOR);
  store<u8>(op, <u8>load<u32>(i, I.IMMEDIATE2), RARE_IMM2);
  return op;
}
/** Result of a rare operation goes to a register or memory: computed into T1, then stored. */
function lowerRareResult(operation: u32, size: u32): void {
  if (kind(0) == I.KIND_MEMORY) {
    memory(1 << size, ACCESS_WRITE);
    const base = memBase;
    const index = memIndex;
    const scale = memScale;
    const disp = memDisp;
    const op = emit(Uop.RARE);
    store<u16>(op, <u16>operation, RARE_OPERATION);
    store<u8>(op, <u8>size, RARE_SIZE);
    setDst(op, cpu + T1);
    memBase = base;
    memIndex = index;
    memScale = scale;
    memDisp = disp;
    storeFrom(cpu + T1, size, 0);
  } else {
    const op = lowerRare(operation, false);
    setDst(op, register(0));
  }
}

// ---------------------------------------------------------------- instruction by instruction
function lowerArithmetic(index: u32): void {
  const size = sizeOf(0);
  const base = Uop.ADD8 + index * 4 + size;
  if (kind(0) == I.KIND_MEMORY) {
    if (index == 7) {
      loadTo(cpu + T1, size);
      const op = emit(base);
      setDst(op, cpu + T1);
      source(op, 1);
      return;
    }
    if (size >= 2 && (index == 0 || index == 5)) {
      memory(1 << size, ACCESS_READ | ACCESS_WRITE);
      const handler = (index == 0 ? Uop.ADD32_RMW : Uop.SUB32_RMW) + size - 2;
      source(emitMemory(handler, size, MEM_READ | MEM_WRITE), 1);
      return;
    }
    loadForUpdate(size);
    const op = emit(base);
    setDst(op, cpu + T1);
    source(op, 1);
    storeFrom(cpu + T1, size, 0);
    return;
  }
  if (kind(1) == I.KIND_MEMORY) {
    const fused = fusedMemory(index, size);
    if (fused) {
      memory(1 << size, ACCESS_READ);
      setDst(emitMemory(fused, size, MEM_READ), register(0));
      return;
    }
    loadTo(cpu + T1, size);
    const op = emit(base);
    setDst(op, register(0));
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(base);
  setDst(op, register(0));
  source(op, 1);
}
function fusedMemory(index: u32, size: u32): u32 {
  if (index == 7 && size == 0) return Uop.CMP8_M;
  if (size < 2) return 0;
  const wide = size - 2;
  switch (index) {
    case 0:
      return Uop.ADD32_M + wide;
    case 1:
      return Uop.OR32_M + wide;
    case 4:
      return Uop.AND32_M + wide;
    case 5:
      return Uop.SUB32_M + wide;
    case 6:
      return Uop.XOR32_M + wide;
    case 7:
      return Uop.CMP32_M + wide;
    default:
      return 0;
  }
}
function lowerTest(): void {
  const size = sizeOf(0);
  const d = value(0, size);
  const op = emit(Uop.TEST8 + size);
  setDst(op, d);
  source(op, 1);
}
/** INC, DEC, NEG, NOT. */
function lowerUnary(first: u32): void {
  const size = sizeOf(0);
  if (kind(0) == I.KIND_MEMORY) {
    loadForUpdate(size);
    setDst(emit(first + size), cpu + T1);
    storeFrom(cpu + T1, size, 0);
  } else setDst(emit(first + size), register(0));
}
function lowerMov(plainForm: bool): void {
  const size = sizeOf(0);
  const plain: u32 = plainForm ? MEM_PLAIN : 0;
  if (kind(0) == I.KIND_MEMORY) {
    memory(1 << size, ACCESS_WRITE);
    source(emitMemory(Uop.STORE8 + size, size, MEM_WRITE | plain), 1);
  } else if (kind(1) == I.KIND_MEMORY) {
    loadTo(register(0), size);
  } else {
    const op = emit(Uop.MOV8 + size);
    setDst(op, register(0));
    source(op, 1);
  }
}
function lowerExtend(isSigned: bool): void {
  const to = sizeOf(0);
  const from = sizeOf(1);
  if (from >= to) {
    // MOVSXD with a 16- or 32-bit operand size: a plain move of that size
    const s = value(1, to);
    const op = emit(Uop.MOV8 + to);
    setDst(op, register(0));
    setSrc(op, s);
    return;
  }
  if (kind(1) == I.KIND_MEMORY && to >= 2) {
    memory(1 << from, ACCESS_READ);
    let handler: u32;
    if (!isSigned) handler = from == 0 ? Uop.LOADZX8_32 : Uop.LOADZX16_32;
    else if (from == 2) handler = Uop.LOADSX32_64;
    else handler = (from == 0 ? Uop.LOADSX8_32 : Uop.LOADSX16_32) + (to - 2);
    setDst(emitMemory(handler, from, MEM_READ), register(0));
    return;
  }
  const s = value(1, from);
  let handler: u32;
  if (!isSigned) handler = from == 0 ? (to == 1 ? Uop.MOVZX8_16 : Uop.MOVZX8_32) : Uop.MOVZX16_32;
  else if (from == 2) handler = Uop.MOVSX32_64;
  else if (from == 0) handler = Uop.MOVSX8_16 + (to - 1);
  else handler = Uop.MOVSX16_32 + (to - 2);
  const op = emit(handler);
  setDst(op, register(0));
  setSrc(op, s);
}
function lowerLea(): void {
  const size = operandSize();
  const addressSize = <u32>load<u8>(insn(), I.ADDRESS_SIZE);
  rawAddress();
  if (addressSize == 1) {
    const op = emit(Uop.OFFSET16);
    putAddress(op);
    setDst(op, cpu + T0);
    useT0();
  } else if (addressSize == 2 && size == 3) {
    const op = emit(Uop.LEA32);
    putAddress(op);
    setDst(op, register(0));
    return;
  }
  if (size == 1) {
    const sum = emit(Uop.LEA32);
    putAddress(sum);
    setDst(sum, cpu + T1);
    const op = emit(Uop.MOV16);
    setDst(op, register(0));
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(size == 3 ? Uop.LEA64 : Uop.LEA32);
  putAddress(op);
  setDst(op, register(0));
}
function lowerXchg(): void {
  const size = sizeOf(0);
  if (kind(0) == I.KIND_MEMORY || kind(1) == I.KIND_MEMORY) {
    const r = kind(0) == I.KIND_MEMORY ? register(1) : register(0);
    loadForUpdate(size);
    storeFrom(r, size, 0);
    const op = emit(Uop.MOV8 + size);
    setDst(op, r);
    setSrc(op, cpu + T1);
    return;
  }
  const op = emit(Uop.XCHG8 + size);
  setDst(op, register(0));
  setSrc(op, register(1));
}
/** XADD, CMPXCHG: destination in a register or by way of T1. */
function lowerExchange(handler: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) {
    // the register that changes in between may be part of the address: it is worked out once
    memory(1 << size, ACCESS_READ | ACCESS_WRITE);
    if (memBase != cpu + T0) {
      const address = emit(Uop.LEA64);
      putAddress(address);
      setDst(address, cpu + T0);
      useT0();
    }
    setDst(emitMemory(Uop.LOAD_RMW8 + size, size, MEM_READ | MEM_WRITE), cpu + T1);
  }
  const op = emit(handler);
  setDst(op, inMemory ? cpu + T1 : register(0));
  setSrc(op, register(1));
  store<u8>(op, <u8>(size << 4), AUX);
  if (inMemory) storeFrom(cpu + T1, size, 0);
}
function lowerShift(operation: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) loadForUpdate(size);
  const d = inMemory ? cpu + T1 : register(0);
  const byImmediate = kind(1) != I.KIND_REGISTER;
  const count = kind(1) == I.KIND_ONE ? 1 : (<u32>immediate()) & (size == 3 ? 63 : 31);
  let handler: u32 = 0;
  if (size >= 2 && byImmediate && count) {
    if (operation == 4 || operation == 6) handler = Uop.SHL32_I;
    else if (operation == 5) handler = Uop.SHR32_I;
    else if (operation == 7) handler = Uop.SAR32_I;
    else if (operation == 0) handler = Uop.ROL32_I;
    else if (operation == 1) handler = Uop.ROR32_I;
  } else if (size >= 2 && !byImmediate) {
    if (operation == 4 || operation == 6) handler = Uop.SHL32_CL;
    else if (operation == 5) handler = Uop.SHR32_CL;
    else if (operation == 7) handler = Uop.SAR32_CL;
  }
  const op = emit(handler ? handler + size - 2 : Uop.SHIFT);
  setDst(op, d);
  store<u8>(op, <u8>((operation == 6 ? 4 : operation) | (size << 4)), AUX);
  if (byImmediate) setImmediate(op, count);
  else setSrc(op, register(1));
  if (inMemory) storeFrom(cpu + T1, size, 0);
}
function lowerDoubleShift(right: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) loadForUpdate(size);
  const op = emit(Uop.DOUBLE_SHIFT);
  setDst(op, inMemory ? cpu + T1 : register(0));
  setSrc(op, register(1));
  store<u8>(op, <u8>(right | (size << 4)), AUX);
  if (kind(2) == I.KIND_REGISTER) store<u16>(op, <u16>register(2), BASE);
  else {
    // the count is named by a 16-bit address: it goes through T2
    store<u16>(op, <u16>Uop.MOV64, HANDLER);
    const d = load<u16>(op, DST);
    const s = load<u32>(op, SRC);
    setDst(op, cpu + T2);
    setImmediate(op, immediate());
    const shift = emit(Uop.DOUBLE_SHIFT);
    setDst(shift, d);
    setSrc(shift, s);
    store<u8>(shift, <u8>(right | (size << 4)), AUX);
    store<u16>(shift, <u16>(cpu + T2), BASE);
  }
  if (inMemory) storeFrom(cpu + T1, size, 0);
}
function lowerBit(operation: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) {
    const access = operation == BT ? ACCESS_READ : ACCESS_READ | ACCESS_WRITE;
    if (kind(1) == I.KIND_REGISTER) {
      // the bit number reaches beyond the operand: it moves the address, before segment and width come in
      rawAddress();
      const isDirect = direct();
      const op = emit(Uop.BIT_ADDRESS);
      putAddress(op);
      setSrc(op, register(1));
      store<u8>(op, <u8>size, AUX);
      setDst(op, isDirect ? cpu + T0 : cpu + T2);
      useT0();
      if (!isDirect) {
        memBase = cpu + T2;
        emitLinear(1 << size, access);
      }
    } else memory(1 << size, access);
    if (operation == BT) setDst(emitMemory(Uop.LOAD8 + size, size, MEM_READ), cpu + T1);
    else setDst(emitMemory(Uop.LOAD_RMW8 + size, size, MEM_READ | MEM_WRITE), cpu + T1);
  }
  const op = emit(Uop.BIT);
  setDst(op, inMemory ? cpu + T1 : register(0));
  source(op, 1);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
  if (inMemory && operation != BT) storeFrom(cpu + T1, size, 0);
}
function lowerScan(operation: u32): void {
  const size = sizeOf(0);
  const s = value(1, size);
  const op = emit(Uop.SCAN);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
}
/** MUL, DIV and one-operand IMUL, IDIV. */
function lowerWide(handler: u32, isSigned: u32): void {
  const size = sizeOf(0);
  const s = value(0, size);
  const op = emit(handler);
  setSrc(op, s);
  store<u8>(op, <u8>(isSigned | (size << 4)), AUX);
}
function lowerImul(): void {
  const count = load<u8>(insn(), I.OPERAND_COUNT);
  if (count == 1) return lowerWide(Uop.MULTIPLY, 1);
  const size = sizeOf(0);
  const s = value(1, size);
  if (count == 2) {
    const op = emit(Uop.IMUL16 + size - 1);
    setDst(op, register(0));
    setSrc(op, s);
    return;
  }
  const op = emit(size == 1 ? Uop.IMUL16_I : Uop.IMUL32_I + size - 2);
  setDst(op, register(0));
  store<i64>(op, immediate(), IMM);
  setSrc(op, s);
}
function lowerCmov(): void {
  const size = sizeOf(0);
  const s = value(1, size); // memory is read whether the condition is met or not
  const op = emit(Uop.CMOV16 + size - 1);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, load<u8>(insn(), I.CONDITION), AUX);
}
function lowerSetcc(): void {
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) memory(1, ACCESS_WRITE);
  const op = emit(Uop.SETCC);
  setDst(op, inMemory ? cpu + T1 : register(0));
  store<u8>(op, load<u8>(insn(), I.CONDITION), AUX);
  if (inMemory) storeFrom(cpu + T1, 0, MEM_PLAIN);
}
function lowerMovbe(): void {
  const size = sizeOf(0);
  const toMemory = kind(0) == I.KIND_MEMORY;
  if (toMemory) memory(1 << size, ACCESS_WRITE);
  const s = toMemory ? register(1) : value(1, size);
  const op = emit(Uop.BYTE_SWAP);
  setDst(op, toMemory ? cpu + T1 : register(0));
  setSrc(op, s);
  store<u8>(op, <u8>size, AUX);
  if (toMemory) storeFrom(cpu + T1, size, MEM_PLAIN);
}
function lowerCrc32(): void {
  const size = sizeOf(1);
  const s = value(1, size);
  const op = emit(Uop.CRC32);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, <u8>size, AUX);
}

// ---------------------------------------------------------------- stack
// @ts-ignore: decorator
@inline function quadStack(): bool {
  return code == 2 && operandSize() == 3;
}
function stackAccess(op: usize, flags: u32): void {
  store<u16>(op, <u16>gpr(4), BASE);
  store<u8>(op, <u8>(3 | flags | MEM_STACK), MEM);
  store<u8>(op, <u8>SEG_SS, SEG);
}
function lowerPush(): void {
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
export const POP_REGISTER: u32 = 0;
export const POP_PEEK: u32 = 1;
export const POP_ADJUST: u32 = 2;
function emitPop(size: u32, what: u32, d: usize): void {
  const op = emit(Uop.RARE);
  store<u16>(op, <u16>Operation.POP, RARE_OPERATION);
  store<u8>(op, <u8>size, RARE_SIZE);
  store<u8>(op, <u8>what, AUX);
  setDst(op, d);
}
function lowerPop(): void {
  const size = operandSize();
  if (kind(0) == I.KIND_MEMORY) {
    // the address is worked out with rSP already past the value (SDM vol. 2, POP)
    emitPop(size, POP_PEEK, cpu + T1);
    const i = insn();
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
function lowerLeave(): bool {
  if (!quadStack()) {
    lowerRare(Operation.LEAVE, false);
    return false;
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
  return false;
}

// ---------------------------------------------------------------- control flow
function lowerJmp(): void {
  if (kind(0) == I.KIND_RELATIVE) {
    const op = emit(Uop.JMP);
    emitLink(op, TAKEN, targetDelta(), linkFlags());
    return;
  }
  const s = value(0, operandSize());
  if (code == 2) setSrc(emit(Uop.JMP_R), s);
  else rareBranch(Operation.JMP, s);
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
function lowerCall(): void {
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
function lowerRet(): void {
  const bytes = load<u8>(insn(), I.OPERAND_COUNT) ? <i64>(<u16>immediate()) : 0;
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
export const LOOP_ALWAYS: u32 = 0;
export const LOOP_EQUAL: u32 = 1;
export const LOOP_NOT_EQUAL: u32 = 2;
export const LOOP_COUNT_ZERO: u32 = 3;
function lowerLoop(which: u32): void {
  const op = emit(Uop.LOOP);
  store<u8>(op, <u8>(which | (load<u8>(insn(), I.ADDRESS_SIZE) << 4)), AUX);
  branchLinks(op, false);
}

/** Raise #UD when this is reached; `operation` is counted as missing when it is one. */
export function emitUndefined(operation: u32): void {
  store<i64>(emit(Uop.UNDEFINED), operation, IMM);
}
export function emitFault(vector: u32, handler: u32): void {
  store<i64>(emit(handler), vector, IMM);
}

/** Lower the instruction in the Insn record. True = it ends its block. */
export function lower(): bool {
  const i = insn();
  const operation = <u32>load<u16>(i, I.OPERATION);
  if (operation >= <u32>Operation.ADD && operation <= <u32>Operation.CMP) {
    lowerArithmetic(operation - Operation.ADD);
    return false;
  }
  if (operation >= <u32>Operation.ROL && operation <= <u32>Operation.SAR) {
    lowerShift(operation - Operation.ROL);
    return false;
  }
  switch (operation) {
    case Operation.TEST:
      lowerTest();
      return false;
    case Operation.INC:
      lowerUnary(Uop.INC8);
      return false;
    case Operation.DEC:
      lowerUnary(Uop.DEC8);
      return false;
    case Operation.NEG:
      lowerUnary(Uop.NEG8);
      return false;
    case Operation.NOT:
      lowerUnary(Uop.NOT8);
      return false;
    case Operation.MUL:
      lowerWide(Uop.MULTIPLY, 0);
      return false;
    case Operation.IMUL:
      lowerImul();
      return false;
    case Operation.DIV:
      lowerWide(Uop.DIVIDE, 0);
      return false;
    case Operation.IDIV:
      lowerWide(Uop.DIVIDE, 1);
      return false;
    case Operation.SHLD:
      lowerDoubleShift(0);
      return false;
    case Operation.SHRD:
      lowerDoubleShift(1);
      return false;
    case Operation.BT:
      lowerBit(BT);
      return false;
    case Operation.BTS:
      lowerBit(BTS);
      return false;
    case Operation.BTR:
      lowerBit(BTR);
      return false;
    case Operation.BTC:
      lowerBit(BTC);
      return false;
    case Operation.BSF:
      lowerScan(BSF);
      return false;
    case Operation.BSR:
      lowerScan(BSR);
      return false;
    case Operation.POPCNT:
      lowerScan(POPCNT);
      return false;
    case Operation.CRC32:
      lowerCrc32();
      return false;
    case Operation.MOV:
    case Operation.MOVNTI:
      lowerMov(true);
      return false;
    case Operation.MOVZX:
      lowerExtend(false);
      return false;
    case Operation.MOVSX:
    case Operation.MOVSXD:
      lowerExtend(true);
      return false;
    case Operation.MOVBE:
      lowerMovbe();
      return false;
    case Operation.LEA:
      lowerLea();
      return false;
    case Operation.XCHG:
      lowerXchg();
      return false;
    case Operation.XADD:
      lowerExchange(Uop.XADD);
      return false;
    case Operation.CMPXCHG:
      lowerExchange(Uop.CMPXCHG);
      return false;
    case Operation.CMPXCHG8B:
    case Operation.CMPXCHG16B:
      lowerRare(operation, false, ACCESS_READ | ACCESS_WRITE);
      return false;
    case Operation.BSWAP:
      // a 16-bit BSWAP is undefined; current processors clear the word
      if (operandSize() == 1) {
        const op = emit(Uop.MOV16);
        setDst(op, register(0));
        setImmediate(op, 0);
      } else setDst(emit(operandSize() == 3 ? Uop.BSWAP64 : Uop.BSWAP32), register(0));
      return false;
    case Operation.CMOVCC:
      lowerCmov();
      return false;
    case Operation.SETCC:
      lowerSetcc();
      return false;
    case Operation.MOV_SEG:
      if (kind(0) == I.KIND_SEGMENT) {
        const target = <u32>load<u8>(operand(0), I.OPERAND_REGISTER);
        const s = value(1, 1);
        const op = emit(target == SEG_SS ? Uop.RARE_END : Uop.RARE);
        store<u16>(op, <u16>operation, RARE_OPERATION);
        store<u8>(op, <u8>target, RARE_REGISTER);
        setSrc(op, s);
        return target == SEG_SS;
      } else {
        const s = segment(load<u8>(operand(1), I.OPERAND_REGISTER)) + SEGMENT_SELECTOR;
        if (kind(0) == I.KIND_MEMORY) {
          memory(2, ACCESS_WRITE);
          storeFrom(s, 1, MEM_PLAIN);
        } else {
          const op = emit(operandSize() == 1 ? Uop.MOV16 : Uop.MOVZX16_32);
          setDst(op, register(0));
          setSrc(op, s);
        }
      }
      return false;
    case Operation.CBW:
      emit(operandSize() == 1 ? Uop.CBW : operandSize() == 2 ? Uop.CWDE : Uop.CDQE);
      return false;
    case Operation.CWD:
      emit(operandSize() == 1 ? Uop.CWD : operandSize() == 2 ? Uop.CDQ : Uop.CQO);
      return false;
    case Operation.PUSH:
      lowerPush();
      return false;
    case Operation.POP:
      lowerPop();
      return false;
    case Operation.LEAVE:
      return lowerLeave();
    case Operation.JCC:
      lowerJcc();
      return true;
    case Operation.JMP:
      lowerJmp();
      return true;
    case Operation.CALL:
      lowerCall();
      return true;
    case Operation.RET:
      lowerRet();
      return true;
    case Operation.JRCXZ:
      lowerLoop(LOOP_COUNT_ZERO);
      return true;
    case Operation.LOOP:
      lowerLoop(LOOP_ALWAYS);
      return true;
    case Operation.LOOPE:
      lowerLoop(LOOP_EQUAL);
      return true;
    case Operation.LOOPNE:
      lowerLoop(LOOP_NOT_EQUAL);
      return true;
    case Operation.CLC:
      emit(Uop.CLC);
      return false;
    case Operation.STC:
      emit(Uop.STC);
      return false;
    case Operation.CMC:
      emit(Uop.CMC);
      return false;
    case Operation.CLD:
      emit(Uop.CLD);
      return false;
    case Operation.STD:
      emit(Uop.STD);
      return false;
    case Operation.LAHF:
      emit(Uop.LAHF);
      return false;
    case Operation.SAHF:
      emit(Uop.SAHF);
      return false;
    case Operation.NOP:
    case Operation.PAUSE:
    case Operation.PREFETCH:
    case Operation.LFENCE:
    case Operation.MFENCE:
    case Operation.SFENCE:
      return false;
    case Operation.CLFLUSH:
      loadTo(cpu + T1, 0); // nothing to flush, but it faults as a byte load does (SDM vol. 2, CLFLUSH)
      return false;
    case Operation.SLDT:
    case Operation.STR:
    case Operation.SMSW:
      lowerRareResult(operation, kind(0) == I.KIND_MEMORY ? 1 : operandSize());
      return false;
    case Operation.SGDT:
    case Operation.SIDT:
      lowerRare(operation, false, ACCESS_WRITE);
      return false;
    case Operation.ARPL:
      lowerRare(operation, false, ACCESS_READ | ACCESS_WRITE);
      return false;
    // these go on in the block: they change neither RIP, mode, mappings nor the interrupt window
    case Operation.DAA:
    case Operation.DAS:
    case Operation.AAA:
    case Operation.AAS:
    case Operation.AAM:
    case Operation.AAD:
    case Operation.SALC:
    case Operation.PUSHA:
    case Operation.POPA:
    case Operation.PUSHF:
    case Operation.PUSH_SEG:
    case Operation.ENTER:
    case Operation.BOUND:
    case Operation.LAR:
    case Operation.LSL:
    case Operation.VERR:
    case Operation.VERW:
    case Operation.RDTSC:
    case Operation.RDTSCP:
    case Operation.RDPMC:
    case Operation.CPUID:
    case Operation.RDMSR:
    case Operation.XGETBV:
    case Operation.VMCALL:
    case Operation.VMMCALL:
    case Operation.RDFSBASE:
    case Operation.RDGSBASE:
    case Operation.WRFSBASE:
    case Operation.WRGSBASE:
    case Operation.RDPID:
    case Operation.FWAIT:
    case Operation.CLI:
    case Operation.LES:
    case Operation.LDS:
    case Operation.LFS:
    case Operation.LGS:
      lowerRare(operation, false);
      return false;
    case Operation.IN:
    case Operation.OUT:
      store<u16>(lowerRare(operation, false), <u16>(operation == Operation.IN ? Uop.IN : Uop.OUT), HANDLER);
      return false;
    case Operation.MOV_CR:
    case Operation.MOV_DR: {
      const toRegister = kind(0) == I.KIND_REGISTER;
      const op = lowerRare(operation, !toRegister);
      store<u8>(op, toRegister ? 0 : 1, AUX);
      return !toRegister;
    }
    case Operation.POP_SEG: {
      const op = lowerRare(operation, load<u8>(operand(0), I.OPERAND_REGISTER) == SEG_SS);
      return load<u16>(op, HANDLER) == Uop.RARE_END;
    }
    case Operation.XLAT:
      lowerString(operation, Uop.RARE);
      return false;
    case Operation.MOVS:
    case Operation.CMPS:
    case Operation.STOS:
    case Operation.LODS:
    case Operation.SCAS:
    case Operation.INS:
    case Operation.OUTS:
      lowerString(operation, Uop.RARE_END);
      return true;
    case Operation.LSS:
    case Operation.POPF:
    case Operation.STI:
    case Operation.JMP_FAR:
    case Operation.CALL_FAR:
    case Operation.RET_FAR:
    case Operation.INT:
    case Operation.INT3:
    case Operation.INT1:
    case Operation.INTO:
    case Operation.IRET:
    case Operation.SYSCALL:
    case Operation.SYSRET:
    case Operation.SYSENTER:
    case Operation.SYSEXIT:
    case Operation.CLAC:
    case Operation.STAC:
    case Operation.HLT:
    case Operation.WRMSR:
    case Operation.CLTS:
    case Operation.LGDT:
    case Operation.LIDT:
    case Operation.LLDT:
    case Operation.LTR:
    case Operation.LMSW:
    case Operation.INVLPG:
    case Operation.INVPCID:
    case Operation.INVD:
    case Operation.WBINVD:
    case Operation.SWAPGS:
    case Operation.XSETBV:
      lowerRare(operation, true);
      return true;
    default:
      emitUndefined(operation);
      return true;
  }
}
/** String instructions (and XLAT) find their operands themselves; the former end their block, so that a REP one can be cut anywhere. */
function lowerString(operation: u32, handler: u32): void {
  const op = emit(handler);
  store<u16>(op, <u16>operation, RARE_OPERATION);
  store<u8>(op, <u8>operandSize(), RARE_SIZE);
  store<u8>(op, load<u8>(insn(), I.ADDRESS_SIZE), RARE_ADDRESS_SIZE);
  store<u8>(op, <u8>load<u32>(insn(), I.PREFIXES), RARE_PREFIXES);
  store<u8>(op, load<u8>(insn(), I.SEGMENT), SEG);
}
