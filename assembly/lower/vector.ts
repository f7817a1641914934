// Vector instructions: memory operands become loads before and stores behind, plain moves are nothing else (vector-move.ts),
// everything else is one micro-operation of its family.

import { ACCESS_READ, ACCESS_WRITE, cpu, FEATURES, FEATURE_INTEL, T0, V0, X87, YMM, ZERO } from '../state';
import {
  AUX,
  BASE,
  DISP,
  INDEX,
  MEM_ALIGNED,
  MEM_READ,
  MEM_WRITE,
  SCALE,
  SEG,
  Uop,
  V_256,
  V_FLAGS,
  V_IMMEDIATE,
  V_MEMORY,
  V_MMX,
  V_OPERATION,
  V_SIZE,
  V_VEX,
} from '../uop';
import { FAMILY_CRYPTO, FAMILY_FLOAT, FAMILY_MASKED, FAMILY_PACKED } from '../decode/family';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { emitMemory, memory, putAddress, rawAddress, storeFrom } from './address';
import { claimed, mmxAvailable, sseAvailable, vexAvailable } from './available';
import { emit, emitUndefined, setDst, setSrc } from './emit';
import { immediate, kind, operand, operandSize, register } from './operand';
import { quicken } from './vector-float';
import { useLanes } from './vector-lane';
import { lowerVectorMove } from './vector-move';

// @ts-ignore: decorator
@inline export function isVex(): bool {
  return load<u8>(I.insn(), I.VEX) != I.VEX_NONE;
}
export function xmm(number: usize): usize {
  return cpu + YMM + number * 32;
}
function bytesOf(index: usize): u32 {
  return load<u8>(operand(index), I.OPERAND_BYTES);
}
/** Address of an operand in a register of whatever kind. */
export function vectorRegister(index: usize): usize {
  const number = <usize>load<u8>(operand(index), I.OPERAND_REGISTER);
  const k = kind(index);
  if (k == I.KIND_XMM) return xmm(number);
  if (k == I.KIND_MMX) return cpu + X87 + number * 16;
  return register(index);
}

/** Operations that take 16 bytes from or to any address although they are not VEX-encoded. */
function unaligned(operation: u32): bool {
  switch (operation) {
    case Operation.MOVUPS:
    case Operation.MOVUPD:
    case Operation.MOVDQU:
    case Operation.LDDQU:
    case Operation.PCMPESTRM:
    case Operation.PCMPESTRI:
    case Operation.PCMPISTRM:
    case Operation.PCMPISTRI:
      return true;
  }
  // SHA is of exception type 4 in Intel's manual (vol. 2, SHA1MSG1); AMD's processors take its operand from anywhere
  return (
    operation >= <u32>Operation.SHA1NEXTE &&
    operation <= <u32>Operation.SHA256MSG2 &&
    !(load<u64>(cpu, FEATURES) & FEATURE_INTEL)
  );
}
/** Operations whose memory operand has to be aligned in every encoding. */
function aligned(operation: u32): bool {
  switch (operation) {
    case Operation.MOVAPS:
    case Operation.MOVAPD:
    case Operation.MOVDQA:
    case Operation.MOVNTPS:
    case Operation.MOVNTPD:
    case Operation.MOVNTDQ:
    case Operation.MOVNTDQA:
      return true;
  }
  return false;
}
/** Whether a memory operand of `bytes` must be a multiple of them (SDM vol. 2, 2.4, exception types 1, 2 and 4). */
function mustAlign(bytes: u32): bool {
  if (bytes < 16) return false;
  const operation = <u32>load<u16>(I.insn(), I.OPERATION);
  return isVex() ? aligned(operation) : !unaligned(operation);
}

