// Segmentation: from segment and offset to a linear address, with the checks of SDM vol. 3, 5.3 to 5.5 (limit, type, null)
// in each mode. In 64-bit mode only FS and GS have a base and nothing is checked here except the stack's canonicality,
// which paging could not report as #SS.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CR4,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEG_FS,
  SEG_SS,
  cpu,
  is64,
  isProtected,
  isV86,
  raiseError,
  segment,
} from '../state';
import { CR4_LA57 } from '../control';
import { VECTOR_GP, VECTOR_SS } from '../vectors';
import { RIGHTS_BIG, RIGHTS_CODE, RIGHTS_EXPAND_DOWN, RIGHTS_UNUSABLE, RIGHTS_WRITABLE } from './rights';

/** True when all bits from 47 up (56 with CR4.LA57) are equal (SDM vol. 1, 3.3.7.1). */
export function isCanonical(address: u64): bool {
  const shift: i64 = (load<u64>(cpu, CR4) & CR4_LA57) != 0 ? 7 : 16;
  return ((<i64>address) << shift) >> shift == <i64>address;
}

/**
 * Linear address of `size` bytes at `offset` of a segment (SEG_*), for an access of ACCESS_READ and/or ACCESS_WRITE.
 * `offset` is already wrapped to the address size. Raises #SS(0) for SS, #GP(0) otherwise, and then returns 0.
 */
export function linear(seg: usize, offset: u64, size: u32, access: u32): u64 {
  const s = segment(seg);
  if (is64()) {
    if (seg >= SEG_FS) return load<u64>(s, SEGMENT_BASE) + offset;
    if (seg == SEG_SS && !(isCanonical(offset) && isCanonical(offset + size - 1))) {
      raiseError(VECTOR_SS, 0);
      return 0;
    }
    return offset;
  }
  const end = <u64>(<u32>offset) + size - 1;
  const kind =
    load<u32>(s, SEGMENT_ATTRIBUTES) & (RIGHTS_UNUSABLE | RIGHTS_CODE | RIGHTS_EXPAND_DOWN | RIGHTS_WRITABLE);
  // Nearly every segment in use is writable, expand-up data.
  if (kind == RIGHTS_WRITABLE && end <= <u64>load<u32>(s, SEGMENT_LIMIT)) {
    return <u64>(<u32>(load<u64>(s, SEGMENT_BASE) + offset));
  }
  return checked(seg, offset, size, access);
}

function checked(seg: usize, offset: u64, size: u32, access: u32): u64 {
  const s = segment(seg);
  const rights = load<u32>(s, SEGMENT_ATTRIBUTES);
  const vector = seg == SEG_SS ? VECTOR_SS : VECTOR_GP;
  if (!inLimit(rights, load<u32>(s, SEGMENT_LIMIT), offset, size)) {
    raiseError(vector, 0);
    return 0;
  }
  // Real mode keeps whatever type is in the cache (a code segment left by protected mode stays writable through CS until
  // the far jump); only protected mode checks it.
  if (isProtected() && !isV86()) {
    const writable = (rights & (RIGHTS_CODE | RIGHTS_WRITABLE)) == RIGHTS_WRITABLE;
    const readable = (rights & RIGHTS_CODE) == 0 || (rights & RIGHTS_WRITABLE) != 0;
    if (((access & ACCESS_WRITE) != 0 && !writable) || ((access & ACCESS_READ) != 0 && !readable)) {
      raiseError(vector, 0);
      return 0;
    }
  }
  return <u64>(<u32>(load<u64>(s, SEGMENT_BASE) + offset));
}

/** Whether `size` bytes at `offset` lie inside a usable segment of these attributes and this limit (SDM vol. 3, 5.3). */
export function inLimit(rights: u32, limit: u32, offset: u64, size: u32): bool {
  const first = <u64>(<u32>offset);
  const last = first + size - 1;
  if ((rights & RIGHTS_UNUSABLE) != 0) return false;
  if ((rights & (RIGHTS_CODE | RIGHTS_EXPAND_DOWN)) == RIGHTS_EXPAND_DOWN) {
    return first > <u64>limit && last <= ((rights & RIGHTS_BIG) != 0 ? <u64>0xffffffff : <u64>0xffff);
  }
  return last <= <u64>limit;
}
