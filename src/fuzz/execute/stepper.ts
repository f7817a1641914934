// Runs one instruction on the core, in user mode, with every register and the memory under control: the core's half of
// the target `execute`. There is no operating system and no handler. The page of the IDT is missing from the nested
// tables, so that an exception leaves the guest while it is being delivered, and nothing has to be undone.

import { Buffer } from 'node:buffer';
import { cpus } from 'node:os';
import { RawCore } from '../raw-core.js';
import {
  baseData,
  Case,
  CODE_BASE,
  CODE_SIZE,
  DATA_BASE,
  DATA_SIZE,
  Flag,
  FPU_SIZE,
  hashData,
  initialFpu,
  INT3,
  PATCH_SIZE,
  Result,
  RESULT_SIZE,
  WAYS,
} from './layout.js';

const LARGE = 0x20_0000;
/** Guest-physical layout, two megabytes in all; the IDT lies behind them, where nothing is. */
const PML4 = 0x1000;
const TSS = 0xa000;
const CODE = 0x10_0000;
const DATA = 0x10_4000;
const SYSTEM_BASE = 0x5e3a_d7c4_0000;
const IDT_PAGE = LARGE;

const EPT_VIOLATION = 48;
const LEAVE = 2;
const BLOCK_BUDGET = 200;
/** The emulator does a few elements of a REP string instruction at a time; one over all of the data pages has 8,192. */
const MOST_RUNS = 0x2008;
const EMULATED_EXCEPTION = 2;
const VECTOR_VALID = 0x8000_0000;
const SEG_CS = 1;
const SEG_FS = 4;
const SEG_GS = 5;
const NO_EXECUTE = 1n << 63n;
const AC = 1 << 18;

/** Features that a processor may have or not and that only the kernel sees. */
const SYSTEM_FEATURES = ['FEATURE_LA57', 'FEATURE_SMEP', 'FEATURE_SMAP', 'FEATURE_PCID'];

/** Bytes of linear memory that a stepper needs behind RawCore.free. */
const ROOM = 2 * LARGE;

type Word =
  | 'rip'
  | 'cr2'
  | 'fsBase'
  | 'gsBase'
  | 'inject'
  | 'request'
  | 'interruptibility'
  | 'activity'
  | 'vectoring'
  | 'vectoringError'
  | 'selectors';

export class Stepper {
  readonly core: RawCore;
  readonly #ram: number;
  readonly #data: Buffer;
  readonly #dataWords: Uint32Array;
  readonly #base = baseData();
  /** The data pages as the case begins: the base with its patch. */
  readonly #before = Buffer.from(baseData());
  readonly #gpr: number;
  readonly #fxsave: number;
  /** Fields of the state page, as indexes of words. */
  readonly #words: Readonly<Record<Word, number>>;
  readonly #initialFpu = initialFpu();
  #mode32: boolean | undefined;
  #fpuUsed = true;
  #left = false;

