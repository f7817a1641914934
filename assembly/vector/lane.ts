// Family PACKED on 128 bits, from SSE to SSE2: one XMM register, one half of a YMM register, or an MMX register and eight
// bytes that nobody looks at (packed.ts). `x` and `y` are the addresses of the sources, `control` is the immediate of this
// lane. Inline, because the run loop has it inside: a call costs several times what most of these do.

import { missing } from '../missing';
import { Operation } from '../decode/operation';
import { put, operation } from './operands';
import { emptyMmx, moveDouble, moveHigh, moveSingle, putInteger, putMask } from './move';
import { insertWord } from './element';
import { evenUnsigned, highSigned, highUnsigned, sumDifferences } from './multiply';
import { shuffleDoubles, shuffleHighWords, shuffleLowWords, shuffleQuads } from './shuffle';
import {
  count,
  left16,
  left32,
  left64,
  leftBytes,
  right16,
  right32,
  right64,
  rightBytes,
  signed16,
  signed32,
} from './shift';

// @ts-ignore: decorator
@inline export function lane(op: usize, target: usize, x: usize, y: usize, control: u32): bool {
  const a = load<v128>(x);
  const b = load<v128>(y);
  switch (operation(op)) {
    case Operation.MOVUPS:
    case Operation.MOVUPD:
    case Operation.MOVAPS:
    case Operation.MOVAPD:
    case Operation.MOVNTPS:
    case Operation.MOVNTPD:
    case Operation.MOVDQA:
    case Operation.MOVDQU:
    case Operation.MOVNTDQ:
    case Operation.LDDQU:
      return put(target, b);
    case Operation.MOVSS:
      return put(target, moveSingle(x, y));
    case Operation.MOVSD:
      return put(target, moveDouble(x, y));
    case Operation.MOVLPS:
    case Operation.MOVLPD:
      return put(target, v128.shuffle<i64>(a, b, 2, 1));
    case Operation.MOVHLPS:
      return put(target, v128.shuffle<i64>(a, b, 3, 1));
    case Operation.MOVSLDUP:
      return put(target, v128.shuffle<i32>(b, b, 0, 0, 2, 2));
    case Operation.MOVDDUP:
      return put(target, v128.shuffle<i64>(b, b, 0, 0));
    case Operation.UNPCKLPS:
    case Operation.PUNPCKLDQ:
      return put(target, v128.shuffle<i32>(a, b, 0, 4, 1, 5));
    case Operation.UNPCKLPD:
    case Operation.MOVLHPS:
    case Operation.PUNPCKLQDQ:
      return put(target, v128.shuffle<i64>(a, b, 0, 2));
    case Operation.UNPCKHPS:
    case Operation.PUNPCKHDQ:
      return put(target, v128.shuffle<i32>(a, b, 2, 6, 3, 7));
    case Operation.UNPCKHPD:
    case Operation.PUNPCKHQDQ:
      return put(target, v128.shuffle<i64>(a, b, 1, 3));
    case Operation.MOVHPS:
    case Operation.MOVHPD:
      return put(target, moveHigh(target, a, b));
    case Operation.MOVSHDUP:
      return put(target, v128.shuffle<i32>(b, b, 1, 1, 3, 3));
    case Operation.MOVMSKPS:
      return putMask(target, i32x4.bitmask(b));
    case Operation.MOVMSKPD:
      return putMask(target, i64x2.bitmask(b));
    case Operation.ANDPS:
    case Operation.ANDPD:
    case Operation.PAND:
      return put(target, v128.and(a, b));
    case Operation.ANDNPS:
    case Operation.ANDNPD:
    case Operation.PANDN:
      return put(target, v128.andnot(b, a));
    case Operation.ORPS:
    case Operation.ORPD:
    case Operation.POR:
      return put(target, v128.or(a, b));
    case Operation.XORPS:
    case Operation.XORPD:
    case Operation.PXOR:
      return put(target, v128.xor(a, b));
    case Operation.SHUFPS:
      return put(target, shuffleDoubles(x, y, control));
    case Operation.SHUFPD:
      return put(target, shuffleQuads(x, y, control));
    case Operation.PUNPCKLBW:
      return put(target, v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
    case Operation.PUNPCKLWD:
      return put(target, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
    case Operation.PACKSSWB:
      return put(target, i8x16.narrow_i16x8_s(a, b));
    case Operation.PCMPGTB:
      return put(target, i8x16.gt_s(a, b));
    case Operation.PCMPGTW:
      return put(target, i16x8.gt_s(a, b));
    case Operation.PCMPGTD:
      return put(target, i32x4.gt_s(a, b));
    case Operation.PACKUSWB:
      return put(target, i8x16.narrow_i16x8_u(a, b));
    case Operation.PUNPCKHBW:
      return put(target, v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
    case Operation.PUNPCKHWD:
      return put(target, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15));
    case Operation.PACKSSDW:
      return put(target, i16x8.narrow_i32x4_s(a, b));
    case Operation.MOVD:
      return putInteger(target, load<u32>(y));
    case Operation.MOVQ:
      return putInteger(target, load<u64>(y));
    case Operation.PSHUFD:
      return put(target, shuffleDoubles(y, y, control));
    case Operation.PSHUFHW:
      return put(target, shuffleHighWords(y, control));
    case Operation.PSHUFLW:
    case Operation.PSHUFW:
      return put(target, shuffleLowWords(y, control));
    case Operation.PSRLW:
      return put(target, right16(a, count(op)));
    case Operation.PSRAW:
      return put(target, signed16(a, count(op)));
    case Operation.PSLLW:
      return put(target, left16(a, count(op)));
    case Operation.PSRLD:
      return put(target, right32(a, count(op)));
    case Operation.PSRAD:
      return put(target, signed32(a, count(op)));
    case Operation.PSLLD:
      return put(target, left32(a, count(op)));
    case Operation.PSRLQ:
      return put(target, right64(a, count(op)));
    case Operation.PSLLQ:
      return put(target, left64(a, count(op)));
    case Operation.PSRLDQ:
      return put(target, rightBytes(a, control));
    case Operation.PSLLDQ:
      return put(target, leftBytes(a, control));
    case Operation.PCMPEQB:
      return put(target, i8x16.eq(a, b));
    case Operation.PCMPEQW:
      return put(target, i16x8.eq(a, b));
    case Operation.PCMPEQD:
      return put(target, i32x4.eq(a, b));
    case Operation.EMMS:
      return emptyMmx();
    case Operation.PINSRW:
      return put(target, insertWord(a, y, control));
    case Operation.PEXTRW:
      return putInteger(target, load<u16>(y + (((<usize>control) & 7) << 1)));
    case Operation.PADDQ:
      return put(target, i64x2.add(a, b));
    case Operation.PMULLW:
      return put(target, i16x8.mul(a, b));
    case Operation.MOVQ2DQ:
      return put(target, v128.load64_zero(y));
    case Operation.MOVDQ2Q:
    case Operation.MOVNTQ:
      store<u64>(target, load<u64>(y));
      return true;
    case Operation.PMOVMSKB:
      return putMask(target, i8x16.bitmask(b));
    case Operation.PSUBUSB:
      return put(target, i8x16.sub_sat_u(a, b));
    case Operation.PSUBUSW:
      return put(target, i16x8.sub_sat_u(a, b));
    case Operation.PMINUB:
      return put(target, i8x16.min_u(a, b));
    case Operation.PADDUSB:
      return put(target, i8x16.add_sat_u(a, b));
    case Operation.PADDUSW:
      return put(target, i16x8.add_sat_u(a, b));
    case Operation.PMAXUB:
      return put(target, i8x16.max_u(a, b));
    case Operation.PAVGB:
      return put(target, i8x16.avgr_u(a, b));
    case Operation.PAVGW:
      return put(target, i16x8.avgr_u(a, b));
    case Operation.PMULHUW:
      return put(target, highUnsigned(a, b));
    case Operation.PMULHW:
      return put(target, highSigned(a, b));
    case Operation.PSUBSB:
      return put(target, i8x16.sub_sat_s(a, b));
    case Operation.PSUBSW:
      return put(target, i16x8.sub_sat_s(a, b));
    case Operation.PMINSW:
      return put(target, i16x8.min_s(a, b));
    case Operation.PADDSB:
      return put(target, i8x16.add_sat_s(a, b));
    case Operation.PADDSW:
      return put(target, i16x8.add_sat_s(a, b));
    case Operation.PMAXSW:
      return put(target, i16x8.max_s(a, b));
    case Operation.PMULUDQ:
      return put(target, evenUnsigned(a, b));
    case Operation.PMADDWD:
      return put(target, i32x4.dot_i16x8_s(a, b));
    case Operation.PSADBW:
      return put(target, sumDifferences(a, b));
    case Operation.PSUBB:
      return put(target, i8x16.sub(a, b));
    case Operation.PSUBW:
      return put(target, i16x8.sub(a, b));
    case Operation.PSUBD:
      return put(target, i32x4.sub(a, b));
    case Operation.PSUBQ:
      return put(target, i64x2.sub(a, b));
    case Operation.PADDB:
      return put(target, i8x16.add(a, b));
    case Operation.PADDW:
      return put(target, i16x8.add(a, b));
    case Operation.PADDD:
      return put(target, i32x4.add(a, b));
    default:
      return missing(op);
  }
}
