// Compiles test/vector/packed/entry.ts and runs one instruction, given as an assembler takes it, on states as record.c has them.

import asc from 'assemblyscript/asc';
import { operationNumber, OPERATIONS } from '../../../src/fuzz/decode/operations.js';

interface Exports {
  attach(index: number): void;
  initVectorTables(): void;
  packed(op: number): number;
  crypto(op: number): number;
  repeat(op: number, times: number, isCrypto: boolean): void;
  [constant: string]: unknown;
}

/** record.c's `struct state`. */
export const STATE = { size: 256, ymm: 0, mm: 128, gpr: 160, flags: 192, memory: 224 } as const;

const SIZES: Record<string, number> = { byte: 1, word: 2, dword: 4, qword: 8, xmmword: 16, ymmword: 32 };
const GPRS: Record<string, number> = { eax: 0, rax: 0, ecx: 1, rcx: 1, edx: 2, rdx: 2, ebx: 3, rbx: 3 };

/** Registers of the state that a form may use. */
const REGISTERS = 4;

export class Harness {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly cpu: number;
  private readonly at: (name: string) => number;
  private readonly op: number;

  private constructor(
    readonly exports: Exports,
    memory: WebAssembly.Memory,
  ) {
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    exports.attach(0);
    exports.initVectorTables();
    this.cpu = this.constant('cpu');
    const offsets = new Map(
      ['GPR', 'YMM', 'X87', 'V0', 'RFLAGS', 'FLAG_KIND', 'MODE'].map((name) => [name, this.constant(name)]),
    );
    this.at = (name) => this.cpu + (offsets.get(name) ?? NaN);
    this.op = this.constant('MEMORY_FREE');
    this.view.setUint32(this.at('MODE'), 2, true);
  }

  static async build(): Promise<Harness> {
    let binary: Uint8Array | undefined;
    const entry = new URL('entry.ts', import.meta.url).pathname;
    const flags =
      '-O2 --runtime stub --importMemory --sharedMemory --enable threads --enable simd --initialMemory 2000 --maximumMemory 65536 --noExportMemory';
    const result = await asc.main([entry, '--baseDir', '/', '--outFile', 'vector.wasm', ...flags.split(' ')], {
      writeFile: (_name: string, contents: Uint8Array | string) => {
        if (typeof contents !== 'string') binary = contents;
      },
    });
    if (result.error || !binary) {
      throw new Error(`compiling ${entry}: ${result.error?.message ?? 'no output'}\n${result.stderr.toString()}`);
    }
    const memory = new WebAssembly.Memory({ initial: 2000, maximum: 65536, shared: true });
    const abort = (): never => {
      throw new Error('abort in a handler');
    };
    const { instance } = await WebAssembly.instantiate(binary as Uint8Array<ArrayBuffer>, { env: { memory, abort } });
    return new Harness(instance.exports as unknown as Exports, memory);
  }

  private constant(name: string): number {
    const global = this.exports[name];
    if (!(global instanceof WebAssembly.Global))
      throw new Error(`test/vector/packed/entry.ts exports no constant ${name}`);
    return Number(global.value);
  }

  /** Address of an operand: a register, or V0 for memory. */
  private operand(text: string): number {
    const [, kind, number] = /^(xmm|ymm|mm)(\d)$/.exec(text) ?? [];
    if (kind === 'mm') return this.at('X87') + Number(number) * 16;
    if (kind) return this.at('YMM') + Number(number) * 32;
    if (text in GPRS) return this.at('GPR') + (GPRS[text] ?? NaN) * 8;
    if (text.endsWith('[rsi]')) return this.at('V0');
    throw new Error(`operand ${text}`);
  }

