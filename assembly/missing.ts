// An operation of a family that nothing executes: #UD, counted by name.

import { arena, ARENA_UNIMPLEMENTED, emulating, raise } from './state';
import { VECTOR_UD } from './vectors';
import { V_OPERATION } from './uop';

export function missing(op: usize): bool {
  if (!emulating) {
    const counter = arena + ARENA_UNIMPLEMENTED + (((<usize>load<u16>(op, V_OPERATION)) & 2047) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  raise(VECTOR_UD);
  return false;
}
