// The ceiling over an interpreter of this kind: pre-decoded operations of 16 bytes, dispatched by one br_table, registers in
// memory, and nothing else: no flags, no page tables, no TLB, no budget per block. Its loop of nine operations loads, stores
// and computes as compiled code does. What the CPU's MIPS are printed beside.

import { EMPTY, I32, moduleBytes, Op } from './wasm-bytes.js';
import { sampleOf, type Sample } from './sample.js';

/** An operation is four words: kind, then a, b, c. Registers are named by their address in memory. */
const Kind = { add: 0, xor: 1, addImmediate: 2, rotate: 3, load: 4, store: 5, branchIfNotZero: 6 } as const;
const KINDS = Object.keys(Kind).length;
const OPERATION = 16;
const PROGRAM = 0x100;
const register = (index: number): number => index * 8;
const POINTER = register(4);

/** Locals of the function: how many operations are left, and the address of the next one. */
const LEFT = 0;
const AT = 1;

const i32Const = (value: number): number[] => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 0x7f;
    if ((rest >> 7 === 0 && (low & 0x40) === 0) || (rest >> 7 === -1 && (low & 0x40) !== 0))
      return [Op.i32Const, ...bytes, low];
    bytes.push(low | 0x80);
  }
};
/** Word 1, 2 or 3 of the operation. */
const field = (word: number): number[] => [Op.localGet, AT, Op.i32Load, 2, word * 4];
const load = (address: number[]): number[] => [...address, Op.i64Load, 3, 0];
const store = (address: number[], value: number[]): number[] => [...address, ...value, Op.i64Store, 3, 0];
const A = field(1);
const B = field(2);
const C = field(3);
const advance = [Op.localGet, AT, ...i32Const(OPERATION), Op.i32Add, Op.localSet, AT];

const BODIES: Record<keyof typeof Kind, number[]> = {
  add: [...store(A, [...load(A), ...load(B), Op.i64Add]), ...advance],
  xor: [...store(A, [...load(A), ...load(B), Op.i64Xor]), ...advance],
  addImmediate: [...store(A, [...load(A), ...C, Op.i64ExtendI32S, Op.i64Add]), ...advance],
  rotate: [...store(A, [...load(A), ...C, Op.i64ExtendI32S, Op.i64Rotl]), ...advance],
  load: [...store(A, load([...load(B), Op.i32WrapI64])), ...advance],
  store: [...store([...load(B), Op.i32WrapI64], load(A)), ...advance],
  // The next operation's address is C, unless the register is zero.
  branchIfNotZero: [
    ...[...C, Op.localSet, AT + 1, ...load(A), Op.i64Eqz, Op.i32Eqz],
    ...[Op.if, EMPTY, Op.localGet, AT + 1, Op.localSet, AT, Op.else, ...advance, Op.end],
  ],
};

/** block × 7, br_table, then each body followed by: one less left; if any, back to the loop, else out. */
function code(): number[] {
  const bodies = Object.values(BODIES).map((body, index) => [
    Op.end,
    ...body,
    ...[Op.localGet, LEFT, ...i32Const(1), Op.i32Sub, Op.localTee, LEFT],
    ...[Op.brIf, KINDS - 1 - index, Op.br, KINDS - index],
  ]);
  return [
    ...i32Const(PROGRAM),
    ...[Op.localSet, AT],
    ...[Op.block, EMPTY, Op.loop, EMPTY],
    ...Array.from({ length: KINDS }, () => [Op.block, EMPTY]).flat(),
    ...field(0),
    ...[Op.brTable, KINDS - 1, ...Array.from({ length: KINDS }, (_, kind) => kind)],
    ...bodies.flat(),
    ...[Op.end, Op.end],
  ];
}

/** The guest program: a hash over a word in memory, counted down. */
const LOOP: [keyof typeof Kind, number, number, number][] = [
  ['load', register(1), POINTER, 0],
  ['add', register(2), register(1), 0],
  ['rotate', register(2), 0, 13],
  ['xor', register(3), register(2), 0],
  ['store', register(2), POINTER, 0],
  ['addImmediate', register(3), 0, 7],
  ['add', register(1), register(3), 0],
  ['addImmediate', register(0), 0, -1],
  ['branchIfNotZero', register(0), 0, PROGRAM],
];

/** Operations between two looks at the clock. */
const SLICE = 45_000;

export class Dispatch {
  readonly #run: (operations: number) => void;
  readonly #registers: BigInt64Array;
  readonly #values: number[] = [];
  readonly #leastMs: number;

  /** A window lasts at least `leastMs`: for coarse clocks. */
  constructor(leastMs = 0) {
    this.#leastMs = leastMs;
    const module = moduleBytes({
      types: [{ params: [I32], results: [] }],
      memoryPages: 1,
      run: { type: 0, locals: [[2, I32]], code: code() },
    });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
    const { buffer } = exports['memory'] as WebAssembly.Memory;
    const words = new Int32Array(buffer);
    for (const [index, [kind, a, b, c]] of LOOP.entries()) {
      words.set([Kind[kind], a, b, c], (PROGRAM + index * OPERATION) / 4);
    }
    this.#registers = new BigInt64Array(buffer, 0, 8);
    this.#registers[POINTER / 8] = 0x8000n;
    this.#run = exports['run'] as (operations: number) => void;
  }

  /** Adds one window of 45,000 operations, or as many times that as the clock needs, per pass; unrecorded windows are warm-up. */
  measure(windows: number, record = true): void {
    for (let window = 0; window < windows; window++) {
      const start = performance.now();
      let operations = 0;
      let elapsed: number;
      do {
        this.#registers[0] = BigInt(SLICE);
        this.#run(SLICE);
        operations += SLICE;
        elapsed = performance.now() - start;
      } while (elapsed < this.#leastMs);
      const nanoseconds = (elapsed * 1e6) / operations;
      if (record) this.#values.push(nanoseconds);
    }
  }

  /** How often the loop has gone round in its last 45,000 operations: the program's own counter. */
  get rounds(): number {
    return SLICE - Number(this.#registers[0]);
  }

  /** Nanoseconds an operation. */
  result(): Sample {
    return sampleOf(this.#values);
  }
}
