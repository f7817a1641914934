// Family MASKED: memory accesses by a mask or a vector of indices (gather.ts). An element that the mask leaves out is not
// accessed and cannot fault, so each has an address of its own: T0 is the offset of the first, before segmentation.

import { ACCESS_READ, ACCESS_WRITE, cpu, MMU, raised, STRICT, STRICT_ALIGNMENT, T0, V0, YMM_HIGH } from '../state';
import { AUX, SEG, V_256, V_MMX } from '../uop';
import { Operation } from '../decode/operation';
import { checkAlignment, probe, read32, read64, write32, write64, write8 } from '../paging/access';
import { linear } from '../segments/linear';
import { first, flags, last, operation, put, target } from './operands';
import { gather } from './gather';

/** Executes a micro-operation of the family. False = raised, and nothing has changed but what a gather keeps. */
export function masked(op: usize): bool {
  switch (operation(op)) {
    case Operation.MASKMOVQ:
    case Operation.MASKMOVDQU:
      return storeMasked(op, 1);
    case Operation.VMASKMOVPS:
    case Operation.VPMASKMOVD:
      return target(op) ? loadMasked(op, 4) : storeMasked(op, 4);
    case Operation.VMASKMOVPD:
    case Operation.VPMASKMOVQ:
      return target(op) ? loadMasked(op, 8) : storeMasked(op, 8);
    default:
      return gather(op);
  }
}

/** Linear address of what stands `distance` from T0; raises what its segment objects to. */
export function addressOf(op: usize, distance: u64, size: u32, access: u32): u64 {
  const addressSize = load<u8>(op, AUX);
  let offset = load<u64>(cpu, T0) + distance;
  if (addressSize == 1) offset &= 0xffff;
  else if (addressSize == 2) offset &= 0xffffffff;
  return linear(<usize>load<u8>(op, SEG), offset, size, access);
}

/** An element's mask is the sign of the mask register's element. */
// @ts-ignore: decorator
@inline export function isActive(mask: usize, at: usize, size: u32): bool {
  return (load<u8>(mask + at + size - 1) & 0x80) != 0;
}

function loadMasked(op: usize, size: u32): bool {
  const bytes: usize = flags(op) & V_256 ? 32 : 16;
  const mask = last(op);
  const result = cpu + V0;
  store<v128>(result, i64x2.splat(0));
  store<v128>(result, i64x2.splat(0), YMM_HIGH);
  for (let at: usize = 0; at < bytes; at += size) {
    if (!isActive(mask, at, size)) continue;
    const address = addressOf(op, at, size, ACCESS_READ);
    if (raised) return false;
    const value = size == 4 ? read32(address) : read64(address);
    if (raised) return false;
    if (size == 4) store<u32>(result + at, <u32>value);
    else store<u64>(result + at, value);
  }
  put(target(op), load<v128>(result));
  if (bytes == 32) store<v128>(target(op), load<v128>(result, YMM_HIGH), YMM_HIGH);
  return true;
}

/** Nothing is written unless everything can be. */
function storeMasked(op: usize, size: u32): bool {
  const form = flags(op);
  const bytes: usize = form & V_MMX ? 8 : form & V_256 ? 32 : 16;
  const mask = last(op);
  const data = first(op);
  // The legacy forms are an access of eight bytes or two, whatever the mask says: so processors check the alignment.
  if (size == 1 && load<u32>(cpu, STRICT) & STRICT_ALIGNMENT) {
    const address = addressOf(op, 0, 1, ACCESS_WRITE);
    if (raised || !checkAlignment(address, 8)) return false;
  }
  for (let at: usize = 0; at < bytes; at += size) {
    if (!isActive(mask, at, size)) continue;
    const address = addressOf(op, at, size, ACCESS_WRITE);
    if (raised || !probe(address, size, ACCESS_WRITE, load<u32>(cpu, MMU))) return false;
  }
  for (let at: usize = 0; at < bytes; at += size) {
    if (!isActive(mask, at, size)) continue;
    const address = addressOf(op, at, size, ACCESS_WRITE);
    if (size == 1) write8(address, load<u8>(data + at));
    else if (size == 4) write32(address, load<u32>(data + at));
    else write64(address, load<u64>(data + at));
    if (raised) return false;
  }
  return true;
}