  /** `core` is a build of the core. */
  constructor(core: Uint8Array, instrumented = true) {
    this.core = new RawCore(core, ROOM, (reason) => this.#exit(reason), instrumented);
    this.#ram = this.core.free;
    this.#data = Buffer.from(this.core.memory.buffer, this.#ram + DATA, DATA_SIZE);
    this.#dataWords = new Uint32Array(this.core.memory.buffer, this.#ram + DATA, DATA_SIZE / 4);
    const at = (name: string): number => this.core.state + this.core.constant(name);
    this.#gpr = at('GPR');
    this.#fxsave = at('FXSAVE');
    const segment = (index: number): number => at('SEGMENTS') + index * this.core.constant('SEGMENT_SIZE');
    this.#words = {
      rip: at('RIP') >>> 2,
      cr2: at('CR2') >>> 2,
      fsBase: segment(SEG_FS) >>> 2,
      gsBase: segment(SEG_GS) >>> 2,
      inject: at('INJECT_INFO') >>> 2,
      request: at('REQUEST') >>> 2,
      interruptibility: at('INTERRUPTIBILITY') >>> 2,
      activity: at('ACTIVITY') >>> 2,
      vectoring: at('EXIT_VECTORING') >>> 2,
      vectoringError: at('EXIT_VECTORING_ERROR') >>> 2,
      selectors: at('FCS') >>> 2,
    };
    this.#buildGuest();
    this.core.bytes.fill(INT3, this.#ram + CODE, this.#ram + CODE + CODE_SIZE);
    this.core.bytes.set(this.#base, this.#ram + DATA);
  }

  /** The data pages as the last run() left them. Valid until the next one, and only if it was told to keep them. */
  get data(): Uint8Array {
    return this.#data;
  }

  #exit(reason: number): number {
    this.#left = true;
    // the event whose delivery is interrupted; the core forgets it when this returns
    this.#event = this.core.words[this.#words.vectoring]!;
    this.#error = this.core.words[this.#words.vectoringError]!;
    if (reason !== EPT_VIOLATION) this.#strange = reason;
    return LEAVE;
  }
  #strange = 0;
  #event = 0;
  #error = 0;

  /** Map one page; tables are taken from 0x2000 up. */
  #nextTable = PML4 + 0x1000;
  #map(linear: bigint, gpa: number, flags: bigint): void {
    const { view } = this.core;
    let table = PML4;
    for (let level = 3; level > 0; level--) {
      const at = this.#ram + table + Number((linear >> BigInt(12 + 9 * level)) & 511n) * 8;
      let entry = view.getBigUint64(at, true);
      if ((entry & 1n) === 0n) {
        entry = BigInt(this.#nextTable) | 7n;
        this.#nextTable += 0x1000;
        view.setBigUint64(at, entry, true);
      }
      table = Number(entry & 0xffff_f000n);
    }
    view.setBigUint64(this.#ram + table + Number((linear >> 12n) & 511n) * 8, BigInt(gpa) | flags, true);
  }

  #buildGuest(): void {
    const { core } = this;
    const ept = this.#ram + LARGE;
    const poke = (address: number, value: bigint): void => core.view.setBigUint64(address, value, true);
    poke(ept, BigInt(ept + 0x1000) | 7n);
    poke(ept + 0x1000, BigInt(ept + 0x2000) | 7n);
    poke(ept + 0x2000, BigInt(this.#ram) | 0xb7n);
    for (let at = 0; at < CODE_SIZE; at += 4096) this.#map(BigInt(CODE_BASE + at), CODE + at, 5n);
    for (let at = 0; at < DATA_SIZE; at += 4096) this.#map(BigInt(DATA_BASE + at), DATA + at, 7n | NO_EXECUTE);
    this.#map(BigInt(SYSTEM_BASE), TSS, 3n);
    this.#map(BigInt(SYSTEM_BASE + 0x1000), IDT_PAGE, 3n);
    core.set64('NESTED', 1n);
    core.set64('NESTED_ROOT', BigInt(ept));
    core.set64('PHYSICAL_BITS', 40n);
    core.set64('FEATURES', this.#features());
    core.set64('CR0', 0x8005_0033n); // PG AM WP NE ET MP PE, as Linux has it
    core.set64('CR3', BigInt(PML4));
    core.set64('CR4', 0x5_0620n); // OSXSAVE FSGSBASE OSXMMEXCPT OSFXSR PAE
    core.set64('XCR0', 7n);
    core.set64('EFER', 0xd01n); // NXE LMA LME SCE
    core.set64('IDTR_BASE', BigInt(SYSTEM_BASE + 0x1000));
    core.set64('IDTR_LIMIT', 0xfffn);
    this.#segment(7, 0x40, 0x67, 0x8b);
    core.set64('SEGMENTS', BigInt(SYSTEM_BASE), (7 * core.constant('SEGMENT_SIZE')) / 8);
  }

  /** All that user code may use, and Intel's ways only on Intel's processors. */
  #features(): bigint {
    let features = 0n;
    const { exports } = this.core;
    for (const name of Object.keys(exports)) {
      const global: unknown = exports[name];
      if (!name.startsWith('FEATURE_') || SYSTEM_FEATURES.includes(name) || !(global instanceof WebAssembly.Global))
        continue;
      if (name === 'FEATURE_INTEL' && !/intel/i.test(cpus()[0]?.model ?? '')) continue;
      features |= BigInt.asUintN(64, BigInt(global.value as number | bigint));
    }
    return features;
  }

  #segment(index: number, selector: number, limit: number, attributes: number): void {
    const { core } = this;
    const at = core.state + core.constant('SEGMENTS') + index * core.constant('SEGMENT_SIZE');
    core.view.setBigUint64(at, 0n, true);
    core.view.setUint32(at + 8, limit, true);
    core.view.setUint32(at + 12, attributes, true);
    core.view.setUint16(at + 16, selector, true);
  }

  #setMode(mode32: boolean): void {
    for (let index = 0; index < 6; index++) {
      if (index === SEG_CS) this.#segment(index, mode32 ? 0x23 : 0x33, 0xffff_ffff, mode32 ? 0xc0fb : 0xa0fb);
      else this.#segment(index, 0x2b, 0xffff_ffff, 0xc0f3);
    }
    this.core.exports.stateChanged!();
    this.#mode32 = mode32;
  }

  /**
   * Runs a case and writes its result to `out` (RESULT_SIZE bytes, and FPU_SIZE more if the case has FPU registers).
   * `branches`: the instruction may go elsewhere; the run then goes on to the INT3 or the fault there. False if the case
   * is none: the core asks for an exit, or a branch leads into the instruction itself.
   */
  run(bytes: Uint8Array, out: Uint8Array, branches: boolean, keepData = false): boolean {
    const { exports, bytes: memory, words } = this.core;
    const input = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const result = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const flags = input.getUint32(Case.flags, true);
    const mode32 = (flags & Flag.mode32) !== 0;
    if (mode32 !== this.#mode32) this.#setMode(mode32);
    const place = input.getUint16(Case.place, true);
    const length = bytes[Case.length]!;
    const code = this.#ram + CODE + place;
    for (let at = 0; at < length; at++) memory[code + at] = bytes[Case.code + at]!;
    // alone, an instruction is decoded each time; a block is kept
    if (this.#kept) exports.invalidateCode!(this.#ram + CODE, CODE_SIZE);
    const way = WAYS[(flags >>> Flag.wayShift) & 3]!;
    this.#kept = branches || way === 'block';
    const patchPlace = input.getUint16(Case.patchPlace, true);
    this.#patch(input, patchPlace);
    // word by word: so few bytes are copied faster than a view of them is made
    const gpr = this.#gpr >>> 2;
    for (let n = 0; n < 32; n++) words[gpr + n] = input.getUint32(Case.registers + n * 4, true);
    const { fsBase, gsBase } = this.#words;
    for (let n = 0; n < 2; n++) {
      words[fsBase + n] = input.getUint32(Case.fsBase + n * 4, true);
      words[gsBase + n] = input.getUint32(Case.gsBase + n * 4, true);
    }
    exports.setRflags!(input.getUint32(Case.rflags, true));
    const start = CODE_BASE + place;
    const { rip, cr2, selectors } = this.#words;
    words[rip] = start;
    words[rip + 1] = 0;
    this.#event = 0;
    const fpu = (flags & Flag.fpu) !== 0;
    if (fpu || this.#fpuUsed) {
      memory.set(fpu ? bytes.subarray(Case.fpu, Case.fpu + FPU_SIZE) : this.#initialFpu, this.#fxsave);
      exports.loadFpu!();
      words[selectors] = 0; // FCS and FDS, which this form of the image does not have
    }
    this.#fpuUsed = fpu;
    this.#left = false;
    this.#strange = 0;

    const understood = this.#execute(way, start, branches ? length : 0);

    const event = this.#event;
    const faulted = this.#left && event >= VECTOR_VALID;
    const vector = faulted ? event & 0xff : 3;
    for (let n = 0; n < 32; n++) result.setUint32(Result.registers + n * 4, words[gpr + n]!, true);
    const rflags = exports.getRflags!() >>> 0;
    result.setUint32(Result.rflags, rflags, true);
    result.setUint32(Result.rflags + 4, 0, true);
    for (let n = 0; n < 2; n++) {
      result.setUint32(Result.rip + n * 4, words[rip + n]!, true);
      result.setUint32(Result.fsBase + n * 4, words[fsBase + n]!, true);
      result.setUint32(Result.gsBase + n * 4, words[gsBase + n]!, true);
      result.setUint32(Result.cr2 + n * 4, vector === 14 ? words[cr2 + n]! : 0, true);
    }
    result.setUint32(Result.vector, vector, true);
    result.setUint32(Result.error, faulted ? this.#error : 0, true);
    if (fpu) {
      exports.saveFpu!();
      out.set(memory.subarray(this.#fxsave, this.#fxsave + FPU_SIZE), RESULT_SIZE);
    }
    const changed = Buffer.compare(this.#data, this.#before) !== 0;
    result.setUint32(Result.memory, changed ? hashData(this.#dataWords) : 0, true);

    // as it was
    const { inject, request, interruptibility, activity } = this.#words;
    words[inject] = 0;
    words[request] = 0;
    words[interruptibility] = 0;
    words[activity] = 0;
    if ((rflags & AC) !== 0) {
      exports.setRflags!(2);
      exports.stateChanged!();
    }
    this.#keep = keepData;
    if (changed && !keepData) this.#data.set(this.#base);
    this.#unpatch(patchPlace);
    for (let at = 0; at < length; at++) memory[code + at] = INT3;
    return understood && this.#strange === 0 && (faulted || !this.#left);
  }
  #keep = false;
  /** A block of the code pages may be in the core's caches. */
  #kept = true;

  #patch(input: DataView, place: number): void {
    if (this.#keep) this.#data.set(this.#base);
    const data = this.#ram + DATA;
    const { bytes } = this.core;
    const before = this.#before;
    for (let at = 0; at < PATCH_SIZE; at++) {
      const to = (place + at) & (DATA_SIZE - 1);
      before[to] = bytes[data + to] = input.getUint8(Case.patch + at);
    }
  }
  /** The base without the patch again. */
  #unpatch(place: number): void {
    const data = this.#ram + DATA;
    const { bytes } = this.core;
    const base = this.#base;
    for (let at = 0; at < PATCH_SIZE; at++) {
      const to = (place + at) & (DATA_SIZE - 1);
      this.#before[to] = base[to]!;
      if (!this.#keep) bytes[data + to] = base[to]!;
    }
  }

  #execute(way: (typeof WAYS)[number], start: number, branchLength: number): boolean {
    const { exports, words } = this.core;
    const { rip } = this.#words;
    if (branchLength > 0) {
      exports.run!(1);
      if (this.#left) return true;
      const low = words[rip]!;
      const inside = words[rip + 1] === 0 && low >= start && low < start + branchLength;
      if (inside) return false;
      exports.run!(BLOCK_BUDGET);
      return this.#left;
    }
    for (let runs = 0; runs < MOST_RUNS && !this.#left; runs++) {
      if (way === 'emulate') {
        const outcome = exports.emulate!();
        if (outcome === EMULATED_EXCEPTION) exports.run!(1);
        else if (outcome !== 0) return false;
      } else exports.run!(way === 'block' ? BLOCK_BUDGET : 1);
      // a repeated string instruction may take several goes
      if (words[rip] !== start || words[rip + 1] !== 0) break;
    }
    return true;
  }
}
