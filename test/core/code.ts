// Random but plausible machine code: valid encodings far more often than chance would give, with operands that point into
// RAM, at the ends of pages, at devices and at the code itself.
import type { Random } from '../../src/fuzz/random.js';

export type CodeSize = 16 | 32 | 64;

/** Guest-physical layout that the code aims at. */
export const AT = {
  code: 0x1_0000,
  codeSize: 0x8000,
  handlers: 0x1_8000,
  data: 0x2_0000,
  dataSize: 0x1_0000,
  stack: 0x4_8000,
  device: 0x60_0000,
} as const;

const PREFIXES = [0x66, 0x67, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0];
const MSRS = [0x10, 0x1b, 0x3b, 0x174, 0x175, 0x176, 0x277, 0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0100, 0x1234];
const SELECTORS = [
  0, 8, 0x10, 0x18, 0x1b, 0x20, 0x23, 0x28, 0x38, 0x40, 0x48, 0x50, 0x53, 0x58, 0x60, 0x68, 0x70, 0x78,
];

/** Little-endian bytes of a number. */
export function bytesOf(value: number, count: number): number[] {
  const bytes: number[] = [];
  for (let index = 0; index < count; index++) bytes.push(Math.floor(value / 2 ** (8 * index)) & 0xff);
  return bytes;
}

export class CodeMaker {
  constructor(
    private readonly random: Random,
    private readonly size: CodeSize,
    /** Code, data and device addresses as this mode's segments see them. */
    private readonly offsets: { code: number; data: number; device: number },
    /** Also instructions that change the mode, tables or control registers. */
    private readonly system: boolean,
  ) {}

  /** `count` bytes of code. */
  fill(count: number): number[] {
    const out: number[] = [];
    while (out.length < count) out.push(...(this.random.oneIn(6) ? this.loop() : this.instruction()));
    return out.slice(0, count);
  }

  /** A counted loop around a few instructions without branches: runs as linked blocks. */
  loop(): number[] {
    const { random } = this;
    const body: number[] = [];
    const count = 1 + random.below(8);
    for (let index = 0; index < count; index++) body.push(...this.plain());
    const wide = this.size === 16 ? 2 : 4;
    const head = [0xb9, ...bytesOf(2 + random.below(40), wide)];
    const rex = this.size === 64 && random.oneIn(2) ? [0x48] : [];
    switch (random.below(4)) {
      case 0:
        body.push(0xe2); // LOOP
        break;
      case 1: // SUB rCX, 1 and JNZ
        body.push(...rex, 0x83, 0xe9, 1, 0x75);
        break;
      case 2: // DEC rCX; CMP rCX, 0; JNE
        body.push(...rex, 0xff, 0xc9, ...rex, 0x83, 0xf9, 0, 0x75);
        break;
      default: // DEC rCX; TEST rCX, rCX; JG
        body.push(...rex, 0xff, 0xc9, ...rex, 0x85, 0xc9, 0x7f);
    }
    const distance = body.length + 1;
    if (distance > 127) return body.slice(0, -1);
    return [...head, ...body, 256 - distance];
  }

  /** An instruction that only computes, on registers or memory. */
  plain(): number[] {
    const { random } = this;
    const out: number[] = [];
    if (random.oneIn(8)) out.push(0x66);
    if (this.size === 64 && random.oneIn(2)) out.push(0x40 | (random.next() & (random.oneIn(4) ? 15 : 8)));
    switch (random.below(10)) {
      case 0:
      case 1:
        return [...out, (random.below(8) << 3) | random.below(4), ...this.modrm()];
      case 2:
        return [...out, 0x83, ...this.modrm(), random.next() & 0xff];
      case 3:
        return [...out, random.pick([0x88, 0x89, 0x8a, 0x8b, 0x84, 0x85, 0x86, 0x87, 0x8d]), ...this.modrm()];
      case 4:
        return [...out, random.pick([0xd0, 0xd1, 0xd2, 0xd3]), ...this.modrm()];
      case 5:
        return [...out, random.pick([0xc0, 0xc1]), ...this.modrm(), random.next() & 0xff];
      case 6:
        return [
          ...out,
          0x0f,
          random.pick([0xb6, 0xb7, 0xbe, 0xbf, 0xaf, 0xa3, 0xab, 0xbc, 0xbd, 0xa5, 0xc1, 0xb1]),
          ...this.modrm(),
        ];
      case 7:
        return [...out, 0x0f, (random.oneIn(2) ? 0x40 : 0x90) | random.below(16), ...this.modrm()];
      case 8:
        return [...out, random.pick([0x90, 0x98, 0x99, 0xf5, 0xf8, 0xf9, 0x9e, 0x9f, 0xfc])];
      default:
        return [...out, random.pick([0xfe, 0xff]), ...this.modrm(random.below(2))];
    }
  }

