// Compares floating-point and vector state with a recording, as exactly as the manual defines it.
import { Agreement, Slot, SUMMARY, type FloatingPart } from './fpu.js';

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0');
const C1 = 0x200n;
const PE = 0x20n;
const STACK_FAULT = 0x40n;

/** Differences between the state `found` and what the vector expects; empty = none. */
export function compareFloating(floating: FloatingPart, found: BigUint64Array): string[] {
  const expected = floating.after;
  const wrong: string[] = [];
  const differ = (name: string, slots: number[], digits = 16): void => {
    const text = (state: BigUint64Array): string => slots.map((slot) => hex(state[slot]!, digits)).join(' ');
    wrong.push(`${name} ${text(found)}, expected ${text(expected)}`);
  };
  for (let n = 0; n < 16; n++) {
    const parts = [4 * n + 3, 4 * n + 2, 4 * n + 1, 4 * n];
    const same = (slot: number): boolean =>
      found[slot] === expected[slot] ||
      (floating.agreement === Agreement.Approximate && near(found[slot]!, expected[slot]!));
    if (!parts.every(same)) differ(`ymm${n}`, parts);
  }
  if (found[Slot.Mxcsr] !== expected[Slot.Mxcsr]) differ('MXCSR', [Slot.Mxcsr], 4);
  const loose = floating.agreement === Agreement.LastPlace;
  for (let n = 0; n < 8; n++) {
    const slots = [Slot.Exponent + n, Slot.X87 + n];
    if (slots.every((slot) => found[slot] === expected[slot])) continue;
    if (((floating.masks.x87Ignored >> n) & 1) !== 0) continue;
    if (loose && besides(found, expected, n)) continue;
    const st = (n - (Number(expected[Slot.Fsw]!) >> 11)) & 7;
    const text = (state: BigUint64Array): string => `${hex(state[slots[0]!]!, 4)}:${hex(state[slots[1]!]!, 16)}`;
    wrong.push(`st(${st}) = mm${n} ${text(found)}, expected ${text(expected)}`);
  }
  if (found[Slot.Fcw] !== expected[Slot.Fcw]) differ('FCW', [Slot.Fcw], 4);
  let status = BigInt(floating.masks.fsw);
  let { pointers } = floating.masks;
  // C1 tells a stack overflow from an underflow, and there is nothing to round then.
  const stackFault = (expected[Slot.Fsw]! & ~floating.before[Slot.Fsw]! & STACK_FAULT) !== 0n;
  if (loose && !stackFault) {
    status &= ~(C1 | PE);
    // An unmasked precision exception counts in the summary, and decides whether the pointers are compared.
    if ((expected[Slot.Fcw]! & PE) === 0n) {
      status &= ~BigInt(SUMMARY);
      pointers &= 1;
    }
  }
  if (((found[Slot.Fsw]! ^ expected[Slot.Fsw]!) & status) !== 0n) differ('FSW', [Slot.Fsw], 4);
  if (found[Slot.Tags] !== expected[Slot.Tags]) differ('tags', [Slot.Tags], 2);
  if ((pointers & 1) !== 0 && found[Slot.Fip] !== expected[Slot.Fip]) differ('FIP', [Slot.Fip], 8);
  if ((pointers & 2) !== 0 && found[Slot.Fdp] !== expected[Slot.Fdp]) differ('FDP', [Slot.Fdp], 8);
  if ((pointers & 4) !== 0 && found[Slot.Fop] !== expected[Slot.Fop]) differ('FOP', [Slot.Fop], 3);
  return wrong;
}

/** Two numbers of 32 bits in each, whose true value is off by 1.5 · 2^-12 from either at the most. */
function near(a: bigint, b: bigint): boolean {
  const floats = new Float32Array(new BigUint64Array([a, b]).buffer);
  const words = new Uint32Array(floats.buffer);
  return [0, 1].every((i) => {
    if (words[i] === words[i + 2]) return true;
    const [x, y] = [floats[i]!, floats[i + 2]!];
    return Number.isFinite(x) && Number.isFinite(y) && Math.abs(x - y) <= 3.01 * 2 ** -12 * Math.abs(y);
  });
}

/** Whether an x87 register is at most one unit in the last place away, over the border of two exponents too. */
function besides(found: BigUint64Array, expected: BigUint64Array, n: number): boolean {
  const line = (state: BigUint64Array): bigint => {
    const exponent = state[Slot.Exponent + n]!;
    const magnitude = ((exponent & 0x7fffn) << 63n) + (state[Slot.X87 + n]! & 0x7fff_ffff_ffff_ffffn);
    return exponent >> 15n === 0n ? magnitude : -magnitude;
  };
  if ((expected[Slot.Exponent + n]! & 0x7fffn) === 0x7fffn) return false;
  const distance = line(found) - line(expected);
  return distance >= -1n && distance <= 1n;
}
