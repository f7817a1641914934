// Packed integers, shuffles, string comparison, carry-less multiplication, AES and SHA as the manual defines them (SDM
// vol. 2, "Operation" of each), written independently of the core.
import { joined, lanes } from './samples.js';

const U = BigInt.asUintN;
const S = BigInt.asIntN;

type Lane = (a: bigint, b: bigint) => bigint;
/** An element-wise operation: bits of an element, and what two elements give. */
export interface Elementwise {
  bits: number;
  lane: Lane;
}

const clamp = (value: bigint, low: bigint, high: bigint): bigint => (value < low ? low : value > high ? high : value);
const signed = (bits: number, value: bigint): bigint =>
  clamp(value, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const unsigned = (bits: number, value: bigint): bigint => clamp(value, 0n, (1n << BigInt(bits)) - 1n);
const BITS: Record<string, number> = { b: 8, w: 16, d: 32, q: 64 };

function each(name: string, letters: string, make: (bits: number) => Lane): Array<[string, Elementwise]> {
  return [...letters].map((letter) => [name.replace('*', letter), { bits: BITS[letter]!, lane: make(BITS[letter]!) }]);
}

/** By mnemonic without V; `a` is of the first source. */
export const ELEMENTWISE = new Map<string, Elementwise>([
  ...each('padd*', 'bwdq', () => (a, b) => a + b),
  ...each('psub*', 'bwdq', () => (a, b) => a - b),
  ...each('padds*', 'bw', (n) => (a, b) => signed(n, S(n, a) + S(n, b))),
  ...each('psubs*', 'bw', (n) => (a, b) => signed(n, S(n, a) - S(n, b))),
  ...each('paddus*', 'bw', (n) => (a, b) => unsigned(n, a + b)),
  ...each('psubus*', 'bw', (n) => (a, b) => unsigned(n, a - b)),
  ...each('pmaxs*', 'bwd', (n) => (a, b) => (S(n, a) > S(n, b) ? a : b)),
  ...each('pmins*', 'bwd', (n) => (a, b) => (S(n, a) < S(n, b) ? a : b)),
  ...each('pmaxu*', 'bwd', () => (a, b) => (a > b ? a : b)),
  ...each('pminu*', 'bwd', () => (a, b) => (a < b ? a : b)),
  ...each('pcmpeq*', 'bwdq', () => (a, b) => (a === b ? -1n : 0n)),
  ...each('pcmpgt*', 'bwdq', (n) => (a, b) => (S(n, a) > S(n, b) ? -1n : 0n)),
  ...each('pavg*', 'bw', () => (a, b) => (a + b + 1n) >> 1n),
  ...each('psign*', 'bwd', (n) => (a, b) => (S(n, b) < 0n ? -a : b === 0n ? 0n : a)),
  ...each('pabs*', 'bwd', (n) => (_, b) => (S(n, b) < 0n ? -b : b)),
  ...each('pmull*', 'wd', () => (a, b) => a * b),
  ['pmulhw', { bits: 16, lane: (a, b) => (S(16, a) * S(16, b)) >> 16n }],
  ['pmulhuw', { bits: 16, lane: (a, b) => (a * b) >> 16n }],
  ['pmulhrsw', { bits: 16, lane: (a, b) => (((S(16, a) * S(16, b)) >> 14n) + 1n) >> 1n }],
  ['pmuludq', { bits: 64, lane: (a, b) => U(32, a) * U(32, b) }],
  ['pmuldq', { bits: 64, lane: (a, b) => S(32, a) * S(32, b) }],
  ['pmaddwd', { bits: 32, lane: (a, b) => S(16, a) * S(16, b) + S(16, a >> 16n) * S(16, b >> 16n) }],
  ['pmaddubsw', { bits: 16, lane: (a, b) => signed(16, U(8, a) * S(8, b) + (a >> 8n) * S(8, b >> 8n)) }],
  [
    'psadbw',
    {
      bits: 64,
      lane: (a, b) =>
        lanes(a, 8, 8).reduce((sum, x, i) => {
          const y = U(8, b >> BigInt(8 * i));
          return sum + (x > y ? x - y : y - x);
        }, 0n),
    },
  ],
  ...each('psllv*', 'dq', (n) => (a, b) => (b < BigInt(n) ? a << b : 0n)),
  ...each('psrlv*', 'dq', (n) => (a, b) => (b < BigInt(n) ? a >> b : 0n)),
  ['psravd', { bits: 32, lane: (a, b) => S(32, a) >> (b < 32n ? b : 31n) }],
  ...['pand', 'andps', 'andpd'].map((name): [string, Elementwise] => [name, { bits: 64, lane: (a, b) => a & b }]),
  ...['pandn', 'andnps', 'andnpd'].map((name): [string, Elementwise] => [name, { bits: 64, lane: (a, b) => ~a & b }]),
  ...['por', 'orps', 'orpd'].map((name): [string, Elementwise] => [name, { bits: 64, lane: (a, b) => a | b }]),
  ...['pxor', 'xorps', 'xorpd'].map((name): [string, Elementwise] => [name, { bits: 64, lane: (a, b) => a ^ b }]),
]);

/** Shuffles within 128 bits (64 with MMX): the result of `a`, `b` and the immediate. */
type Shuffle = (a: bigint, b: bigint, imm: number, width: number) => bigint;

const pick = (from: bigint, bits: number, index: number): bigint => U(bits, from >> BigInt(index * bits));
const unpack =
  (bits: number, high: boolean): Shuffle =>
  (a, b, _, width) => {
    const half = width / bits / 2;
    const first = high ? half : 0;
    const elements = Array.from({ length: half }, (_v, i) => [pick(a, bits, first + i), pick(b, bits, first + i)]);
    return joined(elements.flat(), bits);
  };
const narrow =
  (bits: number, saturate: (bits: number, value: bigint) => bigint): Shuffle =>
  (a, b, _, width) =>
    joined(
      [a, b].flatMap((x) => lanes(x, 2 * bits, width / bits / 2).map((v) => saturate(bits, S(2 * bits, v)))),
      bits,
    );
const horizontal =
  (bits: number, lane: Lane): Shuffle =>
  (a, b, _, width) =>
    joined(
      [a, b].flatMap((x) =>
        Array.from({ length: width / bits / 2 }, (_v, i) => lane(pick(x, bits, 2 * i), pick(x, bits, 2 * i + 1))),
      ),
      bits,
    );
const words = (from: bigint, first: number, imm: number): bigint[] =>
  [0, 1, 2, 3].map((i) => pick(from, 16, first + ((imm >> (2 * i)) & 3)));

export const SHUFFLES = new Map<string, Shuffle>([
  ['punpcklbw', unpack(8, false)],
  ['punpcklwd', unpack(16, false)],
  ['punpckldq', unpack(32, false)],
  ['punpcklqdq', unpack(64, false)],
  ['punpckhbw', unpack(8, true)],
  ['punpckhwd', unpack(16, true)],
  ['punpckhdq', unpack(32, true)],
  ['punpckhqdq', unpack(64, true)],
  ['unpcklps', unpack(32, false)],
  ['unpckhps', unpack(32, true)],
  ['unpcklpd', unpack(64, false)],
  ['unpckhpd', unpack(64, true)],
  ['packsswb', narrow(8, signed)],
  ['packssdw', narrow(16, signed)],
  ['packuswb', narrow(8, unsigned)],
  ['packusdw', narrow(16, unsigned)],
  ['phaddw', horizontal(16, (x, y) => x + y)],
  ['phaddd', horizontal(32, (x, y) => x + y)],
  ['phaddsw', horizontal(16, (x, y) => signed(16, S(16, x) + S(16, y)))],
  ['phsubw', horizontal(16, (x, y) => x - y)],
  ['phsubd', horizontal(32, (x, y) => x - y)],
  ['phsubsw', horizontal(16, (x, y) => signed(16, S(16, x) - S(16, y)))],
  [
    'pshufb',
    (a, b, _, width) =>
      joined(
        lanes(b, 8, width / 8).map((index) => (index > 127n ? 0n : pick(a, 8, Number(index) & (width / 8 - 1)))),
        8,
      ),
  ],
  [
    'pshufd',
    (_, b, imm) =>
      joined(
        [0, 1, 2, 3].map((i) => pick(b, 32, (imm >> (2 * i)) & 3)),
        32,
      ),
  ],
  ['pshufw', (_, b, imm) => joined(words(b, 0, imm), 16)],
  ['pshuflw', (_, b, imm) => joined([...words(b, 0, imm), ...lanes(b >> 64n, 16, 4)], 16)],
  ['pshufhw', (_, b, imm) => joined([...lanes(b, 16, 4), ...words(b, 4, imm)], 16)],
  [
    'shufps',
    (a, b, imm) =>
      joined(
        [0, 1, 2, 3].map((i) => pick(i < 2 ? a : b, 32, (imm >> (2 * i)) & 3)),
        32,
      ),
  ],
  ['palignr', (a, b, imm, width) => U(width, ((a << BigInt(width)) | b) >> BigInt(8 * imm))],
  ['pslldq', (a, _, imm) => U(128, imm > 15 ? 0n : a << BigInt(8 * imm))],
  ['psrldq', (a, _, imm) => (imm > 15 ? 0n : a >> BigInt(8 * imm))],
  [
    'blendps',
    (a, b, imm) =>
      joined(
        [0, 1, 2, 3].map((i) => pick((imm >> i) & 1 ? b : a, 32, i)),
        32,
      ),
  ],
  [
    'pblendw',
    (a, b, imm) =>
      joined(
        [0, 1, 2, 3, 4, 5, 6, 7].map((i) => pick((imm >> i) & 1 ? b : a, 16, i)),
        16,
      ),
  ],
  ['pclmulqdq', (a, b, imm) => carryless(pick(a, 64, imm & 1), pick(b, 64, (imm >> 4) & 1))],
  [
    'insertps',
    (a, b, imm) =>
      joined(
        lanes(a, 32, 4).map((x, i) => ((imm >> i) & 1 ? 0n : i === ((imm >> 4) & 3) ? pick(b, 32, imm >> 6) : x)),
        32,
      ),
  ],
  [
    'mpsadbw',
    (a, b, imm) => {
      const at = (imm & 3) * 4;
      const from = (imm & 4) !== 0 ? 4 : 0;
      const distance = (x: bigint, y: bigint): bigint => (x > y ? x - y : y - x);
      return joined(
        Array.from({ length: 8 }, (_v, i) =>
          [0, 1, 2, 3].reduce((sum, k) => sum + distance(pick(a, 8, from + i + k), pick(b, 8, at + k)), 0n),
        ),
        16,
      );
    },
  ],
]);

export function carryless(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let i = 0n; i < 64n; i++) if ((b >> i) & 1n) product ^= a << i;
  return product;
}

