// Makes cases: an instruction of a form that is run, and registers and memory that it can do something with.

import { Decoder, DecoderOptions, Instruction, OpKind, Register, RegisterExt } from 'iced-x86';
import { formsOf, writeForm, type Form } from '../forms.js';
import { mutateBytes } from '../mutate.js';
import type { Random } from '../random.js';
import { admission } from './admission.js';
import {
  Case,
  CASE_SIZE,
  CODE_BASE,
  CODE_BYTES,
  DATA_BASE,
  DATA_SIZE,
  Flag,
  Fpu,
  FPU_SIZE,
  initialFpu,
  PATCH_SIZE,
  WAYS,
} from './layout.js';

const RCX = 1;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
/** Offset in the code pages where most cases stand; others lie across the border of the pages. */
const PLACE = 0x800;
const BORDER = 0x1000;

const admitted = new Map<number, readonly Form[]>();

/** The forms that are run. */
function runnable(bits: 32 | 64): readonly Form[] {
  let known = admitted.get(bits);
  if (known === undefined) {
    const instruction = new Instruction();
    known = formsOf(bits).filter((form) => {
      instruction.code = form.code;
      return admission(instruction).admitted;
    });
    instruction.free();
    admitted.set(bits, known);
  }
  return known;
}

const EDGES64 = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_fffen,
  0xffff_ffff_ffff_ffffn,
] as const;

function edge64(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
      return random.quad();
    case 1:
      return 1n << BigInt(random.below(64));
    case 2:
      return BigInt(random.below(256));
    case 3: {
      const shift = BigInt(random.pick([8, 16, 32]));
      return (random.quad() << shift) | (random.pick(EDGES64) & ((1n << shift) - 1n));
    }
    default:
      return random.pick(EDGES64);
  }
}

/** An address in the data pages, near their ends and their border more often than anywhere. */
function dataAddress(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return DATA_BASE + random.below(16);
    case 1:
      return DATA_BASE + DATA_SIZE - random.below(70);
    case 2:
      return DATA_BASE + 0x1000 - random.below(40);
    case 3:
      return DATA_BASE + (0x200 + random.below(0x1c00));
    default:
      return DATA_BASE + ((0x200 + random.below(0x1c00)) & ~31);
  }
}

const FLOATS32 = [
  0, 0x80000000, 1, 0x80000001, 0x7fffff, 0x800000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000,
  0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0x7fbfffff, 0x4effffff, 0x4f000000, 0xcf000000, 0x5f000000,
  0x3effffff, 0x3f000000,
] as const;
const FLOATS64 = [
  0n,
  0x8000000000000000n,
  1n,
  0xfffffffffffffn,
  0x10000000000000n,
  0x3ff0000000000000n,
  0xbff0000000000000n,
  0x7fefffffffffffffn,
  0x7ff0000000000000n,
  0xfff0000000000000n,
  0x7ff8000000000000n,
  0xfff8000000000000n,
  0x7ff0000000000001n,
  0x41dfffffffc00000n,
  0x41e0000000000000n,
  0xc1e0000000000000n,
  0x43e0000000000000n,
  0xc3e0000000000000n,
  0x3fe0000000000000n,
  0x36a0000000000000n,
  0x47efffffe0000000n,
  0x3810000000000000n,
] as const;

/** 64 bits of vector: floats of either width, integers, or anything. */
function lane(random: Random): bigint {
  switch (random.below(5)) {
    case 0: {
      const low = random.oneIn(2) ? random.pick(FLOATS32) : float32(random);
      const high = random.oneIn(2) ? random.pick(FLOATS32) : float32(random);
      return BigInt(low) | (BigInt(high) << 32n);
    }
    case 1:
      return random.pick(FLOATS64);
    case 2: {
      // exponents near 1, so that sums and products are no extremes
      const exponent = BigInt(1023 - 40 + random.below(80));
      return (random.quad() & 0x800f_ffff_ffff_ffffn) | (exponent << 52n);
    }
    case 3:
      return edge64(random);
    default:
      return random.quad();
  }
}
function float32(random: Random): number {
  return ((random.next() & 0x807f_ffff) | ((127 - 20 + random.below(40)) << 23)) >>> 0;
}

