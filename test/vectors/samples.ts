// What a vector's operands are, by iced-x86, and what they hold before and after: for tests that hold recorded results
// against the manual.
import { Decoder, OpKind, Register } from 'iced-x86';
import { Slot } from './fpu.js';
import { loadVectors, type Vector } from './load.js';

/** A register operand and its width in bits. */
export interface RegisterOperand {
  kind: 'vector' | 'mmx' | 'general' | 'stack';
  number: number;
  bits: number;
}
export interface Sample {
  vector: Vector;
  mnemonic: string;
  operands: Array<RegisterOperand | undefined>;
  immediate: number;
  before: BigUint64Array;
  after: BigUint64Array;
}

const GENERAL = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];

function operand(name: string): RegisterOperand | undefined {
  const numbered = /^(XMM|YMM|MM|ST)(\d+)$/.exec(name);
  if (numbered) {
    const number = Number(numbered[2]);
    if (numbered[1] === 'ST') return { kind: 'stack', number, bits: 80 };
    if (numbered[1] === 'MM') return { kind: 'mmx', number, bits: 64 };
    return { kind: 'vector', number, bits: numbered[1] === 'XMM' ? 128 : 256 };
  }
  const extended = /^R(\d+)(D?)$/.exec(name);
  if (extended) return { kind: 'general', number: Number(extended[1]), bits: extended[2] ? 32 : 64 };
  const number = GENERAL.indexOf(name.slice(1));
  return number < 0 ? undefined : { kind: 'general', number, bits: name.startsWith('R') ? 64 : 32 };
}

export function sample(vector: Vector): Sample {
  const decoder = new Decoder(vector.segmented?.bits ?? 64, vector.bytes, 0);
  const instruction = decoder.decode();
  const operands = Array.from({ length: instruction.opCount }, (_, i) =>
    instruction.opKind(i) === OpKind.Register ? operand(Register[instruction.opRegister(i)]!) : undefined,
  );
  const empty = new BigUint64Array(Slot.Count);
  const made: Sample = {
    vector,
    mnemonic: vector.form.split(' ')[0]!,
    operands,
    immediate: vector.bytes.at(-1)!,
    before: vector.floating?.before ?? empty,
    after: vector.floating?.after ?? empty,
  };
  instruction.free();
  decoder.free();
  return made;
}

/** Vectors of a group whose form matches. */
export function* samples(group: string, form: RegExp): Generator<Sample, void, undefined> {
  for (const vector of loadVectors(group)) if (form.test(vector.form)) yield sample(vector);
}

/** What an operand holds, as one number. */
export function held(one: Sample, index: number, when: 'before' | 'after' = 'before'): bigint {
  const { kind, number, bits } = one.operands[index]!;
  const state = one[when];
  if (kind === 'general') {
    const { regs } = one.vector.expect;
    return BigInt.asUintN(bits, (when === 'before' ? one.vector.regsIn : regs)[number]!);
  }
  if (kind === 'mmx') return state[Slot.X87 + number]!;
  if (kind === 'stack') return stack(state, number);
  let value = 0n;
  for (let i = bits / 64 - 1; i >= 0; i--) value = (value << 64n) | state[Slot.Ymm + 4 * number + i]!;
  return value;
}

/** ST(i) as 80 bits; `top` other than the state's own counts from there. */
export function stack(state: BigUint64Array, i: number, top = Number(state[Slot.Fsw]! >> 11n) & 7): bigint {
  const number = (top + i) & 7;
  return (state[Slot.Exponent + number]! << 64n) | state[Slot.X87 + number]!;
}

/** Elements of `bits` bits, the lowest first. */
export function lanes(value: bigint, bits: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => BigInt.asUintN(bits, value >> BigInt(i * bits)));
}
export const joined = (elements: bigint[], bits: number): bigint =>
  elements.reduceRight((value, element) => (value << BigInt(bits)) | BigInt.asUintN(bits, element), 0n);

/** The vectors that break a rule; a rule that nothing is held against is a mistake in the test. */
export function broken(list: Iterable<Sample>, rule: (one: Sample) => string | undefined): string[] {
  const found: string[] = [];
  let count = 0;
  for (const one of list) {
    count++;
    const why = rule(one);
    if (why !== undefined) found.push(`${one.vector.form} #${one.vector.index}: ${why}`);
  }
  if (count === 0) throw new Error('there is no vector to check');
  return found;
}
