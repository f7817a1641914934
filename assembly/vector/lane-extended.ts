// Family PACKED on 128 bits, from SSSE3 to AVX2; see lane.ts.

import { missing } from '../missing';
import { Operation } from '../decode/operation';
import { V_IMMEDIATE } from '../uop';
import { flags, fourth, operation, put } from './operands';
import { putInteger, zeroRegisters } from './move';
import { insertByte, insertDouble, insertQuad, insertSingle } from './element';
import { addDoubles, addSaturated, addWords, subtractDoubles, subtractSaturated, subtractWords } from './horizontal';
import { blockDifferences, evenSigned, highRounded, minimumPosition, multiplyAddBytes, withSign } from './multiply';
import {
  blendDoubles,
  blendQuads,
  blendWords,
  chooseBytes,
  chooseDoubles,
  chooseQuads,
  permuteDoubles,
  permuteSingles,
  shuffleBytes,
  shuffleDoubles,
  shuffleQuads,
} from './shuffle';
import { align, leftEach32, leftEach64, rightEach32, rightEach64, signedEach32 } from './shift';
import { compareIndex, compareMask } from './string-compare';
import { test } from './test';

export function laneExtended(op: usize, target: usize, x: usize, y: usize, control: u32): bool {
  const a = load<v128>(x);
  const b = load<v128>(y);
  switch (operation(op)) {
    case Operation.PSHUFB:
      return put(target, shuffleBytes(a, b));
    case Operation.PHADDW:
      return put(target, addWords(a, b));
    case Operation.PHADDD:
      return put(target, addDoubles(a, b));
    case Operation.PHADDSW:
      return put(target, addSaturated(a, b));
    case Operation.PMADDUBSW:
      return put(target, multiplyAddBytes(a, b));
    case Operation.PHSUBW:
      return put(target, subtractWords(a, b));
    case Operation.PHSUBD:
      return put(target, subtractDoubles(a, b));
    case Operation.PHSUBSW:
      return put(target, subtractSaturated(a, b));
    case Operation.PSIGNB:
      return put(target, withSign(a, i8x16.neg(a), i8x16.lt_s(b, i64x2.splat(0)), i8x16.eq(b, i64x2.splat(0))));
    case Operation.PSIGNW:
      return put(target, withSign(a, i16x8.neg(a), i16x8.lt_s(b, i64x2.splat(0)), i16x8.eq(b, i64x2.splat(0))));
    case Operation.PSIGND:
      return put(target, withSign(a, i32x4.neg(a), i32x4.lt_s(b, i64x2.splat(0)), i32x4.eq(b, i64x2.splat(0))));
    case Operation.PMULHRSW:
      return put(target, highRounded(a, b));
    case Operation.PABSB:
      return put(target, i8x16.abs(b));
    case Operation.PABSW:
      return put(target, i16x8.abs(b));
    case Operation.PABSD:
      return put(target, i32x4.abs(b));
    case Operation.PBLENDVB:
      return put(target, chooseBytes(a, b, load<v128>(fourth(op))));
    case Operation.BLENDVPS:
      return put(target, chooseDoubles(a, b, load<v128>(fourth(op))));
    case Operation.BLENDVPD:
      return put(target, chooseQuads(a, b, load<v128>(fourth(op))));
    case Operation.PTEST:
      return test(target, y, i64x2.splat(-1));
    case Operation.PMOVSXBW:
      return put(target, i16x8.extend_low_i8x16_s(b));
    case Operation.PMOVSXBD:
      return put(target, i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(b)));
    case Operation.PMOVSXBQ:
      return put(target, i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(b))));
    case Operation.PMOVSXWD:
      return put(target, i32x4.extend_low_i16x8_s(b));
    case Operation.PMOVSXWQ:
      return put(target, i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(b)));
    case Operation.PMOVSXDQ:
      return put(target, i64x2.extend_low_i32x4_s(b));
    case Operation.PMULDQ:
      return put(target, evenSigned(a, b));
    case Operation.PCMPEQQ:
      return put(target, i64x2.eq(a, b));
    case Operation.MOVNTDQA:
      return put(target, b);
    case Operation.PACKUSDW:
      return put(target, i16x8.narrow_i32x4_u(a, b));
    case Operation.PMOVZXBW:
      return put(target, i16x8.extend_low_i8x16_u(b));
    case Operation.PMOVZXBD:
      return put(target, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(b)));
    case Operation.PMOVZXBQ:
      return put(target, i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(b))));
    case Operation.PMOVZXWD:
      return put(target, i32x4.extend_low_i16x8_u(b));
    case Operation.PMOVZXWQ:
      return put(target, i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(b)));
    case Operation.PMOVZXDQ:
      return put(target, i64x2.extend_low_i32x4_u(b));
    case Operation.PCMPGTQ:
      return put(target, i64x2.gt_s(a, b));
    case Operation.PMINSB:
      return put(target, i8x16.min_s(a, b));
    case Operation.PMINSD:
      return put(target, i32x4.min_s(a, b));
    case Operation.PMINUW:
      return put(target, i16x8.min_u(a, b));
    case Operation.PMINUD:
      return put(target, i32x4.min_u(a, b));
    case Operation.PMAXSB:
      return put(target, i8x16.max_s(a, b));
    case Operation.PMAXSD:
      return put(target, i32x4.max_s(a, b));
    case Operation.PMAXUW:
      return put(target, i16x8.max_u(a, b));
    case Operation.PMAXUD:
      return put(target, i32x4.max_u(a, b));
    case Operation.PMULLD:
      return put(target, i32x4.mul(a, b));
    case Operation.PHMINPOSUW:
      return put(target, minimumPosition(y));
    case Operation.BLENDPS:
    case Operation.VPBLENDD:
      return put(target, blendDoubles(a, b, control));
    case Operation.BLENDPD:
      return put(target, blendQuads(a, b, control));
    case Operation.PBLENDW:
      return put(target, blendWords(a, b, control));
    case Operation.PALIGNR:
      return put(target, align(a, b, control));
    case Operation.PEXTRB:
      return putInteger(target, load<u8>(y + (control & 15)));
    case Operation.PEXTRD:
    case Operation.EXTRACTPS:
      return putInteger(target, load<u32>(y + (((<usize>control) & 3) << 2)));
    case Operation.PEXTRQ:
      return putInteger(target, load<u64>(y + (((<usize>control) & 1) << 3)));
    case Operation.PINSRB:
      return put(target, insertByte(a, y, control));
    case Operation.INSERTPS:
      return put(target, insertSingle(a, y, control));
    case Operation.PINSRD:
      return put(target, insertDouble(a, y, control));
    case Operation.PINSRQ:
      return put(target, insertQuad(a, y, control));
    case Operation.MPSADBW:
      return put(target, blockDifferences(a, b, control));
    case Operation.PCMPESTRM:
      return compareMask(op, true);
    case Operation.PCMPESTRI:
      return compareIndex(op, true);
    case Operation.PCMPISTRM:
      return compareMask(op, false);
    case Operation.PCMPISTRI:
      return compareIndex(op, false);
    case Operation.VBROADCASTSS:
    case Operation.VPBROADCASTD:
      return put(target, v128.load32_splat(y));
    case Operation.VBROADCASTSD:
    case Operation.VPBROADCASTQ:
      return put(target, v128.load64_splat(y));
    case Operation.VBROADCASTF128:
    case Operation.VBROADCASTI128:
      return put(target, b);
    case Operation.VPBROADCASTB:
      return put(target, v128.load8_splat(y));
    case Operation.VPBROADCASTW:
      return put(target, v128.load16_splat(y));
    case Operation.VPERMILPS:
      return put(target, flags(op) & V_IMMEDIATE ? shuffleDoubles(y, y, control) : permuteSingles(a, b));
    case Operation.VPERMILPD:
      return put(target, flags(op) & V_IMMEDIATE ? shuffleQuads(y, y, control) : permuteDoubles(a, b));
    case Operation.VPSLLVD:
      return put(target, leftEach32(x, y));
    case Operation.VPSLLVQ:
      return put(target, leftEach64(x, y));
    case Operation.VPSRLVD:
      return put(target, rightEach32(x, y));
    case Operation.VPSRLVQ:
      return put(target, rightEach64(x, y));
    case Operation.VPSRAVD:
      return put(target, signedEach32(x, y));
    case Operation.VTESTPS:
      return test(target, y, i32x4.splat(i32.MIN_VALUE));
    case Operation.VTESTPD:
      return test(target, y, i64x2.splat(i64.MIN_VALUE));
    case Operation.VZEROUPPER:
      return zeroRegisters(false);
    case Operation.VZEROALL:
      return zeroRegisters(true);
    default:
      return missing(op);
  }
}
