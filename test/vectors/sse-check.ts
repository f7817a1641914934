// Holds results of SSE's floating point, as the manual defines them, against a recording: MXCSR, #XM, the destination.
import { Slot } from './fpu.js';
import { DE, IE, ZE, type Control, type Result } from './manual-float.js';
import { held, joined, lanes, type Sample } from './samples.js';

const FLAGS = 0x3f;
const XM = 19;
/** Exceptions of the operands, which come before those of the result (SDM vol. 1, 11.5.1). */
const BEFORE = IE | DE | ZE;

export const control = (mxcsr: number): Control => ({
  mode: (mxcsr >> 13) & 3,
  masks: (mxcsr >> 7) & FLAGS,
  // FTZ counts only where underflow is masked (SDM vol. 1, 10.2.3.3).
  ftz: (mxcsr & 0x8000) !== 0 && (mxcsr & 0x800) !== 0,
  daz: (mxcsr & 0x40) !== 0,
});

/** Holds results of several elements of `width` bits against the recording; `merged` is what stands above them. */
export function checkElements(one: Sample, width: number, results: Result[], merged: bigint): string | undefined {
  const mxcsr = Number(one.before[Slot.Mxcsr]);
  const { masks } = control(mxcsr);
  let flags = results.reduce((all, { flags: some }) => all | some, 0);
  // An unmasked exception of an operand, in any element, ends it before there is a result to have exceptions.
  if ((flags & BEFORE & ~masks) !== 0) flags &= BEFORE;
  const fault = (flags & ~masks) !== 0;
  const { expect: recorded } = one.vector;
  if ((recorded.fault?.vector === XM) !== fault) return `${fault ? 'no ' : ''}#XM, flags ${flags.toString(16)}`;
  const wanted = mxcsr | flags;
  if (Number(one.after[Slot.Mxcsr]) !== wanted) {
    return `MXCSR ${one.after[Slot.Mxcsr]!.toString(16)}, by the manual ${wanted.toString(16)}`;
  }
  const elements = results.map((result) => result.bits);
  const above = lanes(merged >> BigInt(results.length * width), width, 256 / width);
  const value = fault ? held(one, 0) : joined([...elements, ...above], width);
  const { bits } = one.operands[0]!;
  // A general register of 32 bits fills 64.
  const found = held(one, 0, 'after');
  return found === BigInt.asUintN(bits, value)
    ? undefined
    : `${found.toString(16)}, by the manual ${value.toString(16)}`;
}
