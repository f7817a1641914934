// One counter of the 8254, by ticks of its clock input: what it has counted to and what its OUT shows at any tick. Mode
// definitions are of the datasheet (Intel 231164-005, "Operation of the 8254").
//
// Nothing happens in between: the state says when the counting element was loaded and with what, and the rest is computed.

/** A tick that never comes. */
export const NEVER = Number.MAX_SAFE_INTEGER;

export type PitCounterState = {
  /** Control word bits 5:0 as written: access, mode, BCD. */
  control: number;
  programmed: boolean;
  gate: boolean;
  /** Whether the counting element was loaded since the control word, and with what: 1…65,536. */
  loaded: boolean;
  initial: number;
  /** Counts since tick `origin` if running, else stands `held` ticks behind loading. */
  running: boolean;
  origin: number;
  held: number;
  /** OUT before tick `origin`. */
  outBefore: boolean;
  /** A count that waits in the count register: for a trigger (modes 1 and 5) or for the end of the (half) period. */
  waiting: number;
  waitsUntil: number;
  /** The status byte's null count until this tick: the last count written is not in the counting element. */
  nullUntil: number;
  /** The first byte of a two-byte count; -1: none was written. */
  firstByte: number;
  /** The next of two bytes read is the upper one. */
  readUpper: boolean;
  /** -1 if nothing is latched. */
  latchedCount: number;
  latchedStatus: number;
};

const INITIAL: PitCounterState = {
  control: 0,
  programmed: false,
  gate: true,
  loaded: false,
  initial: 0,
  running: false,
  origin: 0,
  held: 0,
  outBefore: false,
  waiting: 0,
  waitsUntil: NEVER,
  nullUntil: NEVER,
  firstByte: -1,
  readUpper: false,
  latchedCount: -1,
  latchedStatus: -1,
};

const ACCESS_LOW = 1;
const ACCESS_HIGH = 2;

export class PitCounter {
  #s: PitCounterState;

  constructor(gate: boolean) {
    this.#s = { ...INITIAL, gate };
  }

  /** 0…5; the codes 6 and 7 are modes 2 and 3. */
  get #mode(): number {
    const code = (this.#s.control >>> 1) & 7;
    return code > 5 ? code - 4 : code;
  }

  get #access(): number {
    return (this.#s.control >>> 4) & 3;
  }

