// AVX2's gathers: each element from an address of its own. They are interruptible: what was loaded before a fault stays
// loaded, and the mask says what is still to do (SDM vol. 2, VGATHERDPS).

import { ACCESS_READ, cpu, RAISED_NEED_READ, raised, V0, YMM_HIGH } from '../state';
import { SCALE, V_256 } from '../uop';
import { Operation } from '../decode/operation';
import { read32, read64 } from '../paging/access';
import { addressOf, isActive } from './masked';
import { first, flags, last, operation, put, target } from './operands';

export function gather(op: usize): bool {
  const which = operation(op) - <u32>Operation.VGATHERDPS;
  const size: u32 = which & 1 ? 8 : 4; // of an element
  const indexSize: u32 = which & 2 ? 8 : 4;
  const count = (flags(op) & V_256 ? <u32>32 : <u32>16) / max(size, indexSize);
  const mask = first(op);
  const indices = last(op);
  const scale = <u64>load<u8>(op, SCALE);
  const result = cpu + V0;
  store<v128>(result, load<v128>(target(op)));
  store<v128>(result, load<v128>(target(op), YMM_HIGH), YMM_HIGH);
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>(i * size);
    if (!isActive(mask, at, size)) continue;
    const index = indexSize == 4 ? <i64>load<i32>(indices + i * 4) : load<i64>(indices + i * 8);
    const address = addressOf(op, index << scale, size, ACCESS_READ);
    let value: u64 = 0;
    if (!raised) value = size == 4 ? read32(address) : read64(address);
    if (raised) return suspend(op, at);
    if (size == 4) store<u32>(result + at, <u32>value);
    else store<u64>(result + at, value);
  }
  finish(op, count * size);
  return true;
}

/** Elements below `bytes` are loaded, what is above them is zero, and no mask is left. */
function finish(op: usize, bytes: u32): void {
  const result = cpu + V0;
  memory.fill(result + bytes, 0, 32 - bytes);
  put(target(op), load<v128>(result));
  store<v128>(target(op), load<v128>(result, YMM_HIGH), YMM_HIGH);
  const mask = first(op);
  put(mask, i64x2.splat(0));
  store<v128>(mask, i64x2.splat(0), YMM_HIGH);
}

/** A fault at the element that is `done` bytes up. While the emulator only collects what it must read, all is done again. */
function suspend(op: usize, done: usize): bool {
  if (raised == RAISED_NEED_READ) return false;
  memory.copy(target(op), cpu + V0, done);
  memory.fill(first(op), 0, done);
  return false;
}