  /** ModRM and what follows; mostly a register or one near a pointer that a register may hold. */
  modrm(fixed = -1): number[] {
    const { random } = this;
    const reg = fixed < 0 ? random.below(8) : fixed;
    if (random.oneIn(3)) return [0xc0 | (reg << 3) | random.below(8)];
    const mode = random.below(3);
    if (this.size === 16) {
      const rm = random.pick([4, 5, 6, 7, 7, 5]);
      const absolute = mode === 0 && rm === 6;
      const displacement = absolute ? bytesOf(this.address(), 2) : mode === 0 ? [] : bytesOf(random.below(64), mode);
      return [(mode << 6) | (reg << 3) | rm, ...displacement];
    }
    const rm = random.pick([3, 6, 7, 5, 4, 3, 6, 7]);
    if (rm === 4) {
      const base = random.pick([3, 4, 6, 7]);
      return [(mode << 6) | (reg << 3) | 4, (random.pick([4, 4, 4, 0, 1]) << 3) | base, ...this.#displacement(mode)];
    }
    if (rm === 5 && mode === 0) {
      const target = this.size === 64 ? random.below(0x4000) - 0x2000 : this.address();
      return [(reg << 3) | 5, ...bytesOf(target >>> 0, 4)];
    }
    return [(mode << 6) | (reg << 3) | rm, ...this.#displacement(mode)];
  }
  #displacement(mode: number): number[] {
    if (mode === 0) return [];
    return mode === 1 ? [this.random.below(256)] : bytesOf(this.random.below(0x200), 4);
  }
  /** Somewhere worth touching. */
  address(): number {
    const { random, offsets } = this;
    const page = random.below(AT.dataSize >> 12) << 12;
    switch (random.below(8)) {
      case 0:
        return offsets.device + random.below(64);
      case 1:
        return offsets.code + random.below(AT.codeSize);
      case 2:
      case 3:
        return offsets.data + page + 4096 - random.below(9);
      default:
        return offsets.data + page + random.below(4096);
    }
  }
  /** MOV register, something useful. */
  #load(register: number, value: number): number[] {
    if (this.size === 16) return [0xb8 | register, ...bytesOf(value, 2)];
    return [0xb8 | register, ...bytesOf(value >>> 0, 4)];
  }

