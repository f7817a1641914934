// A case of the target `execute` in bytes: what guests/native/runner.c takes as it is, and what the stepper puts into the
// core. The processor, its pages and what belongs to a case are the same for both.

/** Pages of the test program; everything around them is unmapped. guests/native/runner.c repeats these. */
export const CODE_BASE = 0x0800_0000;
export const CODE_SIZE = 0x2000;
export const DATA_BASE = 0x1000_0000;
export const DATA_SIZE = 0x2000;
/** What code pages are filled with. */
export const INT3 = 0xcc;

/** Offsets in a case; little-endian. */
export const Case = {
  /** u32: Flag.* */
  flags: 0,
  /** u16: offset of RIP in the code pages. */
  place: 4,
  /** u16: offset of the patch in the data pages. */
  patchPlace: 6,
  /** u8: bytes of code that count. */
  length: 8,
  code: 9,
  rflags: 24,
  fsBase: 32,
  gsBase: 40,
  /** Sixteen u64. */
  registers: 48,
  /** 64 bytes of data, at patchPlace; the rest of the data pages is the same for all cases. */
  patch: 176,
  /** Flag.fpu: an XSAVE image in standard form. */
  fpu: 240,
} as const;
export const CASE_SIZE = 240;
export const CODE_BYTES = 15;
export const PATCH_SIZE = 64;
export const FPU_SIZE = 832;

export const Flag = {
  /** 32-bit code, else 64-bit. */
  mode32: 1,
  /** The case has x87 and vector registers. */
  fpu: 2,
  /** In the answer: all of the data pages. */
  whole: 4,
  /** Bits 8 and 9: how the core runs it (Way). The runner does not look. */
  wayShift: 8,
} as const;

/** How the core runs an instruction: alone, in a block with the INT3 behind it, or by the emulator that finishes instructions after exits. */
export const WAYS = ['step', 'block', 'emulate'] as const;

/** Offsets in a result. */
export const Result = {
  registers: 0,
  rip: 128,
  rflags: 136,
  fsBase: 144,
  gsBase: 152,
  cr2: 160,
  /** u32: the exception; 3 where execution reached an INT3 (RIP is then that of the INT3), 255 for a system call. */
  vector: 168,
  error: 172,
  /** u32: a hash of the data pages if they have changed, else 0. */
  memory: 176,
} as const;
export const RESULT_SIZE = 184;

/** Offsets in an XSAVE image (SDM vol. 1, 10.5.1 and 13.4). */
export const Fpu = {
  fcw: 0,
  fsw: 2,
  ftw: 4,
  fop: 6,
  fip: 8,
  fdp: 16,
  mxcsr: 24,
  /** Eight registers, 16 bytes apart, 10 bytes each. */
  st: 32,
  /** Sixteen registers of 16 bytes. */
  xmm: 160,
  xstateBv: 512,
  /** Upper halves. */
  ymm: 576,
} as const;

export const STATUS = 0x8d5;
export const DF = 0x400;
/** Always set: bit 1 and IF. */
const FIXED_FLAGS = 0x202;
const FCW_INIT = 0x37f;
const MXCSR_INIT = 0x1f80;

/** Data pages before the patch: the same numbers in every case, all different from their neighbours. */
export function baseData(): Uint8Array {
  const data = new Uint8Array(DATA_SIZE);
  const words = new Uint32Array(data.buffer);
  for (let index = 0, word = 0x9e3779b9; index < words.length; index++) {
    words[index] = word ^ (word >>> 15);
    word = (Math.imul(word, 0x01000193) + 0x7f4a7c15) >>> 0;
  }
  return data;
}

/** The hash that the runner makes of changed data pages: in four lanes, so that no multiplication waits for another. */
export function hashData(data: Uint32Array): number {
  const PRIME = 0x01000193;
  let [a, b, c, d] = [1, 2, 3, 4];
  for (let index = 0; index < data.length; index += 4) {
    a = Math.imul(a ^ data[index]!, PRIME);
    b = Math.imul(b ^ data[index + 1]!, PRIME);
    c = Math.imul(c ^ data[index + 2]!, PRIME);
    d = Math.imul(d ^ data[index + 3]!, PRIME);
  }
  const hash = Math.imul(Math.imul(Math.imul(a, 31) ^ b, 31) ^ c, 31) ^ d;
  return (hash | 1) >>> 0;
}

