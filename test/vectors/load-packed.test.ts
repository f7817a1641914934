// Recorded packed integers, shuffles, strings, cryptography and bit manipulation are those of the manual. The models of
// AES and SHA are held against Node's own first.
import { createCipheriv, createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Slot } from './fpu.js';
import { AES, ELEMENTWISE, SHA, SHUFFLES, bitInstruction, compareStrings, keyAssist } from './manual-packed.js';
import { AF, CF, OF, PF, Reg, SF, ZF } from './manual.js';
import { loadVectors, type Vector } from './load.js';
import { broken, held, joined, lanes, sample, samples, type Sample } from './samples.js';

const differs = (found: bigint, wanted: bigint): string | undefined =>
  found === wanted ? undefined : `${found.toString(16)}, by the manual ${wanted.toString(16)}`;
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);

/** First and second source: VEX has both, legacy forms read their destination; one-source forms have it as second. */
function sources(one: Sample): [bigint, bigint] {
  const registers = one.operands.flatMap((operand, i) => (operand ? [i] : []));
  const last = registers.at(-1)!;
  return [held(one, registers.length > 2 ? 1 : 0), held(one, last)];
}

/** The upper half of a YMM register after VEX.128 is zero, after a legacy form what it was. */
function upper(one: Sample): string | undefined {
  const destination = one.operands[0]!;
  if (destination.kind !== 'vector' || destination.bits === 256) return undefined;
  const at = Slot.Ymm + 4 * destination.number + 2;
  const vex = one.mnemonic.startsWith('v');
  const wanted = [at, at + 1].map((slot) => (vex ? 0n : one.before[slot]!));
  return one.after[at] === wanted[0] && one.after[at + 1] === wanted[1] ? undefined : 'the upper half';
}

const GROUPS = ['mmx', 'sse-integer', 'avx-integer', 'sse-move', 'avx-move', 'crypto'];
const MF = 16;
/** Vectors with register operands that run to their end, by mnemonic without V. */
const byName = new Map<string, Vector[]>();

beforeAll(() => {
  for (const group of GROUPS) {
    for (const vector of loadVectors(group)) {
      if (/\[mem\]|, m\d/.test(vector.form) || vector.expect.fault?.vector === MF) continue;
      const name = vector.form.split(' ')[0]!.replace(/^v/, '');
      const list = byName.get(name);
      if (list) list.push(vector);
      else byName.set(name, [vector]);
    }
  }
});

function* named(name: string): Generator<Sample, void, undefined> {
  for (const vector of byName.get(name) ?? []) yield sample(vector);
}

