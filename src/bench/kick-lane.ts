// One machine that kicks, again and again: the guest `vmexit` beside the doorbells' page. The guest counts the ticks of its
// TSC, the page counts what arrived, and the hypervisor's counters say what it had to do for it.
//
// A lane keeps one Vm for all its repetitions, and has a thread to itself (kick-thread.ts). That is how a machine is used,
// and it matters: V8 compiles the exit path of the only Vm of a thread better than one that serves several.

import { IoEventFdFlag } from '../bus/ioeventfd.js';
import { EventFd } from '../eventfd/index.js';
import { DoorbellPage } from '../machine/devices/doorbell-page.js';
import { loadImage } from '../machine/loaders/index.js';
import { Pc } from '../machine/pc.js';
import type { PagingMode } from '../vmm/options.js';
import { BenchError } from './bench-error.js';
import { KICKS, type Kick } from './result.js';

export const TSC_KHZ = 2_800_000;
const MEMORY = 16 * 2 ** 20;
/** Further doorbells stand here, one every 16 bytes, away from the page that the guest kicks. */
const CROWD = 0xfd00_0000n;

/** The loop with no kick in it. */
export type SubTest = Kick | 'empty';

export interface LaneOptions {
  paging: PagingMode;
  /** If given, exactly so many doorbells are on the doorbell bus, that of the kick `pv` among them. */
  doorbells?: number;
}

export interface LaneRun {
  /** A pass of 2^goal ticks ends a sub-test. */
  goal: number;
  kicks: readonly Kick[];
}

export interface KickRun {
  kick: SubTest;
  /** TSC ticks of the timed pass, and kicks in it. */
  ticks: number;
  iterations: number;
  /** Kicks of all passes, and what the hypervisor did for them. */
  kicks: number;
  decodes: number;
  walks: number;
}

/** How many kicks arrived since the last call, where the kick can be told at its other end. */
type Counter = () => number;

/** `empty` separates the guest's start from the first row; `mmio-none` touches the page of the doorbells first. */
const ALWAYS: readonly SubTest[] = ['empty', 'mmio-none'];
const SUB_TESTS: readonly SubTest[] = ['empty', ...KICKS];

export class KickLane {
  readonly #pc: Pc;
  readonly #image: Uint8Array;
  readonly #counters: Partial<Record<SubTest, Counter>>;
  readonly #paging: PagingMode;
  readonly #lines: { take: (line: string) => void };
  readonly #restore: () => void;

  private constructor(pc: Pc, image: Uint8Array, lines: { take: (line: string) => void }, options: LaneOptions) {
    this.#pc = pc;
    this.#image = image;
    this.#lines = lines;
    this.#paging = options.paging;
    const page = pc.devices.find((device) => device instanceof DoorbellPage)!;
    this.#counters = counters(page);
    this.#restore = options.doorbells === undefined ? () => {} : crowd(pc, page, options.doorbells);
  }

  /** `image`: the bytes of guests/vmexit/vmexit.bin. */
  static async create(options: LaneOptions, image: Uint8Array): Promise<KickLane> {
    const lines = { take: (_line: string): void => {} };
    let text = '';
    const pc = await Pc.create({
      kernel: image,
      memory: MEMORY,
      paging: options.paging,
      clock: 'real',
      tscKhz: TSC_KHZ,
      devices: ['doorbells'],
      serial: (bytes) => {
        text += String.fromCharCode(...bytes);
        if (!text.endsWith('\n')) return;
        const line = text.trim();
        text = '';
        lines.take(line);
      },
    });
    return new KickLane(pc, image, lines, options);
  }

