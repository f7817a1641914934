// Instruction bytes to try: every opcode of the four maps under every prefix, every VEX prefix with every opcode behind it,
// and random ones.

import type { Random } from '../random.js';

/** Room for one case: an instruction has at most 15 bytes. */
export const CASE_SIZE = 16;

export const PREFIX_SETS: readonly (readonly number[])[] = [
  [],
  [0x66],
  [0x67],
  [0xf2],
  [0xf3],
  [0x66, 0xf2],
  [0xf3, 0x66],
  [0xf2, 0xf3],
  [0x48],
  [0x40],
  [0x47],
  [0x66, 0x48],
  [0xf0],
  [0xf0, 0xf2],
  [0x67, 0x4f],
  [0x48, 0x66],
  [0x65],
  [0x64, 0x2e],
  [0x48, 0x67],
];

const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** SIB bytes with a meaning of their own: no index, no base, R12 and R13 in both places. */
const SIBS = [0x24, 0x25, 0x65, 0x2c, 0xc8, 0x9d, 0xe4, 0x00];

/** ModRM bytes: all of them, or each reg in register form twice and in memory forms three times. */
function* modrms(all: boolean, random: Random): Generator<number> {
  if (all) for (let i = 0; i < 256; i++) yield i;
  else
    for (let reg = 0; reg < 8; reg++) {
      yield 0xc0 | (reg << 3) | random.below(8);
      yield 0xc0 | (reg << 3) | random.below(8);
      for (let mod = 0; mod < 3; mod++) yield (mod << 6) | (reg << 3) | random.below(8);
    }
}

/** Calls `emit` with each case. `exhaustive` = all ModRM bytes under all prefixes and with every SIB above, else only register forms without prefix are complete. */
export function systematic(exhaustive: boolean, random: Random, emit: (bytes: Uint8Array) => void): void {
  const bytes = new Uint8Array(CASE_SIZE);
  for (const prefixes of PREFIX_SETS) {
    for (const escape of ESCAPES) {
      for (let opcode = 0; opcode < 256; opcode++) {
        const all = exhaustive || prefixes.length === 0;
        for (const modrm of modrms(all, random)) {
          const at = prefixes.length + escape.length;
          const hasSib = modrm < 0xc0 && (modrm & 7) === 4;
          const sibs = hasSib && exhaustive ? SIBS : [SIBS[random.below(SIBS.length)] ?? 0];
          for (const sib of sibs) {
            for (let i = at; i < CASE_SIZE; i++) bytes[i] = random.next() >>> 8;
            bytes.set(prefixes);
            bytes.set(escape, prefixes.length);
            bytes[at] = opcode;
            bytes[at + 1] = modrm;
            if (hasSib) bytes[at + 2] = sib;
            emit(bytes);
          }
        }
      }
    }
  }
}

/** What follows an opcode behind a VEX prefix: register forms, memory forms of each length, and with each SIB byte above. */
function shapes(random: Random): number[][] {
  const reg = () => random.below(8) << 3;
  return [
    [0xc0 | reg() | random.below(8)],
    [0xc0 | reg() | random.below(8)],
    [0x00 | reg() | random.below(4)],
    [0x40 | reg() | random.below(4)],
    [0x80 | reg() | random.below(4)],
    [0x05 | reg()],
    ...SIBS.map((sib) => [0x04 | reg(), sib]),
    [0x44 | reg(), random.below(256)],
    [0x84 | reg(), random.below(256)],
  ];
}
/** The reg field chooses the instruction in some groups: this many register forms show them all. */
const REGS = 8;

/**
 * How many cases of the VEX maps: `sample` = every C5 with every opcode in four shapes, every last byte of C4 with every map
 * and opcode in one, or in all if its vvvv is 1111b, as most instructions of two operands demand; `full` = both in every shape, and every R, X, B; `product` = both of the latter at once (an hour).
 */
export type Thoroughness = 'sample' | 'full' | 'product';

