// A vCPU in a thread of its own, as the thread that owns the Vm sees it. The guest runs there, on the same memory, by an
// instance of the core that is attached to the same state; kicks are answered there. For every other exit the vCPU stands
// still and calls here, where the handlers, buses and devices are, and where the instance that ran it before does what the
// handlers ask of a core (it emulates, raises exceptions). What both keep in globals goes by saveVcpu() and loadVcpu().

import { RunResult } from '../../core/core.js';
import type { CoreModule } from '../../core/module.js';
import type { Doorbell, DoorbellListener } from '../../bus/doorbell-bus.js';
import { EBADF, EINVAL } from '../../eventfd/index.js';
import type { Clock } from '../clock.js';
import type { Elsewhere, VcpuContext } from '../context.js';
import { ExitReason, PlainExit, type Exit } from '../exit.js';
import { HardwareExit, rowOf } from '../exit-stats.js';
import { hostTurn } from '../host-turn.js';
import type { Timers } from '../timers.js';
import type { RunOptions, Vcpu } from '../vcpu.js';
import { At, Call, Mailbox, TIME_CALLS, Word } from './mailbox.js';
import { spawn, type Thread } from './spawn.js';
import type { DoorbellThere, FromThread, News } from './wire.js';

/** Atomics.waitAsync, which some browsers have not got. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { async: false; value: string } | { async: true; value: Promise<string> };

/** Answering exits without a pause, for so long the owner's event loop gets no turn. */
const TURN_MS = 8;
/** What setTimeout() can take. */
const LONGEST_TIMER_MS = 0x7fff_ffff;
/** Blocking for the vCPU to stand still is looked after once in so many milliseconds. */
const STANDSTILL_MS = 5;
const RFLAGS_IF = 0x200;

export interface VcpuThreadOptions {
  /** Where the thread's main module is, `thread/worker.js` of the built library; default: beside this one. */
  url?: URL;
}

export interface ThreadRunOptions extends RunOptions {
  /** Ends the run when it is aborted; the exit is then Intr. */
  signal?: AbortSignal;
  /**
   * Asked when the guest has halted, by a processor with a local APIC: true, and it stays halted until something wakes it;
   * false, and run() returns Hlt. Default: it stays so as long as interrupts can wake it.
   */
  stayHalted?: () => boolean;
  /** Called after each exit that was answered in this thread. Must not throw. */
  served?: () => void;
}

export interface VcpuThreadParts {
  core: CoreModule;
  context: VcpuContext;
  vcpu: Vcpu;
  clock: Clock;
  timers: Timers;
  apic: boolean;
}

