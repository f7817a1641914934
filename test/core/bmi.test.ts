// BMI1, BMI2, ADX and the counts of zeros in whole blocks, against the manual's definitions written down here in BigInt
// (test/vectors has what a processor does with each alone); what there is without a feature and outside protected mode;
// random numbers.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/fuzz/random.js';
import { CODE, DATA, flatGuest, HANDLERS, realGuest } from './flat.js';
import { LEFT, Machine, REASON } from './machine.js';

const machine = new Machine();
const HLT = 0xf4;
const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const ALL = CF | PF | AF | ZF | SF | OF;

/** C4 prefix, opcode and ModRM byte of registers. */
function vex(map: number, pp: number, w: number, vvvv: number, opcode: number, reg: number, rm: number): number[] {
  const first = ((reg & 8 ? 0 : 0x80) | 0x40 | (rm & 8 ? 0 : 0x20)) + map;
  return [0xc4, first, (w << 7) | ((~vvvv & 15) << 3) | pp, opcode, 0xc0 | ((reg & 7) << 3) | (rm & 7)];
}
function legacy(prefix: number, w: number, opcode: number[], reg: number, rm: number): number[] {
  const rex = 0x40 | (w << 3) | (reg & 8 ? 4 : 0) | (rm & 8 ? 1 : 0);
  return [...(prefix ? [prefix] : []), rex, 0x0f, ...opcode, 0xc0 | ((reg & 7) << 3) | (rm & 7)];
}

/** A processor of 16 registers and six flags, of which it knows the defined ones. */
class Model {
  readonly regs: bigint[];
  flags: number;
  known = ALL;
  constructor(regs: bigint[], flags: number) {
    this.regs = [...regs];
    this.flags = flags;
  }
  read(index: number, bits: number): bigint {
    return BigInt.asUintN(bits, this.regs[index] ?? 0n);
  }
  write(index: number, bits: number, value: bigint): void {
    this.regs[index] = BigInt.asUintN(bits, value);
  }
  /** Flags of `mask` become those of `value`; `undefined_` are no longer known. */
  setFlags(mask: number, value: number, undefined_ = 0): void {
    this.flags = (this.flags & ~mask) | (value & mask);
    this.known = (this.known | mask) & ~undefined_;
  }
  has(flag: number): bigint {
    return this.flags & flag ? 1n : 0n;
  }
}
const flag = (condition: boolean, bit: number): number => (condition ? bit : 0);
/** ZF and SF. */
const signs = (result: bigint, bits: number): number =>
  flag(BigInt.asUintN(bits, result) === 0n, ZF) | flag(BigInt.asIntN(bits, result) < 0n, SF);

interface Kind {
  name: string;
  /** The bytes, and what they do to the model. d, a, b: registers; w: 64 bits. */
  make(d: number, a: number, b: number, w: number, imm: number): number[];
  apply(model: Model, d: number, a: number, b: number, bits: number, imm: number): void;
  /** Flags that it reads. */
  reads?: number;
}
const blsx = (name: string, reg: number, f: (x: bigint) => bigint, carry: (x: bigint) => boolean): Kind => ({
  name,
  make: (d, a, _b, w) => vex(2, 0, w, d, 0xf3, reg, a),
  apply(model, d, a, _b, bits) {
    const x = model.read(a, bits);
    const result = BigInt.asUintN(bits, f(x));
    const zero = name === 'blsmsk' ? 0 : signs(result, bits) & ZF;
    model.setFlags(CF | ZF | SF | OF, flag(carry(x), CF) | zero | (signs(result, bits) & SF), AF | PF);
    model.write(d, bits, result);
  },
});
const shiftx = (name: string, pp: number, f: (x: bigint, n: bigint, bits: number) => bigint): Kind => ({
  name,
  make: (d, a, b, w) => vex(2, pp, w, b, 0xf7, d, a),
  apply(model, d, a, b, bits) {
    model.write(d, bits, f(model.read(a, bits), model.read(b, bits) % BigInt(bits), bits));
  },
});
const addx = (name: string, prefix: number, carryFlag: number): Kind => ({
  name,
  reads: carryFlag,
  make: (d, a, _b, w) => legacy(prefix, w, [0x38, 0xf6], d, a),
  apply(model, d, a, _b, bits) {
    const sum = model.read(d, bits) + model.read(a, bits) + model.has(carryFlag);
    model.setFlags(carryFlag, flag(sum >> BigInt(bits) !== 0n, carryFlag));
    model.write(d, bits, sum);
  },
});
const count = (name: string, opcode: number, f: (x: bigint, bits: number) => number): Kind => ({
  name,
  make: (d, a, _b, w) => legacy(0xf3, w, [opcode], d, a),
  apply(model, d, a, _b, bits) {
    const x = model.read(a, bits);
    const result = f(x, bits);
    model.setFlags(CF | ZF, flag(x === 0n, CF) | flag(result === 0, ZF), OF | SF | PF | AF);
    model.write(d, bits, BigInt(result));
  },
});
const binary = (x: bigint, bits: number): string => x.toString(2).padStart(bits, '0');