describe('packed integers', () => {
  it.each([...ELEMENTWISE.keys()])('%s', (name) => {
    const { bits, lane } = ELEMENTWISE.get(name)!;
    expect(
      broken(named(name), (one) => {
        const [a, b] = sources(one);
        const count = one.operands[0]!.bits / bits;
        const [x, y] = [lanes(a, bits, count), lanes(b, bits, count)];
        return (
          differs(
            held(one, 0, 'after'),
            joined(
              x.map((v, i) => lane(v, y[i]!)),
              bits,
            ),
          ) ?? upper(one)
        );
      }),
    ).toEqual([]);
  });

  it.each(['psllw', 'pslld', 'psllq', 'psrlw', 'psrld', 'psrlq', 'psraw', 'psrad'])('%s by one count', (name) => {
    const bits = { w: 16, d: 32, q: 64 }[name.at(-1)!]!;
    expect(
      broken(named(name), (one) => {
        const immediate = one.operands.at(-1) === undefined;
        const registers = one.operands.filter((operand) => operand !== undefined).length;
        const count = immediate ? BigInt(one.immediate) : low(64, held(one, registers - 1));
        const from = registers > (immediate ? 1 : 2) ? 1 : 0;
        const shifted = lanes(held(one, from), bits, one.operands[0]!.bits / bits).map((x) => {
          if (name[2] === 'a' || name.startsWith('psra'))
            return BigInt.asIntN(bits, x) >> (count < BigInt(bits) ? count : 63n);
          if (count >= BigInt(bits)) return 0n;
          return name.startsWith('psll') ? x << count : x >> count;
        });
        return differs(held(one, 0, 'after'), joined(shifted, bits)) ?? upper(one);
      }),
    ).toEqual([]);
  });

  it.each([...SHUFFLES.keys()])('%s', (name) => {
    const shuffle = SHUFFLES.get(name)!;
    expect(
      broken(named(name), (one) => {
        const whole = one.operands[0]!.bits;
        const width = Math.min(whole, 128);
        const [first, b] = sources(one);
        // These have one source, and the destination may stand beside it.
        const a = /^v?ps[lr]ldq/.test(one.mnemonic) ? b : first;
        const count = whole / width;
        const [x, y] = [lanes(a, width, count), lanes(b, width, count)];
        // Control bytes of 256 bits: VBLENDPS has four bits for each half, VMPSADBW three, the others the same for both.
        const control = (half: number): number => {
          if (name === 'blendps') return one.immediate >> (4 * half);
          return name === 'mpsadbw' ? one.immediate >> (3 * half) : one.immediate;
        };
        const wanted = joined(
          x.map((v, i) => shuffle(v, y[i]!, control(i), width)),
          width,
        );
        return differs(held(one, 0, 'after'), wanted) ?? upper(one);
      }),
    ).toEqual([]);
  });

  it('ptest and vtestps set ZF and CF and clear the others', () => {
    expect(
      broken(samples('avx-integer', /^v(ptest|testp[sd]) .*\[reg\]/), (one) => {
        const { bits } = one.operands[0]!;
        const [a, b] = [held(one, 0), held(one, 1)];
        const element = one.mnemonic === 'vtestps' ? 32 : 64;
        const signs = joined(
          Array.from({ length: bits / element }, () => 1n << BigInt(element - 1)),
          element,
        );
        const counted = one.mnemonic === 'vptest' ? (1n << BigInt(bits)) - 1n : signs;
        const wanted = ((a & b & counted) === 0n ? ZF : 0) | ((~a & b & counted) === 0n ? CF : 0);
        const mask = OF | SF | ZF | AF | PF | CF;
        const { expect: recorded } = one.vector;
        if ((recorded.flagsMask & mask) !== mask) return 'flags are not compared';
        return (recorded.flags & mask) === wanted ? undefined : `flags ${recorded.flags.toString(16)}`;
      }),
    ).toEqual([]);
  });
});

describe('strings', () => {
  it('the example of the manual: equal ordered finds a substring', () => {
    const text = (s: string): bigint =>
      joined(
        [...s].map((c) => BigInt(c.charCodeAt(0))),
        8,
      );
    // "We" in "WhenWeWill" begins at 4 (SDM vol. 2, 4.1.6 has the same operands in other words).
    expect(
      compareStrings(text('We'), text('WhenWeWill'), 0b1100).result &
        -compareStrings(text('We'), text('WhenWeWill'), 0b1100).result,
    ).toBe(1 << 4);
  });

  it.each(['e', 'i'])('pcmp%sstri, and the same to a mask', (kind) => {
    expect(
      broken(samples('string-compare', new RegExp(`^v?pcmp${kind}str[im].*\\[reg\\]`)), (one) => {
        const [a, b] = [held(one, 0), held(one, 1)].map((x) => low(128, x)) as [bigint, bigint];
        const { regsIn, expect: recorded } = one.vector;
        const rex =
          one.vector.bytes[0] === 0xc4
            ? (one.vector.bytes[2]! & 0x80) !== 0
            : /^66(4[89a-f])/.test(Buffer.from(one.vector.bytes).toString('hex'));
        const bits = rex ? 64 : 32;
        const explicit = [Reg.rax, Reg.rdx].map((r) => BigInt.asIntN(bits, regsIn[r]!)) as [bigint, bigint];
        const { result, count, ends } = compareStrings(a, b, one.immediate, kind === 'e' ? explicit : undefined);
        const wanted =
          (result !== 0 ? CF : 0) | (ends[1] ? ZF : 0) | (ends[0] ? SF : 0) | ((result & 1) !== 0 ? OF : 0);
        const mask = OF | SF | ZF | AF | PF | CF;
        if ((recorded.flagsMask & mask) !== mask) return 'flags are not compared';
        if ((recorded.flags & mask) !== wanted)
          return `flags ${recorded.flags.toString(16)}, by the manual ${wanted.toString(16)}`;
        if (one.mnemonic.includes('stri')) {
          const index =
            result === 0
              ? count
              : (one.immediate & 0x40) !== 0
                ? 31 - Math.clz32(result)
                : 31 - Math.clz32(result & -result);
          return differs(recorded.regs[Reg.rcx]!, BigInt(index));
        }
        const found = (one.after[Slot.Ymm + 1]! << 64n) | one.after[Slot.Ymm]!;
        const width = 128 / count;
        const ones = (1n << BigInt(width)) - 1n;
        const expanded = joined(
          Array.from({ length: count }, (_, i) => ((result >> i) & 1 ? ones : 0n)),
          width,
        );
        return differs(found, (one.immediate & 0x40) !== 0 ? expanded : BigInt(result));
      }),
    ).toEqual([]);
  });
});

