// Moves that merge, widen or narrow, between vector, MMX and general-purpose registers.

import { cpu, FTW, GPR, is64, YMM, YMM_HIGH } from '../state';
import { isMemory, isXmm, put } from './operands';

/** MOVSS: a register's element goes into the first source, one from memory clears the rest. */
// @ts-ignore: decorator
@inline export function moveSingle(x: usize, y: usize): v128 {
  if (isMemory(y)) return v128.load32_zero(y);
  return v128.shuffle<i32>(load<v128>(x), load<v128>(y), 4, 1, 2, 3);
}
/** MOVSD. */
// @ts-ignore: decorator
@inline export function moveDouble(x: usize, y: usize): v128 {
  if (isMemory(y)) return v128.load64_zero(y);
  return v128.shuffle<i64>(load<v128>(x), load<v128>(y), 2, 1);
}
/** MOVHPS, MOVHPD: to memory the upper half, from memory into it. */
// @ts-ignore: decorator
@inline export function moveHigh(target: usize, a: v128, b: v128): v128 {
  if (isMemory(target)) return v128.shuffle<i64>(b, b, 1, 1);
  return v128.shuffle<i64>(a, b, 0, 2);
}
/** MOVD, MOVQ, PEXTR*: an integer to a register of any kind or to memory, with zeros above it. */
// @ts-ignore: decorator
@inline export function putInteger(target: usize, value: u64): bool {
  if (isXmm(target)) return put(target, i64x2.replace_lane(i64x2.splat(0), 0, value));
  store<u64>(target, value);
  return true;
}

/** EMMS: all x87 registers are empty. */
export function emptyMmx(): bool {
  store<u16>(cpu, 0, FTW);
  return true;
}

/** VZEROUPPER, VZEROALL: outside 64-bit mode they reach eight registers (SDM vol. 2, VZEROALL). */
export function zeroRegisters(all: bool): bool {
  const zero = i64x2.splat(0);
  const end = cpu + YMM + (is64() ? 16 : 8) * 32;
  for (let register = cpu + YMM; register < end; register += 32) {
    if (all) store<v128>(register, zero);
    store<v128>(register, zero, YMM_HIGH);
  }
  return true;
}

/** MOVMSKPS, MOVMSKPD, PMOVMSKB: to a general-purpose register. */
// @ts-ignore: decorator
@inline export function putMask(target: usize, mask: u32): bool {
  store<u64>(target, mask);
  return true;
}
// @ts-ignore: decorator
@inline export function gpr(number: usize): usize {
  return cpu + GPR + number * 8;
}
