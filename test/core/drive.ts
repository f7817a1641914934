// Runs a random guest to an end that does not depend on how the run is cut: a number of instructions, or an exit.
import { buildGuest, type Shape } from './guest.js';
import {
  BUDGET_USED,
  HALTED,
  LEAVE,
  LEFT,
  REASON,
  RESUME,
  SKIP,
  STOPPED,
  type Machine,
  type Paging,
} from './machine.js';
import { Random } from '../../src/fuzz/random.js';

export interface Case extends Shape {
  seed: number;
  paging: Paging;
}
export interface Outcome {
  state: Record<string, bigint | number>;
  ram: string;
  /** Digest of every exit: reason, address, information, RIP. */
  trace: number;
  exits: number;
  /** What was against the rules of run(). */
  wrong: string[];
}

/** So many exits are enough of a storm; the hypervisor's answers need not let the guest get on. */
const MOST_EXITS = 600;

/** The case of a seed: every mode under every kind of nested paging comes up. */
export function caseOf(seed: number, modes: readonly Shape['mode'][]): Case {
  const random = new Random(seed);
  return {
    seed,
    mode: modes[seed % modes.length]!,
    paging: random.pick(['ept', 'npt', 'shadow'] as const),
    system: random.oneIn(2),
    wild: random.oneIn(3),
  };
}

/** Run the guest of a case for `budget` instructions, `slice` at a time. */
export function runCase(machine: Machine, { seed, paging, ...shape }: Case, budget: number, slice: number): Outcome {
  machine.reset(paging);
  machine.readOnlyFirst = (seed & 4) !== 0;
  buildGuest(machine, seed, shape);
  const random = new Random(seed ^ 0x1234_5678);
  let trace = 0;
  let over = false;
  const note = (value: number): void => {
    trace = (Math.imul(trace, 31) + value) | 0;
  };
  machine.mmioRead = (gpa, length) => {
    note(gpa + length);
    return random.quad();
  };
  machine.mmioWrite = (gpa, length, data) => note(gpa + length + Number(data & 0xffff_ffffn));
  machine.portRead = () => random.next() | 0;
  machine.hook = ({ reason, lo, info }) => {
    note(reason);
    note(lo);
    note(info);
    if (machine.exits > MOST_EXITS) {
      over = true;
      return LEAVE;
    }
    switch (reason) {
      case REASON.tripleFault:
        over = true;
        return LEAVE;
      case REASON.hlt:
        // what ends the halt: an interrupt if it can, an NMI if not
        if ((machine.get('RFLAGS') & 0x200n) !== 0n && machine.get32('ACTIVITY') === 1) {
          machine.set32('IRQ_VECTOR', 32 + random.below(200));
        } else machine.set32('NMI_PENDING', 1);
        machine.set32('REQUEST', machine.get32('REQUEST') | 1);
        if (machine.get32('INTERRUPTIBILITY') & 8) {
          over = true;
          return LEAVE;
        }
        return RESUME;
      case REASON.io:
        if (random.oneIn(8)) {
          machine.set32('IRQ_VECTOR', 32 + random.below(200));
          machine.set32('REQUEST', machine.get32('REQUEST') | 1);
        }
        return random.oneIn(10) ? LEAVE : undefined;
      case REASON.eptMisconfig:
        // a device store is dropped without looking at it, as a doorbell's is
        if (random.oneIn(4) && info & machine.constant('INFO_PLAIN_STORE')) return SKIP;
        return undefined;
      case REASON.cpuid:
        machine.setReg(0, random.next());
        return SKIP;
      default:
        return random.oneIn(50) ? LEAVE : undefined;
    }
  };

  const { core } = machine;
  const wrong: string[] = [];
  let left = budget;
  let rounds = 0;
  while (left > 0 && !over && rounds++ < 4 * budget) {
    const before = core.retired!();
    const piece = Math.min(slice, left);
    const result = core.run!(piece);
    const used = core.retired!() - before;
    left -= used;
    if (used < 0 || used > piece) wrong.push(`${used} instructions of ${piece}`);
    if (result === BUDGET_USED && used !== piece) wrong.push(`budget used up after ${used} of ${piece}`);
    if (result === LEFT) {
      if (machine.get32('EXIT_REASON') === REASON.io) core.completeIo!();
    } else if (result === HALTED) over = true;
    else if (result !== BUDGET_USED && result !== STOPPED) wrong.push(`result ${result}`);
  }
  const state = machine.architecture();
  return { state, ram: machine.ramHash(), trace, exits: machine.exits, wrong };
}

/** What two outcomes differ in. */
export function differences(a: Outcome, b: Outcome): string[] {
  const found: string[] = [];
  for (const [name, value] of Object.entries(a.state)) {
    const other = b.state[name]!;
    if (value !== other) found.push(`${name} ${value.toString(16)} and ${other.toString(16)}`);
  }
  if (a.ram !== b.ram) found.push('RAM');
  if (a.trace !== b.trace || a.exits !== b.exits) found.push(`exits (${a.exits} and ${b.exits})`);
  return found;
}
