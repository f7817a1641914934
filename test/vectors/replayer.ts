// Runs recorded instructions on the core itself, without a hypervisor: a guest of a few pages in 64-bit or compatibility
// mode at CPL 3, an IDT whose handlers are one jump to itself each, so that a fault shows as its handler's address and the
// frame on the stack.
import { readFileSync } from 'node:fs';
import {
  baseMemory,
  CODE_BASE,
  CODE_SIZE,
  DATA_BASE,
  DATA_SIZE,
  type Bytes,
  type Segmented,
  type Vector,
} from './load.js';
import { compareFloating } from './fpu-compare.js';
import { IMAGE_SIZE, fromImage, toImage, type FloatingPart } from './fpu.js';
import { GDT, GDT_LDT, GDT_LIMIT, GDT_TSS, SEGMENT_NAMES, SEG_CS, SEG_SS } from './segments.js';

type Exports = Record<string, WebAssembly.Global> & Record<string, (...args: number[]) => number>;

/**
 * How the instruction is run: alone, as run() does at the end of its budget; in a block with what follows it, up to the
 * INT3 behind; or by the emulator that finishes instructions after exits.
 */
export type Way = 'step' | 'block' | 'emulate';

// Guest-physical layout, two megabytes in all.
const PML4 = 0x1000;
const GDT_PAGE = 0x8000;
const IDT = 0x9000;
const TSS = 0xa000;
const STACK_TOP = 0xc000;
const HANDLERS = 0xd000;
const LDT = 0xe000;
const SYSTEM_BASE = 0x4000_0000;
const CODE = 0x10_0000;
const DATA = 0x10_4000;
const RAM_SIZE = 0x20_0000;
const COMPARED = 32;
const JUMP_TO_ITSELF = 0xfeeb;
const BREAKPOINT = 3;
/** Instructions a run() needs to run whole blocks, with some for what is run. */
const BLOCK_BUDGET = 200;
/** The code and data pages appear a second time this much higher. */
const ALIAS = 0x1_0000n;
/** Access rights of a segment register that holds a null selector (SDM vol. 3, 25.4.1). */
const UNUSABLE = 0x1_0000;
const PAE = 0x20n;
const OSFXSR = 0x200n;
const OSXMMEXCPT = 0x400n;
const OSXSAVE = 0x4_0000n;
const KERNEL_CODE = 0x10;
const USER_CODE = 0x33;
const USER_DATA = 0x2b;

/** An exception as its handler's frame on the stack shows it. */
interface Frame {
  vector: number;
  errorCode: number;
  rip: bigint;
  cs: number;
  flags: number;
  rsp: bigint;
  ss: number;
}

/**
 * Whether the emulator may be asked: it finishes instructions that run() has begun, and run() begins none whose bytes
 * leave the code segment.
 */
export function begins({ segmented, rip, bytes }: Vector): boolean {
  if (!segmented || segmented.bits === 64) return true;
  const { limit } = segmented.tables.segment(segmented.segmentsIn[SEG_CS]!);
  return rip + BigInt(bytes.length) <= BigInt(limit) + 1n;
}

const modules = new Map<string, WebAssembly.Module>();

/** One module for all replayers, so that its code is optimised once. */
function compiled(wasm: string | URL): WebAssembly.Module {
  const name = String(wasm);
  const module = modules.get(name) ?? new WebAssembly.Module(readFileSync(wasm));
  modules.set(name, module);
  return module;
}

/** What is different from the recording; empty = nothing. */
export class Replayer {
  readonly #core: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #quads: BigUint64Array;
  readonly #state: number;
  readonly #ram: number;
  readonly #base = baseMemory();
  #dirtyCode = true;

  constructor(wasm: string | URL) {
    this.#memory = new WebAssembly.Memory({ initial: 2048, maximum: 65536, shared: true });
    const module = compiled(wasm);
    const env = { memory: this.#memory, now: () => 0, exit: () => 2 };
    this.#core = new WebAssembly.Instance(module, { env }).exports as Exports;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
    this.#quads = new BigUint64Array(this.#memory.buffer);
    this.#core.initialize!();
    this.#core.attach!(0);
    this.#core.resetVcpu!();
    this.#state = this.#core.stateAddress!(0);
    const free = this.#constant('MEMORY_FREE');
    const ept = (free + 0xfff) & ~0xfff;
    this.#ram = (ept + 0x3000 + RAM_SIZE - 1) & ~(RAM_SIZE - 1);
    this.#quad(ept, BigInt(ept + 0x1000) | 7n);
    this.#quad(ept + 0x1000, BigInt(ept + 0x2000) | 7n);
    this.#quad(ept + 0x2000, BigInt(this.#ram) | 0xb7n);
    this.#field('NESTED', 1n);
    this.#field('NESTED_ROOT', BigInt(ept));
    this.#field('PHYSICAL_BITS', 40n);
    this.#field('FEATURES', this.#features());
    this.#field('XCR0', 7n);
    this.#buildGuest();
    this.#bytes.set(this.#base, this.#ram + DATA);
  }

  /** Everything the core has, except what only Intel's processors do. */
  #features(): bigint {
    const names = Object.keys(this.#core).filter((name) => name.startsWith('FEATURE_') && name !== 'FEATURE_INTEL');
    return names.reduce((bits, name) => bits | BigInt(this.#core[name]!.value as number | bigint), 0n);
  }

  #constant(name: string): number {
    return Number(this.#core[name]!.value);
  }
  #quad(address: number, value: bigint): void {
    this.#view.setBigUint64(address, value, true);
  }
  #field(name: string, value: bigint): void {
    this.#quad(this.#state + this.#constant(name), value);
  }
  #readField(name: string): bigint {
    return this.#view.getBigUint64(this.#state + this.#constant(name), true);
  }

