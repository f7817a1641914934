// RCPPS and RSQRTPS, to the bit as AMD's Zen 4 gives them: the manual leaves anything open within a relative error of
// 1.5 × 2^-12 (SDM vol. 2). Measured on that processor over all operands: the result depends on sign, exponent and the
// first twelve bits of the fraction, a, b and c of four bits each, and is B(a, b) - D(a, c), the usual pair of tables. B is
// the function itself in the middle of the first c, cut to an integer, and corrected by -1, 0 or 1; D(a, ·) rises by 0, 1 or
// 2 with each c. The corrections and the steps are all that is kept here.

import { infinity, isNaN, isNegative, leadingBit, magnitude, quietBit, signBit, defaultNaN } from './format';

/** Eight words of corrections (two bits for each a, b: correction + 1) and eight of steps (32 bits for each a: bit c set = a
 * step from c - 1 to c, bit 16 + c = a second one) for each of the functions 1/x, 1/√x and 1/√2x, x from 1 to 2. */
function word(index: u32): u64 {
  switch (index) {
    case 0:
      return 0xaaa6a554aa9a5610;
    case 1:
      return 0x9a965555aa655555;
    case 2:
      return 0xaaaaaa9a95599555;
    case 3:
      return 0x6aa5a959aaaa69a5;
    case 4:
      return 0x9a665a55a69a6a5a;
    case 5:
      return 0x6a96aaa9a6669aaa;
    case 6:
      return 0x969666596a55a555;
    case 7:
      return 0xaa5a59666595a555;
    case 8:
      return 0xdb6cfffefbfafffe;
    case 9:
      return 0x9248fffeaaa4fffe;
    case 10:
      return 0x1008fffe4220fffe;
    case 11:
      return 0x0000ffbe0000fffe;
    case 12:
      return 0x0000ef7a0000fbf6;
    case 13:
      return 0x0000b6da0000bbb6;
    case 14:
      return 0x0000b5ac0000adac;
    case 15:
      return 0x0000aad40000ab54;
    case 16:
      return 0x99aaa96695559595;
    case 17:
      return 0xa9a55559a9a5aa59;
    case 18:
      return 0xaa9a9999a56a9555;
    case 19:
      return 0x69555565a666595a;
    case 20:
      return 0xa96aaa95a69aaa9a;
    case 21:
      return 0xaaaaaaaa69999965;
    case 22:
      return 0xa69a666665965695;
    case 23:
      return 0x65a569555a556aa5;
    case 24:
      return 0x0000efee0000fefe;
    case 25:
      return 0x0000bbb60000bef6;
    case 26:
      return 0x0000dada0000b6ec;
    case 27:
      return 0x00006ad40000b6ac;
    case 28:
      return 0x000055540000aaaa;
    case 29:
      return 0x0000954a0000aa54;
    case 30:
      return 0x00009294000054a4;
    case 31:
      return 0x00004948000094a4;
    case 32:
      return 0x9969556599a6a969;
    case 33:
      return 0x969a66596aaa9595;
    case 34:
      return 0xa96a69aa99656aaa;
    case 35:
      return 0xa5a699999a5a56aa;
    case 36:
      return 0x66599696955aa955;
    case 37:
      return 0xaaaaaaaa6a5a699a;
    case 38:
      return 0x9666659965959569;
    case 39:
      return 0xaa556a95a5a59659;
    case 40:
      return 0x00006dac0000b6da;
    case 41:
      return 0x0000aaac000056ac;
    case 42:
      return 0x0000955200005554;
    case 43:
      return 0x0000529400004a94;
    case 44:
      return 0x0000492400002928;
    case 45:
      return 0x0000449200004924;
    case 46:
      return 0x0000244800002448;
    default:
      return 0x0000444400004444;
  }
}

/** The function's value for a fraction of twelve bits, × 2^13. */
function estimate(table: u32, fraction: u32): u64 {
  const x = 1.0 + (<f64>(fraction & 0xff0) + 0.5) / 4096.0;
  const ideal = <u32>(8192.0 / (table == 0 ? x : sqrt<f64>(table == 1 ? x : x + x)));
  const correction = (<u32>(word(table * 16 + (fraction >> 9)) >> ((fraction >> 3) & 62))) & 3;
  const steps = <u32>(word(table * 16 + 8 + (fraction >> 9)) >> ((fraction >> 3) & 32));
  const taken = <u32>((2 << (fraction & 15)) - 1);
  return ideal + correction - 1 - popcnt<u32>(steps & (taken | (taken << 16)));
}

/** The pattern of a value × 2^13 between 1/2 and 1. */
// @ts-ignore: decorator
@inline function single(value: u64): i64 {
  return <i64>((value + 512000) << 11);
}

/** Neither reports anything nor heeds MXCSR: denormal operands and results are zero. */
export function reciprocal(a: u64): u64 {
  if (isNaN<u32>(a)) return a | quietBit<u32>();
  const sign = a & signBit<u32>();
  if (magnitude<u32>(a) < leadingBit<u32>()) return sign | infinity<u32>();
  if (magnitude<u32>(a) == infinity<u32>()) return sign;
  const power = <i64>(magnitude<u32>(a) >> 23) - 127;
  const bits = single(estimate(0, (<u32>(a >> 11)) & 0xfff)) - (power << 23);
  return bits < <i64>leadingBit<u32>() ? sign : sign | bits;
}

export function reciprocalRoot(a: u64): u64 {
  if (isNaN<u32>(a)) return a | quietBit<u32>();
  if (magnitude<u32>(a) < leadingBit<u32>()) return (a & signBit<u32>()) | infinity<u32>();
  if (isNegative<u32>(a)) return defaultNaN<u32>();
  if (a == infinity<u32>()) return 0;
  const power = <i64>(a >> 23) - 127;
  return single(estimate(power & 1 ? 2 : 1, (<u32>(a >> 11)) & 0xfff)) - ((power >> 1) << 23);
}
