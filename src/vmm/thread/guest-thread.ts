// A vCPU's own thread: runs the guest, answers kicks, and calls the owner of the Vm for every other exit. It knows no device and
// no bus but its copy of the doorbell bus.

import { BUDGET_MAX, Core, RunResult, type ExitHandler } from '../../core/core.js';
import { CoreMemory } from '../../core/memory.js';
import { DoorbellBus } from '../../bus/doorbell-bus.js';
import { EBADF, EventFdContext } from '../../eventfd/index.js';
import { ROWS, rowOf, TIMED_EVERY, TIMED_FIRST } from '../exit-stats.js';
import { timedExit } from '../exit-timer.js';
import { At, Call, Mailbox, TIME_CALLS, Word } from './mailbox.js';
import type { Owner } from './spawn.js';
import type { News, ThreadStart, ToThread } from './wire.js';

/** As in Vcpu.run(): the core is called often, and between two calls it stands where the owner may hold it. */
const SLICE = 32768;

export class GuestThread {
  readonly #port: Owner;
  readonly #byMessage: boolean;
  readonly #mailbox: Mailbox;
  readonly #words: Int32Array;
  readonly #memory: CoreMemory;
  readonly #core: Core;
  readonly #tscKhz: number;
  /** The vCPU's REQUEST, as an index of the memory's words. */
  readonly #request: number;
  readonly #doorbells = new DoorbellBus();
  /** The doorbells are as they were after so many changes. */
  #generation = -1;
  #fast = false;
  /** When the Vm's clock stood at 0, and how far the owner's performance.now() is ahead of this thread's. */
  #origin = 0;
  #ahead = 0;
  /** A run waits for news that are under way. */
  #interrupted = false;

  constructor({ module, limits, memory, mailbox, index, tscKhz, byMessage }: ThreadStart, port: Owner) {
    this.#port = port;
    this.#byMessage = byMessage;
    this.#mailbox = new Mailbox(mailbox);
    this.#words = this.#mailbox.words;
    this.#memory = new CoreMemory(limits, memory);
    this.#tscKhz = tscKhz;
    const now = (): number => this.#ticks();
    this.#core = Core.create(module, this.#memory, index, false, this.#exitHandler(), now);
    this.#request = (this.#core.state + this.#core.layout.REQUEST) >>> 2;
    this.#compareClocks();
  }