  /** Makes the micro-operation that the lowering would make of an instruction, and returns how to run it. */
  prepare(form: string): (state: Uint8Array, immediate: number) => void {
    const [, long, mnemonic, rest] = /^(rex\.w )?(\w+) ?(.*)$/.exec(form) ?? [];
    if (mnemonic === undefined || rest === undefined) throw new Error(`form ${form}`);
    const operands = rest === '' ? [] : rest.split(', ');
    const number = /^(?:I|\d+)$/.test(operands.at(-1) ?? '') ? operands.pop() : undefined;
    const upper = mnemonic.toUpperCase();
    const name = OPERATIONS.includes(upper) ? upper : upper.replace(/^V/, '');
    const operation = operationNumber(name);
    if (operation === undefined) throw new Error(`no operation ${name} for ${form}`);
    const vex = mnemonic.startsWith('v');
    const fourth = operands.length === 4 || (!vex && operands.length === 3) ? operands.pop() : undefined;
    const wide = rest.includes('ymm') || name.startsWith('VZERO');
    const flags =
      (wide ? this.constant('V_256') : 0) |
      (/(?<![xy])mm\d/.test(rest) ? this.constant('V_MMX') : 0) |
      (number === undefined ? 0 : this.constant('V_IMMEDIATE')) |
      (vex ? this.constant('V_VEX') : 0) |
      (rest.includes('[') ? this.constant('V_MEMORY') : 0);
    const [target = 'xmm0'] = operands;
    const last = operands.at(-1) ?? target;
    const first = vex ? (operands.length === 3 ? (operands[1] ?? last) : last) : target;
    const { op, view } = this;
    view.setUint16(op + this.constant('DST'), this.operand(target), true);
    view.setUint32(op + this.constant('SRC'), this.operand(last), true);
    view.setUint16(op + this.constant('BASE'), this.operand(first), true);
    view.setUint16(op + this.constant('INDEX'), fourth ? this.operand(fourth) : this.at('YMM'), true);
    view.setUint16(op + this.constant('V_OPERATION'), operation, true);
    view.setUint8(op + this.constant('V_SIZE'), long || /\br[acdb][xd]\b/.test(rest) ? 3 : 2);
    view.setUint8(op + this.constant('V_FLAGS'), flags);
    const isCrypto = /^(SHA|AES|PCLMUL)/.test(name);
    const run = isCrypto ? this.exports.crypto : this.exports.packed;
    const display = this.constant('DISP');
    const size = SIZES[/(\w+) ptr/.exec(rest)?.[1] ?? ''] ?? 0;
    const stores = target.endsWith(']');
    const writes = !/TEST|^PCMP[EI]STR/.test(name);
    const clears = vex && !wide && writes && target.startsWith('xmm') ? this.operand(target) + 16 : 0;
    return (state, immediate) => {
      view.setInt32(op + display, ((number === 'I' ? immediate : Number(number ?? 0)) << 24) >> 24, true);
      this.load(state, stores ? 0 : size);
      if (!run(op)) throw new Error(`${form} raised`);
      if (clears) this.bytes.fill(0, clears, clears + 16);
      this.save(state, stores ? size : 0);
    };
  }

  private load(state: Uint8Array, bytes: number): void {
    const { at, view } = this;
    this.bytes.set(state.subarray(STATE.ymm, STATE.mm), at('YMM'));
    for (let i = 0; i < REGISTERS; i++) {
      this.bytes.set(state.subarray(STATE.mm + i * 8, STATE.mm + i * 8 + 8), at('X87') + i * 16);
      view.setBigUint64(at('X87') + i * 16 + 8, 0xdddd_dddd_dddd_ffffn, true); // must play no part
    }
    this.bytes.set(state.subarray(STATE.gpr, STATE.flags), at('GPR'));
    this.bytes.set(state.subarray(STATE.flags, STATE.flags + 8), at('RFLAGS'));
    view.setUint32(at('FLAG_KIND'), 0, true);
    // a load clears what it does not fill of the lower 128 bits; nothing says what is above
    this.bytes.fill(0xcc, at('V0'), at('V0') + 32);
    if (bytes) this.bytes.fill(0, at('V0'), at('V0') + 16);
    this.bytes.set(state.subarray(STATE.memory, STATE.memory + bytes), at('V0'));
  }

  private save(state: Uint8Array, bytes: number): void {
    const { at } = this;
    state.set(this.bytes.subarray(at('YMM'), at('YMM') + 128), STATE.ymm);
    for (let i = 0; i < REGISTERS; i++) {
      state.set(this.bytes.subarray(at('X87') + i * 16, at('X87') + i * 16 + 8), STATE.mm + i * 8);
    }
    state.set(this.bytes.subarray(at('GPR'), at('GPR') + 32), STATE.gpr);
    state.set(this.bytes.subarray(at('RFLAGS'), at('RFLAGS') + 8), STATE.flags);
    state.set(this.bytes.subarray(at('V0'), at('V0') + bytes), STATE.memory);
  }

  /** Nanoseconds of the form prepared last. */
  cost(isCrypto: boolean): number {
    const times = 200_000;
    let least = Infinity;
    for (let i = 0; i < 20; i++) {
      const begin = process.hrtime.bigint();
      this.exports.repeat(this.op, times, isCrypto);
      least = Math.min(least, Number(process.hrtime.bigint() - begin) / times);
    }
    return least;
  }
}