  /** Map one page; tables are taken from 0x2000 up. */
  #nextTable = PML4 + 0x1000;
  #map(linear: bigint, gpa: number, flags: bigint): void {
    let table = PML4;
    for (let level = 3; level > 0; level--) {
      const at = this.#ram + table + Number((linear >> BigInt(12 + 9 * level)) & 511n) * 8;
      let entry = this.#view.getBigUint64(at, true);
      if (!(entry & 1n)) {
        entry = BigInt(this.#nextTable) | 7n;
        this.#nextTable += 0x1000;
        this.#quad(at, entry);
      }
      table = Number(entry & 0xffff_f000n);
    }
    this.#quad(this.#ram + table + Number((linear >> 12n) & 511n) * 8, BigInt(gpa) | flags);
  }

  #buildGuest(): void {
    const noExecute = 1n << 63n;
    for (const alias of [0n, ALIAS]) {
      for (let at = 0; at < CODE_SIZE; at += 4096) this.#map(CODE_BASE + alias + BigInt(at), CODE + at, 5n);
      for (let at = 0; at < DATA_SIZE; at += 4096) this.#map(DATA_BASE + alias + BigInt(at), DATA + at, 7n | noExecute);
    }
    for (let page = 0x8000; page < 0xf000; page += 4096) this.#map(BigInt(SYSTEM_BASE + page), page, 3n);
    GDT.forEach((entry, index) => this.#quad(this.#ram + GDT_PAGE + index * 8, entry));
    this.#systemDescriptor(GDT_TSS, SYSTEM_BASE + TSS, 0x67, 0x8bn);
    this.#quad(this.#ram + TSS + 4, BigInt(SYSTEM_BASE + STACK_TOP));
    this.#view.setUint16(this.#ram + TSS + 102, 0x68, true); // no I/O bitmap: no port is free
    for (let vector = 0; vector < COMPARED; vector++) {
      const handler = BigInt(SYSTEM_BASE + HANDLERS + vector * 16);
      const low = (handler & 0xffffn) | (BigInt(KERNEL_CODE) << 16n) | (0xee00n << 32n) | ((handler >> 16n) << 48n);
      this.#quad(this.#ram + IDT + vector * 16, low);
      this.#quad(this.#ram + IDT + vector * 16 + 8, handler >> 32n);
      this.#view.setUint16(this.#ram + HANDLERS + vector * 16, JUMP_TO_ITSELF, true);
    }
    this.#field('CR0', 0x8001_0033n);
    this.#field('CR3', BigInt(PML4));
    this.#field('CR4', PAE | OSFXSR | OSXMMEXCPT | OSXSAVE);
    this.#field('EFER', 0xd01n);
    this.#field('GDTR_BASE', BigInt(SYSTEM_BASE + GDT_PAGE));
    this.#field('GDTR_LIMIT', BigInt(GDT_LIMIT));
    this.#field('IDTR_BASE', BigInt(SYSTEM_BASE + IDT));
    this.#field('IDTR_LIMIT', BigInt(COMPARED * 16 - 1));
    this.#segment(7, GDT_TSS * 8, BigInt(SYSTEM_BASE + TSS), 0x67, 0x8b);
  }
  /** A system descriptor of 16 bytes (SDM vol. 3, figure 3-8); bases here are below 4 GiB. */
  #systemDescriptor(index: number, base: number, limit: number, access: bigint): void {
    const place = BigInt(base);
    const low = BigInt(limit) | ((place & 0xff_ffffn) << 16n) | (access << 40n) | ((place >> 24n) << 56n);
    this.#quad(this.#ram + GDT_PAGE + index * 8, low);
    this.#quad(this.#ram + GDT_PAGE + index * 8 + 8, 0n);
  }
  #segment(index: number, selector: number, base: bigint, limit: number, attributes: number): void {
    const at = this.#state + this.#constant('SEGMENTS') + index * this.#constant('SEGMENT_SIZE');
    this.#quad(at, base);
    this.#view.setUint32(at + 8, limit, true);
    this.#view.setUint32(at + 12, attributes, true);
    this.#view.setUint16(at + 16, selector, true);
  }
  #userMode(): void {
    for (let index = 0; index < 6; index++) {
      if (index === SEG_CS) this.#segment(index, USER_CODE, 0n, 0xffff_ffff, 0xa0fb);
      else this.#segment(index, USER_DATA, 0n, 0xffff_ffff, 0xc0f3);
    }
    this.#core.stateChanged!();
  }

  #tables: Segmented['tables'] | undefined;
  #loadSegments({ segmentsIn, tables }: Segmented): void {
    if (this.#tables !== tables) {
      const limit = tables.ldt.length * 8 - 1;
      tables.ldt.forEach((entry, index) => this.#quad(this.#ram + LDT + index * 8, entry));
      this.#systemDescriptor(GDT_LDT, SYSTEM_BASE + LDT, limit, 0x82n);
      this.#segment(6, GDT_LDT * 8, BigInt(SYSTEM_BASE + LDT), limit, 0x82);
      this.#tables = tables;
    }
    segmentsIn.forEach((selector, index) => {
      if (!selector) return this.#segment(index, 0, 0n, 0xffff_ffff, UNUSABLE);
      const { base, limit, rights } = tables.segment(selector);
      this.#segment(index, selector, base, limit, rights);
    });
    this.#core.stateChanged!();
  }

  /** What the segment registers hold: `segmentsIn` of the last vector, 64 for 64-bit mode, or who knows. */
  #holds: string | undefined;
  /** Differences between this vector's recording and what the core does. */
  check(vector: Vector, way: Way = 'step'): string[] {
    const core = this.#core;
    const state = this.#state;
    const ram = this.#ram;
    const wanted = vector.segmented ? vector.segmented.segmentsIn.join() : '64';
    if (this.#holds !== wanted) {
      if (vector.segmented) this.#loadSegments(vector.segmented);
      else this.#userMode();
    }
    this.#holds = wanted;
    if (this.#dirtyCode) this.#bytes.fill(0xcc, ram + CODE, ram + CODE + CODE_SIZE);
    const place = Number(vector.address - CODE_BASE);
    const room = Math.min(vector.bytes.length, CODE_SIZE - place);
    this.#bytes.set(vector.bytes.subarray(0, room), ram + CODE + place);
    core.invalidateCode!(ram + CODE, CODE_SIZE);
    for (const patch of vector.memory.patches) this.#bytes.set(patch.bytes, ram + DATA + patch.offset);
    const gpr = (state + this.#constant('GPR')) >> 3;
    this.#quads.set(vector.regsIn, gpr);
    core.setRflags!(vector.flagsIn);
    this.#field('RIP', vector.rip);
    if (vector.floating) this.#loadFloating(vector.floating);
    const wrong: string[] = [];
    const frame = this.#execute(vector, way);
    const finished = way === 'block' && frame?.vector === BREAKPOINT;
    if (finished) frame.rip -= 1n;
    const fault = finished ? undefined : frame;
    let flags = core.getRflags!() >>> 0;
    let rip = this.#readField('RIP');
    if (frame) {
      rip = frame.rip;
      flags = frame.flags;
      this.#quads[gpr + 4] = frame.rsp;
      this.#holds = undefined;
    }
    if (fault) {
      const expected = vector.expect.fault;
      if (!expected) wrong.push(`#${fault.vector} (${fault.errorCode.toString(16)}), none expected`);
      else {
        if (fault.vector !== expected.vector) wrong.push(`#${fault.vector}, expected #${expected.vector}`);
        if (fault.errorCode !== expected.errorCode) {
          wrong.push(`error code ${fault.errorCode}, expected ${expected.errorCode}`);
        }
        if (expected.cr2 !== undefined && this.#readField('CR2') !== expected.cr2) {
          wrong.push(`CR2 ${this.#readField('CR2').toString(16)}, expected ${expected.cr2.toString(16)}`);
        }
      }
    } else if (vector.expect.fault) wrong.push(`no fault, expected #${vector.expect.fault.vector}`);
    if (rip !== vector.expect.rip) wrong.push(`RIP ${rip.toString(16)}, expected ${vector.expect.rip.toString(16)}`);
    for (let index = 0; index < 16; index++) {
      if (!(vector.expect.regsMask & (1 << index))) continue;
      const value = this.#quads[gpr + index]!;
      if (value !== vector.expect.regs[index]) {
        wrong.push(`r${index} ${value.toString(16)}, expected ${vector.expect.regs[index]!.toString(16)}`);
      }
    }
    const difference = (flags ^ vector.expect.flags) & vector.expect.flagsMask;
    if (difference) wrong.push(`flags ${flags.toString(16)}, expected ${vector.expect.flags.toString(16)}`);
    if (vector.segmented) this.#checkSegments(vector, frame, wrong);
    if (vector.floating) wrong.push(...this.#checkFloating(vector.floating));
    this.#checkMemory(vector, wrong);
    return wrong;
  }

  #execute(vector: Vector, way: Way): Frame | undefined {
    const core = this.#core;
    for (let pass = 0; pass < 64; pass++) {
      if (way === 'emulate') {
        if (core.emulate!() === 2) core.run!(1);
      } else core.run!(way === 'block' ? BLOCK_BUDGET : 1);
      const rip = this.#readField('RIP');
      if (rip >= BigInt(SYSTEM_BASE) && rip < BigInt(SYSTEM_BASE + 0x1_0000)) {
        return this.#faultFrame(Number(rip - BigInt(SYSTEM_BASE + HANDLERS)));
      }
      // a repeated string instruction may take several goes
      if (rip !== vector.rip || (vector.expect.rip === vector.rip && !vector.expect.fault)) break;
    }
    return undefined;
  }
  #faultFrame(handler: number): Frame {
    const number = handler >> 4;
    const withError = [8, 10, 11, 12, 13, 14, 17].includes(number);
    const at = this.#ram + STACK_TOP - (withError ? 48 : 40);
    const frame = at + (withError ? 8 : 0);
    return {
      vector: number,
      errorCode: withError ? this.#view.getUint32(at, true) : 0,
      rip: this.#view.getBigUint64(frame, true),
      cs: this.#view.getUint16(frame + 8, true),
      flags: this.#view.getUint32(frame + 16, true),
      rsp: this.#view.getBigUint64(frame + 24, true),
      ss: this.#view.getUint16(frame + 32, true),
    };
  }

  #image(): DataView {
    return new DataView(this.#memory.buffer, this.#state + this.#constant('FXSAVE'), IMAGE_SIZE);
  }
  #loadFloating(floating: FloatingPart): void {
    toImage(floating.before, this.#image());
    this.#core.loadFpu!();
  }
  #checkFloating(floating: FloatingPart): string[] {
    this.#core.saveFpu!();
    return compareFloating(floating, fromImage(this.#image()));
  }

  /** Selectors against the recording; what stands behind a selector the instruction loaded, against its descriptor. */
  #checkSegments(vector: Vector, frame: Frame | undefined, wrong: string[]): void {
    const { segmentsIn, tables } = vector.segmented!;
    const expected = vector.expect.segments!;
    for (let index = 0; index < 6; index++) {
      const at = this.#state + this.#constant('SEGMENTS') + index * this.#constant('SEGMENT_SIZE');
      const outer = index === SEG_CS ? frame?.cs : index === SEG_SS ? frame?.ss : undefined;
      const selector = outer ?? this.#view.getUint16(at + 16, true);
      const name = SEGMENT_NAMES[index]!;
      if (selector !== expected[index]) {
        wrong.push(`${name} ${selector.toString(16)}, expected ${expected[index]!.toString(16)}`);
      }
      if (outer !== undefined || expected[index] === segmentsIn[index]) continue;
      this.#holds = undefined;
      const rights = this.#view.getUint32(at + 12, true);
      if (selector < 4) {
        if (!(rights & UNUSABLE)) wrong.push(`${name} is null but usable`);
        continue;
      }
      const segment = tables.segment(selector);
      const base = this.#quads[at >> 3]!;
      const limit = this.#view.getUint32(at + 8, true);
      if (base !== segment.base || limit !== segment.limit || rights !== segment.rights) {
        wrong.push(`${name} is ${base.toString(16)} + ${limit.toString(16)}, rights ${rights.toString(16)}`);
      }
    }
    if (wrong.length) this.#holds = undefined;
  }

  /** Compare the data pages with the recording, and bring them back to the base image. */
  #checkMemory(vector: Vector, wrong: string[]): void {
    const data = this.#bytes.subarray(this.#ram + DATA, this.#ram + DATA + DATA_SIZE);
    const expected = this.#base.slice();
    const touched: Bytes[] = [...vector.memory.patches, ...vector.expect.memory];
    for (const patch of touched) expected.set(patch.bytes, patch.offset);
    for (const { offset, length } of vector.floating?.masks.ignored ?? []) {
      expected.set(data.subarray(offset, offset + length), offset);
    }
    if (Buffer.compare(data, expected) !== 0) {
      const at = data.findIndex((byte, index) => byte !== expected[index]);
      wrong.push(`memory at ${at.toString(16)}: ${data[at]!.toString(16)}, expected ${expected[at]!.toString(16)}`);
    }
    data.set(this.#base);
  }
}