/** Load the memory operand of `bytes` into a register or V0; 4 and 8 bytes clear the rest of 16. */
export function loadVector(to: usize, bytes: u32): void {
  memory(bytes, ACCESS_READ);
  const size = 31 - clz<u32>(bytes);
  let handler: u32 = Uop.LOAD8 + size;
  if (bytes == 4) handler = Uop.LOADX32;
  else if (bytes == 8) handler = Uop.LOADX64;
  else if (bytes == 16) handler = mustAlign(16) ? Uop.LOADX128_A : Uop.LOADX128;
  else if (bytes == 32) handler = mustAlign(32) ? Uop.LOADX256_A : Uop.LOADX256;
  setDst(emitMemory(handler, size, MEM_READ | (mustAlign(bytes) ? MEM_ALIGNED : 0)), to);
}
/** Store `bytes` from a register or V0 to memory() as it was prepared. */
export function storeVector(from: usize, bytes: u32, plain: u32): void {
  const size = 31 - clz<u32>(bytes);
  if (bytes <= 8) return storeFrom(from, size, plain);
  let handler: u32 = Uop.STOREX128;
  if (bytes == 16) handler = mustAlign(16) ? Uop.STOREX128_A : Uop.STOREX128;
  else handler = mustAlign(32) ? Uop.STOREX256_A : Uop.STOREX256;
  setSrc(emitMemory(handler, size, MEM_WRITE | (mustAlign(bytes) ? MEM_ALIGNED : 0)), from);
}
/** Operations whose first operand is a source. */
function onlyReads(operation: u32): bool {
  switch (operation) {
    case Operation.PTEST:
    case Operation.VTESTPS:
    case Operation.VTESTPD:
    case Operation.PCMPESTRM:
    case Operation.PCMPESTRI:
    case Operation.PCMPISTRM:
    case Operation.PCMPISTRI:
    case Operation.UCOMISS:
    case Operation.UCOMISD:
    case Operation.COMISS:
    case Operation.COMISD:
      return true;
  }
  return false;
}
/** A VEX-encoded operation that writes an XMM register clears what is above it. */
export function clearAbove(): void {
  if (onlyReads(load<u16>(I.insn(), I.OPERATION))) return;
  if (isVex() && kind(0) == I.KIND_XMM && bytesOf(0) == 16) setDst(emit(Uop.ZERO_HIGH), vectorRegister(0));
}

function usesMmx(): bool {
  const count = <u32>load<u8>(I.insn(), I.OPERAND_COUNT);
  for (let k: u32 = 0; k < count; k++) if (kind(k) == I.KIND_MMX) return true;
  return load<u16>(I.insn(), I.OPERATION) == Operation.EMMS;
}

export function lowerVector(operation: u32, family: u32): void {
  if (!claimed()) return emitUndefined(operation);
  const count = <u32>load<u8>(I.insn(), I.OPERAND_COUNT);
  const hasMmx = usesMmx();
  let hasXmm = false;
  for (let k: u32 = 0; k < count; k++) if (kind(k) == I.KIND_XMM) hasXmm = true;
  if (isVex()) {
    if (!vexAvailable()) return;
  } else if (hasXmm && !sseAvailable()) return;
  if (hasMmx) {
    if (!mmxAvailable()) return;
    emit(Uop.MMX_CHECK);
  }
  if (family == FAMILY_MASKED) lowerMasked(operation);
  else if (!lowerVectorMove(operation)) lowerGeneric(operation, family);
  clearAbove();
  if (hasMmx && operation != Operation.EMMS) enterMmx(kind(0) == I.KIND_MMX ? vectorRegister(0) : cpu + ZERO);
}

/** The x87 becomes MMX registers; `written` = the one whose exponent is set. */
function enterMmx(written: usize): void {
  setDst(emit(Uop.MMX_ENTER), written);
}

/** Fields that the micro-operations of all families share. */
function describe(op: usize, operation: u32): void {
  const count = <u32>load<u8>(I.insn(), I.OPERAND_COUNT);
  let flags: u32 = isVex() ? V_VEX : 0;
  for (let k: u32 = 0; k < count; k++) {
    const o = kind(k);
    if (o == I.KIND_MMX) flags |= V_MMX;
    else if (o == I.KIND_IMMEDIATE) flags |= V_IMMEDIATE;
    else if (o == I.KIND_MEMORY) flags |= V_MEMORY;
    if (bytesOf(k) == 32) flags |= V_256;
  }
  store<u16>(op, <u16>operation, V_OPERATION);
  store<u8>(op, <u8>operandSize(), V_SIZE);
  store<u8>(op, <u8>flags, V_FLAGS);
}

