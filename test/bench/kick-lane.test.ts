// One lane of the benchmark in each paging mode: every kick arrives (the lane itself counts and would throw), and the
// counters say what the design promises: a doorbell is rung without a decode or a walk, other MMIO is not.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventFd } from '../../src/eventfd/index.js';
import { KickLane, type KickRun, type LaneOptions } from '../../src/bench/kick-lane.js';
import { guestFile } from '../../src/bench/node-host.js';
import { KICKS, PAGING_MODES } from '../../src/bench/result.js';

const GOAL = 12;
const lanes: KickLane[] = [];

async function lane(options: LaneOptions): Promise<KickLane> {
  const made = await KickLane.create(options, await guestFile('vmexit/vmexit.bin'));
  lanes.push(made);
  return made;
}

afterEach(() => {
  for (const each of lanes.splice(0)) each.close();
});

describe.each(PAGING_MODES)('under %s', (paging) => {
  it('each kick does the hypervisor’s work that its kind needs', async () => {
    const measured = await lane({ paging });
    const runs = await measured.run({ goal: GOAL, kicks: KICKS });
    expect(runs.map(({ kick }) => kick)).toEqual(['empty', ...KICKS]);
    for (const run of runs) {
      expect(run.ticks).toBeGreaterThanOrEqual(2 ** GOAL);
      expect(run.kicks).toBe(2 * run.iterations - 64);
    }
    const of = (kick: string): KickRun => runs.find((run) => run.kick === kick)!;
    for (const kick of ['pv', 'pio-none', 'pio-wildcard', 'pio-datamatch', 'hypercall', 'cpuid']) {
      expect(of(kick)).toMatchObject({ decodes: 0, walks: 0 });
    }
    for (const kick of ['mmio-wildcard', 'mmio-datamatch']) {
      expect(of(kick).decodes).toBe(of(kick).kicks);
      expect(of(kick).walks).toBeGreaterThanOrEqual(of(kick).kicks);
    }
    // The first touch of the page may take a second look at the instruction.
    expect(of('mmio-none').decodes).toBeGreaterThanOrEqual(of('mmio-none').kicks);
  });

  it('the same machine runs the guest again', async () => {
    const measured = await lane({ paging });
    for (let repetition = 0; repetition < 3; repetition++) {
      const runs = await measured.run({ goal: GOAL, kicks: ['pv'] });
      expect(runs.map(({ kick }) => kick)).toEqual(['empty', 'pv']);
      expect(runs[1]).toMatchObject({ decodes: 0, walks: 0 });
    }
  });
});

it('a kick that does not arrive is an error that names it', async () => {
  const measured = await lane({ paging: 'ept' });
  // Whatever arrives, the eventfd says 1.
  const stolen = vi.spyOn(EventFd.prototype, 'tryRead').mockImplementation(() => 1n);
  try {
    await expect(measured.run({ goal: GOAL, kicks: ['mmio-wildcard'] })).rejects.toThrow(
      /^mmio-wildcard under ept: the guest made \d+ kicks and 1 arrived$/,
    );
  } finally {
    stolen.mockRestore();
  }
});

it('a crowd of doorbells is exactly as large as asked for', async () => {
  for (const doorbells of [1, 2000]) {
    const measured = await lane({ paging: 'ept', doorbells });
    const [, pv] = await measured.run({ goal: GOAL, kicks: ['pv'] });
    expect(pv).toMatchObject({ kick: 'pv', decodes: 0, walks: 0 });
  }
});
