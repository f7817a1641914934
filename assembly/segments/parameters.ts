// Parameters that a call gate copies from the caller's stack (SDM vol. 3, 5.8.5).

import { ACCESS_READ, MMU, SEGMENT_ATTRIBUTES, SEG_SS, cpu, raised, segment } from '../state';
import { probe, readAs } from '../paging/access';
import { linear } from './linear';
import { RIGHTS_BIG } from './rights';
import { STACK_POINTER } from './stack';

function place(index: u32, size: u32): u64 {
  const mask: u64 = (load<u32>(segment(SEG_SS), SEGMENT_ATTRIBUTES) & RIGHTS_BIG) != 0 ? 0xffffffff : 0xffff;
  return linear(SEG_SS, (load<u64>(cpu, STACK_POINTER) + (index << size)) & mask, 1 << size, ACCESS_READ);
}

/** Whether all `count` can be read; else raised. Before the level changes. */
export function parametersReadable(count: u32, size: u32): bool {
  for (let i: u32 = 0; i < count; i++) {
    const at = place(i, size);
    if (raised || !probe(at, 1 << size, ACCESS_READ, load<u32>(cpu, MMU))) return false;
  }
  return true;
}

/** Parameter `index`, 0 = the one on top of the stack. */
export function readParameter(index: u32, size: u32): u32 {
  const at = place(index, size);
  return raised ? 0 : <u32>readAs(at, 1 << size, load<u32>(cpu, MMU));
}
