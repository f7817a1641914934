// The floor under every doorbell: what a call from Wasm to JavaScript costs that does nothing but one atomic add to shared
// memory. A kick cannot be cheaper, because an exit is such a call and a signal is such an add.

import { EMPTY, I32, moduleBytes, Op } from './wasm-bytes.js';
import { sampleOf, type Sample } from './sample.js';

/** Calls between two looks at the clock: short enough that V8 puts the optimised code in early (it replaces no running function). */
const CALLS = 20_000;

/** (func (param $n i32) (loop (call $cross) (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))) */
const MODULE = moduleBytes({
  types: [
    { params: [], results: [] },
    { params: [I32], results: [] },
  ],
  imports: [['env', 'cross', 0]],
  run: {
    type: 1,
    locals: [],
    code: [
      ...[Op.loop, EMPTY, Op.call, 0],
      ...[Op.localGet, 0, Op.i32Const, 1, Op.i32Sub, Op.localTee, 0],
      ...[Op.brIf, 0, Op.end],
    ],
  },
});

/** Where eventfds would have their counters: shared memory, or plain memory on a page that may not share any. */
function memory(bytes: number): SharedArrayBuffer | ArrayBuffer {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

export class Crossing {
  readonly #counter = new Int32Array(memory(64));
  readonly #leastMs: number;
  readonly #run: (calls: number) => void;
  readonly #values: number[] = [];

  /** A window lasts at least `leastMs`: for coarse clocks. */
  constructor(leastMs = 0) {
    this.#leastMs = leastMs;
    const counter = this.#counter;
    const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE), {
      env: { cross: () => void Atomics.add(counter, 0, 1) },
    });
    this.#run = instance.exports['run'] as (calls: number) => void;
  }

  /** Adds one window of 20,000 calls per pass, or of as many times that as the clock needs. What comes before `record` is called with true is warm-up. */
  measure(windows: number, record = true): void {
    for (let window = 0; window < windows; window++) {
      const start = performance.now();
      let calls = 0;
      let elapsed: number;
      do {
        this.#run(CALLS);
        calls += CALLS;
        elapsed = performance.now() - start;
      } while (elapsed < this.#leastMs);
      const nanoseconds = (elapsed * 1e6) / calls;
      if (record) this.#values.push(nanoseconds);
    }
  }

  /** How often JavaScript was called, by the counter itself. */
  get calls(): number {
    return Atomics.load(this.#counter, 0);
  }

  /** Nanoseconds a call. */
  result(): Sample {
    return sampleOf(this.#values);
  }
}
