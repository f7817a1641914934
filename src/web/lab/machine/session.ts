// The machine of the page: what the buttons do to it, and what the panels see of it. The machine itself runs in a worker
// (web/client); everything here is by promise, one operation after the other.

import { signal, type ReadonlySignal } from '@preact/signals';
import type { Device, DoorbellPage, Pc, Regs, RunResult, Snapshot, Sregs, VmStats } from '../../../index.js';
import { Client, type Remote } from '../../client/index.js';
import { addFiles, DroppedFileError, type Dropped } from './dropped.js';
import { guestOf } from './guests.js';
import { DroppedDisk, powerOn } from './power-on.js';
import { ratesBetween, type Rates } from './sample.js';
import type { Settings } from './settings.js';
import { SiteFiles } from './site-files.js';

/** `ended`: the guest is done (halted, switched off, left by the debug-exit port, or crashed); it can be reset. */
export type Status = 'loading' | 'ready' | 'running' | 'paused' | 'ended' | 'failed';

/** Registers at a moment when the guest stood still. */
export interface CpuState {
  readonly regs: Regs;
  readonly sregs: Sregs;
  readonly retired: number;
}

/** Milliseconds between two looks at the counters, and at the registers of a machine that runs. */
const SAMPLE_MS = 100;
const STATE_EVERY = 5;
/** So many looks in a row have to find the guest waiting before the page says so: most guests wait now and then. */
const WAITING_LOOKS = 5;

/** What a download is called off with. */
class CalledOffError extends Error {
  override readonly name = 'CalledOffError';
}

export class Session {
  readonly #status = signal<Status>('loading');
  readonly #message = signal('');
  readonly #complaint = signal('');
  readonly #settings;
  readonly #dropped = signal<Dropped | undefined>(undefined);
  readonly #waiting = signal(false);
  readonly #rates = signal<Rates | undefined>(undefined);
  readonly #state = signal<CpuState | undefined>(undefined);
  readonly #result = signal<RunResult | undefined>(undefined);
  readonly #saved = signal(false);
  readonly #output: (bytes: Uint8Array | undefined) => void;
  readonly #client: Client;
  readonly #files = new SiteFiles(document.baseURI);
  readonly #disk: DroppedDisk;
  /** Calls off what is being downloaded. */
  #loading = new AbortController();
  #pc: Remote<Pc> | undefined;
  /** Its page of doorbells, which has the switch for the kind of kick. */
  #doorbells: Remote<DoorbellPage> | undefined;
  #snapshot: Remote<Snapshot> | undefined;
  #running: { stop: AbortController; over: Promise<void> } | undefined;
  #last: VmStats | undefined;
  #looks = 0;
  #waitingLooks = 0;
  #queue: Promise<void> = Promise.resolve();