  take(message: Exclude<ToThread, ThreadStart>): void {
    switch (message.kind) {
      case 'run':
        this.#origin = message.origin;
        return this.#go(true);
      case 'news':
        this.#learn(message);
        this.#generation = message.generation;
        if (this.#interrupted) this.#go(false);
        return;
      case 'end':
        for (const { addr } of [...this.#doorbells.entries()]) this.#doorbells.remove(addr);
        this.#port.post({ kind: 'ended' });
        this.#port.close();
    }
  }

  #learn({ added = [], removed, fast }: News): void {
    this.#fast = fast ?? this.#fast;
    if (removed !== undefined) this.#doorbells.remove(removed);
    for (const { addr, len, handle } of added) {
      try {
        const context = EventFdContext.attach(handle);
        this.#doorbells.add(addr, context, len);
        context.release(); // the bus has it
      } catch (error) {
        // Removed and closed since: the next news say so, and until then the owner is asked.
        if (!(error instanceof EBADF)) throw error;
      }
    }
  }

  // ---------------------------------------------------------------- running
  /** Runs until the run is over, or until there is news of doorbells: these come by message, which needs a turn of the event loop. */
  #go(anew: boolean): void {
    this.#interrupted = false;
    try {
      this.#leaveRest();
      if (anew) this.#core.exports.loadVcpu();
      const result = this.#run();
      if (result === undefined) {
        this.#interrupted = true;
        this.#rest(At.Idle);
        return;
      }
      this.#core.exports.saveVcpu();
      this.#words[Word.Result] = result;
      this.#words[Word.Call] = Call.Over;
      this.#rest(At.Idle);
      this.#ring();
    } catch (error) {
      // Wasm does not trap and handlers do not throw: whatever this is, the owner must not wait for it.
      this.#rest(At.Idle);
      this.#port.post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }

  #run(): number | undefined {
    const { exports } = this.#core;
    const mailbox = this.#mailbox;
    for (;;) {
      if (Atomics.load(this.#words, Word.Generation) !== this.#generation) return undefined;
      if (mailbox.left <= 0) return RunResult.BudgetUsed;
      const before = exports.retired();
      const result = exports.run(Math.min(mailbox.left, SLICE, BUDGET_MAX));
      mailbox.left -= exports.retired() - before;
      if (result === RunResult.Left) return result;
      // Otherwise it was to make the vCPU stand still for a moment.
      if (result === RunResult.Stopped && Atomics.exchange(this.#words, Word.Stop, 0) === 1) return result;
      if (result === RunResult.Halted) this.#sleep();
      if (Atomics.load(this.#words, Word.Hold) !== 0) this.#leaveRest();
    }
  }

  /** Halted: until something is requested of the vCPU, or its APIC timer is due. */
  #sleep(): void {
    const due = this.#core.exports.timerDeadline();
    const milliseconds = due === 0 ? Infinity : (due - this.#ticks()) / this.#tscKhz;
    if (milliseconds <= 0) return;
    this.#rest(At.Halted);
    Atomics.wait(this.#memory.i32, this.#request, 0, milliseconds);
    this.#leaveRest();
  }

  // ---------------------------------------------------------------- standing still
  /** Nothing of the vCPU is touched from now on. */
  #rest(state: number): void {
    Atomics.store(this.#words, Word.State, state);
    if (Atomics.load(this.#words, Word.Hold) !== 0) Atomics.notify(this.#words, Word.State);
  }

  /** Goes on, unless the owner holds the vCPU: then as soon as it lets go. */
  #leaveRest(): void {
    for (;;) {
      Atomics.store(this.#words, Word.State, At.Running);
      if (Atomics.load(this.#words, Word.Hold) === 0) return;
      this.#rest(At.Held);
      Atomics.wait(this.#words, Word.Hold, 1);
    }
  }

  // ---------------------------------------------------------------- calling the owner
  #ring(): void {
    Atomics.add(this.#words, Word.Bell, 1);
    Atomics.notify(this.#words, Word.Bell);
    if (this.#byMessage) this.#port.post({ kind: 'call' });
  }

  #call(call: number): void {
    const words = this.#words;
    const reply = Atomics.load(words, Word.Reply);
    words[Word.Call] = call;
    this.#rest(At.Asking);
    this.#ring();
    while (Atomics.load(words, Word.Reply) === reply) Atomics.wait(words, Word.Reply, reply);
  }

  #ask(reason: number, lo: number, hi: number, info: number): number {
    const start = performance.now();
    const words = this.#words;
    this.#core.exports.syncExit();
    words[Word.Reason] = reason;
    words[Word.Lo] = lo;
    words[Word.Hi] = hi;
    words[Word.Info] = info;
    this.#call(Call.Exit);
    this.#leaveRest();
    this.#mailbox.ns[rowOf(reason)]! += (performance.now() - start) * 1e6;
    return Atomics.load(words, Word.Answer);
  }

  /** A kick is answered here, if its doorbell is known for sure and nobody in the owner's thread has to hear of it at once. */
  #exitHandler(): ExitHandler {
    const words = this.#words;
    const doorbells = this.#doorbells;
    const { count, ns } = this.#mailbox;
    // Known only when the core exists; 0 leaves the first exit to the owner.
    let kick = 0;
    let sizeShift = 0;
    let skip = 1;
    return (reason, lo, hi, info) => {
      if ((info & kick) !== 0 && this.#fast && Atomics.load(words, Word.Generation) === this.#generation) {
        const row = reason & (ROWS - 1);
        const n = count[row]!;
        const timed = n < TIMED_FIRST || (n & (TIMED_EVERY - 1)) === 0;
        const start = timed ? performance.now() : 0;
        if (doorbells.kickUnheard(lo, hi, (info >>> sizeShift) & 0xff)) {
          count[row] = n + 1;
          if (timed) ns[row]! += timedExit(start, n, ns[row]!);
          return skip;
        }
      }
      if (kick === 0) {
        const { layout } = this.#core;
        kick = layout.INFO_KICK;
        sizeShift = layout.INFO_SIZE_SHIFT;
        skip = layout.SKIP;
      }
      return this.#ask(reason, lo, hi, info);
    };
  }

  // ---------------------------------------------------------------- time
  /** Of the Vm's clock, as the owner would say. */
  #ticks(): number {
    return Math.floor((performance.now() + this.#ahead - this.#origin) * this.#tscKhz);
  }

  /** The two threads count milliseconds from different moments. */
  #compareClocks(): void {
    let quickest = Infinity;
    for (let calls = 0; calls < TIME_CALLS; calls++) {
      const before = performance.now();
      this.#call(Call.Time);
      const after = performance.now();
      if (after - before >= quickest) continue;
      quickest = after - before;
      this.#ahead = this.#mailbox.ownersNow - (before + after) / 2;
    }
    this.#rest(At.Idle);
  }
}