/** Fills in x87 and vector registers. */
function fillFpu(random: Random, bytes: Uint8Array): void {
  bytes.set(initialFpu(), Case.fpu);
  const view = new DataView(bytes.buffer, bytes.byteOffset + Case.fpu, FPU_SIZE);
  for (let n = 0; n < 16; n++) {
    for (const at of [Fpu.xmm + n * 16, Fpu.xmm + n * 16 + 8, Fpu.ymm + n * 16, Fpu.ymm + n * 16 + 8]) {
      view.setBigUint64(at, lane(random), true);
    }
  }
  for (let n = 0; n < 8; n++) {
    const integerBit = random.oneIn(8) ? 0n : 1n << 63n;
    const exponent = random.pick([0x3fff, 0x3fff - 30 + random.below(60), 0, 1, 0x7fff, 0x7ffe, random.below(0x8000)]);
    view.setBigUint64(Fpu.st + n * 16, (random.oneIn(4) ? 0n : random.quad() & ((1n << 63n) - 1n)) | integerBit, true);
    view.setUint16(Fpu.st + n * 16 + 8, exponent | (random.oneIn(2) ? 0x8000 : 0), true);
  }
  if (random.oneIn(2))
    view.setUint16(Fpu.fcw, 0x40 | random.pick([0x37f, 0x33f, 0x03f, 0x23f, 0x37f]) | (random.below(4) << 10), true);
  if (random.oneIn(8)) view.setUint16(Fpu.fcw, random.next() & 0x1f3f, true);
  view.setUint16(Fpu.fsw, random.below(8) << 11, true);
  if (random.oneIn(8)) view.setUint16(Fpu.fsw, random.next() & 0x7f3f, true);
  view.setUint8(Fpu.ftw, random.pick([0xff, 0xff, 0, random.below(256)]));
  if (random.oneIn(2)) view.setUint32(Fpu.mxcsr, 0x1f80 | (random.below(4) << 13), true);
  if (random.oneIn(8)) view.setUint32(Fpu.mxcsr, random.next() & 0xffff, true);
}

const instruction = new Instruction();

/** A case out of nothing. */
export function freshCase(random: Random): Uint8Array {
  const mode32 = random.oneIn(4);
  const bits = mode32 ? 32 : 64;
  const code = new Uint8Array(CODE_BYTES + 1);
  writeForm(random, random.pick(runnable(bits)), bits, code);
  return makeCase(random, code, mode32);
}

