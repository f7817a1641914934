// KVM_IRQFD (spec 5.1 to 5.3): an eventfd whose signals become interrupts, and its level-triggered form with a resamplefd.
//
// A signal in this thread is turned into an interrupt inside signal(), and its count is consumed there: readers see nothing.
// Signals from other threads cannot call into this one. They are found by poll(), which a vCPU's loop calls between runs, or
// by listening (`listen: true`), which waits for them by promise for a machine that is idle.

import type { EventFd, EventFdContext, EventFdWaiter } from '../eventfd/index.js';
import { contextOf, EBUSY, EFAULT, EINVAL, PollBit } from '../eventfd/index.js';
import type { InterruptLine } from './device.js';

/** Flags of an irqfd, with KVM's values. */
export const IrqFdFlag = {
  Deassign: 0x1,
  /** Level-triggered: `resamplefd` is signalled when the guest has acknowledged. */
  Resample: 0x2,
} as const;
export type IrqFdFlag = number;

/** The fields of kvm_irqfd. `gsi` is a u32 and is checked against no route: signals to one that leads nowhere vanish. */
export interface IrqFdArgs {
  fd: EventFd;
  gsi: number;
  flags?: IrqFdFlag;
  resamplefd?: EventFd;
}

export interface IrqFdOptions {
  lines: InterruptLine;
  /** Which interrupt controllers the machine itself has: without any there are no irqfds, Resample needs all of them. */
  irqchip: 'none' | 'split' | 'full';
  /**
   * Also wait by promise for signals of other threads. What is pending when an irqfd is bound is then consumed, since a
   * count that stays is one that never again has the 0 -> 1 edge that wakes a listener.
   */
  listen?: boolean;
}

/** One binding of an eventfd to a GSI. */
class IrqBinding implements EventFdWaiter {
  active = true;
  /** The pending count found at bind time: it was injected once, and stays for readers (spec 5.1). */
  private injected: bigint;

  constructor(
    private readonly owner: IrqFds,
    readonly context: EventFdContext,
    readonly gsi: number,
    readonly resample: EventFdContext | undefined,
  ) {
    this.injected = context.count;
  }

  /** Called by a signal, a write or the last close in this thread. */
  wake(events: number): boolean {
    if ((events & PollBit.Hup) !== 0) {
      this.owner.detach(this);
      return false;
    }
    if ((events & PollBit.In) === 0) return false;
    this.injected = 0n;
    this.context.drain();
    this.owner.fire(this);
    return true;
  }

  /** Looks for signals of other threads; true if there was one. */
  look(): boolean {
    if (this.injected !== 0n) {
      if (this.context.count === this.injected) return false;
      this.injected = 0n;
    }
    if (this.context.drain()) {
      this.owner.fire(this);
      return true;
    }
    if (this.context.hungUp) this.owner.detach(this);
    return false;
  }

  /** Delivers signals of other threads until the binding ends. */
  async listen(): Promise<void> {
    const ended = (): boolean => !this.active || this.context.hungUp;
    while (await this.context.waitAsync(Infinity, ended)) if (this.active) this.look();
    if (this.active) this.owner.detach(this);
  }
}

/** A VM's irqfds. */
export class IrqFds {
  private bindings: readonly IrqBinding[] = [];
  /** GSIs that a resampling irqfd holds asserted: a source of its own, so other irqfds' pulses do not end it. */
  private readonly held = new Set<number>();
  private readonly lines: InterruptLine;
  private readonly irqchip: 'none' | 'split' | 'full';
  private readonly listen: boolean;

  constructor({ lines, irqchip, listen = false }: IrqFdOptions) {
    this.lines = lines;
    this.irqchip = irqchip;
    this.listen = listen;
  }

  get size(): number {
    return this.bindings.length;
  }

  /** How many GSIs resampling irqfds hold asserted. */
  get holding(): number {
    return this.held.size;
  }

  /** The ioctl: EINVAL for unknown flags, then deassign() or assign(). */
  apply(args: IrqFdArgs): void {
    if ((this.flags(args) & IrqFdFlag.Deassign) !== 0) this.deassign(args);
    else this.assign(args);
  }