const KINDS: Kind[] = [
  {
    name: 'add',
    make: (d, a, _b, w) => [0x40 | (w << 3) | (a & 8 ? 4 : 0) | (d & 8 ? 1 : 0), 0x01, 0xc0 | ((a & 7) << 3) | (d & 7)],
    apply(model, d, a, _b, bits) {
      const x = model.read(d, bits);
      const y = model.read(a, bits);
      const r = BigInt.asUintN(bits, x + y);
      const overflow = BigInt.asIntN(bits, (r ^ x) & (r ^ y)) < 0n;
      const parity = [...binary(r & 0xffn, 8)].filter((bit) => bit === '1').length % 2 === 0;
      model.setFlags(
        ALL,
        signs(r, bits) |
          flag(r < x, CF) |
          flag(overflow, OF) |
          flag(parity, PF) |
          flag(((x ^ y ^ r) & 0x10n) !== 0n, AF),
      );
      model.write(d, bits, r);
    },
  },
  {
    name: 'andn',
    make: (d, a, b, w) => vex(2, 0, w, b, 0xf2, d, a),
    apply(model, d, a, b, bits) {
      const r = BigInt.asUintN(bits, ~model.read(b, bits)) & model.read(a, bits);
      model.setFlags(CF | OF | ZF | SF, signs(r, bits), AF | PF);
      model.write(d, bits, r);
    },
  },
  {
    name: 'bextr',
    make: (d, a, b, w) => vex(2, 0, w, b, 0xf7, d, a),
    apply(model, d, a, b, bits) {
      const control = Number(model.read(b, 16));
      const text = [...binary(model.read(a, bits), bits)].reverse();
      const r = BigInt(
        `0b0${text
          .slice(control & 0xff, (control & 0xff) + (control >> 8))
          .reverse()
          .join('')}`,
      );
      model.setFlags(CF | OF | ZF, signs(r, bits) & ZF, AF | PF | SF);
      model.write(d, bits, r);
    },
  },
  blsx(
    'blsr',
    1,
    (x) => x & (x - 1n),
    (x) => x === 0n,
  ),
  blsx(
    'blsmsk',
    2,
    (x) => x ^ (x - 1n),
    (x) => x === 0n,
  ),
  blsx(
    'blsi',
    3,
    (x) => x & -x,
    (x) => x !== 0n,
  ),
  {
    name: 'bzhi',
    make: (d, a, b, w) => vex(2, 0, w, b, 0xf5, d, a),
    apply(model, d, a, b, bits) {
      const n = Number(model.read(b, 8));
      const r = n < bits ? BigInt.asUintN(n, model.read(a, bits)) : model.read(a, bits);
      model.setFlags(CF | OF | ZF | SF, signs(r, bits) | flag(n > bits - 1, CF), AF | PF);
      model.write(d, bits, r);
    },
  },
  {
    name: 'pdep',
    make: (d, a, b, w) => vex(2, 3, w, b, 0xf5, d, a),
    apply(model, d, a, b, bits) {
      let value = model.read(b, bits);
      let r = 0n;
      for (let bit = 0n; bit < BigInt(bits); bit++) {
        if (!((model.read(a, bits) >> bit) & 1n)) continue;
        r |= (value & 1n) << bit;
        value >>= 1n;
      }
      model.write(d, bits, r);
    },
  },
  {
    name: 'pext',
    make: (d, a, b, w) => vex(2, 2, w, b, 0xf5, d, a),
    apply(model, d, a, b, bits) {
      const mask = binary(model.read(a, bits), bits);
      const text = [...binary(model.read(b, bits), bits)].filter((_bit, at) => mask[at] === '1').join('');
      model.write(d, bits, BigInt(`0b0${text}`));
    },
  },
  {
    name: 'mulx',
    make: (d, a, b, w) => vex(2, 3, w, b, 0xf6, d, a),
    apply(model, d, a, b, bits) {
      const product = model.read(2, bits) * model.read(a, bits);
      model.write(b, bits, product);
      model.write(d, bits, product >> BigInt(bits));
    },
  },
  {
    name: 'rorx',
    make: (d, a, _b, w, imm) => [...vex(3, 3, w, 0, 0xf0, d, a), imm],
    apply(model, d, a, _b, bits, imm) {
      const n = BigInt(imm % bits);
      const x = model.read(a, bits);
      model.write(d, bits, (x >> n) | (x << (BigInt(bits) - n)));
    },
  },
  shiftx('shlx', 1, (x, n) => x << n),
  shiftx('shrx', 3, (x, n) => x >> n),
  shiftx('sarx', 2, (x, n, bits) => BigInt.asIntN(bits, x) >> n),
  addx('adcx', 0x66, CF),
  addx('adox', 0xf3, OF),
  count('lzcnt', 0xbd, (x, bits) => (x === 0n ? bits : bits - x.toString(2).length)),
  count('tzcnt', 0xbc, (x, bits) => (x === 0n ? bits : bits - 1 - binary(x, bits).lastIndexOf('1'))),
];

