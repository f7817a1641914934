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
const SHIFT_AND_FLAGS = 28;
/** struct pvclock_wall_clock: version, sec, nsec. */
const WALL_INFO = 12;
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
  /** Where the structure stands; undefined while the guest has none, or named a place that is no RAM. */
  #at: number | undefined;
  /** The TSC's offset that the structure is for. */
  #offset = 0n;

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
    const at = value === 0n ? undefined : this.#ram(value, WALL_INFO);
    if (at === undefined) return;
    const milliseconds = this.#parts.clock.startTime;
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
    this.#change(at, () => {
      this.#parts.memory.writeU32(at + 4, seconds >>> 0);
      this.#parts.memory.writeU32(at + 8, nanoseconds);
    });
  }

  #tellSystemTime(value: bigint): void {
    this.#at = (value & ENABLE) === 0n ? undefined : this.#ram(value & ~ENABLE, TIME_INFO);
    this.#tell();
  }

  /** Tells anew, if the TSC was written since. */
  refresh(): void {
    if (this.#at !== undefined && this.#parts.offset() !== this.#offset) this.#tell();
  }

  #tell(): void {
    const at = this.#at;
    if (at === undefined) return;
    const { clock, memory, ticks, offset, stable } = this.#parts;
    const own = Math.floor(ticks());
    // With the host's clock both are one and the same moment.
    const now = clock.mode === 'real' ? own : Math.floor(clock.ticks());
    this.#offset = offset();
    this.#change(at, () => {
      const { multiplier, shift } = this.#scale;
      memory.writeU64(at + TSC_TIMESTAMP, BigInt.asUintN(64, BigInt(own) + this.#offset));
      memory.writeU64(at + SYSTEM_NS, (BigInt(now) * 1_000_000n) / BigInt(clock.tscKhz));
      memory.writeU32(at + MULTIPLIER, multiplier);
      memory.writeU32(at + SHIFT_AND_FLAGS, (shift & 0xff) | ((stable() ? TSC_STABLE : 0) << 8));
    });
  }

  /** The version is odd while the rest is written, and another one afterwards. */
  #change(at: number, write: () => void): void {
    const { memory } = this.#parts;
    const odd = (memory.readU32(at) + 1) | 1;
    memory.writeU32(at, odd);
    write();
    memory.writeU32(at, odd + 1);
  }

  /** The address, if it is aligned and RAM: of a structure anywhere else nothing is told, as with KVM. */
  #ram(value: bigint, length: number): number | undefined {
    const at = Number(value);
    return at % 4 === 0 && this.#parts.memory.isRam(at, length) ? at : undefined;
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