function makeCase(random: Random, code: Uint8Array, mode32: boolean): Uint8Array {
  const decoder = new Decoder(mode32 ? 32 : 64, code, DecoderOptions.None);
  const place = random.oneIn(16) ? BORDER - random.below(15) : PLACE;
  decoder.ip = BigInt(CODE_BASE + place);
  decoder.decodeOut(instruction);
  const { fpu } = admission(instruction);
  const bytes = new Uint8Array(CASE_SIZE + (fpu ? FPU_SIZE : 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(Case.flags, (mode32 ? Flag.mode32 : 0) | (random.below(WAYS.length) << Flag.wayShift), true);
  view.setUint16(Case.place, place, true);
  view.setUint32(Case.rflags, random.next(), true);
  view.setUint32(Case.fsBase, random.below(64), true);
  view.setUint32(Case.gsBase, random.below(64), true);
  const set = (register: number, value: bigint): void => {
    view.setBigUint64(Case.registers + register * 8, BigInt.asUintN(64, value), true);
  };
  for (let register = 0; register < 16; register++) {
    set(register, random.below(3) === 0 ? BigInt(dataAddress(random)) : edge64(random));
  }
  set(RSP, BigInt(dataAddress(random) & ~(random.oneIn(8) ? 0 : 7)));
  if (random.oneIn(2)) set(RBP, BigInt(dataAddress(random)));
  if (random.oneIn(2)) set(RSI, BigInt(dataAddress(random)));
  if (random.oneIn(2)) set(RDI, BigInt(dataAddress(random)));
  if (random.oneIn(2)) set(RCX, BigInt(random.below(72)));
  let target = dataAddress(random);
  for (let operand = 0; operand < instruction.opCount; operand++) {
    if (instruction.opKind(operand) === OpKind.Memory) {
      if (!random.oneIn(16)) target = aim(random, code, decoder, set, target);
      break;
    }
  }
  if (fpu) fillFpu(random, bytes);
  view.setUint16(Case.patchPlace, Math.max(0, (target & (DATA_SIZE - 1)) - random.pick([0, 0, 16])), true);
  for (let at = 0; at < PATCH_SIZE; at += 8) view.setBigUint64(Case.patch + at, lane(random), true);
  bytes.set(code.subarray(0, CODE_BYTES), Case.code);
  decoder.free();
  return bytes;
}

/** Sets the registers, or the displacement, so that the memory operand lies at an address. */
function aim(
  random: Random,
  code: Uint8Array,
  decoder: Decoder,
  set: (register: number, value: bigint) => void,
  target: number,
): number {
  const { memoryBase, memoryIndex, memoryIndexScale, memorySegment } = instruction;
  const segment = memorySegment === Register.FS || memorySegment === Register.GS ? DATA_BASE : 0;
  const linear = BigInt(target) - BigInt(segment);
  if (instruction.isIpRelMemoryOperand || memoryBase === Register.None) {
    if (instruction.isIpRelMemoryOperand || memoryIndex === Register.None) {
      const { displacementOffset, displacementSize } = decoder.getConstantOffsets(instruction);
      if (displacementSize !== 4) return target;
      const value = instruction.isIpRelMemoryOperand ? linear - instruction.nextIP : linear;
      new DataView(code.buffer, code.byteOffset).setInt32(displacementOffset, Number(BigInt.asIntN(32, value)), true);
      return target;
    }
  }
  const displacement = BigInt.asIntN(64, instruction.memoryDisplacement);
  if (memoryIndex !== Register.None && !RegisterExt.isVectorRegister(memoryIndex)) {
    const index = RegisterExt.number(RegisterExt.fullRegister(memoryIndex));
    if (memoryBase === Register.None) {
      set(index, (linear - displacement) / BigInt(memoryIndexScale));
      return target;
    }
    const value = BigInt(random.below(16)) - 4n;
    const base = RegisterExt.number(RegisterExt.fullRegister(memoryBase));
    if (base === index) set(base, (linear - displacement) / BigInt(memoryIndexScale + 1));
    else {
      set(index, value);
      set(base, linear - displacement - value * BigInt(memoryIndexScale));
    }
    return target;
  }
  if (memoryBase !== Register.None)
    set(RegisterExt.number(RegisterExt.fullRegister(memoryBase)), linear - displacement);
  return target;
}

/** Another case made of one: another instruction, other operands, or other bytes anywhere. */
export function mutateCase(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const mode32 = ((input[Case.flags] ?? 0) & Flag.mode32) !== 0;
  switch (random.below(4)) {
    case 0: {
      // the instruction, changed a little, with operands for what it has become
      const code = new Uint8Array(CODE_BYTES + 1);
      code.set(
        mutateBytes(
          random,
          input.subarray(Case.code, Case.code + CODE_BYTES),
          other.subarray(Case.code, Case.code + CODE_BYTES),
          { longest: CODE_BYTES, fixed: true },
        ),
      );
      return makeCase(random, code, mode32);
    }
    case 1:
      return makeCase(random, input.slice(Case.code, Case.code + CODE_BYTES + 1), mode32);
    default:
      // the operands, and how the core runs it
      return mutateBytes(random, input, other, {
        longest: CASE_SIZE + FPU_SIZE,
        fixed: true,
        from: random.oneIn(4) ? 0 : Case.rflags,
      });
  }
}

/** Simpler cases: with less state, and without prefixes. */
export function* simplerCases(short: Uint8Array): Generator<Uint8Array> {
  const input = new Uint8Array(Math.max(short.length, CASE_SIZE));
  input.set(short);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const changed = (change: (copy: Uint8Array, view: DataView) => void): Uint8Array => {
    const copy = input.slice();
    change(copy, new DataView(copy.buffer));
    return copy;
  };
  const flags = view.getUint32(Case.flags, true);
  if (flags >>> Flag.wayShift !== 0) yield changed((_copy, to) => to.setUint32(Case.flags, flags & 0xff, true));
  if (input.length > CASE_SIZE) {
    const initial = initialFpu();
    if (Buffer.compare(input.subarray(CASE_SIZE), initial) !== 0) yield changed((copy) => copy.set(initial, Case.fpu));
    for (let at = 0; at < FPU_SIZE; at += 16) {
      const part = input.subarray(Case.fpu + at, Case.fpu + at + 16);
      if (Buffer.compare(part, initial.subarray(at, at + 16)) !== 0) {
        yield changed((copy) => copy.set(initial.subarray(at, at + 16), Case.fpu + at));
      }
    }
  }
  for (let at = 0; at < CODE_BYTES - 1; at++) {
    yield changed((copy) => {
      copy.copyWithin(Case.code + at, Case.code + at + 1, Case.code + CODE_BYTES);
      copy[Case.code + CODE_BYTES - 1] = 0;
    });
  }
  for (let register = 0; register < 16; register++) {
    const at = Case.registers + register * 8;
    if (view.getBigUint64(at, true) !== 0n) yield changed((_copy, to) => to.setBigUint64(at, 0n, true));
  }
  if (input.subarray(Case.patch, Case.patch + PATCH_SIZE).some((byte) => byte !== 0)) {
    yield changed((copy) => copy.fill(0, Case.patch, Case.patch + PATCH_SIZE));
  }
}
