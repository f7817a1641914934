// Flags that nobody can see need not be kept: an arithmetic micro-operation whose flags are all overwritten before
// anything reads them, and before anything that can fault or leave the guest, is exchanged for its form without flags.

import { HANDLER, Uop, UOP } from '../uop';

/** What a micro-operation is to the flags. */
const BARRIER: u32 = 0; // reads them, keeps some of them, or may fault: all are needed before it
const NEUTRAL: u32 = 1;
const SETS: u32 = 2; // sets all six and cannot fault

function effect(handler: u32): u32 {
  if (handler >= <u32>Uop.MOV8 && handler <= <u32>Uop.LEA64) return NEUTRAL;
  if (handler >= <u32>Uop.CMP8_JB && handler <= <u32>Uop.TEST64_JLE) return SETS;
  if (handler >= <u32>Uop.ADC8 && handler <= <u32>Uop.SBB64) return BARRIER;
  if (handler >= <u32>Uop.ADD8 && handler <= <u32>Uop.TEST64) return SETS;
  if (handler >= <u32>Uop.NEG8 && handler <= <u32>Uop.NEG64) return SETS;
  if (handler >= <u32>Uop.NOT8 && handler <= <u32>Uop.XCHG64) return NEUTRAL;
  if (handler >= <u32>Uop.SHL32_I && handler <= <u32>Uop.SAR64_I) return SETS;
  if (handler >= <u32>Uop.IMUL16 && handler <= <u32>Uop.MULTIPLY) return SETS;
  if (handler >= <u32>Uop.CBW && handler <= <u32>Uop.CQO) return NEUTRAL;
  if (handler >= <u32>Uop.RORX32 && handler <= <u32>Uop.SARX64) return NEUTRAL;
  if (handler >= <u32>Uop.ANDN32 && handler <= <u32>Uop.TZCNT64) return SETS;
  if (handler == <u32>Uop.BSWAP32 || handler == <u32>Uop.BSWAP64) return NEUTRAL;
  return BARRIER;
}

/** The same micro-operation without flags, or 0. */
function flagless(handler: u32): u32 {
  switch (handler) {
    case Uop.ADD32:
    case Uop.ADD64:
      return handler - Uop.ADD32 + Uop.ADD32_N;
    case Uop.OR32:
    case Uop.OR64:
      return handler - Uop.OR32 + Uop.OR32_N;
    case Uop.AND32:
    case Uop.AND64:
      return handler - Uop.AND32 + Uop.AND32_N;
    case Uop.SUB32:
    case Uop.SUB64:
      return handler - Uop.SUB32 + Uop.SUB32_N;
    case Uop.XOR32:
    case Uop.XOR64:
      return handler - Uop.XOR32 + Uop.XOR32_N;
    case Uop.IMUL32:
    case Uop.IMUL64:
    case Uop.IMUL32_I:
    case Uop.IMUL64_I:
      return handler - Uop.IMUL32 + Uop.IMUL32_N;
  }
  if (handler >= <u32>Uop.SHL32_I && handler <= <u32>Uop.ROR64_I) return handler - Uop.SHL32_I + Uop.SHL32_N;
  if (handler >= <u32>Uop.ADD32_M && handler <= <u32>Uop.XOR64_M) return handler - Uop.ADD32_M + Uop.ADD32_M_N;
  return 0;
}

/** The micro-operations of a block from `first` up to `end`, before its links are added. */
export function dropDeadFlags(first: usize, end: usize): void {
  let dead = false;
  for (let op = end - UOP; op >= first; op -= UOP) {
    const handler = <u32>load<u16>(op, HANDLER);
    const rotate = handler >= <u32>Uop.ROL32_I && handler <= <u32>Uop.ROR64_I;
    if (dead) {
      const without = flagless(handler);
      if (without) store<u16>(op, <u16>without, HANDLER);
    }
    // a rotate keeps some flags: it hides nothing, and when its own are dead the earlier ones stay so
    if (rotate && dead) continue;
    const what = effect(handler);
    if (what == SETS) dead = true;
    else if (what == BARRIER) dead = false;
  }
}