  instruction(): number[] {
    const { random } = this;
    const prefix = random.oneIn(12) ? [random.pick(PREFIXES)] : [];
    const wide = this.size === 16 ? 2 : 4;
    switch (random.below(this.system ? 30 : 20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return [...prefix, ...this.plain()];
      case 4: // point a register somewhere
        return this.#load(random.pick([3, 5, 6, 7]), this.address());
      case 5:
        return this.#load(random.pick([0, 1, 2]), random.oneIn(3) ? random.next() : random.below(300));
      case 6: // compare and branch
        return [
          ...random.pick([[0x38], [0x39], [0x3b], [0x84], [0x85]]),
          ...this.modrm(),
          0x70 | random.below(16),
          (random.below(80) - 30) & 0xff,
        ];
      case 7:
        return [0x70 | random.below(16), (random.below(100) - 40) & 0xff];
      case 8:
        return [0x0f, 0x80 | random.below(16), ...bytesOf((random.below(2000) - 1000) >>> 0, wide)];
      case 9:
        return random.oneIn(2)
          ? [0xeb, (random.below(120) - 50) & 0xff]
          : [0xe9, ...bytesOf((random.below(4000) - 2000) >>> 0, wide)];
      case 10:
        return random.oneIn(2) ? [0xe8, ...bytesOf((random.below(4000) - 2000) >>> 0, wide)] : [0xc3];
      case 11:
        return [...prefix, 0x50 | random.below(16)];
      case 12:
        return [
          ...prefix,
          ...random.pick([[0x68, ...bytesOf(random.next(), wide)], [0x6a, random.below(256)], [0x9c], [0x9d], [0xc9]]),
        ];
      case 13: // a string instruction, perhaps very long
        return [
          ...this.#load(7, this.address()),
          ...this.#load(1, random.pick([3, 100, 5000, 0x7fff_ffff])),
          ...(random.oneIn(3) ? [] : [random.pick([0xf2, 0xf3])]),
          ...(this.size === 64 && random.oneIn(3) ? [0x48] : []),
          random.pick([0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6e]),
        ];
      case 14:
        return [random.pick([0xe4, 0xe5, 0xe6, 0xe7]), random.below(256)];
      case 15:
        return [random.pick([0xec, 0xed, 0xee, 0xef])];
      case 16: // store into the code
        return [...this.#load(3, this.offsets.code + random.below(AT.codeSize)), 0xc6, 0x07, random.below(256)];
      case 17:
        return [0x0f, 0x31]; // RDTSC: shows how many instructions have retired
      case 18: // noise
        return [random.below(256), random.below(256), random.below(256)];
      case 19:
        return random.pick([[0xfa], [0xfb], [0xfd], [0xfc], [0xf4], [0x0f, 0xa2], [0xcd, random.below(256)], [0xcc]]);
      case 20:
        return [0x0f, random.pick([0x20, 0x21]), 0xc0 | (random.below(8) << 3) | random.below(8)];
      case 21:
        return [...this.#load(0, this.#control()), 0x0f, 0x22, 0xc0 | (random.pick([0, 2, 3, 4, 8]) << 3)];
      case 22:
        return [
          ...this.#load(0, random.oneIn(2) ? random.next() : this.address()),
          0x0f,
          0x23,
          0xc0 | (random.below(8) << 3),
        ];
      case 23:
        return [
          ...this.#load(1, random.pick(MSRS)),
          ...this.#load(2, random.oneIn(2) ? 0 : random.next()),
          0x0f,
          random.pick([0x30, 0x32]),
        ];
      case 24:
        return [0x0f, 0x01, ...this.modrm(random.pick([0, 1, 2, 3, 4, 6, 7]))];
      case 25:
        return [0x0f, 0x00, ...this.modrm(random.below(6))];
      case 26: // far transfers
        return random.pick([
          [
            ...(this.size === 64
              ? []
              : [0xea, ...bytesOf(this.address(), wide), ...bytesOf(random.pick(SELECTORS), 2)]),
          ],
          [0xff, ...this.modrm(random.pick([3, 5]))],
          [random.pick([0xcf, 0xcb]), 0x90],
          [0x48, 0xcf],
        ]);
      case 27:
        return [...this.#load(0, random.pick(SELECTORS)), 0x8e, 0xc0 | (random.below(6) << 3)];
      case 28: // with TF
        return random.oneIn(2)
          ? [
              0x9c,
              0x81,
              this.size === 16 ? 0x36 : 0x0c,
              ...(this.size === 16 ? [0, 0] : [0x24]),
              ...bytesOf(0x100, wide),
              0x9d,
            ]
          : [0x0f, random.pick([0x05, 0x07, 0x34, 0x35]), 0x90];
      default:
        return [0x0f, random.below(256), ...this.modrm(), random.below(256)];
    }
  }
  #control(): number {
    const { random } = this;
    return random.pick([
      0x8001_0033,
      0x8000_0011,
      0x11,
      0x10,
      0x1000,
      0x7000,
      0xe000,
      0x20,
      0xb0,
      0x6a0,
      random.next(),
    ]);
  }
}
