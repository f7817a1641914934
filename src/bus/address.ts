// 64-bit addresses: bigint where people speak, pairs of 32-bit halves where the machine runs.

const U64_END = 1n << 64n;

/** Whether `value` is a bigint in 0..2^64-1. */
export function isU64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= 0n && value < U64_END;
}

/** The low 32 bits, as a signed number: what typed-array keys and comparisons of halves use. */
export function low32(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}

/** Bits 32..63, as a signed number. */
export function high32(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** The bigint of two halves, signed or not. */
export function join64(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** `address` as messages show it. */
export function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