  /** `output` gets what the guest sends on COM1, and undefined when a new machine begins. */
  constructor(settings: Settings, output: (bytes: Uint8Array | undefined) => void) {
    this.#settings = signal(settings);
    this.#output = output;
    this.#client = new Client();
    this.#disk = new DroppedDisk(this.#client);
    setInterval(() => void this.#look(), SAMPLE_MS);
  }

  get status(): ReadonlySignal<Status> {
    return this.#status;
  }
  /** One line: how the run ended, or what went wrong. */
  get message(): ReadonlySignal<string> {
    return this.#message;
  }
  /** One line: what was asked for and cannot be had; until something else is asked for. */
  get complaint(): ReadonlySignal<string> {
    return this.#complaint;
  }
  get settings(): ReadonlySignal<Settings> {
    return this.#settings;
  }
  get dropped(): ReadonlySignal<Dropped | undefined> {
    return this.#dropped;
  }
  /** The guest has been halted for a while: it waits for a key, for a timer, for the power button. */
  get waiting(): ReadonlySignal<boolean> {
    return this.#waiting;
  }
  /** The guest is no small one of the list's. */
  get whole(): boolean {
    return this.#dropped.value !== undefined || guestOf(this.#settings.value.guest).url === undefined;
  }
  /** What lies beside the page and is fetched when it is wanted. */
  get files(): SiteFiles {
    return this.#files;
  }
  /** Of the last tenth of a second; undefined while the machine stands. */
  get rates(): ReadonlySignal<Rates | undefined> {
    return this.#rates;
  }
  get state(): ReadonlySignal<CpuState | undefined> {
    return this.#state;
  }
  get result(): ReadonlySignal<RunResult | undefined> {
    return this.#result;
  }
  /** There is a snapshot to restore. */
  get saved(): ReadonlySignal<boolean> {
    return this.#saved;
  }
  /** The machine, for panels that look into it. */
  get pc(): Remote<Pc> | undefined {
    return this.#pc;
  }
  get client(): Client {
    return this.#client;
  }

  // ---------------------------------------------------------------- what the buttons do
  /** A new machine with the settings; it is ready, and does not run yet. */
  reset(): Promise<void> {
    this.cancel();
    return this.#next(() => this.#build());
  }

  /** A new machine, which runs. */
  start(): Promise<void> {
    this.cancel();
    return this.#next(async () => {
      await this.#build();
      await this.#start();
    });
  }

  /** Calls off a download that is under way, and the machine that it is for. */
  cancel(): void {
    this.#loading.abort(new CalledOffError('called off: nothing has been loaded'));
    this.#loading = new AbortController();
  }

  run(): Promise<void> {
    return this.#next(() => this.#start());
  }

  pause(): Promise<void> {
    return this.#next(() => this.#stop());
  }

  /** One instruction. */
  step(): Promise<void> {
    return this.#next(async () => {
      await this.#stop();
      const pc = this.#pc;
      if (pc === undefined || this.#status.value === 'ended') return;
      this.#take(await pc.run({ maxInstructions: 1 }));
      await this.#readState();
    });
  }

  snapshot(): Promise<void> {
    return this.#next(async () => {
      await this.#standing(async (pc) => {
        this.#snapshot = await pc.snapshot();
      });
      this.#saved.value = true;
      this.#message.value = 'snapshot taken';
    });
  }

  restore(): Promise<void> {
    return this.#next(async () => {
      const snapshot = this.#snapshot;
      if (snapshot === undefined) return;
      await this.#standing((pc) => pc.restore(snapshot));
      if (this.#status.value === 'ended') this.#status.value = 'paused';
      this.#result.value = undefined;
      this.#message.value = 'snapshot restored';
    });
  }

  /** Runs what was dropped; a disk is there for the program that is dropped before or after it. */
  async drop(files: readonly File[]): Promise<void> {
    try {
      this.#dropped.value = await addFiles(this.#dropped.value ?? {}, files);
    } catch (error) {
      if (!(error instanceof DroppedFileError)) throw error;
      this.complain(error.message);
      return;
    }
    await this.start();
  }

  /** Presses the power button; a guest that does not look is left alone. */
  pressPower(): Promise<void> {
    return this.#next(async () => {
      await this.#pc?.pressPowerButton();
      this.#message.value = 'the power button was pressed';
    });
  }

  /** Changes settings. A new guest or processor is a new machine; everything else changes in the one that runs. */
  change(changes: Partial<Settings>): Promise<void> {
    const before = this.#settings.value;
    const after = { ...before, ...changes };
    this.#settings.value = after;
    if (changes.guest !== undefined) this.#dropped.value = undefined;
    if (changes.guest !== undefined || after.cpu !== before.cpu) return this.start();
    return this.#next(async () => {
      const { vm } = this.#pc ?? {};
      if (vm === undefined) return;
      if (after.paging !== before.paging || after.doorbells !== before.doorbells) {
        await this.#standing(async () => {
          await vm.setPaging(after.paging);
          await vm.setDoorbells(after.doorbells);
        });
      }
      if (after.kick !== before.kick) await this.#doorbells?.want(after.kick);
    });
  }

  complain(text: string): void {
    this.#complaint.value = text;
  }

  /** What is typed at the console. */
  send(bytes: Uint8Array): void {
    void this.#pc?.sendSerial(bytes);
  }

  /** A key of the machine's own keyboard, by its KeyboardEvent.code. */
  key(name: string, down: boolean): void {
    void this.#pc?.key(name, down);
  }

  // ---------------------------------------------------------------- the machine
  /** Operations come one after the other; what fails is said on the page. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#complaint.value = '';
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#fail(error));
    return this.#queue;
  }

  #fail(error: unknown): void {
    this.#status.value = error instanceof CalledOffError ? 'ended' : 'failed';
    this.#message.value = error instanceof Error ? error.message : String(error);
  }

  async #build(): Promise<void> {
    await this.#stop();
    this.#status.value = 'loading';
    await this.#pc?.close();
    this.#pc = undefined;
    this.#snapshot = undefined;
    this.#saved.value = false;
    this.#result.value = undefined;
    this.#message.value = '';
    this.#forgetRates();
    this.#output(undefined);
    const parts = { settings: this.#settings.value, dropped: this.#dropped.value };
    const { signal: stop } = this.#loading;
    const options = await powerOn({ ...parts, files: this.#files, disk: this.#disk, stop });
    const pc = await this.#client.doorbell.Pc.create({ ...options, serial: this.#output });
    this.#pc = pc;
    this.#doorbells = await doorbellsOf(pc);
    await this.#doorbells?.want(this.#settings.value.kick);
    this.#status.value = 'ready';
    await this.#readState();
  }

  async #start(): Promise<void> {
    if (this.#running !== undefined) return;
    if (this.#status.value === 'ended' || this.#pc === undefined) await this.#build();
    const pc = this.#pc!;
    const stop = new AbortController();
    this.#status.value = 'running';
    this.#message.value = '';
    this.#forgetRates();
    const over = runOn(pc, stop.signal).then(
      (result) => this.#ended(result),
      (error: unknown) => {
        this.#running = undefined;
        this.#fail(error);
      },
    );
    this.#running = { stop, over };
  }

  async #ended(result: RunResult): Promise<void> {
    this.#running = undefined;
    this.#take(result);
    await this.#readState();
  }

  async #stop(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.over;
  }

  /** Does something to the machine while it stands, and lets it go on. */
  async #standing(work: (pc: Remote<Pc>) => Promise<unknown>): Promise<void> {
    const ran = this.#running !== undefined;
    await this.#stop();
    if (this.#pc !== undefined) await work(this.#pc);
    await this.#readState();
    if (ran) await this.#start();
  }

  #take(result: RunResult): void {
    const going = result.reason === 'aborted' || result.reason === 'budget';
    this.#status.value = going ? 'paused' : 'ended';
    this.#result.value = going ? undefined : result;
    this.#message.value = going ? '' : describe(result);
    this.#forgetRates();
  }

  #forgetRates(): void {
    this.#last = undefined;
    this.#rates.value = undefined;
    this.#waitingLooks = 0;
    this.#waiting.value = false;
  }

  async #readState(): Promise<void> {
    const { vcpu } = this.#pc ?? {};
    if (vcpu === undefined) return;
    const [regs, sregs, retired] = await Promise.all([vcpu.getRegs(), vcpu.getSregs(), vcpu.retired]);
    this.#state.value = { regs, sregs, retired };
  }

  async #look(): Promise<void> {
    const pc = this.#pc;
    if (pc === undefined || this.#status.value !== 'running') return;
    try {
      const [stats, waiting] = await Promise.all([pc.vm.stats(), pc.waiting]);
      if (pc !== this.#pc || this.#status.value !== 'running') return;
      this.#waitingLooks = waiting ? this.#waitingLooks + 1 : 0;
      this.#waiting.value = this.#waitingLooks >= WAITING_LOOKS;
      if (this.#last !== undefined) this.#rates.value = ratesBetween(this.#last, stats);
      this.#last = stats;
      if (++this.#looks % STATE_EVERY === 0) await this.#readState();
    } catch {
      // the machine was closed meanwhile; whoever closed it knows
    }
  }
}

async function doorbellsOf(pc: Remote<Pc>): Promise<Remote<DoorbellPage> | undefined> {
  for (const device of (await pc.devices) as unknown as Remote<Device>[]) {
    if ((await device.name) === 'doorbells') return device as unknown as Remote<DoorbellPage>;
  }
  return undefined;
}

/** Runs the guest; one that resets the machine goes on in it as after power-on, with its disk as it is. */
async function runOn(pc: Remote<Pc>, signal: AbortSignal): Promise<RunResult> {
  for (;;) {
    const result = await pc.run({ signal });
    if (result.reason !== 'reset') return result;
    await pc.reset();
  }
}

function describe({ reason, value, crash, instructions }: RunResult): string {
  const count = `after ${instructions.toLocaleString('en')} instructions`;
  if (crash !== undefined)
    return `the guest crashed: ${crash.message}; ${crash.listing || 'no instruction can be read'}`;
  if (value !== undefined) return `the guest has ended with ${value}, ${count}`;
  if (reason === 'power-off') return `the guest has switched the machine off, ${count}`;
  return reason === 'halted' ? `the guest has halted, ${count}` : `the guest is over (${reason}), ${count}`;
}
