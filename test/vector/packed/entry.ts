// The handlers of the families PACKED and CRYPTO alone, for the tests: no decoder, no lowering, no run loop.

export {
  attach,
  cpu,
  ARENAS,
  FLAG_KIND,
  FTW,
  GPR,
  MEMORY_FREE,
  MODE,
  RFLAGS,
  V0,
  X87,
  YMM,
} from '../../../assembly/state';
export * from '../../../assembly/uop';
export { packed } from '../../../assembly/vector/packed';
export { crypto } from '../../../assembly/vector/crypto';
export { initVectorTables } from '../../../assembly/vector/tables';

import { packed } from '../../../assembly/vector/packed';
import { crypto } from '../../../assembly/vector/crypto';

/** Runs a micro-operation so many times: its cost without the call from JavaScript. */
export function repeat(op: usize, times: u32, isCrypto: bool): void {
  if (isCrypto) for (let i: u32 = 0; i < times; i++) crypto(op);
  else for (let i: u32 = 0; i < times; i++) packed(op);
}
