// Bit test, scan, swap, CRC32, compare-and-exchange, exchange-and-add on registers (memory forms go through T1).

import { cpu, GPR } from '../state';
import { BSF, BTC, BTR, BTS, LZCNT, POPCNT, TZCNT } from '../uop';
import { ADDITION, ARITHMETIC, CARRY_OVERFLOW, getFlags, setCarry, setFlags, setLazy, SUBTRACTION, ZF } from '../flags';
import { readSized, signed, writeSized } from './sized';

/** BT and kin: CF = the bit; the other flags are undefined or unaffected and stay (ZF is unaffected: SDM vol. 2, BT). */
export function bit(operation: u32, size: u32, d: usize, number: u64): void {
  const value = readSized(d, size);
  const one = (<u64>1) << (number & ((8 << size) - 1));
  setCarry(value & one ? 1 : 0);
  if (operation == BTS) writeSized(d, size, value | one);
  else if (operation == BTR) writeSized(d, size, value & ~one);
  else if (operation == BTC) writeSized(d, size, value ^ one);
}

/** BSF, BSR and the counts. A zero source of BSF and BSR sets ZF and leaves the destination as it was (AMD states it, Intel does it). */
export function scan(operation: u32, size: u32, d: usize, s: usize): void {
  const value = readSized(s, size);
  if (operation == POPCNT) {
    // all of OF SF AF CF PF are cleared, ZF = source is zero (SDM vol. 2, POPCNT)
    setFlags((getFlags() & ~ARITHMETIC) | (value ? 0 : ZF));
    writeSized(d, size, popcnt<u64>(value));
    return;
  }
  if (operation == LZCNT || operation == TZCNT) {
    // CF = the source is zero, ZF = the result is; the others are undefined: OF SF AF are 0 here, PF as of the result
    const bits: u64 = 8 << size;
    const count = operation == LZCNT ? clz<u64>(value) - (64 - bits) : value ? ctz<u64>(value) : bits;
    setLazy(cpu, CARRY_OVERFLOW, value == 0 ? 1 : 0, 0, count);
    writeSized(d, size, count);
    return;
  }
  const flags = getFlags();
  if (value == 0) {
    setFlags(flags | ZF);
    return;
  }
  setFlags(flags & ~ZF);
  writeSized(d, size, operation == BSF ? ctz<u64>(value) : 63 - clz<u64>(value));
}

export function swapBytes(value: u64, size: u32): u64 {
  if (size == 1) return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
  let v = ((value & 0x00ff00ff00ff00ff) << 8) | ((value >> 8) & 0x00ff00ff00ff00ff);
  v = ((v & 0x0000ffff0000ffff) << 16) | ((v >> 16) & 0x0000ffff0000ffff);
  v = (v << 32) | (v >> 32);
  return size == 2 ? v >> 32 : v;
}

/** One CRC-32C step (polynomial 11EDC6F41H reflected: SDM vol. 2, CRC32). */
export function crc32(crc: u32, value: u64, size: u32): u32 {
  let bits: i32 = 8 << size;
  let c = crc;
  let v = value;
  while (bits > 0) {
    c ^= <u32>(v & 0xff);
    for (let i = 0; i < 8; i++) c = (c >> 1) ^ (0x82f63b78 & (0 - (c & 1)));
    v >>= 8;
    bits -= 8;
  }
  return c;
}

/** CMPXCHG: flags of accumulator - destination; T1-style destination is written either way. */
export function compareExchange(size: u32, d: usize, s: usize): void {
  const rax = cpu + GPR;
  const a = signed(readSized(rax, size), size);
  const b = signed(readSized(d, size), size);
  setLazy(cpu, SUBTRACTION, a, b, signed(<u64>(a - b), size));
  if (a == b) writeSized(d, size, readSized(s, size));
  else writeSized(rax, size, <u64>b);
}
/** XADD: source register gets the old destination, destination the sum. When both are one register, the sum stays. */
export function exchangeAdd(size: u32, d: usize, s: usize): void {
  const a = signed(readSized(d, size), size);
  const b = signed(readSized(s, size), size);
  const r = signed(<u64>(a + b), size);
  setLazy(cpu, ADDITION, a, b, r);
  writeSized(s, size, <u64>a);
  writeSized(d, size, <u64>r);
}
