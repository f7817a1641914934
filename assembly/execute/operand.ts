// How a micro-operation names its operands, and the inline check of the software TLB. A miss is not handled here: the
// handler leaves its switch and the run loop's slow path takes the micro-operation over (execute/slow.ts).

import { BASE, DISP, DST, INDEX, SCALE, SRC } from '../uop';
import { TLB_ADDEND, TLB_READ, TLB_WRITE } from '../state';

// @ts-ignore: decorator
@inline export function dst(op: usize): usize {
  return <usize>load<u16>(op, DST);
}
// @ts-ignore: decorator
@inline export function src(op: usize): usize {
  return <usize>load<u32>(op, SRC);
}
/** Effective (in 64-bit mode: linear) address: base + index << scale + displacement. */
// @ts-ignore: decorator
@inline export function address(op: usize): u64 {
  return (
    load<u64>(<usize>load<u16>(op, BASE)) +
    (load<u64>(<usize>load<u16>(op, INDEX)) << (<u64>load<u8>(op, SCALE))) +
    <u64>(<i64>load<i32>(op, DISP))
  );
}
/** Write a register: 32-bit results clear the upper half, 8- and 16-bit ones leave it (SDM vol. 1, 3.4.1.1). */
// @ts-ignore: decorator
@inline export function put<T>(register: usize, value: i64): void {
  if (sizeof<T>() == 4) store<u64>(register, value & 0xffffffff);
  else store<T>(register, <T>value);
}

/** TLB entry that a linear address may be in: 1024 entries of 32 bytes, so one shift and one mask. */
// @ts-ignore: decorator
@inline export function tlbEntry(tlb: usize, linear: u64): usize {
  return tlb + ((<usize>(linear >> 7)) & 0x7fe0);
}
/** May be read here at once: the page of the last byte has to match, so an access that crosses pages never does. */
// @ts-ignore: decorator
@inline export function readable(entry: usize, linear: u64, size: u64): bool {
  return load<u64>(entry, TLB_READ) == ((linear + (size - 1)) & ~(<u64>0xfff));
}
// @ts-ignore: decorator
@inline export function writable(entry: usize, linear: u64, size: u64): bool {
  return load<u64>(entry, TLB_WRITE) == ((linear + (size - 1)) & ~(<u64>0xfff));
}
/** Address in linear memory. */
// @ts-ignore: decorator
@inline export function host(entry: usize, linear: u64): usize {
  return <usize>linear + <usize>load<u32>(entry, TLB_ADDEND);
}