/** Result of PCMPESTRx and PCMPISTRx (SDM vol. 2, 4.1): IntRes2, its length in bits, and which strings end early. */
export interface Compared {
  result: number;
  count: number;
  ends: [first: boolean, second: boolean];
}

/** @param lengths of the two operands, or undefined where a null element ends them */
export function compareStrings(a: bigint, b: bigint, imm: number, lengths?: [bigint, bigint]): Compared {
  const bits = (imm & 1) !== 0 ? 16 : 8;
  const count = 128 / bits;
  const isSigned = (imm & 2) !== 0;
  const elements = [a, b].map((x) => lanes(x, bits, count).map((v) => (isSigned ? S(bits, v) : v)));
  const valid = elements.map((list, which) => {
    if (!lengths) {
      const end = list.indexOf(0n);
      return end < 0 ? count : end;
    }
    const length = lengths[which]!;
    return Number(clamp(length < 0n ? -length : length, 0n, BigInt(count)));
  }) as [number, number];
  const [first, second] = elements as [bigint[], bigint[]];
  const aggregation = (imm >> 2) & 3;
  // Table 4-7: what a comparison counts for where elements are behind the end of a string.
  const equal = (i: number, j: number): boolean => {
    const [here, there] = [i < valid[0], j < valid[1]];
    if (here && there) return first[i] === second[j];
    if (aggregation === 2) return here === there;
    return aggregation === 3 && !here;
  };
  let raw = 0;
  for (let j = 0; j < count; j++) {
    let hit = false;
    if (aggregation === 0) for (let i = 0; i < count; i++) hit ||= equal(i, j);
    else if (aggregation === 1) {
      for (let i = 0; i < count; i += 2) {
        const inside = i + 1 < valid[0] && j < valid[1];
        hit ||= inside && second[j]! >= first[i]! && second[j]! <= first[i + 1]!;
      }
    } else if (aggregation === 2) hit = equal(j, j);
    else {
      hit = true;
      for (let i = 0; i < count - j; i++) hit &&= equal(i, i + j);
    }
    if (hit) raw |= 1 << j;
  }
  const polarity = (imm >> 4) & 3;
  const all = (1 << count) - 1;
  const inverted = polarity === 1 ? all : polarity === 3 ? (1 << valid[1]) - 1 : 0;
  return { result: raw ^ inverted, count, ends: [valid[0] < count, valid[1] < count] };
}

