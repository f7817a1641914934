// Runs guests/vmexit: the guest kicks in a loop and counts the ticks of its TSC, the doorbells' page counts what arrived,
// and the hypervisor's counters say what it had to do for it.

import { DoorbellPage } from '../machine/devices/doorbell-page.js';
import { EventFd } from '../eventfd/index.js';
import { IoEventFdFlag } from '../bus/ioeventfd.js';
import { Pc } from '../machine/pc.js';
import type { PagingMode } from '../vmm/options.js';
import { BenchError } from './bench-error.js';
import { guestFile } from './guest-images.js';
import { KICKS, type Kick } from './result.js';

export const TSC_KHZ = 2_800_000;
const MEMORY = 16 * 2 ** 20;

export interface KickRun {
  kick: Kick;
  /** TSC ticks of the timed pass, and kicks in it. */
  ticks: number;
  iterations: number;
  /** Kicks of all passes, and what the hypervisor did for them. */
  kicks: number;
  decodes: number;
  walks: number;
}

export interface KickOptions {
  paging: PagingMode;
  /** A pass of 2^goal ticks ends a sub-test. */
  goal: number;
  kicks: readonly Kick[];
  /** If given, exactly so many doorbells are on the doorbell bus, that of the kick `pv` among them. */
  doorbells?: number;
}

/** The sub-test that touches the doorbells' page first, so that no other one's counters contain the first touch. */
const FIRST_TOUCH: Kick = 'mmio-none';

/** Further doorbells stand here, one every 16 bytes, away from the page that the guest kicks. */
const CROWD = 0xfd00_0000n;

/** How many kicks arrived since the last call, where the kick can be told at its other end. */
type Counter = () => number;

function counters(page: DoorbellPage): Partial<Record<Kick, Counter>> {
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
    'hypercall': eventfd(page.hypercall),
    'pio-none': device(page.pioNone),
    'pio-wildcard': eventfd(page.pioWildcard),
    'pio-datamatch': eventfd(page.pioDatamatch),
    'mmio-none': device(page.mmioNone),
    'mmio-wildcard': eventfd(page.mmioWildcard),
    'mmio-datamatch': eventfd(page.mmioDatamatch),
    'pv': eventfd(page.pv),
  };
}

/**
 * One run of the guest, with the sub-tests in its own order. Throws BenchError if a row is missing, or if not every kick
 * that the guest made arrived.
 */
export async function runKicks({ paging, goal, kicks, doorbells }: KickOptions): Promise<KickRun[]> {
  const runs: KickRun[] = [];
  const wanted = kicks.includes(FIRST_TOUCH) ? kicks : [FIRST_TOUCH, ...kicks];
  let line = '';
  let before = { decodes: 0, walks: 0 };
  const pc = await Pc.create({
    kernel: await guestFile('vmexit/vmexit.bin'),
    cmdline: `goal=${goal} raw ${wanted.join(' ')}`,
    memory: MEMORY,
    paging,
    clock: 'real',
    tscKhz: TSC_KHZ,
    devices: ['doorbells'],
    serial: (bytes) => {
      line += String.fromCharCode(...bytes);
      if (!line.endsWith('\n')) return;
      const work = hypervisorWork(pc);
      runs.push(rowOf(line.trim(), { decodes: work.decodes - before.decodes, walks: work.walks - before.walks }));
      check(runs.at(-1)!);
      before = work;
      line = '';
    },
  });
  const page = pc.devices.find((device) => device instanceof DoorbellPage)!;
  const arrived = counters(page);
  const check = ({ kick, kicks: made }: KickRun): void => {
    const counted = arrived[kick]?.();
    if (counted === undefined || counted === made) return;
    throw new BenchError(`${kick} under ${paging}: the guest made ${made} kicks and ${counted} arrived`);
  };
  try {
    const restore = doorbells === undefined ? () => {} : crowd(pc, page, doorbells);
    await pc.run();
    restore();
  } finally {
    pc.close();
  }
  for (const kick of wanted) {
    if (runs.some((run) => run.kick === kick)) continue;
    throw new BenchError(`the guest vmexit has printed no row for ${kick} under ${paging}`);
  }
  return runs.filter(({ kick }) => kicks.includes(kick));
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
function rowOf(text: string, work: { decodes: number; walks: number }): KickRun {
  const [name, , iterations, ticks] = text.split(' ');
  const kick = KICKS.find((each) => each === name);
  if (kick === undefined || !(Number(iterations) > 0) || !(Number(ticks) > 0)) {
    throw new BenchError(`the guest vmexit has printed a row that is none: '${text}'`);
  }
  return {
    kick,
    ticks: Number(ticks),
    iterations: Number(iterations),
    kicks: 2 * Number(iterations) - 64,
    ...work,
  };
}