  get #periodic(): boolean {
    return this.#mode === 2 || this.#mode === 3;
  }

  get #triggered(): boolean {
    return this.#mode === 1 || this.#mode === 5;
  }

  get gate(): boolean {
    return this.#s.gate;
  }

  /** A control word; access bits 0 are the counter latch command. */
  control(tick: number, value: number): void {
    if ((value & 0x30) === 0) {
      this.latchCount(tick);
      return;
    }
    const { gate, latchedStatus } = this.#s;
    this.#s = { ...INITIAL, gate, latchedStatus, control: value & 0x3f, programmed: true };
  }

  latchCount(tick: number): void {
    if (this.#s.latchedCount < 0) this.#s.latchedCount = this.#register(tick);
  }

  latchStatus(tick: number): void {
    if (this.#s.latchedStatus >= 0) return;
    this.settle(tick);
    const empty = tick < this.#s.nullUntil;
    this.#s.latchedStatus = (this.out(tick) ? 0x80 : 0) | (empty ? 0x40 : 0) | this.#s.control;
  }

  /** A latched status comes first, then a latched count, then the count as it is. */
  read(tick: number): number {
    const s = this.#s;
    if (s.latchedStatus >= 0) {
      const status = s.latchedStatus;
      s.latchedStatus = -1;
      return status;
    }
    const count = s.latchedCount >= 0 ? s.latchedCount : this.#register(tick);
    const access = this.#access;
    const upper = access === ACCESS_HIGH || (access !== ACCESS_LOW && s.readUpper);
    const more = access !== ACCESS_LOW && access !== ACCESS_HIGH && !upper;
    s.readUpper = more;
    if (!more) s.latchedCount = -1;
    return upper ? count >>> 8 : count & 0xff;
  }

  write(tick: number, value: number): void {
    const s = this.#s;
    if (!s.programmed) return;
    const access = this.#access;
    if (access === ACCESS_LOW) this.#writeCount(tick, value);
    else if (access === ACCESS_HIGH) this.#writeCount(tick, value << 8);
    else if (s.firstByte < 0) {
      s.firstByte = value;
      // Mode 0 only: the first byte stops counting and sets OUT low.
      if (this.#mode === 0) {
        s.loaded = false;
        s.running = false;
      }
    } else {
      const count = (value << 8) | s.firstByte;
      s.firstByte = -1;
      this.#writeCount(tick, count);
    }
  }

  #writeCount(tick: number, register: number): void {
    const s = this.#s;
    const count = this.#decode(register);
    this.settle(tick);
    if (this.#triggered) {
      s.waiting = count;
      s.nullUntil = NEVER;
    } else if (this.#periodic && s.loaded && s.running && tick < s.origin) {
      s.initial = count; // the last one has not been taken yet
    } else if (this.#periodic && s.loaded) {
      s.waiting = count;
      s.waitsUntil = s.running ? this.#periodEnd(tick) : NEVER;
      s.nullUntil = s.waitsUntil;
    } else this.#load(tick, count, this.#mode !== 0);
  }

  /** The counting element takes a count with the next tick. */
  #load(tick: number, count: number, outBefore: boolean): void {
    const s = this.#s;
    s.loaded = true;
    s.running = s.gate || this.#triggered;
    s.initial = count;
    s.origin = tick + 1;
    s.held = 0;
    s.outBefore = outBefore;
    s.nullUntil = tick + 1;
  }

  setGate(tick: number, gate: boolean): void {
    const s = this.#s;
    if (gate === s.gate) return;
    this.settle(tick);
    s.gate = gate;
    if (this.#triggered) {
      if (gate && s.waiting > 0) this.#load(tick, s.waiting, this.out(tick));
    } else if (!s.loaded) return;
    else if (!gate) {
      s.held = Math.max(0, tick - s.origin);
      s.running = false;
      if (s.waitsUntil !== NEVER) s.waitsUntil = s.nullUntil = NEVER;
    } else if (this.#periodic) {
      this.#load(tick, s.waiting > 0 ? s.waiting : s.initial, true);
      s.waiting = 0;
    } else {
      s.origin = tick - s.held;
      s.running = true;
    }
  }

  /**
   * Brings the state up to a tick: modes 2 and 3 take a new count at the end of the period, mode 3 already at that of the
   * half period.
   */
  settle(tick: number): void {
    const s = this.#s;
    if (tick < s.waitsUntil) return;
    const second = this.#mode === 3 && !this.out(s.waitsUntil);
    s.outBefore = second;
    s.initial = s.waiting;
    s.origin = s.waitsUntil - (second ? Math.ceil(s.waiting / 2) : 0);
    s.waiting = 0;
    s.waitsUntil = NEVER;
  }

  /** The first tick after `tick` that ends a period (mode 2) or half of one (mode 3). */
  #periodEnd(tick: number): number {
    const { origin, initial } = this.#s;
    const elapsed = tick - origin;
    if (elapsed < 0) return origin;
    const start = elapsed - (elapsed % initial);
    const half = Math.ceil(initial / 2);
    return origin + start + (this.#mode === 3 && elapsed - start < half ? half : initial);
  }

  /** The OUT pin. Not programmed at all, the datasheet promises nothing; ours is low. */
  out(tick: number): boolean {
    const s = this.#s;
    const mode = this.#mode;
    if (!s.loaded) return s.programmed && mode !== 0;
    const elapsed = s.running ? tick - s.origin : s.held;
    if (elapsed < 0) return s.outBefore;
    switch (mode) {
      case 0:
      case 1:
        return elapsed >= s.initial;
      case 2:
        return !s.running || elapsed % s.initial !== s.initial - 1;
      case 3:
        return !s.running || elapsed % s.initial < Math.ceil(s.initial / 2);
      default:
        return elapsed !== s.initial;
    }
  }

  /**
   * The next tick after `tick` at which OUT changes, or rises again after having been low for a single tick; NEVER if that
   * does not happen by itself. Call it for ticks in order: what comes after a waiting count was taken is told by it then.
   */
  nextChange(tick: number): number {
    this.settle(tick);
    const { loaded, running, origin, initial } = this.#s;
    if (!loaded || !running) return NEVER;
    const elapsed = tick - origin;
    if (elapsed < 0) return origin;
    switch (this.#mode) {
      case 0:
      case 1:
        return elapsed < initial ? origin + initial : NEVER;
      case 2:
      case 3:
        // A count of 1 is not allowed and its OUT does not move, but one that waits may be.
        return initial === 1 ? Math.min(NEVER, this.#s.waitsUntil) : this.#periodEnd(tick);
      default:
        return elapsed <= initial ? origin + initial + 1 : NEVER;
    }
  }

  /** What reading shows: the counting element, in BCD if so programmed. */
  #register(tick: number): number {
    this.settle(tick);
    const { control } = this.#s;
    const count = this.#count(tick);
    if ((control & 1) === 0) return count & 0xffff;
    const decimal = ((count % 10_000) + 10_000) % 10_000;
    const digit = (unit: number): number => Math.floor(decimal / unit) % 10;
    return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1);
  }

  #count(tick: number): number {
    const { loaded, running, origin, held, initial } = this.#s;
    if (!loaded) return 0;
    const elapsed = running ? Math.max(0, tick - origin) : held;
    switch (this.#mode) {
      case 2:
        return initial - (elapsed % initial);
      case 3: {
        // An odd count is loaded less one; the high half then has a tick more, at zero.
        const position = elapsed % initial;
        const half = Math.ceil(initial / 2);
        return initial - (initial & 1) - 2 * (position < half ? position : position - half);
      }
      default:
        // Counts on from the top when it has passed zero: from FFFFh, or from 9999.
        return (initial - elapsed) % ((this.#s.control & 1) === 0 ? 0x1_0000 : 10_000);
    }
  }

  /** Zero is the largest count: 2^16, or 10^4 in BCD. */
  #decode(register: number): number {
    if ((this.#s.control & 1) === 0) return register === 0 ? 0x1_0000 : register;
    const decimal =
      (register >>> 12) * 1000 + ((register >>> 8) & 15) * 100 + ((register >>> 4) & 15) * 10 + (register & 15);
    return decimal === 0 ? 10_000 : decimal;
  }

  save(): PitCounterState {
    return { ...this.#s };
  }

  restore(state: PitCounterState): void {
    this.#s = { ...state };
  }
}
