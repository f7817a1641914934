// The core without a hypervisor, for targets that look at its parts: an instance on a memory of its own, instrumented or
// not, and its constants by name.

import { loadCoreBytes, memoryLimits } from '../core/module.js';
import type { RawDecoder } from './decode/raw-decoder.js';
import { instrument } from './instrument.js';

type Exports = Record<string, WebAssembly.Global> & Record<string, (...args: (number | bigint)[]) => number>;

/** Answers exits as CoreExports.run() asks for it. */
export type RawExit = (reason: number, gpaLow: number, gpaHigh: number, info: number) => number;

export class RawCore {
  readonly exports: Exports;
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Uint32Array;
  /** Linear-memory address of the first vCPU's state page. */
  readonly state: number;
  /** First address that is the hypervisor's, a multiple of 2 MiB. */
  readonly free: number;
  /** Places reached in an instrumented core. */
  readonly places: () => number;
  /** Places there are in it. */
  readonly sites: number;
  readonly #constants = new Map<string, number>();

  /** `core` is a build of the core; `room` says how many bytes behind `free` are needed. */
  constructor(core: Uint8Array, room: number, exit: RawExit = () => 2, instrumented = true) {
    const { bytes, sites, counter } = instrumented ? instrument(core) : { bytes: core, sites: 0, counter: 0 };
    const limits = memoryLimits(bytes);
    const { initialPages: initial, maximumPages: maximum, shared } = limits;
    this.memory = new WebAssembly.Memory({ initial, maximum, shared });
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    const env = { memory: this.memory, exit, now: () => 0 };
    this.exports = new WebAssembly.Instance(module, { env }).exports as Exports;
    const LARGE = 0x200000;
    this.free = (this.constant('MEMORY_FREE') + LARGE - 1) & -LARGE;
    const missing = this.free + room - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.sites = sites;
    this.places = sites === 0 ? () => 0 : () => this.words[counter >>> 2]!;
    this.exports.initialize!();
    this.exports.attach!(0);
    this.exports.resetVcpu!();
    this.state = this.exports.stateAddress!(0);
  }

  /** A raw core from build/core.wasm. */
  static async load(room: number, exit?: RawExit, instrumented = true): Promise<RawCore> {
    return new RawCore(await loadCoreBytes(), room, exit, instrumented);
  }

  /** A constant of assembly/state.ts or assembly/decode/insn.ts. */
  constant(name: string): number {
    const known = this.#constants.get(name);
    if (known !== undefined) return known;
    const global = this.exports[name];
    if (!(global instanceof WebAssembly.Global))
      throw new TypeError(`the core exports no constant ${name}: build it anew`);
    const value = Number(global.value);
    this.#constants.set(name, value);
    return value;
  }

  has(name: string): boolean {
    return name in this.exports;
  }

  get64(name: string, index = 0): bigint {
    return this.view.getBigUint64(this.state + this.constant(name) + index * 8, true);
  }
  set64(name: string, value: bigint, index = 0): void {
    this.view.setBigUint64(this.state + this.constant(name) + index * 8, BigInt.asUintN(64, value), true);
  }
  get32(name: string): number {
    return this.view.getUint32(this.state + this.constant(name), true);
  }
  set32(name: string, value: number): void {
    this.view.setUint32(this.state + this.constant(name), value, true);
  }

  /** Its decoder; `scratch` is room for instructions. */
  decoder(scratch = this.free): RawDecoder {
    return {
      decode: this.exports.decode! as (bytes: number, available: number, codeSize: number) => number,
      bytes: this.bytes,
      record: new DataView(this.memory.buffer, this.state + this.constant('INSN')),
      constant: (name) => this.constant(name),
      scratch,
    };
  }
}