// AES (FIPS 197): the S-box from inverses in GF(2^8), one round.
function multiply(a: number, b: number): number {
  let product = 0;
  for (let x = a, y = b; y !== 0; y >>= 1, x = (x << 1) ^ (x & 0x80 ? 0x11b : 0)) if (y & 1) product ^= x;
  return product;
}
const INVERSE = Array.from({ length: 256 }, (_, a) => {
  for (let b = 1; b < 256; b++) if (multiply(a, b) === 1) return b;
  return 0;
});
export const SBOX = INVERSE.map((x) => {
  let y = 0x63;
  for (let i = 0; i < 5; i++) y ^= ((x << i) | (x >> (8 - i))) & 0xff;
  return y;
});
const UNBOX = Array.from({ length: 256 }, (_, x) => SBOX.indexOf(x));
const COLUMN = [2, 3, 1, 1];
const UNCOLUMN = [14, 11, 13, 9];

const bytes = (x: bigint): number[] => lanes(x, 8, 16).map(Number);
const number = (list: number[]): bigint => joined(list.map(BigInt), 8);
/** Row r of the state, which is filled column by column, goes r places to the left; or to the right. */
const shiftRows = (state: number[], way: 1 | -1): number[] =>
  state.map((_, i) => state[(i + way * 4 * (i % 4) + 16) % 16]!);