  /**
   * Binds. Errors, the first that applies: EFAULT (no arguments), EINVAL (flags; gsi not a u32; no irqchip, or Resample
   * without a full one), EBADF or EINVAL (fd, then resamplefd), EBUSY (the eventfd serves an irqfd already, in any VM).
   * A count that is pending fires once and is not consumed.
   */
  assign(args: IrqFdArgs): void {
    const { fd, gsi, resamplefd } = args;
    const resampling = (this.flags(args) & IrqFdFlag.Resample) !== 0;
    const what = `irqfd: assign gsi ${gsi}`;
    if (this.irqchip === 'none') throw new EINVAL(`${what}: the VM has no interrupt controller`);
    if (resampling && this.irqchip !== 'full')
      throw new EINVAL(`${what}: Resample needs the full interrupt controller`);
    const context = contextOf(fd, what);
    const resample = resampling ? contextOf(resamplefd, `${what}: resamplefd`) : undefined;
    if (!context.bind()) throw new EBUSY(`${what}: the eventfd serves another irqfd`);
    const binding = new IrqBinding(this, context, gsi, resample);
    context.acquire();
    resample?.acquire();
    context.subscribe(binding, true);
    this.bindings = [...this.bindings, binding];
    if (this.listen && context.shared) {
      if (context.drain()) this.fire(binding);
      void binding.listen();
    } else if (context.count > 0n) {
      this.fire(binding);
    }
  }

  /** Unbinds every irqfd of the eventfd on the gsi; none is no error. EBADF or EINVAL for the fd. Resample is not compared. */
  deassign(args: IrqFdArgs): void {
    const { fd, gsi } = args;
    this.flags(args);
    const context = contextOf(fd, `irqfd: deassign gsi ${gsi}`);
    for (const binding of this.bindings) if (binding.context === context && binding.gsi === gsi) this.detach(binding);
  }

  /** The guest has acknowledged (EOI) the GSI: the resamplers' line falls, then each of their resamplefds is signalled. */
  acknowledge(gsi: number): void {
    const resamplers = this.bindings.filter((binding) => binding.gsi === gsi && binding.resample !== undefined);
    if (this.held.has(gsi) || resamplers.length > 0) this.release(gsi);
    for (const { resample } of resamplers) resample?.signal();
  }

  /** Delivers what other threads have signalled since the last time; returns how many irqfds fired. */
  poll(): number {
    let fired = 0;
    for (const binding of this.bindings) if (binding.active && binding.look()) fired++;
    return fired;
  }

  /** What a snapshot keeps: the GSIs held asserted. Bindings are configuration. */
  save(): readonly number[] {
    return [...this.held].sort((a, b) => a - b);
  }

  /** Moves no line: whoever has the lines restores them. What no irqfd holds any more falls at its next EOI. */
  restore(held: readonly number[]): void {
    this.held.clear();
    for (const gsi of held) this.held.add(gsi);
  }

  /** Unbinds everything, as the end of the VM does. */
  close(): void {
    for (const binding of this.bindings) this.detach(binding);
  }

  /** @internal a binding's eventfd was signalled */
  fire({ active, gsi, resample }: IrqBinding): void {
    if (!active) return;
    this.lines.set(gsi, 1);
    if (resample !== undefined) this.held.add(gsi);
    else if (!this.held.has(gsi)) this.lines.set(gsi, 0);
  }

  /** @internal ends a binding */
  detach(binding: IrqBinding): void {
    if (!binding.active) return;
    binding.active = false;
    const { context, resample, gsi } = binding;
    this.bindings = this.bindings.filter((other) => other !== binding);
    context.unsubscribe(binding);
    context.unbind();
    context.wakeSleepers();
    context.release();
    if (resample === undefined) return;
    resample.release();
    const more = this.bindings.some((other) => other.gsi === gsi && other.resample !== undefined);
    if (!more) this.release(gsi);
  }

  private release(gsi: number): void {
    this.held.delete(gsi);
    this.lines.set(gsi, 0);
  }

  private flags(args: IrqFdArgs): number {
    if (typeof args !== 'object' || args === null) throw new EFAULT('irqfd: no arguments given');
    const { flags = 0, gsi } = args;
    if ((flags & ~(IrqFdFlag.Deassign | IrqFdFlag.Resample)) !== 0) {
      throw new EINVAL(`irqfd: unknown flag bits in 0x${(flags >>> 0).toString(16)}`);
    }
    if (!Number.isInteger(gsi) || gsi < 0 || gsi > 0xffff_ffff) throw new EINVAL(`irqfd: gsi ${gsi} is not a u32`);
    return flags;
  }
}
