// The states that record.c makes, made again: the same generator, the same numbers.

import { STATE } from './harness.js';

const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81, 0x40];
const WIDE = [0, 1, 0x7fff, 0x8000, 0xffff, 0xff7f, 0x8001, 0x00ff];
/** CF, PF, AF, ZF, SF, OF. */
export const ARITHMETIC = 0x8d5;

export class Inputs {
  private seed = 0;
  readonly state = new Uint8Array(STATE.size);
  private readonly view = new DataView(this.state.buffer);

  private next(): number {
    let x = this.seed;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.seed = x;
    return x >>> 0;
  }

  private fill(at: number, chunks: number): void {
    const { state, view } = this;
    for (let i = 0; i < chunks; i++, at += 8) {
      const kind = this.next() & 7;
      if (kind < 3) {
        view.setUint32(at, this.next(), true);
        view.setUint32(at + 4, this.next(), true);
      } else if (kind === 3) {
        for (let k = 0; k < 8; k++) state[at + k] = EDGES[this.next() & 7] ?? 0;
      } else if (kind === 4) {
        for (let k = 0; k < 4; k++) view.setUint16(at + 2 * k, WIDE[this.next() & 7] ?? 0, true);
      } else if (kind === 5 && i) {
        const from = at - 8 * (1 + (this.next() % i));
        state.copyWithin(at, from, from + 8);
      } else if (kind === 6) {
        for (let k = 0; k < 8; k++) state[at + k] = this.next() % 5;
      } else {
        view.setUint32(at, this.next() % 72, true);
        view.setUint32(at + 4, 0, true);
      }
    }
  }

  /** Fills `state` with case `number` of form `form` and returns the immediate. */
  make(form: number, number: number): number {
    this.seed = Math.imul(form + 1, 2654435761) ^ Math.imul(number + 1, 40503);
    this.state.fill(0);
    this.fill(STATE.ymm, 24);
    this.fill(STATE.memory, 4);
    this.view.setUint32(STATE.flags, 0x202 | (this.next() & ARITHMETIC), true);
    const r = this.next();
    return r & 0x100 ? r % 40 : (r >>> 16) & 0xff;
  }
}

/** FNV-1a, going on from `hash`. */
export function digest(hash: number, bytes: Uint8Array): number {
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  return hash;
}
export const DIGEST_START = 2166136261;
