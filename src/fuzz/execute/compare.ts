// Compares what the core and the processor made of a case, field by field.

import { Case, DF, Flag, Fpu, Result, RESULT_SIZE, STATUS } from './layout.js';
import type { Undefined } from './undefined.js';

export interface Difference {
  /** Which part of the state. */
  readonly field: string;
  readonly text: string;
}

/** AC, NT and ID: POPF may set them. */
const OTHER_FLAGS = 0x24_4000;
const COMPARED_FLAGS = STATUS | DF | OTHER_FLAGS;

export const REGISTER_NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ');

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Bytes of the FPU image that are state: from, to, name. */
const FPU_FIELDS: readonly (readonly [number, number, string])[] = [
  [Fpu.fcw, Fpu.fcw + 2, 'FCW'],
  [Fpu.ftw, Fpu.ftw + 1, 'tags'],
  [Fpu.mxcsr, Fpu.mxcsr + 4, 'MXCSR'],
  ...Array.from({ length: 8 }, (_, n) => [Fpu.st + n * 16, Fpu.st + n * 16 + 10, `ST${n}`] as const),
  ...Array.from({ length: 16 }, (_, n) => [Fpu.xmm + n * 16, Fpu.xmm + (n + 1) * 16, `XMM${n}`] as const),
  ...Array.from({ length: 16 }, (_, n) => [Fpu.ymm + n * 16, Fpu.ymm + (n + 1) * 16, `YMM${n} high`] as const),
];

/** All differences; without `undefined_` also those that the manuals allow. */
export function differences(
  input: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
  undefined_: Undefined | undefined,
): Difference[] {
  const found: Difference[] = [];
  const a = new DataView(ours.buffer, ours.byteOffset, ours.byteLength);
  const b = new DataView(theirs.buffer, theirs.byteOffset, theirs.byteLength);
  const flags = input[Case.flags]!;
  const mode32 = (flags & Flag.mode32) !== 0;
  const differ = (field: string, our: bigint | number, their: bigint | number): void => {
    found.push({ field, text: `${field} ${hex(our)}, on the processor ${hex(their)}` });
  };

  const vector = a.getUint32(Result.vector, true);
  const native = b.getUint32(Result.vector, true);
  const faulted = native !== 3;
  let rip = b.getBigUint64(Result.rip, true);
  if (!faulted) rip -= 1n; // the trap is behind the INT3
  const ourRip = a.getBigUint64(Result.rip, true);
  if (undefined_?.order === true && faulted && vector !== 3) {
    // either fault will do
  } else if (vector !== native) {
    found.push({ field: 'exception', text: `${nameOf(vector)}, on the processor ${nameOf(native)}` });
  } else if (faulted) {
    // the kernel reports the error code of the last fault that had one
    // (and for addresses that no process can have it says that the page was present, whether it was or not)
    const kernels = native === 14 && b.getBigUint64(Result.cr2, true) >= 0x7fff_ffff_f000n ? 1 : 0;
    const error = b.getUint32(Result.error, true) | kernels;
    const ourError = a.getUint32(Result.error, true) | kernels;
    if (HAS_ERROR.has(native) && error !== ourError) differ('error code', ourError, error);
    if (native === 14) {
      const cr2 = b.getBigUint64(Result.cr2, true);
      const ourCr2 = a.getBigUint64(Result.cr2, true);
      if (cr2 !== ourCr2) differ('CR2', ourCr2, cr2);
    }
  }
  const width = (value: bigint): bigint => (mode32 ? value & 0xffff_ffffn : value);
  if (width(rip) !== width(ourRip)) differ('RIP', ourRip, rip);
  for (let n = 0; n < (mode32 ? 8 : 16); n++) {
    if (undefined_ !== undefined && (undefined_.registers >> n) & 1) continue;
    const low = a.getUint32(n * 8, true) !== b.getUint32(n * 8, true);
    const high = !mode32 && a.getUint32(n * 8 + 4, true) !== b.getUint32(n * 8 + 4, true);
    if (low || high) differ(REGISTER_NAMES[n]!, width(a.getBigUint64(n * 8, true)), width(b.getBigUint64(n * 8, true)));
  }
  const mask = COMPARED_FLAGS & ~(undefined_?.flags ?? 0);
  const ourFlags = a.getUint32(Result.rflags, true) & mask;
  const theirFlags = b.getUint32(Result.rflags, true) & mask;
  if (ourFlags !== theirFlags) differ('flags', ourFlags, theirFlags);
  if (!mode32) {
    for (const [field, at] of [
      ['FS base', Result.fsBase],
      ['GS base', Result.gsBase],
    ] as const) {
      if (a.getBigUint64(at, true) !== b.getBigUint64(at, true))
        differ(field, a.getBigUint64(at, true), b.getBigUint64(at, true));
    }
  }
  if (undefined_?.memory !== true) {
    const ourMemory = a.getUint32(Result.memory, true);
    const theirMemory = b.getUint32(Result.memory, true);
    if (ourMemory !== theirMemory) found.push({ field: 'memory', text: 'memory differs' });
  }
  if ((flags & Flag.fpu) !== 0 && undefined_?.fpu !== true) compareFpu(ours, theirs, undefined_?.fsw ?? 0, found);
  return found;
}

function compareFpu(ours: Uint8Array, theirs: Uint8Array, fswMask: number, found: Difference[]): void {
  const word = (bytes: Uint8Array): number =>
    (bytes[RESULT_SIZE + Fpu.fsw]! | (bytes[RESULT_SIZE + Fpu.fsw + 1]! << 8)) & ~fswMask;
  if (word(ours) !== word(theirs)) {
    found.push({ field: 'FSW', text: `FSW ${hex(word(ours))}, on the processor ${hex(word(theirs))}` });
  }
  for (const [from, to, field] of FPU_FIELDS) {
    for (let at = RESULT_SIZE + from; at < RESULT_SIZE + to; at++) {
      if (ours[at] === theirs[at]) continue;
      const our = littleEndian(ours, RESULT_SIZE + from, RESULT_SIZE + to);
      const their = littleEndian(theirs, RESULT_SIZE + from, RESULT_SIZE + to);
      found.push({ field: field.replace(/\d+/, ''), text: `${field} ${our}, on the processor ${their}` });
      break;
    }
  }
}

/** Bytes as one hexadecimal number. */
export function littleEndian(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).reverse().toString('hex');
}

const HAS_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);
const NAMES: Record<number, string> = {
  0: '#DE',
  1: '#DB',
  3: 'no exception',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  19: '#XM',
  255: 'a system call',
};
export function nameOf(vector: number): string {
  return NAMES[vector] ?? `exception ${vector}`;
}