export const mixColumns = (state: number[], factors: number[]): number[] =>
  state.map((_, i) => {
    const column = i - (i % 4);
    return [0, 1, 2, 3].reduce((sum, k) => sum ^ multiply(state[column + k]!, factors[(k - (i % 4) + 4) % 4]!), 0);
  });

export const AES: Record<string, (state: bigint, key: bigint) => bigint> = {
  aesenc: (state, key) =>
    number(
      mixColumns(
        shiftRows(bytes(state), 1).map((x) => SBOX[x]!),
        COLUMN,
      ),
    ) ^ key,
  aesenclast: (state, key) => number(shiftRows(bytes(state), 1).map((x) => SBOX[x]!)) ^ key,
  aesdec: (state, key) =>
    number(
      mixColumns(
        shiftRows(bytes(state), -1).map((x) => UNBOX[x]!),
        UNCOLUMN,
      ),
    ) ^ key,
  aesdeclast: (state, key) => number(shiftRows(bytes(state), -1).map((x) => UNBOX[x]!)) ^ key,
  aesimc: (_, key) => number(mixColumns(bytes(key), UNCOLUMN)),
};

/** AESKEYGENASSIST of a source and a round constant. */
export function keyAssist(source: bigint, constant: number): bigint {
  const substituted = lanes(source, 32, 4).map((x) =>
    joined(
      lanes(x, 8, 4).map((v) => BigInt(SBOX[Number(v)]!)),
      8,
    ),
  );
  const rotated = (x: bigint): bigint => U(32, (x >> 8n) | (x << 24n)) ^ BigInt(constant);
  const [, one, , three] = substituted as [bigint, bigint, bigint, bigint];
  return joined([one, rotated(one), three, rotated(three)], 32);
}

