// The target `guest`: images, mutated. Each is run twice, on two machines, in one go and in slices: nothing may trap or
// throw, budgets are kept, memory is bounded, and both runs are the same to the last bit.

import { readFile } from 'node:fs/promises';
import { loadCoreBytes } from '../../core/module.js';
import type { PagingMode } from '../../index.js';
import { Coverage } from '../coverage.js';
import { formsOf, LONGEST_INSTRUCTION, writeForm } from '../forms.js';
import { instrument } from '../instrument.js';
import { mutateBytes } from '../mutate.js';
import { Random } from '../random.js';
import { oneByOne, type Explanation, type Finding, type Target } from '../target.js';
import { differenceOf, GuestBox } from './box.js';
import { chipsetGuest } from './chipset.js';

const PAGING: readonly PagingMode[] = ['ept', 'npt', 'shadow'];
/** Before the image in an input: the paging mode, and what the sizes of the slices are made of. */
const HEAD = 4;
const LONGEST = HEAD + 40_000;
/** Instructions of a run. */
const BUDGET = 30_000;
const GUESTS = new URL('../../../guests/', import.meta.url);
const SEEDS = [
  'hello-real/hello-real.bin',
  'hello-protected/hello-protected.elf',
  'hello-long/hello-long.bin',
  'faults/faults.bin',
  'smc/smc.bin',
  'promise/promise.bin',
  'vmexit/vmexit.bin',
  'clocks/clocks.bin',
  'bench/mix.bin',
  'bench/strings.bin',
  'bench/bytecode.bin',
] as const;

export interface GuestOptions {
  /** Looks at every machine before it is used; `second` is true of those that run an image in slices. */
  readonly prepare?: (box: GuestBox, second: boolean) => void;
}

class Boxes {
  readonly #made = new Map<PagingMode, readonly [GuestBox, GuestBox]>();
  readonly #cores: readonly [Uint8Array, Uint8Array];
  readonly #coverage: Coverage;
  readonly #counter: number;

  constructor(coverage: Coverage, core: Uint8Array) {
    const { bytes, counter } = instrument(core);
    this.#cores = [bytes, core];
    this.#coverage = coverage;
    this.#counter = counter;
  }

