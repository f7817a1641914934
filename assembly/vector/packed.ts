// Family PACKED: moves, shuffles, logic and integers on MMX, XMM and YMM registers. Nearly all are the same on each 128-bit
// lane: lane.ts and lane-extended.ts have them once; here are the forms that differ on MMX and across the lanes of AVX2.

import { cpu, V1, YMM_HIGH } from '../state';
import { V_256, V_MMX } from '../uop';
import { Operation } from '../decode/operation';
import { first, flags, fourth, immediate, isXmm, last, operation, put, target } from './operands';
import { chooseBytes, chooseDoubles, chooseQuads } from './shuffle';
import { insertWord } from './element';
import { lane as laneHere } from './lane';
import { laneExtended } from './lane-extended';
import { putMask } from './move';
import { insertHalf, permuteDoublesAcross, permuteHalves, permuteQuadsAcross } from './permute';
import { rightBytes } from './shift';
import { addDoubles, addSaturated, addWords, subtractDoubles, subtractSaturated, subtractWords } from './horizontal';
import { testWide } from './test';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function packed(op: usize): bool {
  const form = flags(op) & (V_256 | V_MMX);
  if (!form) return either(op, target(op), first(op), last(op), immediate(op));
  return form & V_256 ? wide(op) : mmx(op);
}

function lane(op: usize, to: usize, x: usize, y: usize, control: u32): bool {
  return laneHere(op, to, x, y, control);
}
// @ts-ignore: decorator
@inline function either(op: usize, to: usize, x: usize, y: usize, control: u32): bool {
  if (operation(op) < <u32>Operation.PSHUFB) return lane(op, to, x, y, control);
  return laneExtended(op, to, x, y, control);
}

/** 256 bits: the upper lane before the lower one, because a shift count and the source of a widening are in the lower. */
function wide(op: usize): bool {
  const to = target(op);
  const x = first(op);
  const y = last(op);
  const control = immediate(op);
  let upper = y + YMM_HIGH; // source and immediate of the upper lane
  let upperControl = control;
  switch (operation(op)) {
    case Operation.MOVMSKPS:
      return putMask(to, i32x4.bitmask(load<v128>(y)) | (i32x4.bitmask(load<v128>(y, YMM_HIGH)) << 4));
    case Operation.MOVMSKPD:
      return putMask(to, i64x2.bitmask(load<v128>(y)) | (i64x2.bitmask(load<v128>(y, YMM_HIGH)) << 2));
    case Operation.PMOVMSKB:
      return putMask(to, i8x16.bitmask(load<v128>(y)) | (i8x16.bitmask(load<v128>(y, YMM_HIGH)) << 16));
    case Operation.PBLENDVB:
    case Operation.BLENDVPS:
    case Operation.BLENDVPD:
      return choose(op, to, x, y);
    case Operation.PTEST:
      return testWide(to, y, i64x2.splat(-1));
    case Operation.VTESTPS:
      return testWide(to, y, i32x4.splat(i32.MIN_VALUE));
    case Operation.VTESTPD:
      return testWide(to, y, i64x2.splat(i64.MIN_VALUE));
    case Operation.PMOVSXBW:
    case Operation.PMOVSXWD:
    case Operation.PMOVSXDQ:
    case Operation.PMOVZXBW:
    case Operation.PMOVZXWD:
    case Operation.PMOVZXDQ:
      upper = y + 8;
      break;
    case Operation.PMOVSXBD:
    case Operation.PMOVSXWQ:
    case Operation.PMOVZXBD:
    case Operation.PMOVZXWQ:
      upper = y + 4;
      break;
    case Operation.PMOVSXBQ:
    case Operation.PMOVZXBQ:
      upper = y + 2;
      break;
    case Operation.VBROADCASTSS:
    case Operation.VBROADCASTSD:
    case Operation.VBROADCASTF128:
    case Operation.VBROADCASTI128:
    case Operation.VPBROADCASTB:
    case Operation.VPBROADCASTW:
    case Operation.VPBROADCASTD:
    case Operation.VPBROADCASTQ:
      upper = y;
      break;
    case Operation.SHUFPD:
    case Operation.BLENDPD:
    case Operation.VPERMILPD:
      upperControl = control >> 2;
      break;
    case Operation.MPSADBW:
      upperControl = control >> 3;
      break;
    case Operation.BLENDPS:
    case Operation.VPBLENDD:
      upperControl = control >> 4;
      break;
    case Operation.VPERMD:
    case Operation.VPERMPS:
      return permuteDoublesAcross(to, x, y);
    case Operation.VPERMQ:
    case Operation.VPERMPD:
      return permuteQuadsAcross(to, y, control);
    case Operation.VPERM2F128:
    case Operation.VPERM2I128:
      return permuteHalves(to, x, y, control);
    case Operation.VINSERTF128:
    case Operation.VINSERTI128:
      return insertHalf(to, x, y, control);
    case Operation.VEXTRACTF128:
    case Operation.VEXTRACTI128:
      put(to, load<v128>(y + (control & 1 ? YMM_HIGH : 0)));
      if (isXmm(to)) store<v128>(to, i64x2.splat(0), YMM_HIGH);
      return true;
    case Operation.VZEROUPPER:
    case Operation.VZEROALL:
      return laneExtended(op, to, x, y, control);
  }
  return either(op, to + YMM_HIGH, x + YMM_HIGH, upper, upperControl) && either(op, to, x, y, control);
}