// SHA-1 and SHA-256 (FIPS 180-4) as the SHA instructions cut them up.
const rotate = (x: bigint, n: number): bigint => U(32, (x << BigInt(n)) | (x >> BigInt(32 - n)));
const choice = (x: bigint, y: bigint, z: bigint): bigint => (x & y) ^ (~x & 0xffff_ffffn & z);
const majority = (x: bigint, y: bigint, z: bigint): bigint => (x & y) ^ (x & z) ^ (y & z);
const parity = (x: bigint, y: bigint, z: bigint): bigint => x ^ y ^ z;
const SHA1 = [
  { f: choice, k: 0x5a827999n },
  { f: parity, k: 0x6ed9eba1n },
  { f: majority, k: 0x8f1bbcdcn },
  { f: parity, k: 0xca62c1d6n },
];
const small = (x: bigint, a: number, b: number, shift: number): bigint =>
  rotate(x, 32 - a) ^ rotate(x, 32 - b) ^ (x >> BigInt(shift));
const large = (x: bigint, a: number, b: number, c: number): bigint =>
  rotate(x, 32 - a) ^ rotate(x, 32 - b) ^ rotate(x, 32 - c);

/** By mnemonic: destination, source, immediate, and the implied XMM0. */
export const SHA: Record<string, (a: bigint, b: bigint, imm: number, xmm0: bigint) => bigint> = {
  sha1rnds4: (state, words4, imm) => {
    let [d, c, b, a] = lanes(state, 32, 4) as [bigint, bigint, bigint, bigint];
    const w = lanes(words4, 32, 4).reverse();
    const { f, k } = SHA1[imm & 3]!;
    // W0E has E in it already, so the first round adds none.
    let e = 0n;
    for (let i = 0; i < 4; i++) {
      const next = U(32, f(b, c, d) + rotate(a, 5) + w[i]! + e + k);
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    }
    return joined([d, c, b, a], 32);
  },
  sha1nexte: (a, b) => U(128, b & ((1n << 96n) - 1n)) | (U(32, (b >> 96n) + rotate(a >> 96n, 30)) << 96n),
  sha1msg1: (a, b) => {
    const w = [...lanes(a, 32, 4).reverse(), ...lanes(b, 32, 4).reverse()] as bigint[];
    return joined(
      [3, 2, 1, 0].map((i) => w[i]! ^ w[i + 2]!),
      32,
    );
  },
  sha1msg2: (a, b) => {
    const [x3, x2, x1, x0] = lanes(a, 32, 4) as [bigint, bigint, bigint, bigint];
    const [, w15, w14, w13] = [0n, ...lanes(b, 32, 3)] as [bigint, bigint, bigint, bigint];
    const w16 = rotate(x0 ^ w13, 1);
    return joined([rotate(x3 ^ w16, 1), rotate(x2 ^ w15, 1), rotate(x1 ^ w14, 1), w16], 32);
  },
  sha256rnds2: (a0, b0, _, xmm0) => {
    let [h, g, d, c] = lanes(a0, 32, 4) as [bigint, bigint, bigint, bigint];
    let [f, e, b, a] = lanes(b0, 32, 4) as [bigint, bigint, bigint, bigint];
    for (const wk of lanes(xmm0, 32, 2)) {
      const t = choice(e, f, g) + large(e, 6, 11, 25) + wk + h;
      const next = U(32, t + majority(a, b, c) + large(a, 2, 13, 22));
      [h, g, f, e, d, c, b, a] = [g, f, e, U(32, t + d), c, b, a, next];
    }
    return joined([f, e, b, a], 32);
  },
  sha256msg1: (a, b) => {
    const w = [...lanes(a, 32, 4), U(32, b)];
    return joined(
      [0, 1, 2, 3].map((i) => w[i]! + small(w[i + 1]!, 7, 18, 3)),
      32,
    );
  },
  sha256msg2: (a, b) => {
    const x = lanes(a, 32, 4);
    const [w14, w15] = [pick(b, 32, 2), pick(b, 32, 3)];
    const w16 = U(32, x[0]! + small(w14, 17, 19, 10));
    const w17 = U(32, x[1]! + small(w15, 17, 19, 10));
    return joined([w16, w17, x[2]! + small(w16, 17, 19, 10), x[3]! + small(w17, 17, 19, 10)], 32);
  },
};

