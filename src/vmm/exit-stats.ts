// What exits cost: count, decodes, walks and time per exit reason, in typed arrays that the exit path increments.

/** Counters of one exit reason. */
export interface ExitCounters {
  count: number;
  /** Instructions the hypervisor decoded because of these exits. */
  decodes: number;
  /** Guest page walks the hypervisor made because of these exits. */
  walks: number;
  /** Exits that needed no decode. */
  decodeFree: number;
  /** Nanoseconds in the hypervisor, an estimate: of each reason the first 16 exits are timed, then one of 512, scaled up. */
  ns: number;
}

/** Exit reasons as VT-x numbers them (SDM vol. 3, appendix C), and SVM's #NPF (0x400) and #PF (0x4e). */
export const HardwareExit = {
  TripleFault: 2,
  InterruptWindow: 7,
  Cpuid: 10,
  Hlt: 12,
  Invd: 13,
  Invlpg: 14,
  Rdpmc: 15,
  Vmcall: 18,
  CrAccess: 28,
  EoiInduced: 45,
  Io: 30,
  Rdmsr: 31,
  Wrmsr: 32,
  EptViolation: 48,
  EptMisconfig: 49,
  Wbinvd: 54,
  Xsetbv: 55,
  LogFull: 62,
  PageFault: 0x4e,
  Npf: 0x400,
} as const;

/** Names in statistics, as hypervisor people write them. */
const NAMES: Record<keyof typeof HardwareExit, string> = {
  TripleFault: 'TRIPLE_FAULT',
  InterruptWindow: 'INTERRUPT_WINDOW',
  Cpuid: 'CPUID',
  Hlt: 'HLT',
  Invd: 'INVD',
  Invlpg: 'INVLPG',
  Rdpmc: 'RDPMC',
  Vmcall: 'VMCALL',
  CrAccess: 'CR_ACCESS',
  EoiInduced: 'EOI_INDUCED',
  Io: 'IO',
  Rdmsr: 'RDMSR',
  Wrmsr: 'WRMSR',
  EptViolation: 'EPT_VIOLATION',
  EptMisconfig: 'EPT_MISCONFIG',
  Wbinvd: 'WBINVD',
  Xsetbv: 'XSETBV',
  LogFull: 'PML_FULL',
  PageFault: 'PAGE_FAULT',
  Npf: 'NPF',
};

/** Reasons take a row of the tables each: their low seven bits happen to be distinct. */
export const ROWS = 128;
export function rowOf(reason: number): number {
  return reason & (ROWS - 1);
}

const ROW_NAMES: readonly string[] = Array.from({ length: ROWS }, (_, row) => {
  const key = (Object.keys(NAMES) as (keyof typeof NAMES)[]).find((each) => rowOf(HardwareExit[each]) === row);
  return key === undefined ? `ROW_${row}` : NAMES[key];
});

/** The name of a row's reason. */
export function exitName(row: number): string {
  return ROW_NAMES[row] ?? `ROW_${row}`;
}

/** All of them. */
export const EXIT_NAMES: readonly string[] = Object.values(NAMES);

export const TIMED_FIRST = 16;
export const TIMED_EVERY = 512;

/** What a vCPU's own thread counts, by row. */
export interface CountedElsewhere {
  readonly count: Float64Array;
  readonly ns: Float64Array;
}

export class ExitStats {
  readonly count = new Float64Array(ROWS);
  readonly decodes = new Float64Array(ROWS);
  readonly walks = new Float64Array(ROWS);
  readonly decoded = new Float64Array(ROWS);
  readonly ns = new Float64Array(ROWS);
  /** Their tables are only read here: what they had counted when they were last looked at is taken off. */
  readonly #elsewhere = new Map<CountedElsewhere, CountedElsewhere>();

  reset(): void {
    this.#gather();
    for (const table of [this.count, this.decodes, this.walks, this.decoded, this.ns]) table.fill(0);
  }

  /** Another thread's counts are part of these from now on. */
  follow(counted: CountedElsewhere): void {
    this.#elsewhere.set(counted, { count: counted.count.slice(), ns: counted.ns.slice() });
  }

  unfollow(counted: CountedElsewhere): void {
    this.#gather();
    this.#elsewhere.delete(counted);
  }

  #gather(): void {
    for (const [now, before] of this.#elsewhere) {
      for (const [sum, table, known] of [
        [this.count, now.count, before.count],
        [this.ns, now.ns, before.ns],
      ] as const) {
        for (let row = 0; row < ROWS; row++) {
          const value = table[row]!;
          sum[row]! += value - known[row]!;
          known[row] = value;
        }
      }
    }
  }

  /** Reasons that occurred, by name. */
  read(): Record<string, ExitCounters> {
    this.#gather();
    const result: Record<string, ExitCounters> = {};
    for (const key of Object.keys(NAMES) as (keyof typeof NAMES)[]) {
      const row = rowOf(HardwareExit[key]);
      const count = this.count[row]!;
      if (count === 0) continue;
      result[NAMES[key]] = {
        count,
        decodes: this.decodes[row]!,
        walks: this.walks[row]!,
        decodeFree: count - this.decoded[row]!,
        ns: Math.max(0, Math.round(this.ns[row]!)),
      };
    }
    return result;
  }
}
