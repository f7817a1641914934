// Which operations of family PACKED the run loop does itself, one 128-bit lane at a time. The others call vector/packed.ts.

import { BASE, DST, HANDLER, SRC, Uop, UOP, V_256, V_FLAGS, V_IMMEDIATE, V_MMX, V_OPERATION } from '../uop';
import { Operation } from '../decode/operation';
import { YMM_HIGH } from '../state';
import { emit, setSrc } from './emit';

function onXmm(operation: u32): u32 {
  switch (operation) {
    case Operation.PXOR:
    case Operation.XORPS:
    case Operation.XORPD:
      return Uop.XORX;
    case Operation.PAND:
    case Operation.ANDPS:
    case Operation.ANDPD:
      return Uop.ANDX;
    case Operation.POR:
    case Operation.ORPS:
    case Operation.ORPD:
      return Uop.ORX;
    case Operation.PADDD:
      return Uop.ADDX32;
    case Operation.PADDQ:
      return Uop.ADDX64;
    case Operation.PCMPEQB:
      return Uop.EQUALX8;
    case Operation.PMOVMSKB:
      return Uop.SIGNSX8;
  }
  return operation < <u32>Operation.PSHUFB ? Uop.LANE : Uop.LANE_EXTENDED;
}

/** Whether a 256-bit operation is the same on both lanes, each with the immediate as it is. */
function lanewise(operation: u32): bool {
  switch (operation) {
    case Operation.MOVMSKPS:
    case Operation.MOVMSKPD:
    case Operation.PMOVMSKB:
    case Operation.SHUFPD:
      return false;
    case Operation.PMULDQ:
    case Operation.PCMPEQQ:
    case Operation.PACKUSDW:
    case Operation.PBLENDW:
    case Operation.PALIGNR:
    case Operation.VPERMILPS:
      return true;
  }
  return (
    operation <= <u32>Operation.PABSD ||
    (operation >= <u32>Operation.PCMPGTQ && operation <= <u32>Operation.PMULLD) ||
    (operation >= <u32>Operation.VPSLLVD && operation <= <u32>Operation.VPSRAVD)
  );
}

// @ts-ignore: decorator
@inline function moveUp(field: usize): void {
  store<u16>(field, load<u16>(field) + <u16>YMM_HIGH);
}

/** Gives a finished PACKED micro-operation the handler that does it soonest; on 256 bits these may be two. */
export function useLanes(op: usize): void {
  const operation = <u32>load<u16>(op, V_OPERATION);
  const flags = <u32>load<u8>(op, V_FLAGS);
  if (flags & V_MMX) return;
  if (!(flags & V_256)) {
    store<u16>(op, <u16>onXmm(operation), HANDLER);
    return;
  }
  if (operation == Operation.PMOVMSKB) store<u16>(op, <u16>Uop.SIGNSY8, HANDLER);
  if (!lanewise(operation)) return;
  store<u16>(op, <u16>onXmm(operation), HANDLER);
  const lower = emit(Uop.LANE);
  memory.copy(lower, op, UOP);
  // the upper lane first, because a shift's count is in the lower one of what may be the destination
  moveUp(op + DST);
  moveUp(op + BASE);
  const counted = operation >= <u32>Operation.PSRLW && operation <= <u32>Operation.PSLLQ && !(flags & V_IMMEDIATE);
  if (!counted) setSrc(op, load<u32>(op, SRC) + YMM_HIGH);
}