/** PBLENDVB and its like: a third source. */
function choose(op: usize, to: usize, x: usize, y: usize): bool {
  const mask = fourth(op);
  for (let at: usize = 0; at < 32; at += YMM_HIGH) {
    const a = load<v128>(x + at);
    const b = load<v128>(y + at);
    const m = load<v128>(mask + at);
    const which = operation(op);
    if (which == Operation.PBLENDVB) put(to + at, chooseBytes(a, b, m));
    else if (which == Operation.BLENDVPS) put(to + at, chooseDoubles(a, b, m));
    else put(to + at, chooseQuads(a, b, m));
  }
  return true;
}

/** Both sources in one vector, the first in its lower half: what an operation on neighbours sees on MMX. */
// @ts-ignore: decorator
@inline function joined(x: usize, y: usize): v128 {
  return v128.load64_lane(y, v128.load64_zero(x), 1);
}
// @ts-ignore: decorator
@inline function put64(to: usize, value: v128): bool {
  v128.store64_lane(to, value, 0);
  return true;
}

/** MMX: 128 bits are worked out in V1, the lower 64 of them count. */
function mmx(op: usize): bool {
  const to = target(op);
  const x = first(op);
  const y = last(op);
  const control = immediate(op);
  const scratch = cpu + V1;
  switch (operation(op)) {
    case Operation.MOVD:
    case Operation.MOVQ:
    case Operation.MOVNTQ:
    case Operation.MOVQ2DQ:
    case Operation.MOVDQ2Q:
    case Operation.EMMS:
      return lane(op, to, x, y, control);
    case Operation.PMOVMSKB:
      return putMask(to, i8x16.bitmask(v128.load64_zero(y)));
    case Operation.PEXTRW:
      return lane(op, to, x, y, control & 3);
    case Operation.PINSRW:
      return put64(to, insertWord(load<v128>(x), y, control & 3));
    case Operation.PUNPCKHBW:
      return put64(
        to,
        v128.shuffle<i8>(load<v128>(x), load<v128>(y), 4, 20, 5, 21, 6, 22, 7, 23, 0, 0, 0, 0, 0, 0, 0, 0),
      );
    case Operation.PUNPCKHWD:
      return put64(to, v128.shuffle<i16>(load<v128>(x), load<v128>(y), 2, 10, 3, 11, 0, 0, 0, 0));
    case Operation.PUNPCKHDQ:
      return put64(to, v128.shuffle<i32>(load<v128>(x), load<v128>(y), 1, 5, 0, 0));
    case Operation.PACKSSWB:
      return put64(to, i8x16.narrow_i16x8_s(joined(x, y), joined(x, y)));
    case Operation.PACKUSWB:
      return put64(to, i8x16.narrow_i16x8_u(joined(x, y), joined(x, y)));
    case Operation.PACKSSDW:
      return put64(to, i16x8.narrow_i32x4_s(joined(x, y), joined(x, y)));
    case Operation.PSHUFB:
      return put64(to, i8x16.swizzle(load<v128>(x), v128.and(load<v128>(y), i8x16.splat(-0x79))));
    case Operation.PALIGNR:
      return put64(to, rightBytes(joined(y, x), control));
    case Operation.PHADDW:
      return put64(to, addWords(joined(x, y), joined(x, y)));
    case Operation.PHADDD:
      return put64(to, addDoubles(joined(x, y), joined(x, y)));
    case Operation.PHADDSW:
      return put64(to, addSaturated(joined(x, y), joined(x, y)));
    case Operation.PHSUBW:
      return put64(to, subtractWords(joined(x, y), joined(x, y)));
    case Operation.PHSUBD:
      return put64(to, subtractDoubles(joined(x, y), joined(x, y)));
    case Operation.PHSUBSW:
      return put64(to, subtractSaturated(joined(x, y), joined(x, y)));
  }
  if (!either(op, scratch, x, y, control)) return false;
  store<u64>(to, load<u64>(scratch));
  return true;
}
