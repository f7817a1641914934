// Taking and restoring the snapshots of a Vm. What is state: guest memory, vCPUs, the clock, the counts of registered
// eventfds, and what the devices on the buses say of themselves. What is configuration, and stays: slots, registrations,
// the CPUID table, devices, options. What is neither stays too: statistics, the dirty log (it gains the pages put back).

import { isStateful, type DeviceState, type IoEventFdCount, type IoEventFds } from '../bus/index.js';
import type { Stateful } from '../bus/index.js';
import { EBUSY, EINVAL } from '../eventfd/index.js';
import { layoutFingerprint } from '../core/layout.js';
import type { Clock, ClockState } from './clock.js';
import type { Shared, VcpuContext } from './context.js';
import type { IrqChip } from './irqchip.js';
import { PAGE_SIZE } from './memory-slot.js';
import type { CheckedOptions } from './options.js';
import type { PagesThen } from './page-history.js';
import { checkKind, describeVcpu, reviveVcpu, type MachineKind, type SavedMachine } from './saved-machine.js';
import type { Slots } from './slots.js';
import { Snapshot } from './snapshot.js';
import { restoreVcpu, saveVcpu, type VcpuState } from './vcpu-state.js';

/** What has state of its own: devices on the buses, and the GSIs' side of the interrupt controllers. */
interface NamedStateful extends Stateful {
  readonly name: string;
}

export interface MachineThen {
  readonly pages: PagesThen;
  readonly vcpus: readonly VcpuState[];
  readonly clock: ClockState;
  readonly devices: readonly { device: NamedStateful; state: DeviceState }[];
  readonly counts: readonly IoEventFdCount[];
}

/** The parts of a Vm that a snapshot is made of. */
export interface SnapshotParts {
  shared: Shared;
  contexts: readonly VcpuContext[];
  slots: Slots;
  clock: Clock;
  ioeventfds: IoEventFds;
  irqChip: () => IrqChip | undefined;
  options: CheckedOptions;
  exports: WebAssembly.Exports;
}

export class Snapshots {
  #rewound = 0;
  #layout: string | undefined;

  constructor(private readonly parts: SnapshotParts) {}

  /** Instructions that were retired and taken back. */
  get rewound(): number {
    return this.#rewound;
  }

  take(): Snapshot {
    this.#checkIdle('snapshot');
    return new Snapshot({ owner: this, moment: this.#take() });
  }

  #take(): MachineThen {
    const { shared, contexts, clock, ioeventfds } = this.parts;
    const vcpus = contexts.map(saveVcpu);
    this.#forgetTranslations();
    return {
      pages: shared.pages.mark(),
      vcpus,
      clock: clock.save(),
      devices: this.#devices().map((device) => ({ device, state: device.save() })),
      counts: ioeventfds.counts(),
    };
  }

  restore(snapshot: Snapshot): void {
    this.#checkIdle('restore');
    if (!(snapshot instanceof Snapshot)) throw new EINVAL('restore: that is not a Snapshot');
    const then = snapshot.of(this);
    if (then === undefined) {
      throw new EINVAL('restore: the snapshot is of another Vm; Snapshot.fromBytes(snapshot.toBytes()) is for any');
    }
    if ('pages' in then && 'kind' in then) snapshot.adopt(this, this.#become(then));
    else this.#restore(then);
  }

  #restore(then: MachineThen): void {
    const { shared, contexts } = this.parts;
    shared.pages.check(then.pages);
    if (contexts.length !== then.vcpus.length) {
      throw new EINVAL(`restore: the snapshot has ${then.vcpus.length} vCPUs, the Vm now ${contexts.length}`);
    }
    shared.pages.restore(then.pages);
    this.#restoreRest(then);
    this.parts.ioeventfds.restoreCounts(then.counts);
  }

  /**
   * TLBs and the tables that the hypervisor makes, from which a run can be told after all: an exit for a page not yet mapped
   * ends a share of a REP instruction, which counts as an instruction. So every run from here begins without them.
   */
  #forgetTranslations(): void {
    const { shared, contexts } = this.parts;
    shared.nested.clear();
    for (const { shadow } of contexts) shadow?.clear();
  }