/** An FPU image as after FNINIT and with all vectors zero. */
export function initialFpu(): Uint8Array {
  const image = new Uint8Array(FPU_SIZE);
  const view = new DataView(image.buffer);
  view.setUint16(Fpu.fcw, FCW_INIT, true);
  view.setUint32(Fpu.mxcsr, MXCSR_INIT, true);
  image[Fpu.xstateBv] = 7;
  return image;
}

/**
 * Any bytes as a case that a processor accepts: reserved bits clear, registers as wide as the mode has them. The length of the
 * code is left alone; whoever knows the instruction's sets it.
 */
export function normalised(input: Uint8Array, fpu: boolean): Uint8Array {
  const bytes = new Uint8Array(CASE_SIZE + (fpu ? FPU_SIZE : 0));
  if (fpu && input.length <= CASE_SIZE) bytes.set(initialFpu(), Case.fpu);
  bytes.set(input.subarray(0, bytes.length));
  const view = new DataView(bytes.buffer);
  const flags = view.getUint32(Case.flags, true);
  const mode32 = (flags & Flag.mode32) !== 0;
  const way = ((flags >>> Flag.wayShift) & 3) % WAYS.length;
  view.setUint32(Case.flags, (flags & Flag.mode32) | (fpu ? Flag.fpu : 0) | (way << Flag.wayShift), true);
  view.setUint16(Case.place, Math.min(view.getUint16(Case.place, true) & (CODE_SIZE - 1), CODE_SIZE - 32), true);
  view.setUint16(Case.patchPlace, view.getUint16(Case.patchPlace, true) & (DATA_SIZE - 1), true);
  view.setUint32(Case.rflags, (view.getUint32(Case.rflags, true) & (STATUS | DF)) | FIXED_FLAGS, true);
  view.setUint32(Case.rflags + 4, 0, true);
  for (const at of [Case.fsBase, Case.gsBase]) {
    const offset = view.getUint32(at, true) & (DATA_SIZE - 1);
    view.setUint32(at, mode32 ? 0 : DATA_BASE + offset, true);
    view.setUint32(at + 4, 0, true);
  }
  if (mode32) {
    for (let index = 0; index < 8; index++) view.setUint32(Case.registers + index * 8 + 4, 0, true);
    bytes.fill(0, Case.registers + 64, Case.registers + 128);
  }
  if (fpu) normaliseFpu(new DataView(bytes.buffer, Case.fpu));
  return bytes;
}

function normaliseFpu(view: DataView): void {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, FPU_SIZE);
  // FCW: bit 6 is always set, 7 and above 12 are clear; precision control 01 is reserved
  let fcw = (view.getUint16(Fpu.fcw, true) & 0x1f3f) | 0x40;
  if ((fcw & 0x300) === 0x100) fcw |= 0x300;
  view.setUint16(Fpu.fcw, fcw, true);
  // FSW: ES and B say whether an unmasked exception is pending
  const fsw = view.getUint16(Fpu.fsw, true) & 0x7f7f;
  view.setUint16(Fpu.fsw, fsw | (fsw & ~fcw & 0x3f ? 0x8080 : 0), true);
  bytes[Fpu.ftw + 1] = 0;
  bytes.fill(0, Fpu.fop, Fpu.mxcsr);
  view.setUint32(Fpu.mxcsr, view.getUint32(Fpu.mxcsr, true) & 0xffff, true);
  bytes.fill(0, Fpu.mxcsr + 4, Fpu.st);
  for (let index = 0; index < 8; index++) bytes.fill(0, Fpu.st + index * 16 + 10, Fpu.st + index * 16 + 16);
  bytes.fill(0, Fpu.xmm + 256, Fpu.ymm);
  bytes[Fpu.xstateBv] = 7;
}
