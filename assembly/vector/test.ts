// Vector comparisons that leave nothing but flags: PTEST, VTESTPS, VTESTPD.

import { CF, getFlags, setFlags, ARITHMETIC, ZF } from '../flags';
import { YMM_HIGH } from '../state';

// @ts-ignore: decorator
@inline function setTest(zero: bool, carry: bool): bool {
  setFlags((getFlags() & ~ARITHMETIC) | (zero ? ZF : 0) | (carry ? CF : 0));
  return true;
}
/** ZF: no bit of `mask` is in both; CF: none is in the second and not in the first. */
// @ts-ignore: decorator
@inline function none(a: v128, b: v128, mask: v128): bool {
  return !v128.any_true(v128.and(v128.and(a, b), mask));
}
// @ts-ignore: decorator
@inline function noneWithout(a: v128, b: v128, mask: v128): bool {
  return !v128.any_true(v128.and(v128.andnot(b, a), mask));
}
/** The bits of each element that `mask` has. */
// @ts-ignore: decorator
@inline export function test(x: usize, y: usize, mask: v128): bool {
  const a = load<v128>(x);
  const b = load<v128>(y);
  return setTest(none(a, b, mask), noneWithout(a, b, mask));
}
/** The same on 256 bits. */
// @ts-ignore: decorator
@inline export function testWide(x: usize, y: usize, mask: v128): bool {
  const a = load<v128>(x);
  const b = load<v128>(y);
  const c = load<v128>(x, YMM_HIGH);
  const d = load<v128>(y, YMM_HIGH);
  return setTest(none(a, b, mask) && none(c, d, mask), noneWithout(a, b, mask) && noneWithout(c, d, mask));
}
