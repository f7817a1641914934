// Commands to the buses - registrations, removals, accesses - carried out on the real ones and on the model at once.

import { ClaimRank, IoEventFdFlag, type RangeClaim } from '../../bus/index.js';
import { EventFd, EventFdFlag } from '../../eventfd/index.js';
import { Buses, outcome, Recorder } from './buses.js';
import { Model, type ModelEntry } from './model.js';

const { DataMatch, Pio, Deassign } = IoEventFdFlag;

export interface Place {
  readonly addr: bigint;
  readonly pio: boolean;
}

export type Command =
  | {
      readonly op: 'assign' | 'deassign';
      readonly target: Place;
      /** `fd` is a number 0…2. */
      readonly eventfd: { readonly fd: number; readonly len: number; readonly datamatch: bigint | undefined };
    }
  | { readonly op: 'claim'; readonly target: Place; readonly size: number; readonly user: boolean }
  /** Takes back the claim of this number, modulo how many there were. */
  | { readonly op: 'remove'; readonly which: number }
  | { readonly op: 'write'; readonly target: Place; readonly length: number; readonly value: bigint }
  | { readonly op: 'read'; readonly target: Place; readonly length: number };

/** Called with what happened at each command: for coverage. */
export type Witness = (op: Command['op'], result: string) => void;

const byValue = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const list = (values: readonly bigint[]): string => [...values].sort(byValue).join();

/** Carries out commands; what is wrong at the first one whose result differs from the model's, or undefined. */
export function checkCommands(
  commands: readonly Command[],
  witness: Witness = () => {},
  buses: Buses = new Buses(),
): string | undefined {
  const world = new World(buses);
  try {
    for (const [index, command] of commands.entries()) {
      const wrong = world.carryOut(command, witness);
      if (wrong !== undefined) return `command ${index}, ${command.op}: ${wrong}`;
    }
    return undefined;
  } finally {
    world.close();
  }
}

class World {
  readonly #buses: Buses;
  readonly #model = new Model();
  readonly #fds = [0, 1, 2].map(() => new EventFd(0, EventFdFlag.Nonblock));
  readonly #devices: { device: Recorder; claim: RangeClaim; entry: ModelEntry }[] = [];

  constructor(buses: Buses) {
    this.#buses = buses;
  }

  close(): void {
    this.#buses.ioeventfds.close();
    for (const fd of this.#fds) fd.close();
  }

  carryOut(command: Command, witness: Witness): string | undefined {
    switch (command.op) {
      case 'assign':
      case 'deassign':
        return this.#eventfd(command, witness);
      case 'claim':
        return this.#claim(command, witness);
      case 'remove': {
        const gone = this.#devices[command.which % Math.max(this.#devices.length, 1)];
        if (gone === undefined) return undefined;
        this.#bus(gone.entry.pio).remove(gone.claim);
        this.#model.entries = this.#model.entries.filter((entry) => entry !== gone.entry);
        witness('remove', gone.entry.user ? 'user' : 'kernel');
        return undefined;
      }
      default:
        return this.#access(command, witness);
    }
  }

  #bus(pio: boolean) {
    return pio ? this.#buses.pio : this.#buses.mmio;
  }

  #eventfd(
    { op, target: { addr, pio }, eventfd: { fd, len, datamatch } }: Extract<Command, { eventfd: unknown }>,
    witness: Witness,
  ): string | undefined {
    const model = this.#model;
    const entry = { addr, len, pio, user: false, fd, datamatch };
    const flags = (pio ? Pio : 0) | (datamatch === undefined ? 0 : DataMatch);
    const args = { fd: this.#fds[fd]!, addr, len, datamatch: datamatch ?? 5n, flags };
    let expected: string;
    let result: string;
    if (op === 'assign') {
      const invalid = addr + BigInt(len) >= 2n ** 64n || (len === 0 && datamatch !== undefined);
      expected = invalid ? 'EINVAL' : model.collides(entry) ? 'EEXIST' : 'OK';
      result = outcome(() => this.#buses.ioeventfds.apply(args));
      if (expected === 'OK') model.insert(entry);
    } else {
      const found = model.entries.findIndex(
        (e) => e.fd === fd && e.pio === pio && e.addr === addr && e.len === len && e.datamatch === datamatch,
      );
      expected = found < 0 ? 'ENOENT' : 'OK';
      result = outcome(() => this.#buses.ioeventfds.apply({ ...args, flags: flags | Deassign }));
      if (found >= 0) model.entries.splice(found, 1);
    }
    witness(op, `${expected} ${len} ${pio} ${datamatch !== undefined}`);
    if (result !== expected) return `${result}, expected ${expected}`;
    const bells = list([...this.#buses.doorbells.entries()].map((bell) => bell.addr));
    const wanted = list(model.entries.filter((e) => e.fd !== undefined && !e.pio && e.len === 0).map((e) => e.addr));
    return bells === wanted ? undefined : `doorbells at ${bells}, expected ${wanted}`;
  }

  #claim({ target: { addr, pio }, size, user }: Extract<Command, { op: 'claim' }>, witness: Witness): undefined {
    if (addr + BigInt(size) > 2n ** 64n) return;
    const entry: ModelEntry = { addr, len: size, pio, user, device: this.#devices.length };
    const device = new Recorder();
    const rank = user ? ClaimRank.User : ClaimRank.InKernel;
    this.#devices.push({ device, entry, claim: this.#bus(pio).claim({ addr, len: size, device, rank }) });
    this.#model.insert(entry);
    witness('claim', `${pio} ${user}`);
  }

  #access(command: Extract<Command, { op: 'read' | 'write' }>, witness: Witness): string | undefined {
    const { op, target, length } = command;
    const written = command.op === 'write' ? command.value : undefined;
    const { addr, pio } = target;
    const bus = this.#bus(pio);
    const taker = this.#model.taker(addr, length, pio, written);
    const handled =
      written === undefined
        ? this.#buses.load(addr, length, bus) !== undefined
        : this.#buses.store(addr, length, written, bus);
    const took = [
      ...this.#fds.flatMap((fd, index) => (fd.drain() ? [`fd ${index}`] : [])),
      ...this.#devices.flatMap(({ device }, index) => (device.seen.splice(0).length > 0 ? [`device ${index}`] : [])),
    ].join();
    const wanted = taker === undefined ? '' : taker.fd === undefined ? `device ${taker.device}` : `fd ${taker.fd}`;
    const kind = taker === undefined ? 'nobody' : taker.fd === undefined ? 'device' : `fd ${taker.len}`;
    witness(op, `${kind} ${length} ${pio}`);
    if (took !== wanted) return `taken by ${took || 'nobody'}, expected ${wanted || 'nobody'}`;
    if (handled !== (taker !== undefined)) return `handled: ${handled}, although taken by ${wanted || 'nobody'}`;
    return undefined;
  }
}
