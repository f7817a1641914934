// What the manual says about a few instructions, written down again independently of the generator and of the CPU core:
// the loader's test holds the recorded vectors against it.
import type { Vector } from './load.js';

export const CF = 0x1;
export const PF = 0x4;
export const AF = 0x10;
export const ZF = 0x40;
export const SF = 0x80;
export const OF = 0x800;
export const STATUS = CF | PF | AF | ZF | SF | OF;

/** Register number by name, in `regsIn` order. */
export const Reg = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r8: 8 } as const;

const flagsOf = (on: ReadonlyArray<readonly [number, boolean]>): number =>
  on.reduce((flags, [flag, set]) => flags | (set ? flag : 0), 0);

/** Even number of ones in the low byte (Intel SDM vol. 1, 3.4.3.1). */
function evenParity(value: bigint): boolean {
  let ones = 0;
  for (let byte = Number(value & 0xffn); byte !== 0; byte &= byte - 1) ones++;
  return ones % 2 === 0;
}

/** Result and status flags of `a + b + carry`, or of `a - b - carry`, on `bits` bits (SDM vol. 1, 3.4.3.1). */
export function addOrSubtract(
  kind: 'add' | 'sub',
  a: bigint,
  b: bigint,
  carry: bigint,
  bits: number,
): { result: bigint; flags: number } {
  const sign = kind === 'add' ? 1n : -1n;
  const exact = a + sign * (b + carry);
  const result = BigInt.asUintN(bits, exact);
  const signedExact = BigInt.asIntN(bits, a) + sign * (BigInt.asIntN(bits, b) + carry);
  const nibble = (a & 15n) + sign * ((b & 15n) + carry);
  const flags = flagsOf([
    [CF, exact < 0n || exact >> BigInt(bits) !== 0n],
    [PF, evenParity(result)],
    [AF, nibble < 0n || nibble > 15n],
    [ZF, result === 0n],
    [SF, result >> BigInt(bits - 1) === 1n],
    [OF, signedExact !== BigInt.asIntN(bits, result)],
  ]);
  return { result, flags };
}

/** Whether condition `cc` (the low opcode nibble of Jcc) holds (SDM vol. 1, appendix B). */
export function holds(cc: number, flags: number): boolean {
  const cf = (flags & CF) !== 0;
  const zf = (flags & ZF) !== 0;
  const less = ((flags & SF) !== 0) !== ((flags & OF) !== 0);
  const base = [(flags & OF) !== 0, cf, zf, cf || zf, (flags & SF) !== 0, (flags & PF) !== 0, less, zf || less][
    cc >> 1
  ]!;
  return (cc & 1) === 1 ? !base : base;
}

/** CRC32 of the manual: bit-reflected division by 11EDC6F41H (SDM vol. 2A, CRC32). */
export function crc32c(seed: number, data: bigint, bytes: number): number {
  let crc = seed;
  for (let i = 0; i < bytes; i++) {
    crc ^= Number((data >> BigInt(8 * i)) & 0xffn);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return crc >>> 0;
}

/** The number in `count` bytes from `at`, least significant first. */
export function littleEndian(bytes: Uint8Array, at: number, count: number): bigint {
  return bytes.slice(at, at + count).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Little-endian number at `address` in the data pages before the instruction. */
export function load(vector: Vector, address: bigint, bytes: number): bigint {
  return littleEndian(vector.memory.bytes, Number(address - vector.memory.base), bytes);
}