/** Flags and results of BMI1, BMI2 and ADX: `a` is the first source. */
export interface BitResult {
  result: bigint;
  /** Flags that are defined, and their values; the others the instruction leaves alone or undefined. */
  carry?: boolean;
  overflow?: boolean;
  sign?: boolean;
  zero?: boolean;
}

export function bitInstruction(name: string, bits: number, a: bigint, b: bigint): BitResult | undefined {
  const sign = (x: bigint): boolean => x >> BigInt(bits - 1) === 1n;
  const flagged = (value: bigint, carry: boolean): BitResult => {
    const result = U(bits, value);
    return { result, carry, overflow: false, sign: sign(result), zero: result === 0n };
  };
  const ones = (x: bigint): number[] => Array.from({ length: bits }, (_, i) => i).filter((i) => (x >> BigInt(i)) & 1n);
  switch (name) {
    case 'andn':
      return flagged(~a & b, false);
    case 'blsi':
      return flagged(-b & b, b !== 0n);
    case 'blsr':
      return flagged((b - 1n) & b, b === 0n);
    case 'blsmsk':
      return { ...flagged((b - 1n) ^ b, b === 0n), zero: false };
    case 'bextr': {
      const [start, length] = [b & 0xffn, (b >> 8n) & 0xffn];
      const result = U(bits, (a >> start) & ((1n << length) - 1n));
      return { result, carry: false, overflow: false, zero: result === 0n };
    }
    case 'bzhi': {
      const index = b & 0xffn;
      const result = index < BigInt(bits) ? a & ((1n << index) - 1n) : a;
      return { ...flagged(result, index >= BigInt(bits)) };
    }
    case 'pdep':
      return { result: ones(b).reduce((sum, to, i) => sum | (((a >> BigInt(i)) & 1n) << BigInt(to)), 0n) };
    case 'pext':
      return { result: ones(b).reduce((sum, from, i) => sum | (((a >> BigInt(from)) & 1n) << BigInt(i)), 0n) };
    case 'sarx':
      return { result: U(bits, S(bits, a) >> (b & BigInt(bits - 1))) };
    case 'shlx':
      return { result: U(bits, a << (b & BigInt(bits - 1))) };
    case 'shrx':
      return { result: a >> (b & BigInt(bits - 1)) };
    case 'lzcnt': {
      const result = BigInt(bits - (b === 0n ? 0 : b.toString(2).length));
      return { result, carry: b === 0n, zero: result === 0n };
    }
    case 'tzcnt': {
      const result = BigInt(ones(b)[0] ?? bits);
      return { result, carry: b === 0n, zero: result === 0n };
    }
    default:
      return undefined;
  }
}