/** VEX prefixes: every payload with every opcode. Outside 64-bit mode only those with R and X set are ones, so no others are tried. */
export function vexCases(how: Thoroughness, codeSize: number, random: Random, emit: (bytes: Uint8Array) => void): void {
  const bytes = new Uint8Array(CASE_SIZE);
  const put = (prefix: readonly number[], opcode: number, shape: readonly number[]): void => {
    for (let i = 0; i < CASE_SIZE; i++) bytes[i] = random.next() >>> 8;
    bytes.set(prefix);
    bytes[prefix.length] = opcode;
    bytes.set(shape, prefix.length + 1);
    emit(bytes);
  };
  const isVex = (second: number): boolean => codeSize === 2 || second >= 0xc0;
  const each = (prefix: readonly number[], opcode: number, count: number): void => {
    const all = shapes(random);
    if (count >= all.length) {
      for (const shape of all) put(prefix, opcode, shape);
      for (let reg = 0; reg < REGS; reg++) put(prefix, opcode, [0xc0 | (reg << 3) | random.below(8)]);
    } else for (let i = 0; i < count; i++) put(prefix, opcode, all[random.below(all.length)] ?? []);
  };
  const most = Infinity;
  for (let second = 0; second < 256; second++) {
    if (!isVex(second)) continue;
    for (let opcode = 0; opcode < 256; opcode++) each([0xc5, second], opcode, how === 'sample' ? 4 : most);
  }
  for (let last = 0; last < 256; last++)
    for (let map = 1; map <= 3; map++)
      for (let opcode = 0; opcode < 256; opcode++) {
        const anySecond = (codeSize === 2 ? random.below(8) << 5 : 0xc0 | (random.below(2) << 5)) | map;
        const noVvvv = (last & 0x78) === 0x78;
        each([0xc4, anySecond, last], opcode, how === 'full' || noVvvv ? most : 1);
        if (how === 'sample') continue;
        for (let rxb = 0; rxb < 8; rxb++)
          if (isVex(rxb << 5)) each([0xc4, (rxb << 5) | map, last], opcode, how === 'product' ? most : 1);
      }
}

/** VEX prefixes that are none: reserved maps, and other prefixes before them. */
export function spoiltVexCases(codeSize: number, random: Random, emit: (bytes: Uint8Array) => void): void {
  const bytes = new Uint8Array(CASE_SIZE);
  const second = () => random.below(256) | (codeSize === 2 ? 0 : 0xc0);
  const put = (...start: number[]): void => {
    for (let i = 0; i < CASE_SIZE; i++) bytes[i] = random.next() >>> 8;
    bytes.set(start);
    emit(bytes);
  };
  for (let map = 0; map < 32; map++)
    for (let opcode = 0; opcode < 256; opcode++)
      for (let i = 0; i < 8; i++) put(0xc4, (second() & 0xe0) | map, random.below(256), opcode);
  for (const prefixes of PREFIX_SETS)
    for (let i = 0; i < 4096; i++) {
      put(...prefixes, 0xc5, second(), random.below(256));
      put(...prefixes, 0xc4, (second() & 0xe0) | (1 + random.below(3)), random.below(256), random.below(256));
    }
}

const PREFIX_BYTES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x40, 0x41, 0x44, 0x48, 0x4f];

/** Random bytes, most of them behind a few prefixes and an escape so that they reach every map. */
export function randomCase(random: Random, bytes: Uint8Array): void {
  for (let i = 0; i < CASE_SIZE; i++) bytes[i] = random.next() >>> 8;
  let at = 0;
  if (random.below(64) === 0) at = 8 + random.below(8);
  else at = random.below(5);
  for (let i = 0; i < at; i++) bytes[i] = PREFIX_BYTES[random.below(PREFIX_BYTES.length)] ?? 0;
  if (random.below(4) === 0) {
    // a VEX prefix, mostly without others
    if (random.below(8)) at = 0;
    if (at + 2 < CASE_SIZE)
      bytes.set(random.below(3) ? [0xc4, ((bytes[at + 1] ?? 0) & 0xe0) | (1 + random.below(3))] : [0xc5], at);
    return;
  }
  const escape = ESCAPES[random.below(ESCAPES.length)] ?? [];
  if (at + escape.length < CASE_SIZE) bytes.set(escape, at);
}
