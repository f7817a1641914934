// KVM's paravirtual clock: the guest names a structure in its memory, and finds there how to make nanoseconds of its time-stamp
// counter. Linux, Documentation/virt/kvm/x86/msr.rst: MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW and their old numbers.

import type { Clock } from '../clock.js';
import type { GuestMemory } from '../guest-memory.js';
import type { MsrRules } from './register.js';

const WALL_CLOCK = 0x11;
const SYSTEM_TIME = 0x12;
const WALL_CLOCK_NEW = 0x4b56_4d00;
const SYSTEM_TIME_NEW = 0x4b56_4d01;

/** Bit 0 of the system-time register. */
const ENABLE = 1n;
/** struct pvclock_vcpu_time_info: version, pad, tsc_timestamp, system_time, tsc_to_system_mul, tsc_shift, flags, pad. */
const TIME_INFO = 32;
const TSC_TIMESTAMP = 8;
const SYSTEM_NS = 16;
const MULTIPLIER = 24;
const SHIFT = 28;
const FLAGS = 29;
/** struct pvclock_wall_clock: version, sec, nsec. */
const WALL_INFO = 12;
const WALL_SECONDS = 4;
const WALL_NANOSECONDS = 8;
/** No guest-physical address reaches this (SDM vol. 3, 4.1.4). */
const ADDRESSES = 1n << 52n;
/** PVCLOCK_TSC_STABLE_BIT: what one vCPU makes of its TSC never lies behind what another has seen. */
const TSC_STABLE = 1;

export interface KvmClockParts {
  readonly clock: Clock;
  readonly memory: GuestMemory;
  /** Ticks of the clock that this vCPU's TSC counts, without its offset. */
  readonly ticks: () => number;
  /** What is added to them: changes when the guest or the user writes the TSC. */
  readonly offset: () => bigint;
  /** The TSCs of all vCPUs go together. */
  readonly stable: () => boolean;
}

/** One tick in nanoseconds: ((ticks << shift) × multiplier) >> 32, where a negative shift goes right. */
export interface TickScale {
  multiplier: number;
  shift: number;
}

/** With as many bits as the multiplier has, rounded down: a guest's time goes no faster than ours. */
export function tickScale(tscKhz: number): TickScale {
  const perTick = (1_000_000n << 64n) / BigInt(tscKhz);
  const shift = perTick.toString(2).length - 64;
  return { multiplier: Number(perTick >> BigInt(32 + shift)), shift };
}

export class KvmClock {
  readonly #parts: KvmClockParts;
  readonly #scale: TickScale;
  /** Where the structure stands; undefined while the guest has none. */
  #at: number | undefined;
  /** The TSC's offset that the structure is for. */
  #offset = 0n;
  readonly #time = new DataView(new ArrayBuffer(TIME_INFO));
  readonly #wall = new DataView(new ArrayBuffer(WALL_INFO));

  constructor(parts: KvmClockParts) {
    this.#parts = parts;
    this.#scale = tickScale(parts.clock.tscKhz);
  }

  /** The registers; the old numbers and the new are announced by a CPUID bit each. */
  rules(old: boolean, current: boolean): MsrRules {
    const any = (): boolean => true;
    const wall = { reset: 0n, takes: any, written: (value: bigint): void => this.#tellWallClock(value) };
    const system = { reset: 0n, takes: any, written: (value: bigint): void => this.#tellSystemTime(value) };
    return [
      ...(old ? ([[WALL_CLOCK, wall], [SYSTEM_TIME, system]] as const) : []), // prettier-ignore
      ...(current ? ([[WALL_CLOCK_NEW, wall], [SYSTEM_TIME_NEW, system]] as const) : []), // prettier-ignore
    ];
  }

  /** The time at which the guest's system time was 0. */
  #tellWallClock(value: bigint): void {
    const at = value === 0n ? undefined : this.#place(value);
    if (at === undefined) return;
    const milliseconds = this.#parts.clock.startTime;
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
    this.#wall.setUint32(WALL_SECONDS, seconds, true);
    this.#wall.setUint32(WALL_NANOSECONDS, nanoseconds, true);
    this.#put(at, this.#wall);
  }

  #tellSystemTime(value: bigint): void {
    this.#at = (value & ENABLE) === 0n ? undefined : this.#place(value & ~ENABLE);
    this.#tell();
  }

  /** Tells anew, if the TSC was written since. */
  refresh(): void {
    if (this.#at !== undefined && this.#parts.offset() !== this.#offset) this.#tell();
  }

  #tell(): void {
    const at = this.#at;
    if (at === undefined) return;
    const { clock, ticks, offset, stable } = this.#parts;
    const own = Math.floor(ticks());
    // With the host's clock both are one and the same moment.
    const now = clock.mode === 'real' ? own : Math.floor(clock.ticks());
    this.#offset = offset();
    const { multiplier, shift } = this.#scale;
    const time = this.#time;
    time.setBigUint64(TSC_TIMESTAMP, BigInt.asUintN(64, BigInt(own) + this.#offset), true);
    time.setBigUint64(SYSTEM_NS, (BigInt(now) * 1_000_000n) / BigInt(clock.tscKhz), true);
    time.setUint32(MULTIPLIER, multiplier, true);
    time.setInt8(SHIFT, shift);
    time.setUint8(FLAGS, stable() ? TSC_STABLE : 0);
    this.#put(at, time);
  }

  /**
   * Writes a structure, whose version is odd while the rest is written and another one afterwards. To a place that is no RAM,
   * or no longer, nothing is told, as with KVM.
   */
  #put(at: number, { buffer }: DataView<ArrayBuffer>): void {
    const { memory } = this.#parts;
    if (!memory.isRam(at, buffer.byteLength)) return;
    const odd = (memory.readU32(at) + 1) | 1;
    memory.writeU32(at, odd);
    memory.write(at + 4, new Uint8Array(buffer, 4));
    memory.writeU32(at, odd + 1);
  }

  /** The address, if it is aligned and within what addresses can be. */
  #place(value: bigint): number | undefined {
    return value % 4n === 0n && value < ADDRESSES ? Number(value) : undefined;
  }

  /** As after power-on. */
  reset(): void {
    this.#at = undefined;
    this.#offset = 0n;
  }

  save(): { at: number | null; offset: bigint } {
    return { at: this.#at ?? null, offset: this.#offset };
  }

  /** The structure itself is guest memory, which comes back with the rest. */
  restore({ at, offset }: { at: number | null; offset: bigint }): void {
    this.#at = at ?? undefined;
    this.#offset = offset;
  }
}