function lowerGeneric(operation: u32, family: u32): void {
  // operands that are no immediates: an implied XMM0 or a register in an immediate comes fourth, or third without VEX
  let count = <u32>load<u8>(I.insn(), I.OPERAND_COUNT);
  if (count && kind(count - 1) == I.KIND_IMMEDIATE) count--;
  let extra: usize = cpu + ZERO;
  if (count > (isVex() ? <u32>3 : <u32>2)) extra = vectorRegister(--count);
  const toMemory = count && kind(0) == I.KIND_MEMORY;
  const last = count - 1;
  let source: usize = cpu + ZERO;
  if (toMemory) {
    memory(bytesOf(0), ACCESS_WRITE);
    // VCVTPS2PH: a fault of the store comes before #XM and leaves MXCSR alone
    if (family == FAMILY_FLOAT) emitMemory(Uop.PROBE, 31 - clz<u32>(bytesOf(0)), MEM_WRITE);
    source = count > 1 ? vectorRegister(last) : source;
  } else if (count && kind(last) == I.KIND_MEMORY) {
    loadVector(cpu + V0, bytesOf(last));
    source = cpu + V0;
  } else if (count) source = vectorRegister(last);
  // a conversion enters even if it then raises #XM, as processors do; EMMS clears the tags behind it (SDM vol. 3, table 12-1)
  if (usesMmx() && (family == FAMILY_FLOAT || operation == Operation.EMMS)) enterMmx(cpu + ZERO);
  const op = emit(family == FAMILY_FLOAT ? Uop.FLOAT : family == FAMILY_CRYPTO ? Uop.CRYPTO : Uop.PACKED);
  describe(op, operation);
  const target = toMemory || !count ? cpu + V0 : vectorRegister(0);
  let base = target;
  if (isVex() && count > 2) base = vectorRegister(1);
  else if (toMemory || (isVex() && count == 2)) base = source;
  setDst(op, target);
  setSrc(op, source);
  store<u16>(op, <u16>base, BASE);
  store<u16>(op, <u16>extra, INDEX);
  store<i32>(op, <i32>immediate(), DISP);
  if (family == FAMILY_FLOAT) quicken(op, operation);
  if (family == FAMILY_PACKED) useLanes(op);
  if (toMemory) putBackVector();
}
/** The result in V0 goes to memory. emit() has used the address fields' room, but memory() remembers them. */
function putBackVector(): void {
  storeVector(cpu + V0, bytesOf(0), 0);
}

export function isGather(operation: u32): bool {
  return operation >= <u32>Operation.VGATHERDPS && operation <= <u32>Operation.VPGATHERQQ;
}
/** T0 = offset of the operand, or of what a gather's indices count from: the elements' addresses are made when it runs. */
function lowerMasked(operation: u32): void {
  const gather = isGather(operation);
  const toMemory = kind(0) == I.KIND_MEMORY;
  const i = I.insn();
  const scale = load<u8>(i, I.SCALE);
  const index = xmm(load<u8>(i, I.INDEX) & 15);
  if (gather) {
    // SDM vol. 2, VGATHERDPS: destination, indices and mask must be three registers
    const target = vectorRegister(0);
    const mask = vectorRegister(2);
    if (target == index || target == mask || index == mask) return emitUndefined(0);
    store<u8>(i, I.NO_REGISTER, I.INDEX);
    store<u8>(i, 0, I.SCALE);
  }
  rawAddress();
  const ea = emit(Uop.LEA64);
  putAddress(ea);
  setDst(ea, cpu + T0);
  const op = emit(Uop.MASKED);
  describe(op, operation);
  store<u8>(op, load<u8>(i, I.SEGMENT), SEG);
  store<u8>(op, load<u8>(i, I.ADDRESS_SIZE), AUX);
  if (gather) {
    // V, VSIB memory, H: destination, indices, mask
    if (load<u8>(i, I.VEX) == I.VEX_256) store<u8>(op, load<u8>(op, V_FLAGS) | (<u8>V_256), V_FLAGS);
    setDst(op, vectorRegister(0));
    setSrc(op, index);
    store<u16>(op, <u16>vectorRegister(2), BASE);
    store<u8>(op, scale, SCALE);
  } else if (toMemory) {
    // VMASKMOV M, H, V and MASKMOVQ [rDI], P, N: mask and data
    const legacy = operation == Operation.MASKMOVQ || operation == Operation.MASKMOVDQU;
    setSrc(op, vectorRegister(legacy ? 2 : 1));
    store<u16>(op, <u16>vectorRegister(legacy ? 1 : 2), BASE);
  } else {
    // V, H, M: destination and mask
    setDst(op, vectorRegister(0));
    setSrc(op, vectorRegister(1));
  }
}
