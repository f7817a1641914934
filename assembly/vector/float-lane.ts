// Elements of vector registers in memory, and how an operation that MXCSR governs ends.

import { CR4_OSXMMEXCPT } from '../control';
import { DENORMAL, DIVIDE, INVALID, masked, met, setMet, setMxcsr } from '../float/environment';
import { cpu, CR4, MXCSR, raise, V1 } from '../state';
import { BASE, DST, V_256, V_FLAGS } from '../uop';
import { VECTOR_UD, VECTOR_XM } from '../vectors';

// @ts-ignore: decorator
@inline export function getLane<T>(at: usize, index: usize): u64 {
  return <u64>load<T>(at + index * sizeof<T>());
}
// @ts-ignore: decorator
@inline export function putLane<T>(at: usize, index: usize, value: u64): void {
  store<T>(at + index * sizeof<T>(), <T>value);
}
/** Results gather here until it is certain that there is no exception: sources and destination may be the same. */
// @ts-ignore: decorator
@inline export function gathered(): usize {
  return cpu + V1;
}
/** Bytes of the vectors that the micro-operation works on. */
// @ts-ignore: decorator
@inline export function vectorBytes(op: usize): usize {
  return load<u8>(op, V_FLAGS) & V_256 ? 32 : 16;
}

/** Reports what was met in MXCSR. False: an exception that is not masked was raised. Those that are found before computing keep
 * the others, of whatever element, from being found (SDM vol. 1, 11.5.2 and 11.5.3). */
export function accepted(): bool {
  let report = met;
  if (!report) return true;
  setMet(0); // so that an operation of several steps can go on
  const unmasked = report & ~masked;
  if (unmasked & (INVALID | DENORMAL | DIVIDE)) report &= INVALID | DENORMAL | DIVIDE;
  const mxcsr = load<u32>(cpu, MXCSR);
  if (report & ~mxcsr) setMxcsr(mxcsr | report);
  if (!unmasked) return true;
  raise(load<u64>(cpu, CR4) & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD);
  return false;
}

/** The gathered vector is the result. */
export function finishVector(op: usize): bool {
  if (!accepted()) return false;
  const destination = <usize>load<u16>(op, DST);
  v128.store(destination, v128.load(gathered()));
  if (load<u8>(op, V_FLAGS) & V_256) v128.store(destination, v128.load(gathered(), 16), 16);
  return true;
}
/** The lowest element is the result; the others come from the first source, or from `rest`. */
export function finishScalar<T>(op: usize, result: u64, rest: usize = load<u16>(op, BASE)): bool {
  if (!accepted()) return false;
  const destination = <usize>load<u16>(op, DST);
  v128.store(destination, v128.load(rest));
  store<T>(destination, <T>result);
  return true;
}