  #restoreRest({ vcpus, clock, devices }: Pick<MachineThen, 'vcpus' | 'clock' | 'devices'>): void {
    const { contexts, clock: now } = this.parts;
    for (const context of contexts) {
      const before = context.core.exports.retired();
      restoreVcpu(context, vcpus[context.index]!);
      this.#rewound += before - context.core.exports.retired();
    }
    this.#forgetTranslations();
    now.restore(clock);
    // Devices register ioeventfds of their own, so the counts come after them.
    for (const { device, state } of devices) device.restore(state);
  }

  /** Whether slots are still as they were then. */
  holds({ pages }: MachineThen): boolean {
    return pages.generation === this.parts.slots.generation;
  }

  close({ pages }: MachineThen): void {
    this.parts.shared.pages.close(pages);
  }

  /** Everything as plain data. */
  describe(then: MachineThen): SavedMachine {
    return {
      kind: this.#kind(),
      clock: then.clock,
      vcpus: then.vcpus.map(describeVcpu),
      devices: then.devices.map(({ device: { name }, state }) => ({ name, state })),
      counts: then.counts.map(({ bus, addr, len, datamatch, count }) => ({
        bus,
        addr,
        len,
        datamatch: datamatch ?? null,
        count,
      })),
      pages: this.#describePages(then.pages),
    };
  }

  #describePages(then: PagesThen): SavedMachine['pages'] {
    const { shared, slots } = this.parts;
    const { u8 } = shared.memory;
    const other = shared.pages.difference(then);
    return slots.list().map(({ id, host, size }) => {
      const numbers: number[] = [];
      const contents: Uint8Array[] = [];
      for (let number = 0; number < size / PAGE_SIZE; number++) {
        const at = host + number * PAGE_SIZE;
        const page = other.get(at) ?? u8.subarray(at, at + PAGE_SIZE);
        if (same(page, EMPTY)) continue;
        numbers.push(number);
        contents.push(page);
      }
      const bytes = new Uint8Array(contents.length * PAGE_SIZE);
      for (const [index, page] of contents.entries()) bytes.set(page, index * PAGE_SIZE);
      return { slot: id, numbers: new Uint8Array(Uint32Array.from(numbers).buffer), contents: bytes };
    });
  }

  /** Makes the Vm what a file says; from then on that moment is one of its own. Throws EINVAL before anything is changed. */
  #become(saved: SavedMachine): MachineThen {
    checkKind(saved.kind, this.#kind());
    const devices = this.#devices();
    const theirs = saved.devices.map(({ name }) => name).join(', ');
    const ours = devices.map(({ name }) => name).join(', ');
    if (theirs !== ours) {
      throw new EINVAL(
        `restore: the snapshot has the devices ${theirs || 'none'}; on this Vm's buses are ${ours || 'none'}`,
      );
    }
    this.#writePages(saved.pages);
    this.#restoreRest({
      vcpus: saved.vcpus.map(reviveVcpu),
      clock: saved.clock,
      devices: devices.map((device, index) => ({ device, state: saved.devices[index]!.state })),
    });
    this.#restoreSavedCounts(saved.counts);
    return this.#take();
  }

  /** To the eventfds that are registered for the same. */
  #restoreSavedCounts(counts: SavedMachine['counts']): void {
    const { ioeventfds } = this.parts;
    const registered = ioeventfds.counts();
    const name = (one: { bus: string; addr: bigint; len: number; datamatch?: bigint | null | undefined }): string =>
      [one.bus, one.addr, one.len, one.datamatch ?? ''].join(' ');
    const saved = new Map(counts.map((one) => [name(one), one.count]));
    ioeventfds.restoreCounts(registered.map((one) => ({ ...one, count: saved.get(name(one)) ?? one.count })));
  }

  #writePages(pages: SavedMachine['pages']): void {
    const { shared, slots, contexts } = this.parts;
    for (const slot of slots.list()) {
      const saved = pages.find((one) => one.slot === slot.id)!;
      const numbers = new Uint32Array(saved.numbers.buffer, saved.numbers.byteOffset, saved.numbers.length / 4);
      let next = 0;
      for (let number = 0; number < slot.size / PAGE_SIZE; number++) {
        const has = numbers[next] === number;
        const page = has ? saved.contents.subarray(next * PAGE_SIZE, (next + 1) * PAGE_SIZE) : EMPTY;
        if (has) next++;
        const host = slot.host + number * PAGE_SIZE;
        if (same(page, shared.memory.u8.subarray(host, host + PAGE_SIZE))) continue;
        shared.pages.willWrite(host, PAGE_SIZE);
        shared.memory.u8.set(page, host);
        slot.markDirty(slot.base + number * PAGE_SIZE, PAGE_SIZE);
        for (const { core } of contexts) core.exports.invalidateCode(host, PAGE_SIZE);
      }
    }
  }

  #kind(): MachineKind {
    const { shared, options, slots, contexts, exports } = this.parts;
    const { core: _core, ...rest } = options;
    this.#layout ??= layoutFingerprint(exports);
    return {
      layout: this.#layout,
      options: rest,
      cpuid: shared.cpuid.entries,
      slots: slots.list().map(({ id, base, size, readOnly }) => ({ slot: id, address: base, size, readOnly })),
      vcpus: contexts.length,
    };
  }

  /** Devices on the buses that have state, each once: ports before memory, by address; the irqchip behind them. */
  #devices(): NamedStateful[] {
    const { pio, mmio } = this.parts.shared;
    const devices: NamedStateful[] = [...new Set([...pio.devices(), ...mmio.devices()])].filter(isStateful);
    const chip = this.parts.irqChip();
    return chip === undefined ? devices : [...devices, chip];
  }

  #checkIdle(what: string): void {
    const running = this.parts.contexts.find((context) => context.running);
    if (running === undefined) return;
    throw new EBUSY(`${what}: vCPU ${running.index} is running; call requestStop() and wait for run() to return`);
  }
}

const EMPTY = new Uint8Array(PAGE_SIZE);

function same(a: Uint8Array, b: Uint8Array): boolean {
  const left = new Int32Array(a.buffer, a.byteOffset, PAGE_SIZE / 4);
  const right = new Int32Array(b.buffer, b.byteOffset, PAGE_SIZE / 4);
  for (let word = 0; word < left.length; word++) if (left[word] !== right[word]) return false;
  return true;
}