/** Made by Vm.startThread(). */
export class VcpuThread implements Elsewhere, DoorbellListener {
  readonly #parts: VcpuThreadParts;
  readonly #context: VcpuContext;
  readonly #mailbox = new Mailbox();
  readonly #words = this.#mailbox.words;
  readonly #waitAsync = (Atomics as { waitAsync?: WaitAsync }).waitAsync;
  readonly #thread: Thread;
  /** Calls that have been answered. */
  #answered = 0;
  /** Without waitAsync: a message has said that there is a call. */
  #called: (() => void) | undefined;
  /** When the event loop last had its turn. */
  #turn = 0;
  /** The thread is no more, and why. */
  #ended: Error | undefined;
  readonly #end: Promise<void>;
  #tellEnd!: () => void;
  /** A run is under way; an exit of it is being answered; it is held. */
  #runs = false;
  #serving = false;
  #holds = false;
  /** What ends the run: a timer's failure, or time. */
  #failure: unknown;
  #timedOut = false;
  /** The caller wants this run ended, or the next. */
  #stopAsked = false;
  #stayHalted: () => boolean = () => true;
  #served: (() => void) | undefined;
  /** What was called of the context before this thread was there. */
  readonly #doorbellsChanged: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(parts: VcpuThreadParts, { url }: VcpuThreadOptions) {
    this.#parts = parts;
    this.#context = parts.context;
    this.#doorbellsChanged = parts.context.doorbellsChanged;
    this.#end = new Promise((resolve) => (this.#tellEnd = resolve));
    this.#thread = spawn(
      url,
      (message) => this.#hear(message),
      (error) => this.#over(`the thread of vCPU ${parts.context.index} has ended${error ? `: ${error.message}` : ''}`),
    );
    const { core, context, clock } = parts;
    this.#thread.post({
      kind: 'start',
      module: core.module,
      limits: core.limits,
      memory: context.shared.memory.memory,
      mailbox: this.#mailbox.buffer,
      index: context.index,
      tscKhz: clock.tscKhz,
      byMessage: this.#waitAsync === undefined,
    });
  }

  /** @internal */
  static async start(parts: VcpuThreadParts, options: VcpuThreadOptions): Promise<VcpuThread> {
    const thread = new VcpuThread(parts, options);
    const { context } = parts;
    const { doorbells, stats } = context.shared;
    context.elsewhere = thread;
    doorbells.follow(thread);
    stats.follow(thread.#mailbox);
    thread.#tell({ added: [...doorbells.entries()].flatMap((doorbell) => there(doorbell) ?? []), fast: thread.#fast });
    const changed = thread.#doorbellsChanged;
    context.doorbellsChanged = () => {
      changed();
      thread.#tell({ fast: thread.#fast });
    };
    // It asks what time it is, until it knows.
    await thread.#serveTime();
    thread.#thread.keepAlive(false);
    return thread;
  }

  // ---------------------------------------------------------------- running
  /**
   * Vcpu.run() in the vCPU's thread: resolves with what is for the caller. Meanwhile devices are called in this thread, as its
   * event loop has turns; registers are out of reach (EBUSY). Rejects with what Vcpu.run() throws, and with EBADF when the
   * thread has ended.
   */
  async run({ timeoutMs = Infinity, signal, stayHalted, served, ...options }: ThreadRunOptions = {}): Promise<Exit> {
    if (!(timeoutMs >= 0)) throw new EINVAL(`run: timeoutMs must be 0 or more, not ${String(timeoutMs)}`);
    if (this.#ended !== undefined) throw this.#ended;
    return this.#parts.vcpu.runElsewhere(options, async (left) => {
      this.#stayHalted = stayHalted ?? (() => true);
      this.#served = served;
      this.#timedOut = false;
      this.#failure = undefined;
      const stop = (): void => this.#endRun();
      const timeUp = (): void => {
        this.#timedOut = true;
        this.#endRun();
      };
      const timeout = timeoutMs === Infinity ? undefined : setTimeout(timeUp, Math.min(timeoutMs, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', stop);
      if (signal?.aborted) stop();
      this.#thread.keepAlive(true);
      try {
        return await this.#drive(left);
      } finally {
        clearTimeout(timeout);
        clearTimeout(this.#timer);
        this.#takeBackStop();
        signal?.removeEventListener('abort', stop);
        this.#thread.keepAlive(false);
        this.#runs = false;
      }
    });
  }

  /** Answers exits until the run is over. Undefined: a handler has left the exit in the context. */
  async #drive(left: number): Promise<Exit | undefined> {
    const { context, clock, timers } = this.#parts;
    const { exports } = context.core;
    timers.fire();
    context.kvmclock.refresh();
    exports.saveVcpu();
    this.#mailbox.left = left;
    this.#turn = performance.now();
    this.#runs = true;
    this.#thread.post({ kind: 'run', origin: clock.origin });
    this.#aim();
    for (;;) {
      await this.#call();
      if (this.#words[Word.Call] === Call.Over) break;
      this.#serve();
    }
    this.#runs = false;
    // The list of reads is the emulator's, which has run here.
    const { memory } = context.shared;
    memory.u32[context.word(context.core.layout.CARRY_MMIO)] = exports.countReads();
    exports.loadVcpu();
    if (this.#failure !== undefined) {
      context.exit = undefined;
      throw this.#failure;
    }
    switch (this.#words[Word.Result]) {
      case RunResult.Left:
        return undefined;
      case RunResult.Stopped:
        return new PlainExit(this.#timedOut ? ExitReason.Budget : ExitReason.Intr);
      default:
        return new PlainExit(ExitReason.Budget);
    }
  }

  /** Resolves when the thread calls. Rejects when it has ended. */
  async #call(): Promise<void> {
    const words = this.#words;
    for (;;) {
      if (this.#ended !== undefined) throw this.#ended;
      const bell = Atomics.load(words, Word.Bell);
      if (bell !== this.#answered) {
        this.#answered = bell;
        if (performance.now() - this.#turn < TURN_MS) return;
        // So many exits come one upon the other that nobody else would get a turn.
        await hostTurn();
        this.#turn = performance.now();
        return;
      }
      if (this.#waitAsync === undefined) await new Promise<void>((resolve) => (this.#called = resolve));
      else {
        const wait = this.#waitAsync(words, Word.Bell, bell);
        if (!wait.async) continue;
        await wait.value;
      }
      this.#turn = performance.now();
    }
  }

  #serve(): void {
    const words = this.#words;
    const context = this.#context;
    const { stats } = context.shared;
    const reason = words[Word.Reason]!;
    const row = rowOf(reason);
    const { layout } = context.core;
    this.#serving = true;
    let answer: number = layout.LEAVE;
    try {
      // The thread itself measures how long it is kept waiting.
      const ns = stats.ns[row]!;
      answer = context.answer(reason, words[Word.Lo]!, words[Word.Hi]!, words[Word.Info]!);
      stats.ns[row] = ns;
      if (row === rowOf(HardwareExit.Hlt) && answer === layout.LEAVE && this.#staysHalted()) {
        context.exit = undefined;
        answer = layout.RESUME;
      }
      if (reason !== HardwareExit.LogFull) context.kvmclock.refresh();
    } catch (error) {
      // stayHalted() has thrown. The vCPU's thread waits whatever happens here.
      this.#failure ??= error;
      answer = layout.LEAVE;
    }
    this.#serving = false;
    this.#reply(answer);
    this.#served?.();
  }

  /** With a local APIC the vCPU itself waits for what wakes it, as with KVM's irqchip. */
  #staysHalted(): boolean {
    if (!this.#parts.apic || this.#context.exit?.reason !== ExitReason.Hlt) return false;
    return (this.#context.core.exports.getRflags() & RFLAGS_IF) !== 0 && this.#stayHalted();
  }

  #reply(answer: number): void {
    const words = this.#words;
    words[Word.Answer] = answer;
    Atomics.add(words, Word.Reply, 1);
    Atomics.notify(words, Word.Reply);
  }

  /** Tells the new thread the time as often as it asks. */
  async #serveTime(): Promise<void> {
    for (let calls = 0; calls < TIME_CALLS; calls++) {
      await this.#call();
      this.#mailbox.ownersNow = performance.now();
      this.#reply(0);
    }
  }

  // ---------------------------------------------------------------- timers
  timersChanged(): void {
    if (this.#runs) this.#aim();
  }

  /** Devices' timers fire in this thread. */
  #aim(): void {
    clearTimeout(this.#timer);
    const { timers } = this.#parts;
    if (timers.next === Infinity) return;
    const wait = Math.max(0, (timers.next - timers.now()) / 1e6);
    this.#timer = setTimeout(() => this.#fire(), Math.min(wait, LONGEST_TIMER_MS));
  }

  #fire(): void {
    try {
      this.#parts.timers.fire();
    } catch (error) {
      this.#failure ??= error;
      this.#endRun();
    }
    if (this.#runs) this.#aim();
  }

  // ---------------------------------------------------------------- Elsewhere
  get away(): boolean {
    return this.#runs && !this.#serving && !this.#holds;
  }

  wake(): void {
    const { i32 } = this.#context.shared.memory;
    Atomics.notify(i32, this.#context.word(this.#context.core.layout.REQUEST));
  }

  stop(): void {
    this.#stopAsked = true;
    this.#endRun();
  }

  #endRun(): void {
    Atomics.store(this.#words, Word.Stop, 1);
    this.#context.request(this.#context.core.layout.REQUEST_STOP);
  }

  /** What ended a run, or came too late to, ends no other; but what the caller has asked for ends the next. */
  #takeBackStop(): void {
    if (this.#words[Word.Result] === RunResult.Stopped) this.#stopAsked = false;
    if (this.#stopAsked) return;
    Atomics.store(this.#words, Word.Stop, 0);
    this.#context.withdraw(this.#context.core.layout.REQUEST_STOP);
  }

  held<T>(work: () => T): T {
    if (!this.away) return work();
    const words = this.#words;
    Atomics.store(words, Word.Hold, 1);
    this.#context.request(this.#context.core.layout.REQUEST_STOP);
    while (Atomics.load(words, Word.State) === At.Running) standBy(words);
    this.#holds = true;
    try {
      return work();
    } finally {
      this.#holds = false;
      Atomics.store(words, Word.Hold, 0);
      Atomics.notify(words, Word.Hold);
    }
  }

  // ---------------------------------------------------------------- doorbells
  get #fast(): boolean {
    const { fastDoorbells, exitListener } = this.#context.shared;
    return fastDoorbells && exitListener === undefined;
  }

  /** From now on the thread leaves its kicks to this one, until it has heard. */
  #tell(news: News): void {
    const generation = Atomics.add(this.#words, Word.Generation, 1) + 1;
    this.#thread.post({ kind: 'news', generation, ...news });
  }

  added(doorbell: Doorbell): void {
    const known = there(doorbell);
    this.#tell(known === undefined ? {} : { added: [known] });
  }

  /** A kick that the thread is in the middle of is over when this returns. */
  removed(addr: bigint): void {
    this.#tell({ removed: addr });
    this.held(() => {});
  }

  // ---------------------------------------------------------------- the end
  #hear(message: FromThread): void {
    if (message.kind === 'call') this.#called?.();
    else if (message.kind === 'ended') this.#over(`the thread of vCPU ${this.#context.index} has been closed`);
    else this.#over(`the thread of vCPU ${this.#context.index} has failed: ${message.message}`);
  }

  /** Also wakes run(), which finds it out. */
  #over(why: string): void {
    this.#ended ??= new EBADF(why);
    this.#release();
    this.#tellEnd();
    Atomics.add(this.#words, Word.Bell, 1);
    Atomics.notify(this.#words, Word.Bell);
    this.#called?.();
  }

  /** The vCPU is this thread's again. */
  #release(): void {
    const context = this.#context;
    if (context.elsewhere !== this) return;
    context.elsewhere = undefined;
    context.doorbellsChanged = this.#doorbellsChanged;
    const { doorbells, stats, memory } = context.shared;
    doorbells.unfollow(this);
    stats.unfollow(this.#mailbox);
    // Blocks that the other instance has made are not known to this one's allocation: as if it had missed too many changes of
    // code to name, it begins anew.
    const { CODE_DROPS, CODE_DROPS_KEPT, SEEN_DROPS } = context.core.layout;
    if (!this.#stopAsked) context.withdraw(context.core.layout.REQUEST_STOP); // it was for standing still
    const drops = Atomics.load(memory.u32, CODE_DROPS >>> 2);
    memory.u32[context.word(SEEN_DROPS)] = drops - CODE_DROPS_KEPT - 1;
  }

  /**
   * Ends the thread; a run that is under way ends first, with Intr. Resolves when it has ended: Vcpu.run() then goes on in this
   * thread.
   */
  async close(): Promise<void> {
    if (this.#ended === undefined) {
      if (this.#runs) this.#endRun();
      this.#thread.post({ kind: 'end' });
    }
    await this.#end;
    await this.#thread.terminate();
  }
}

function there({ addr, len, context }: Doorbell): DoorbellThere | undefined {
  // A counter that no other thread can see is signalled here.
  return context.shared ? { addr, len, handle: context.handle } : undefined;
}

/** Sleeps until the vCPU's thread says where it is; a page may not, and looks again at once. */
function standBy(words: Int32Array): void {
  try {
    Atomics.wait(words, Word.State, At.Running, STANDSTILL_MS);
  } catch {
    // looks again
  }
}
