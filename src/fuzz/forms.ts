// Instruction forms: one entry for every instruction code that iced-x86 knows, found by going through all opcodes under
// the prefixes that choose among them, and instructions made of a form with random registers, addresses and immediates.

import { Code, Decoder, DecoderOptions, Instruction } from 'iced-x86';
import type { Random } from './random.js';

export const LONGEST_INSTRUCTION = 15;

/** How the bytes of an instruction form begin. */
export interface Form {
  readonly code: Code;
  /** 66, F2, F3 or 0; VEX.pp for a VEX form. */
  readonly prefix: number;
  /** REX.W or VEX.W. */
  readonly w: boolean;
  /** 0, 1, 2, 3: one byte, 0F, 0F38, 0F3A. */
  readonly map: number;
  readonly vex: boolean;
  /** VEX.L. */
  readonly long: boolean;
  readonly opcode: number;
  /** Fixed ModRM.reg (an opcode group), or -1. */
  readonly reg: number;
  /** Fixed ModRM.rm in register form (x87, 0F 01), or -1. */
  readonly rm: number;
  /** ModRM names memory. */
  readonly memory: boolean;
}

const PREFIXES = [0, 0x66, 0xf2, 0xf3] as const;
const ESCAPES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

/** The bytes of a form up to its ModRM byte; registers low, so that REX and VEX extend nothing. */
function head(form: Omit<Form, 'code'>, bits: number, vvvv: number, extension: number): number[] {
  if (form.vex) {
    const pp = PREFIXES.indexOf(form.prefix as 0) & 3;
    const order = [0, 1, 3, 2][pp]!;
    const inverted = ~extension & 7;
    return [
      0xc4,
      (inverted << 5) | form.map,
      (form.w ? 0x80 : 0) | ((~vvvv & 15) << 3) | (form.long ? 4 : 0) | order,
      form.opcode,
    ];
  }
  const rex = bits === 64 && (form.w || extension !== 0) ? [0x40 | (form.w ? 8 : 0) | extension] : [];
  return [...(form.prefix === 0 ? [] : [form.prefix]), ...rex, ...ESCAPES[form.map]!, form.opcode];
}

const cache = new Map<number, readonly Form[]>();

/** All forms of a code size: how to begin a byte string for every iced code that can be reached. */
export function formsOf(bits: 16 | 32 | 64): readonly Form[] {
  const known = cache.get(bits);
  if (known !== undefined) return known;
  const forms = new Map<string, { form: Form; regs: Set<number>; rms: Set<number> }>();
  const instruction = new Instruction();
  for (const vex of [false, true]) {
    for (let map = vex ? 1 : 0; map < 4; map++) {
      for (let opcode = 0; opcode < 256; opcode++) {
        const shapes = shapesOf(bits, vex, map, opcode);
        // a decoder has a copy of its bytes
        const bytes = new Uint8Array(shapes.length * STRIDE);
        for (const [index, { start, modrm }] of shapes.entries()) {
          bytes.set(start, index * STRIDE);
          bytes[index * STRIDE + start.length] = modrm;
        }
        const decoder = new Decoder(bits, bytes, DecoderOptions.None);
        for (const [index, { form, modrm }] of shapes.entries()) {
          decoder.position = index * STRIDE;
          decoder.ip = 0n;
          decoder.decodeOut(instruction);
          const { code } = instruction;
          if (code === Code.INVALID) continue;
          const key = `${code} ${form.memory} ${form.w} ${form.long}`;
          let found = forms.get(key);
          if (found === undefined) {
            found = { form: { ...form, code }, regs: new Set(), rms: new Set() };
            forms.set(key, found);
          }
          found.regs.add((modrm >> 3) & 7);
          found.rms.add(modrm & 7);
        }
        decoder.free();
      }
    }
  }
  instruction.free();
  // reg and rm are fixed only where another one is another instruction
  const list = [...forms.values()].map(({ form, regs, rms }) => ({
    ...form,
    reg: regs.size === 8 ? -1 : form.reg,
    rm: form.memory || rms.size === 8 || !byRegister(form.vex, form.map, form.opcode) ? -1 : form.rm,
  }));
  cache.set(bits, list);
  return list;
}

const STRIDE = 16;
interface Shape {
  readonly form: Omit<Form, 'code'>;
  readonly start: readonly number[];
  readonly modrm: number;
}

/** Opcodes of which ModRM.rm in register form chooses the instruction. */
function byRegister(vex: boolean, map: number, opcode: number): boolean {
  if (vex) return false;
  return map === 0 ? (opcode & 0xf8) === 0xd8 : map === 1 && [0x01, 0x1e, 0xa6, 0xa7, 0xae, 0xc7].includes(opcode);
}

/** An opcode under all prefixes, with registers - all that matter - and with memory at [rAX] or [BX + SI]. */
function shapesOf(bits: number, vex: boolean, map: number, opcode: number): Shape[] {
  const shapes: Shape[] = [];
  const every = byRegister(vex, map, opcode);
  for (const prefix of PREFIXES) {
    for (const w of bits === 64 || vex ? [false, true] : [false]) {
      for (const long of vex ? [false, true] : [false]) {
        for (let modrm = 0; modrm < 256; modrm++) {
          const memory = modrm < 0xc0;
          if ((modrm & 7) !== 0 && (memory || !every)) continue;
          const form = { prefix, w, map, vex, long, opcode, reg: (modrm >> 3) & 7, rm: modrm & 7, memory };
          shapes.push({ form, start: head(form, bits, 0, 0), modrm });
        }
      }
    }
  }
  return shapes;
}

const IGNORED = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3] as const;

/**
 * Writes an instruction of a form at the start of `bytes`: its opcode with random registers, addressing, and 15 bytes in all,
 * of which the ones behind the instruction are random too. Now and then with prefixes that it does not need.
 */
export function writeForm(random: Random, form: Form, bits: 16 | 32 | 64, bytes: Uint8Array): void {
  random.fill(bytes, 0, LONGEST_INSTRUCTION);
  const extension = bits === 64 ? random.pick([0, 0, random.below(8)]) : 0;
  let at = 0;
  if (random.oneIn(6)) for (let count = 1 + random.below(2); count > 0; count--) bytes[at++] = random.pick(IGNORED);
  const start = head(form, bits, random.below(bits === 64 ? 16 : 8), extension);
  // 32-bit code: C4 is LES unless the next byte looks like a register form
  bytes.set(start, at);
  at += start.length;
  const reg = form.reg >= 0 ? form.reg : random.below(8);
  if (!form.memory) {
    bytes[at] = 0xc0 | (reg << 3) | (form.rm >= 0 ? form.rm : random.below(8));
    return;
  }
  const mod = random.pick([0, 0, 1, 1, 1, 2]);
  const rm = random.below(8);
  bytes[at++] = (mod << 6) | (reg << 3) | rm;
  if (rm === 4 && bits !== 16) at++; // SIB is random
  // 32-bit displacements near zero more often than anywhere
  if (mod === 2 && random.oneIn(2))
    bytes.fill(random.oneIn(2) ? 0 : 0xff, at + 1, Math.min(at + 4, LONGEST_INSTRUCTION));
}
