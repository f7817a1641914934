// The target `decode`: the core's decoder against iced-x86 on length, validity and operands. An input is one byte for the
// code size and up to 15 bytes of code.

import { Decoder, Instruction } from 'iced-x86';
import { Coverage } from '../coverage.js';
import { disassemble, hexOf } from '../disassembly.js';
import { formsOf, LONGEST_INSTRUCTION, writeForm } from '../forms.js';
import { mutateBytes } from '../mutate.js';
import type { Random } from '../random.js';
import { RawCore } from '../raw-core.js';
import type { Explanation, Finding, Outcome, Target } from '../target.js';
import { CASE_SIZE, randomCase } from './cases.js';
import { comparison } from './compare.js';
import { DECODER_OPTIONS } from './differences.js';

const BITS = [16, 32, 64] as const;
/** Where the instruction stands: relative branches wrap neither way. */
const ADDRESS = 0x1000n;
const INPUT = 1 + LONGEST_INSTRUCTION;

const NOP = 0x90;
const BATCH = 1024;
/** Bytes of linear memory that it needs behind RawCore.free. */
export const DECODE_ROOM = BATCH * CASE_SIZE;
const FRESH: Outcome = { fresh: true };
const STALE: Outcome = { fresh: false };

/** Findings that differ in a number only are one. */
function findingOf(size: number, wrong: string): Finding {
  return { kind: `${BITS[size]}-bit ${wrong.replace(/-?\d{2,}/g, 'n')}`, summary: `${BITS[size]}-bit: ${wrong}` };
}

export interface DecodeOptions {
  /** Another core than one of the built module's. */
  readonly core?: RawCore;
}

export async function decodeTarget(options: DecodeOptions = {}): Promise<Target> {
  const core = options.core ?? (await RawCore.load(DECODE_ROOM));
  const coverage = new Coverage();
  coverage.watch(core.places);
  const raw = core.decoder();
  const compare = comparison(raw);
  const instruction = new Instruction();
  let codes = new Uint8Array(0);

  /** Iced's decoder copies its bytes, so it is made anew for every batch. */
  const run = (inputs: readonly Uint8Array[]): Outcome[] => {
    codes = new Uint8Array(inputs.length * CASE_SIZE).fill(NOP);
    for (const [index, input] of inputs.entries()) codes.set(input.subarray(1, INPUT), index * CASE_SIZE);
    raw.bytes.set(codes, raw.scratch);
    const decoders = BITS.map((bits) => new Decoder(bits, codes, DECODER_OPTIONS));
    let before = coverage.total;
    const outcomes = inputs.map((input, index): Outcome => {
      const size = (input[0] ?? 0) % 3;
      const decoder = decoders[size]!;
      decoder.position = index * CASE_SIZE;
      decoder.ip = ADDRESS;
      decoder.decodeOut(instruction);
      const result = raw.decode(raw.scratch + index * CASE_SIZE, LONGEST_INSTRUCTION, size);
      coverage.feature(instruction.code, size);
      const wrong = compare(result, instruction, size);
      const after = coverage.total;
      const fresh = after !== before;
      before = after;
      return wrong === '' ? (fresh ? FRESH : STALE) : { finding: findingOf(size, wrong), fresh };
    });
    for (const decoder of decoders) decoder.free();
    return outcomes;
  };

  return {
    name: 'decode',
    coverage,
    batch: BATCH,
    seeds: () => [],
    fresh: (random: Random) => {
      const input = new Uint8Array(1 + CASE_SIZE);
      const size = random.below(3);
      if (random.oneIn(3)) randomCase(random, input.subarray(1));
      else writeForm(random, random.pick(formsOf(BITS[size]!)), BITS[size]!, input.subarray(1));
      input[0] = size;
      return input.subarray(0, INPUT);
    },
    mutate: (random, input, other) => mutateBytes(random, input, other, { longest: INPUT }),
    run,
    explain: async (input): Promise<Explanation> => {
      const size = (input[0] ?? 0) % 3;
      const finding = run([input])[0]?.finding;
      const code = codes.subarray(0, LONGEST_INSTRUCTION);
      const length = raw.decode(raw.scratch, LONGEST_INSTRUCTION, size);
      const { loadInspector } = await import('../../core/inspect.js');
      const ours = (await loadInspector()).listing(code, ADDRESS, BITS[size]!, 1);
      const iced = disassemble(code, BITS[size]!, ADDRESS, 1);
      const lines = [`${BITS[size]}-bit code ${hexOf(code)} at ${ADDRESS}`, `iced-x86  ${iced}`, `Doorbell  ${ours}`];
      if (length <= 0) lines.push(`Doorbell's decoder returns ${length}`);
      if (finding !== undefined) lines.push(`difference: ${finding.summary}`);
      return { text: lines.join('\n') };
    },
    close: () => instruction.free(),
  };
}