  /**
   * One run of the guest from its start, with the sub-tests in its own order. Throws BenchError if a row is missing, or if
   * not every kick that the guest made arrived.
   */
  async run({ goal, kicks }: LaneRun): Promise<KickRun[]> {
    const pc = this.#pc;
    const { vcpu, vm } = pc;
    const wanted = SUB_TESTS.filter((each) => ALWAYS.includes(each) || kicks.includes(each as Kick));
    vcpu.reset();
    const { memory: ram } = vm.options;
    const cmdline = `goal=${goal} raw ${wanted.join(' ')}`;
    loadImage(this.#image, { memory: vm.memory, vcpu, ram, cmdline, modules: [] });
    for (const count of Object.values(this.#counters)) count();

    const runs: KickRun[] = [];
    let before = hypervisorWork(pc);
    let failure: BenchError | undefined;
    this.#lines.take = (line) => {
      const after = hypervisorWork(pc);
      const row = rowOf(line, { decodes: after.decodes - before.decodes, walks: after.walks - before.walks });
      before = after;
      if (row === undefined) failure ??= new BenchError(`the guest vmexit has printed a row that is none: '${line}'`);
      else {
        failure ??= this.#lost(row);
        runs.push(row);
      }
    };
    await pc.run();
    if (failure !== undefined) throw failure;
    for (const subTest of wanted) {
      if (runs.some((run) => run.kick === subTest)) continue;
      throw new BenchError(`the guest vmexit has printed no row for ${subTest} under ${this.#paging}`);
    }
    return runs.filter(({ kick }) => kick === 'empty' || kicks.includes(kick));
  }

  /** An error if the kicks that were made are not those that arrived. */
  #lost({ kick, kicks: made }: KickRun): BenchError | undefined {
    const arrived = this.#counters[kick]?.() ?? made;
    if (arrived === made) return undefined;
    return new BenchError(`${kick} under ${this.#paging}: the guest made ${made} kicks and ${arrived} arrived`);
  }

  close(): void {
    this.#restore();
    this.#pc.close();
  }
}

function counters(page: DoorbellPage): Partial<Record<SubTest, Counter>> {
  const device = (counted: { count: number }): Counter => {
    return () => {
      const { count } = counted;
      counted.count = 0;
      return count;
    };
  };
  const eventfd = (fd: EventFd): Counter => {
    return () => Number(fd.tryRead() ?? 0n);
  };
  return {
    hypercall: eventfd(page.hypercall),
    'pio-none': device(page.pioNone),
    'pio-wildcard': eventfd(page.pioWildcard),
    'pio-datamatch': eventfd(page.pioDatamatch),
    'mmio-none': device(page.mmioNone),
    'mmio-wildcard': eventfd(page.mmioWildcard),
    'mmio-datamatch': eventfd(page.mmioDatamatch),
    pv: eventfd(page.pv),
  };
}

/** Leaves the doorbell of `pv` alone on the bus, and adds others that share one eventfd. Returns what undoes the former. */
function crowd({ vm }: Pc, page: DoorbellPage, doorbells: number): () => void {
  const { PvMmio, Deassign } = IoEventFdFlag;
  const other = [...vm.doorbells.entries()].find(({ context }) => context === page.hypercall.context)!;
  const binding = { fd: page.hypercall, addr: other.addr, len: other.len };
  vm.ioeventfd({ ...binding, flags: PvMmio | Deassign });
  const fd = new EventFd();
  for (let index = 1; index < doorbells; index++) {
    vm.ioeventfd({ fd, addr: CROWD + BigInt(index) * 16n, len: other.len, flags: PvMmio });
  }
  fd.close();
  const { size } = vm.doorbells;
  if (size !== doorbells) throw new BenchError(`${size} doorbells are registered, not ${doorbells}`);
  return () => vm.ioeventfd({ ...binding, flags: PvMmio });
}

function hypervisorWork({ vm }: Pc): { decodes: number; walks: number } {
  const reasons = Object.values(vm.stats().exits);
  const sum = (what: 'decodes' | 'walks'): number => reasons.reduce((total, each) => total + each[what], 0);
  return { decodes: sum('decodes'), walks: sum('walks') };
}

/** `name value iterations ticks`; N iterations in the last pass are 64 + 128 + … + N = 2N - 64 kicks in all. */
function rowOf(line: string, work: { decodes: number; walks: number }): KickRun | undefined {
  const [name, , iterations, ticks] = line.split(' ');
  const kick = SUB_TESTS.find((each) => each === name);
  if (kick === undefined || !(Number(iterations) > 0) || !(Number(ticks) > 0)) return undefined;
  return { kick, ticks: Number(ticks), iterations: Number(iterations), kicks: 2 * Number(iterations) - 64, ...work };
}