describe('cryptography', () => {
  const little = (buffer: Buffer): bigint => joined([...buffer].map(BigInt), 8);

  it('the model of AES encrypts as Node does', () => {
    const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const text = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    const keys = [little(key)];
    for (let round = 0, constant = 1; round < 10; round++) {
      const assist = low(32, keyAssist(keys[round]!, constant) >> 96n);
      let sum = assist;
      keys.push(
        joined(
          lanes(keys[round]!, 32, 4).map((x) => (sum ^= x)),
          32,
        ),
      );
      constant = constant < 0x80 ? constant * 2 : 0x1b;
    }
    let state = little(text) ^ keys[0]!;
    for (let round = 1; round < 10; round++) state = AES.aesenc!(state, keys[round]!);
    const encrypted = AES.aesenclast!(state, keys[10]!);
    expect(encrypted).toBe(little(cipher.update(text)));
    // And back, by the equivalent inverse cipher.
    let back = encrypted ^ keys[10]!;
    for (let round = 9; round > 0; round--) back = AES.aesdec!(back, AES.aesimc!(0n, keys[round]!));
    expect(AES.aesdeclast!(back, keys[0]!)).toBe(little(text));
  });

  it('the models of SHA hash as Node does', () => {
    const block = Buffer.alloc(64);
    block.write('abc\x80', 'latin1');
    block[63] = 24;
    const message = Array.from({ length: 16 }, (_, i) => BigInt(block.readUInt32BE(4 * i)));
    expect(sha1(message)).toBe(createHash('sha1').update('abc').digest('hex'));
    expect(sha256(message)).toBe(createHash('sha256').update('abc').digest('hex'));
  });

  it.each(Object.keys(AES))('%s', (name) => {
    expect(
      broken(named(name), (one) => {
        const [a, b] = sources(one).map((x) => low(128, x)) as [bigint, bigint];
        return differs(low(128, held(one, 0, 'after')), AES[name]!(a, b)) ?? upper(one);
      }),
    ).toEqual([]);
  });

  it('aeskeygenassist', () => {
    expect(
      broken(named('aeskeygenassist'), (one) =>
        differs(low(128, held(one, 0, 'after')), keyAssist(low(128, held(one, 1)), one.immediate)),
      ),
    ).toEqual([]);
  });

  it.each(Object.keys(SHA))('%s', (name) => {
    expect(
      broken(named(name), (one) => {
        const xmm0 = (one.before[Slot.Ymm + 1]! << 64n) | one.before[Slot.Ymm]!;
        return differs(held(one, 0, 'after'), SHA[name]!(held(one, 0), held(one, 1), one.immediate, xmm0));
      }),
    ).toEqual([]);
  });
});

const FRACTIONS = 1n << 32n;
/** The first 32 bits of the fraction of the n-th root of p (FIPS 180-4, 4.2.2 and 5.3.3). */
function fraction(p: bigint, n: bigint): bigint {
  const scaled = p << (32n * n);
  let [lowest, highest] = [0n, 1n << 40n];
  while (highest - lowest > 1n) {
    const middle = (lowest + highest) >> 1n;
    if (middle ** n <= scaled) lowest = middle;
    else highest = middle;
  }
  return lowest % FRACTIONS;
}
const PRIMES = Array.from({ length: 320 }, (_, i) => i)
  .filter((n) => n > 1 && Array.from({ length: n - 2 }, (_, d) => d + 2).every((d) => n % d !== 0))
  .slice(0, 64)
  .map(BigInt);
const hex = (list: bigint[]): string => list.map((x) => low(32, x).toString(16).padStart(8, '0')).join('');

