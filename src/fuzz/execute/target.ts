// The target `execute`: single instructions on the core, against this machine's own processor.

import { Decoder, DecoderOptions, Instruction, Mnemonic } from 'iced-x86';
import { loadCoreBytes } from '../../core/module.js';
import { Coverage } from '../coverage.js';
import { comparison } from '../decode/compare.js';
import type { Random } from '../random.js';
import type { Explanation, Finding, Outcome, Target } from '../target.js';
import { admission } from './admission.js';
import { bootImage } from './boot-image.js';
import { differences, type Difference } from './compare.js';
import { explainCase } from './explain.js';
import { freshCase, mutateCase, simplerCases } from './generate.js';
import {
  Case,
  CODE_BASE,
  CODE_BYTES,
  DATA_SIZE,
  Flag,
  FPU_SIZE,
  INT3,
  normalised,
  Result,
  RESULT_SIZE,
} from './layout.js';
import { Native, NativeFailure, resultSize } from './native.js';
import { Stepper } from './stepper.js';
import { undefinedOf } from './undefined.js';

const BATCH = 256;
/** Cases that are sent to the runner at once: it works on them while the core works on the next. */
const PART = 64;
const STRIDE = 16;
const ZF = 0x40;
const ROOM = RESULT_SIZE + FPU_SIZE;
const FRESH: Outcome = { fresh: true };
const STALE: Outcome = { fresh: false };

export interface ExecuteOptions {
  /** Another core than one of the built module's. */
  readonly stepper?: Stepper;
  /** Without the native processor: only the core runs, and nothing is compared. To measure it. */
  readonly coreOnly?: boolean;
  readonly instrumented?: boolean;
}

/** An input on its way. */
interface Running {
  /** The normalised case; undefined if its instruction is not one that is run. */
  bytes: Uint8Array | undefined;
  branches: boolean;
  /** The core has run it, and the processor is to. */
  sent: boolean;
  fresh: boolean;
}

/** Throws TargetUnavailable where there is no such processor. */
export async function executeTarget(
  options: ExecuteOptions = {},
): Promise<Target & { coreOnly(inputs: readonly Uint8Array[]): number }> {
  const stepper = options.stepper ?? new Stepper(await loadCoreBytes(), options.instrumented ?? true);
  const native = options.coreOnly === true ? undefined : await Native.start();
  return new ExecuteTarget(stepper, native);
}

class ExecuteTarget implements Target {
  readonly name = 'execute';
  readonly batch = BATCH;
  readonly coverage = new Coverage();
  readonly #stepper: Stepper;
  #native: Native | undefined;
  readonly #instruction = new Instruction();
  readonly #results = new Uint8Array(BATCH * ROOM);
  readonly #compareDecoding: ReturnType<typeof comparison>;
  readonly #decode: (bytes: Uint8Array, mode32: boolean) => number;
  readonly #codes = new Uint8Array(BATCH * STRIDE);
  #refused = 0;
  #notCases = 0;
  #compared = 0;
  #notImplemented = 0;
  #decodedOtherwise = 0;