  async make(prepare: GuestOptions['prepare']): Promise<void> {
    for (const paging of PAGING) {
      const [first, second] = await Promise.all(this.#cores.map((core) => GuestBox.create(paging, core)));
      this.#made.set(paging, [first!, second!]);
      prepare?.(first!, false);
      prepare?.(second!, true);
      const { linear } = first!.pc.vm;
      this.#coverage.watch(() => linear.u32[this.#counter >>> 2]!);
    }
  }

  of(input: Uint8Array): readonly [GuestBox, GuestBox] {
    return this.#made.get(PAGING[(input[0] ?? 0) % PAGING.length]!)!;
  }

  close(): void {
    for (const boxes of this.#made.values()) for (const box of boxes) box.close();
  }
}

/** An input out of an image. */
function withHead(random: Random, image: Uint8Array): Uint8Array {
  const input = new Uint8Array(HEAD + image.length);
  random.fill(input, 0, HEAD);
  input.set(image, HEAD);
  return input;
}

const imageOf = (input: Uint8Array): Uint8Array => input.subarray(HEAD);

/** Sizes of slices: of a few instructions, or of many. */
function slices(input: Uint8Array): () => number {
  const random = new Random((input[1] ?? 0) | ((input[2] ?? 0) << 8) | ((input[3] ?? 0) << 16));
  const most = 1 << random.below(14);
  return () => 1 + random.below(most);
}

export async function guestTarget({ prepare }: GuestOptions = {}): Promise<Target> {
  const coverage = new Coverage();
  const boxes = new Boxes(coverage, await loadCoreBytes());
  await boxes.make(prepare);
  const seeds = await Promise.all(
    SEEDS.map(async (name, index) => {
      const image = await readFile(new URL(name, GUESTS));
      const input = new Uint8Array(HEAD + image.length);
      input.set([index, 7, index]);
      input.set(image, HEAD);
      return input;
    }),
  );
  const ends = new Map<string, number>();
  const check = (input: Uint8Array): Finding | undefined => {
    const image = imageOf(input);
    const [one, other] = boxes.of(input);
    const first = one.run(image, BUDGET, () => BUDGET);
    const end = first.end.replace(/0x[0-9a-f]+|\d+/g, 'n');
    let number = ends.get(end);
    if (number === undefined) ends.set(end, (number = ends.size + 1));
    coverage.feature(number);
    for (const exit of first.exits) coverage.feature(0x1_0000, kindOf(exit));
    if (first.wrong !== undefined) return { kind: first.wrong.replace(/\d+/g, 'n'), summary: first.wrong };
    const second = other.run(image, BUDGET, slices(input));
    if (second.wrong !== undefined) return { kind: second.wrong.replace(/\d+/g, 'n'), summary: second.wrong };
    let wrong = differenceOf(first, second);
    if (wrong === undefined && Buffer.compare(one.ram(), other.ram()) !== 0) wrong = 'RAM differs';
    if (wrong === undefined) return undefined;
    const kind = `twice: ${wrong.replace(/\b[0-9a-f]*\d[0-9a-f]*\b/g, 'n')}`;
    return { kind, summary: `two runs differ: ${wrong}` };
  };

  return {
    name: 'guest',
    coverage,
    batch: 1,
    seeds: () => seeds,
    fresh: (random) => {
      if (random.oneIn(4)) return withHead(random, chipsetGuest(random));
      // real-mode code out of instructions
      const input = new Uint8Array(HEAD + 32 * 4 + random.below(512));
      random.fill(input, 0, HEAD);
      for (let at = HEAD; at < input.length; at += 4) putInstruction(random, input, at, 16);
      return input;
    },
    mutate: (random, input, other) => {
      const bytes = input.slice();
      if (random.oneIn(3)) random.fill(bytes, 0, HEAD);
      if (random.oneIn(3))
        return mutateBytes(random, bytes, other, { longest: LONGEST, from: HEAD, fixed: random.oneIn(2) });
      for (let count = 1 << random.below(4); count > 0; count--) {
        const at = HEAD + random.below(Math.max(1, bytes.length - HEAD));
        putInstruction(random, bytes, at, random.pick([16, 32, 64, 64]));
      }
      return bytes;
    },
    run: oneByOne(coverage, check),
    explain: async (input): Promise<Explanation> => {
      const finding = check(input);
      const [box] = boxes.of(input);
      const story = box.run(imageOf(input), BUDGET, () => BUDGET);
      const lines = [
        `an image of ${input.length - HEAD} bytes, paging ${PAGING[input[0]! % PAGING.length]}, ${story.retired} of ${BUDGET} instructions run`,
        `ended: ${story.end}`,
        `difference: ${finding?.summary ?? 'none'}`,
        '',
        await box.describe('the machine at the end'),
        '',
        'the last exits to the user:',
        ...story.exits.slice(-10),
      ];
      return { text: lines.join('\n'), image: imageOf(input).slice() };
    },
    close: () => boxes.close(),
  };
}

/** Overwrites what stands there with an instruction of some form. */
function putInstruction(random: Random, bytes: Uint8Array, at: number, bits: 16 | 32 | 64): void {
  const code = new Uint8Array(LONGEST_INSTRUCTION + 1);
  writeForm(random, random.pick(formsOf(bits)), bits, code);
  bytes.set(code.subarray(0, Math.min(2 + random.below(10), bytes.length - at)), at);
}

/** Exits of one kind: direction, address without its low bits, size. */
function kindOf(exit: string): number {
  const [what = '', where = '0', size = '0'] = exit.split(' ');
  return (what.charCodeAt(0) << 24) ^ (Math.trunc(Number(where) / 4096) << 4) ^ Number(size);
}
