// Sums and differences of neighbours: PHADD*, PHSUB*. The even elements of both sources are the left operands.

// @ts-ignore: decorator
@inline function evenWords(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
}
// @ts-ignore: decorator
@inline function oddWords(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
// @ts-ignore: decorator
@inline function evenDoubles(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}
// @ts-ignore: decorator
@inline function oddDoubles(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}
// @ts-ignore: decorator
@inline export function addWords(a: v128, b: v128): v128 {
  return i16x8.add(evenWords(a, b), oddWords(a, b));
}
// @ts-ignore: decorator
@inline export function addDoubles(a: v128, b: v128): v128 {
  return i32x4.add(evenDoubles(a, b), oddDoubles(a, b));
}
// @ts-ignore: decorator
@inline export function addSaturated(a: v128, b: v128): v128 {
  return i16x8.add_sat_s(evenWords(a, b), oddWords(a, b));
}
// @ts-ignore: decorator
@inline export function subtractWords(a: v128, b: v128): v128 {
  return i16x8.sub(evenWords(a, b), oddWords(a, b));
}
// @ts-ignore: decorator
@inline export function subtractDoubles(a: v128, b: v128): v128 {
  return i32x4.sub(evenDoubles(a, b), oddDoubles(a, b));
}
// @ts-ignore: decorator
@inline export function subtractSaturated(a: v128, b: v128): v128 {
  return i16x8.sub_sat_s(evenWords(a, b), oddWords(a, b));
}