const INTERESTING = [0n, 1n, -1n, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, 0x7fff_ffff_ffff_ffffn, 0x0810n, 0x2004n, 63n];

function operands(random: Random): bigint[] {
  return Array.from({ length: 16 }, () =>
    BigInt.asUintN(64, random.oneIn(3) ? random.pick(INTERESTING) : random.quad() >> BigInt(random.below(64))),
  );
}

/** A block of `length` random ones; the result against the model's. Returns what is wrong. */
function block(random: Random, length: number, kinds: readonly Kind[]): string[] {
  const registers = operands(random);
  const model = new Model(registers, random.next() & ALL);
  const code: number[] = [];
  const text: string[] = [];
  const start = model.flags;
  for (let n = 0; n < length; n++) {
    const usable = kinds.filter(({ reads = 0 }) => (model.known & reads) === reads);
    const kind = random.pick(usable);
    const [d, a, b] = [0, 0, 0].map(() => random.below(16)) as [number, number, number];
    const w = random.below(2);
    const imm = random.below(256);
    code.push(...kind.make(d, a, b, w, imm));
    kind.apply(model, d, a, b, w ? 64 : 32, imm);
    text.push(`${kind.name}${w ? 64 : 32} ${d} ${a} ${b} ${imm}`);
  }
  flatGuest(machine, [...code, HLT]);
  registers.forEach((value, index) => machine.setReg(index, value));
  machine.core.setRflags!(2 | start);
  expect(machine.run(1000)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const wrong: string[] = [];
  model.regs.forEach((value, index) => {
    if (machine.reg(index) !== value)
      wrong.push(`r${index} ${machine.reg(index).toString(16)}, not ${value.toString(16)}`);
  });
  const flags = machine.core.getRflags!() as number;
  if ((flags ^ model.flags) & model.known) wrong.push(`flags ${flags.toString(16)}, not ${model.flags.toString(16)}`);
  return wrong.map((what) => `${what} after ${text.join('; ')}`);
}

describe('the manual’s definitions', () => {
  it.each(KINDS.map((kind) => [kind.name, kind] as const))('%s alone', (_name, kind) => {
    const random = new Random(7);
    for (let n = 0; n < 150; n++) expect(block(random, 1, [kind])).toEqual([]);
  });
  it('hold in blocks of many, whose flags are overwritten unseen', () => {
    const random = new Random(99);
    for (let n = 0; n < 600; n++) expect(block(random, 1 + random.below(24), KINDS)).toEqual([]);
  });
});

/** Vector of the exception that the code ends in; undefined when it reaches its HLT. */
function outcome(): number | undefined {
  expect(machine.run(100)).toBe(LEFT);
  expect(machine.get32('EXIT_REASON')).toBe(REASON.hlt);
  const rip = Number(machine.get('RIP'));
  return rip >= HANDLERS ? (rip - HANDLERS) >> 4 : undefined;
}
function without(features: readonly string[], code: number[]): number | undefined {
  flatGuest(machine, [...code, HLT]);
  for (let vector = 0; vector < 32; vector++) machine.write(HANDLERS + vector * 16, [HLT]);
  const bits = features.reduce((sum, name) => sum | BigInt(machine.constant(`FEATURE_${name}`)), 0n);
  machine.set('FEATURES', machine.get('FEATURES') & ~bits);
  machine.setReg(1, 0x10n);
  machine.setReg(3, DATA);
  return outcome();
}

describe('without the feature', () => {
  it.each([
    ['BMI1', vex(2, 0, 0, 3, 0xf2, 0, 1)],
    ['BMI1', vex(2, 0, 0, 0, 0xf3, 1, 1)],
    ['BMI2', [...vex(3, 3, 0, 0, 0xf0, 0, 1), 5]],
    ['BMI2', vex(2, 1, 1, 3, 0xf7, 0, 1)],
    ['ADX', legacy(0x66, 0, [0x38, 0xf6], 0, 1)],
    ['RDRAND', [0x0f, 0xc7, 0xf0]],
    ['RDSEED', [0x0f, 0xc7, 0xf8]],
    ['POPCNT', legacy(0xf3, 0, [0xb8], 0, 1)],
    ['MOVBE', [0x0f, 0x38, 0xf0, 0x03]],
  ] as const)('%s: #UD', (feature, code) => {
    expect(without([], [...code])).toBeUndefined();
    expect(without([feature], [...code])).toBe(6);
  });
  it('LZCNT is BSR and TZCNT is BSF: their F3 is ignored (SDM vol. 2, LZCNT)', () => {
    const lzcnt = legacy(0xf3, 0, [0xbd], 0, 1);
    const tzcnt = legacy(0xf3, 0, [0xbc], 0, 1);
    without([], lzcnt);
    expect(machine.reg(0)).toBe(27n);
    without(['LZCNT'], lzcnt);
    expect(machine.reg(0)).toBe(4n);
    // a zero source: TZCNT gives the width, BSF leaves the destination
    const zero = [0x31, 0xc9, 0xb8, 7, 0, 0, 0, ...tzcnt];
    without([], zero);
    expect(machine.reg(0)).toBe(32n);
    without(['BMI1'], zero);
    expect(machine.reg(0)).toBe(7n);
  });
});

it('LZCNT and TZCNT have a 16-bit form', () => {
  without([], [0x66, ...legacy(0xf3, 0, [0xbd], 0, 1)]);
  expect(machine.reg(0)).toBe(11n);
  without([], [0x66, ...legacy(0xf3, 0, [0xbc], 2, 1)]);
  expect(machine.reg(2)).toBe(4n);
});

it('VEX prefixes are #UD in real mode (SDM vol. 2, 2.3.9), in code that protected mode has run too', () => {
  const code = [...vex(2, 0, 0, 3, 0xf2, 0, 1), HLT];
  realGuest(machine, code);
  machine.write(0x1_8000 + 6 * 16, [HLT]);
  machine.run(10);
  expect(Number(machine.get('RIP'))).toBe(0x8000 + 6 * 16 + 1);
  // the same bytes in 16-bit protected mode, of the same machine: no block of the other mode is found
  machine.set('CR0', 0x11);
  machine.set('RIP', 0);
  machine.set('ACTIVITY', 0);
  machine.segment(1, 8, 0x1_0000, 0xffff, 0x9b);
  machine.setReg(1, 0xffn);
  machine.setReg(3, 0x0fn);
  machine.changed();
  machine.run(10);
  expect(Number(machine.get('RIP'))).toBe(6);
  expect(machine.reg(0)).toBe(0xf0n);
  // and once more in real mode
  machine.set('CR0', 0x10);
  machine.set('RIP', 0);
  machine.set('ACTIVITY', 0);
  machine.segment(1, 0x1000, 0x1_0000, 0xffff, 0x93);
  machine.changed();
  machine.run(10);
  expect(Number(machine.get('RIP'))).toBe(0x8000 + 6 * 16 + 1);
});

describe('random numbers', () => {
  const RDRAND64 = [0x48, 0x0f, 0xc7, 0xf0];
  it('are the ChaCha20 stream of the key (RFC 8439, 2.3.2)', () => {
    flatGuest(machine, [...RDRAND64, HLT]);
    for (let byte = 0; byte < 32; byte++) machine.bytes[machine.state + machine.constant('RANDOM_KEY') + byte] = byte;
    // counter 1 and nonce 00:00:00:09:00:00:00:4a:00:00:00:00
    machine.set('RANDOM_COUNT', 0x0900_0000_0000_0001n);
    machine.set('RANDOM_STREAM', 0x4a00_0000n);
    machine.core.setRflags!(2 | PF | AF | ZF | SF | OF);
    outcome();
    expect(machine.reg(0)).toBe(0x1559_3bd1_e4e7_f110n);
    expect(machine.core.getRflags!()).toBe(2 | CF);
  });
  it('are as wide as the operand, and never the same', () => {
    // RDRAND ax; RDSEED ecx; RDRAND rdx; RDSEED rbx
    flatGuest(machine, [0x66, 0x0f, 0xc7, 0xf0, 0x0f, 0xc7, 0xf9, 0x48, 0x0f, 0xc7, 0xf2, 0x48, 0x0f, 0xc7, 0xfb, HLT]);
    for (const index of [0, 1, 2, 3]) machine.setReg(index, -1n);
    outcome();
    expect(machine.reg(0) >> 16n).toBe(0xffff_ffff_ffffn);
    expect(machine.reg(1) >> 32n).toBe(0n);
    expect(new Set([0, 1, 2, 3].map((index) => machine.reg(index) & 0xffffn)).size).toBe(4);
  });
  it('come to the same again', () => {
    const draw = (): bigint => {
      flatGuest(machine, [...RDRAND64, HLT]);
      outcome();
      return machine.reg(0);
    };
    expect(draw()).toBe(draw());
    expect(Number(machine.get('RIP'))).toBe(CODE + 5);
  });
});