/** One block of SHA-1 by the instructions' models, as the manual's own example code goes. */
function sha1(message: bigint[]): string {
  const initial = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n];
  const fours = [0, 4, 8, 12].map((i) => joined(message.slice(i, i + 4).reverse(), 32));
  for (let i = 4; i < 20; i++) {
    const mixed = SHA.sha1msg1!(fours[i - 4]!, fours[i - 3]!, 0, 0n) ^ fours[i - 2]!;
    fours.push(SHA.sha1msg2!(mixed, fours[i - 1]!, 0, 0n));
  }
  let state = joined(initial.slice(0, 4).reverse(), 32);
  let before = 0n;
  fours.forEach((words, i) => {
    const withE = i === 0 ? low(128, words + (initial[4]! << 96n)) : SHA.sha1nexte!(before, words, 0, 0n);
    before = state;
    state = SHA.sha1rnds4!(state, withE, Math.floor(i / 5), 0n);
  });
  const [d, c, b, a] = lanes(state, 32, 4) as [bigint, bigint, bigint, bigint];
  const e = lanes(SHA.sha1nexte!(before, 0n, 0, 0n), 32, 4)[3]!;
  return hex([a, b, c, d, e].map((x, i) => x + initial[i]!));
}

function sha256(message: bigint[]): string {
  const initial = PRIMES.slice(0, 8).map((p) => fraction(p, 2n));
  const constants = PRIMES.map((p) => fraction(p, 3n));
  const fours = [0, 4, 8, 12].map((i) => joined(message.slice(i, i + 4), 32));
  for (let i = 4; i < 16; i++) {
    const sevenBefore = low(128, ((fours[i - 1]! << 128n) | fours[i - 2]!) >> 32n);
    const mixed = lanes(SHA.sha256msg1!(fours[i - 4]!, fours[i - 3]!, 0, 0n), 32, 4);
    const added = joined(
      mixed.map((x, k) => x + lanes(sevenBefore, 32, 4)[k]!),
      32,
    );
    fours.push(SHA.sha256msg2!(added, fours[i - 1]!, 0, 0n));
  }
  const [a, b, c, d, e, f, g, h] = initial as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
  let abef = joined([f, e, b, a], 32);
  let cdgh = joined([h, g, d, c], 32);
  const schedule = fours.flatMap((four) => lanes(four, 32, 4));
  for (let i = 0; i < 64; i += 2) {
    const wk = joined(
      [0, 1].map((k) => schedule[i + k]! + constants[i + k]!),
      32,
    );
    [abef, cdgh] = [SHA.sha256rnds2!(cdgh, abef, 0, wk), abef];
  }
  const [nf, ne, nb, na] = lanes(abef, 32, 4) as [bigint, bigint, bigint, bigint];
  const [nh, ng, nd, nc] = lanes(cdgh, 32, 4) as [bigint, bigint, bigint, bigint];
  return hex([na, nb, nc, nd, ne, nf, ng, nh].map((x, i) => x + initial[i]!));
}

describe('bit manipulation', () => {
  it.each('andn blsi blsr blsmsk bextr bzhi pdep pext sarx shlx shrx lzcnt tzcnt'.split(' '))('%s', (name) => {
    expect(
      broken(
        (function* () {
          for (const one of samples('bmi', new RegExp(`^${name} .*\\[reg\\]`))) if (one.operands[0]) yield one;
        })(),
        (one) => {
          const { bits } = one.operands[0]!;
          if (one.vector.form.includes('r16')) return undefined;
          const a = held(one, one.operands.length > 2 ? 1 : 0);
          const b = held(one, one.operands.length - 1);
          const wanted = bitInstruction(name, bits, a, b)!;
          const { expect: recorded, flagsIn } = one.vector;
          const flags: Array<[number, boolean | undefined]> = [
            [CF, wanted.carry],
            [OF, wanted.overflow],
            [SF, wanted.sign],
            [ZF, wanted.zero],
          ];
          const none = flags.every(([, value]) => value === undefined);
          for (const [flag, value] of flags) {
            const compared = (recorded.flagsMask & flag) !== 0;
            if (none ? !compared : compared !== (value !== undefined))
              return `flag ${flag.toString(16)} compared: ${compared}`;
            const found = (recorded.flags & flag) !== 0;
            if (compared && found !== (value ?? (flagsIn & flag) !== 0)) return `flag ${flag.toString(16)}`;
          }
          if ((recorded.flagsMask & (AF | PF)) !== (none ? AF | PF : 0)) return 'AF and PF';
          return differs(held(one, 0, 'after'), wanted.result);
        },
      ),
    ).toEqual([]);
  });
});
