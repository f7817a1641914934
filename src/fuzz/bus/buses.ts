// A VM's buses without a VM, and devices that remember what they were asked.

import type { IoDevice } from '../../bus/index.js';
import { CoalescedZones, DECLINED, DoorbellBus, IoBus, IoEventFds, high32, low32 } from '../../bus/index.js';
import { DoorbellError } from '../../eventfd/index.js';

export class Buses {
  readonly mmio = new IoBus('MMIO');
  readonly pio = new IoBus('PIO');
  readonly ccw = new IoBus('CCW');
  readonly doorbells = new DoorbellBus();
  readonly ioeventfds = new IoEventFds(this);
  readonly zones = new CoalescedZones(this);

  /** A write on the MMIO bus. */
  store(addr: bigint, length: number, value = 0n, bus = this.mmio): boolean {
    return bus.write(low32(addr), high32(addr), length, low32(value), high32(value));
  }

  /** A read on the MMIO bus: the value, or undefined when it goes to user space. */
  load(addr: bigint, length: number, bus = this.mmio): bigint | undefined {
    if (!bus.read(low32(addr), high32(addr), length)) return undefined;
    return (BigInt(bus.dataHi) << 32n) | BigInt(bus.dataLo);
  }
}

/** 'OK', or the errno of what the call throws. */
export function outcome(call: () => void): string {
  try {
    call();
    return 'OK';
  } catch (error) {
    if (error instanceof DoorbellError) return error.code;
    throw error;
  }
}

/** Takes everything, and lists each access as text. */
export class Recorder implements IoDevice {
  readonly seen: string[] = [];
  value = 0;
  declines = false;

  constructor(readonly name = 'recorder') {}

  read(offset: number, length: number): number {
    this.seen.push(`r${length}@${offset}`);
    return this.declines ? DECLINED : this.value;
  }

  write(offset: number, length: number, value: number): void | typeof DECLINED {
    this.seen.push(`w${length}@${offset}=${value}`);
    if (this.declines) return DECLINED;
  }
}