  constructor(stepper: Stepper, native: Native | undefined) {
    this.#stepper = stepper;
    this.#native = native;
    this.coverage.watch(stepper.core.places);
    const raw = stepper.core.decoder(stepper.core.free + 0x1f_f000);
    this.#compareDecoding = comparison(raw);
    this.#decode = (bytes, mode32) => {
      raw.bytes.fill(INT3, raw.scratch, raw.scratch + STRIDE);
      raw.bytes.set(bytes, raw.scratch);
      return raw.decode(raw.scratch, CODE_BYTES, mode32 ? 1 : 2);
    };
  }

  seeds(): readonly Uint8Array[] {
    return [];
  }
  fresh(random: Random): Uint8Array {
    return freshCase(random);
  }
  mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
    return mutateCase(random, input, other);
  }
  simpler(input: Uint8Array): Iterable<Uint8Array> {
    return simplerCases(input);
  }

  notes(): string[] {
    return [
      `${this.#compared} instructions compared with the processor; ${this.#refused} not of the kinds that are run, ` +
        `${this.#notImplemented} not implemented, ${this.#decodedOtherwise} decoded otherwise (see 'decode'), ${this.#notCases} others left out`,
    ];
  }

  /** Decodes the inputs, and makes cases of those whose instruction is run. */
  #prepare(inputs: readonly Uint8Array[]): Running[] {
    const codes = this.#codes;
    codes.fill(INT3);
    for (const [index, input] of inputs.entries())
      codes.set(input.subarray(Case.code, Case.code + CODE_BYTES), index * STRIDE);
    const decoders = [
      new Decoder(64, codes, DecoderOptions.None),
      new Decoder(32, codes, DecoderOptions.None),
    ] as const;
    const running = inputs.map((input, index): Running => {
      const mode32 = ((input[Case.flags] ?? 0) & Flag.mode32) !== 0;
      const decoder = decoders[mode32 ? 1 : 0];
      decoder.position = index * STRIDE;
      decoder.ip = BigInt(CODE_BASE);
      decoder.decodeOut(this.#instruction);
      const { admitted, branches, fpu } = admission(this.#instruction);
      const { length } = this.#instruction;
      if (!admitted || length > CODE_BYTES || this.#makesDiffer(input, mode32, branches)) {
        this.#refused++;
        return { bytes: undefined, branches, sent: false, fresh: false };
      }
      this.coverage.feature(this.#instruction.code, Number(mode32));
      const bytes = normalised(input, fpu);
      bytes[Case.length] = length;
      bytes.fill(0, Case.code + length, Case.code + CODE_BYTES);
      return { bytes, branches, sent: false, fresh: false };
    });
    for (const decoder of decoders) decoder.free();
    return running;
  }

  /**
   * Encodings that Intel's and AMD's processors take for different instructions: a 66 prefix on near branches in 64-bit
   * code, on MOVSXD, on BSWAP; 0F 0D with a register; VEX.W for a doubleword in 32-bit code. And F2 or F3 before LOOPcc, which by both manuals means nothing, but
   * on AMD's Zen chooses the condition as it does before CMPS.
   */
  #makesDiffer(input: Uint8Array, mode32: boolean, branches: boolean): boolean {
    const { mnemonic, length } = this.#instruction;
    const code = input.subarray(Case.code, Case.code + length);
    const loop = mnemonic === Mnemonic.Loope || mnemonic === Mnemonic.Loopne;
    if (loop && (code.includes(0xf2) || code.includes(0xf3))) return true;
    if (mnemonic === Mnemonic.Reservednop) return code.includes(0x0d);
    if (mode32 && (mnemonic === Mnemonic.Vpinsrd || mnemonic === Mnemonic.Vpextrd)) return true;
    const differs = branches ? !mode32 : mnemonic === Mnemonic.Movsxd || mnemonic === Mnemonic.Bswap;
    return differs && code.includes(0x66);
  }

  /** Runs one part on the core, and gives what is left to be run natively. */
  #runCore(running: Running[], from: number, to: number): Uint8Array[] {
    const cases: Uint8Array[] = [];
    const { coverage } = this;
    let before = coverage.total;
    for (let index = from; index < to; index++) {
      const one = running[index]!;
      if (one.bytes === undefined) continue;
      const out = this.#results.subarray(index * ROOM, (index + 1) * ROOM);
      one.sent = this.#stepper.run(one.bytes, out, one.branches);
      const vector = out[Result.vector]!;
      if (vector !== 3) coverage.feature(vector, 0x1_0000);
      const after = coverage.total;
      one.fresh = after !== before;
      before = after;
      if (one.sent) cases.push(one.bytes);
      else this.#notCases++;
    }
    return cases;
  }

  /** The core alone: how many cases it has run. */
  coreOnly(inputs: readonly Uint8Array[]): number {
    const running = this.#prepare(inputs);
    this.#runCore(running, 0, running.length);
    return running.filter(({ bytes }) => bytes !== undefined).length;
  }

  async run(inputs: readonly Uint8Array[]): Promise<readonly Outcome[]> {
    const native = this.#native;
    const running = this.#prepare(inputs);
    const answers: Promise<Uint8Array | NativeFailure>[] = [];
    for (let from = 0; from < running.length; from += PART) {
      const cases = this.#runCore(running, from, Math.min(from + PART, running.length));
      answers.push(
        cases.length === 0 || native === undefined
          ? Promise.resolve(new Uint8Array())
          : native.run(cases).catch((error: NativeFailure) => error),
      );
    }
    const outcomes: Outcome[] = [];
    for (const [part, answer] of answers.entries()) {
      const bytes = await answer;
      const slice = running.slice(part * PART, (part + 1) * PART);
      if (bytes instanceof NativeFailure) {
        outcomes.push(...(await this.#findCulprit(slice, part * PART, bytes)));
        continue;
      }
      let at = 0;
      for (const [offset, one] of slice.entries()) {
        let finding: Finding | undefined;
        if (one.sent && native !== undefined) {
          const size = resultSize(one.bytes!);
          finding = this.#judge(one, part * PART + offset, bytes.subarray(at, at + size));
          at += size;
        }
        outcomes.push(finding === undefined ? (one.fresh ? FRESH : STALE) : { finding, fresh: one.fresh });
      }
    }
    return outcomes;
  }

  /** The runner died: its cases one by one, each on a new runner if need be. */
  async #findCulprit(slice: readonly Running[], from: number, failure: NativeFailure): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    this.#native = await Native.start();
    for (const [offset, one] of slice.entries()) {
      let finding: Finding | undefined;
      if (one.sent) {
        try {
          finding = this.#judge(one, from + offset, await this.#native.run([one.bytes!]));
        } catch (error) {
          if (!(error instanceof NativeFailure)) throw error;
          finding = {
            kind: `the native runner: ${this.#nameOf(one.bytes!)}`,
            summary: `the native runner: ${failure.message}`,
          };
          await this.#native.close();
          this.#native = await Native.start();
        }
      }
      outcomes.push({ finding, fresh: one.fresh });
    }
    return outcomes;
  }

  #iced(bytes: Uint8Array): Instruction {
    const mode32 = (bytes[Case.flags]! & Flag.mode32) !== 0;
    const code = new Uint8Array(STRIDE).fill(INT3);
    code.set(bytes.subarray(Case.code, Case.code + bytes[Case.length]!));
    const decoder = new Decoder(mode32 ? 32 : 64, code, DecoderOptions.None);
    decoder.ip = BigInt(CODE_BASE + new DataView(bytes.buffer, bytes.byteOffset).getUint16(Case.place, true));
    decoder.decodeOut(this.#instruction);
    decoder.free();
    return this.#instruction;
  }

  #nameOf(bytes: Uint8Array): string {
    return Mnemonic[this.#iced(bytes).mnemonic] ?? '?';
  }

  #judge({ bytes }: Running, index: number, theirs: Uint8Array): Finding | undefined {
    this.#compared++;
    const ours = this.#results.subarray(index * ROOM, index * ROOM + theirs.length);
    const found = differences(bytes!, ours, theirs, undefined);
    if (found.length === 0) return undefined;
    const rest = this.#afterRules(bytes!, ours, theirs);
    if (rest.length === 0) return undefined;
    const way = (new DataView(bytes!.buffer, bytes!.byteOffset).getUint32(Case.flags, true) >>> Flag.wayShift) & 3;
    const mode = bytes![Case.flags]! & Flag.mode32 ? '32-bit ' : '';
    const what = `${mode}${this.#nameOf(bytes!)}`;
    return {
      kind: `${what}: ${rest.map(({ field }) => field).join(', ')}`,
      summary: `${what}${way === 1 ? ' in a block' : way === 2 ? ' emulated' : ''}: ${rest.map(({ text }) => text).join('; ')}`,
    };
  }

  /** Differences that nothing excuses. */
  #afterRules(bytes: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Difference[] {
    const mode32 = (bytes[Case.flags]! & Flag.mode32) !== 0;
    const instruction = this.#iced(bytes);
    const length = bytes[Case.length]!;
    const decoded = this.#decode(bytes.subarray(Case.code, Case.code + length), mode32);
    const { core } = this.#stepper;
    const vector = ours[Result.vector]!;
    if (
      vector === 6 &&
      decoded > 0 &&
      this.#unimplemented(core.view.getUint16(core.state + core.constant('INSN'), true))
    ) {
      this.#notImplemented++;
      return [];
    }
    // the decoders' own affair
    if (this.#compareDecoding(decoded, instruction, mode32 ? 1 : 2) !== '' || decoded !== length) {
      this.#decodedOtherwise++;
      return [];
    }
    const view = new DataView(theirs.buffer, theirs.byteOffset, theirs.byteLength);
    const zero = (view.getUint32(Result.rflags, true) & ZF) !== 0;
    const what = undefinedOf(instruction, bytes, { vector: view.getUint32(Result.vector, true), ours: vector, zero });
    return what.excused ? [] : differences(bytes, ours, theirs, what);
  }

  /** Whether the core counts this operation as missing. */
  #unimplemented(operation: number): boolean {
    const { core } = this.#stepper;
    const at = core.exports.arenaAddress!(0) + core.constant('ARENA_UNIMPLEMENTED') + operation * 4;
    return core.view.getUint32(at, true) > 0;
  }

  async explain(input: Uint8Array): Promise<Explanation> {
    const [one] = this.#prepare([input]);
    if (one?.bytes === undefined) return { text: 'the instruction is not one that this target runs' };
    const ours = new Uint8Array(ROOM);
    this.#stepper.run(one.bytes, ours, one.branches, true);
    const ourData = this.#stepper.data.slice();
    const size = resultSize(one.bytes);
    const asked = one.bytes.slice();
    asked[Case.flags]! |= Flag.whole;
    let theirs: Uint8Array | undefined;
    try {
      theirs = await this.#native?.run([asked]);
    } catch {
      this.#native = await Native.start();
    }
    const native =
      theirs === undefined
        ? undefined
        : { result: theirs.subarray(0, size), data: theirs.subarray(size, size + DATA_SIZE) };
    const { text } = explainCase(one.bytes, { result: ours.subarray(0, size), data: ourData }, native);
    return { text, image: await bootImage(one.bytes) };
  }

  async close(): Promise<void> {
    this.#instruction.free();
    await this.#native?.close();
  }
}
