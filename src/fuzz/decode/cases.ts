// Instruction bytes to try: every opcode of the four maps under every prefix, and random ones.

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

const PREFIX_BYTES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x40, 0x41, 0x44, 0x48, 0x4f];

/** Random bytes, most of them behind a few prefixes and an escape so that they reach every map. */
export function randomCase(random: Random, bytes: Uint8Array): void {
  for (let i = 0; i < CASE_SIZE; i++) bytes[i] = random.next() >>> 8;
  let at = 0;
  if (random.below(64) === 0) at = 8 + random.below(8);
  else at = random.below(5);
  for (let i = 0; i < at; i++) bytes[i] = PREFIX_BYTES[random.below(PREFIX_BYTES.length)] ?? 0;
  const escape = ESCAPES[random.below(ESCAPES.length)] ?? [];
  if (at + escape.length < CASE_SIZE) bytes.set(escape, at);
}
