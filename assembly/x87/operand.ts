// Memory operands: where they are, the forms that access.ts does not know, and the pointers to the last instruction.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  cpu,
  FCS,
  FDP,
  FDS,
  FIP,
  FOP,
  is64,
  MMU,
  PAGE,
  raised,
  SEG_CS,
  SEG_FS,
  segment,
  SEGMENT_BASE,
  SEGMENT_SELECTOR,
} from '../state';
import { BASE, DISP, INDEX, OFFSET, SCALE, SEG, X_BYTES, X_OPCODE } from '../uop';
import { probe, read16, read64, write16, write64 } from '../paging/access';

/** Linear address of the memory operand. */
// @ts-ignore: decorator
@inline export function address(op: usize): u64 {
  return (
    load<u64>(<usize>load<u16>(op, BASE)) +
    (load<u64>(<usize>load<u16>(op, INDEX)) << (<u64>load<u8>(op, SCALE))) +
    <u64>(<i64>load<i32>(op, DISP))
  );
}

/** Can all of an area be accessed? False = raised. */
export function probed(at: u64, size: u32, write: bool): bool {
  return probe(at, size, write ? ACCESS_WRITE : ACCESS_READ, load<u32>(cpu, MMU));
}
/** The same for an environment: of one on two pages the first field is tried, then the last byte, as processors do. */
export function probedArea(at: u64, size: u32, write: bool): bool {
  const field: u32 = size == 28 || size == 108 ? 4 : 2;
  if (((<u32>at) & 0xfff) + size > 4096 && !(probed(at, field, write) && probed(at + size - 1, 1, write))) return false;
  return probed(at, size, write);
}
/** The lower eight of ten bytes; the upper two are in `readHigh`. Both pages are looked at first. */
export let readHigh: u32 = 0;
export function read80(at: u64): u64 {
  if (((<u32>at) & 0xfff) > 4086 && !probed(at, 10, false)) return 0;
  const low = read64(at);
  if (raised) return 0;
  readHigh = <u32>read16(at + 8);
  return low;
}
export function write80(at: u64, low: u64, high: u32): void {
  if (((<u32>at) & 0xfff) > 4086 && !probed(at, 10, true)) return;
  write64(at, low);
  if (!raised) write16(at + 8, high);
}

/**
 * What every instruction that is no control instruction leaves behind (SDM vol. 1, 8.1.8): always, as processors without
 * FDP_EXCPTN_ONLY and FCS/FDS deprecation do, and the opcode too.
 */
export function remember(op: usize): void {
  const wide = is64();
  const linear = load<u64>(cpu, PAGE) + load<u16>(op, OFFSET);
  const cs = segment(SEG_CS);
  store<u64>(cpu, wide ? linear : (linear - load<u64>(cs, SEGMENT_BASE)) & 0xffffffff, FIP);
  store<u16>(cpu, load<u16>(cs, SEGMENT_SELECTOR), FCS);
  store<u16>(cpu, load<u16>(op, X_OPCODE), FOP);
  if (!load<u8>(op, X_BYTES)) return;
  const seg = <usize>load<u8>(op, SEG);
  const data = segment(seg);
  const offset = address(op) - (wide && seg < SEG_FS ? 0 : load<u64>(data, SEGMENT_BASE));
  store<u64>(cpu, wide ? offset : offset & 0xffffffff, FDP);
  store<u16>(cpu, load<u16>(data, SEGMENT_SELECTOR), FDS);
}
