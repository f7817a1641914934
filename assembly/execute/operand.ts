// How a micro-operation names its operands. With the TLB's inline check this is what handlers are made of; a miss is for
// execute/slow.ts.

import { BASE, DISP, DST, INDEX, SCALE, SRC } from '../uop';

export { host, readable, tlbEntry, writable } from '../paging/entry';

// @ts-ignore: decorator
@inline export function dst(op: usize): usize {
  return <usize>load<u16>(op, DST);
}
// @ts-ignore: decorator
@inline export function src(op: usize): usize {
  return <usize>load<u32>(op, SRC);
}
// @ts-ignore: decorator
@inline export function base(op: usize): usize {
  return <usize>load<u16>(op, BASE);
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
