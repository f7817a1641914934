// The bits of RFLAGS, the control registers and EFER by name (SDM vol. 1, 3.4.3; vol. 3, 2.5, 2.2.1; vol. 3, 12.12.1).

export interface Bit {
  readonly name: string;
  readonly bit: number;
  /** What it is, in words. */
  readonly about: string;
}

const bits = (...rows: [number, string, string][]): Bit[] => rows.map(([bit, name, about]) => ({ bit, name, about }));

/** From the lowest bit up. IOPL is two bits wide, and no flag: it is not in the list. */
export const FLAGS = bits(
  [0, 'CF', 'carry'],
  [2, 'PF', 'parity'],
  [4, 'AF', 'auxiliary carry'],
  [6, 'ZF', 'zero'],
  [7, 'SF', 'sign'],
  [8, 'TF', 'trap: single step'],
  [9, 'IF', 'interrupts enabled'],
  [10, 'DF', 'direction: strings run down'],
  [11, 'OF', 'overflow'],
  [14, 'NT', 'nested task'],
  [16, 'RF', 'resume: no instruction breakpoint'],
  [17, 'VM', 'virtual-8086 mode'],
  [18, 'AC', 'alignment check, or access to user pages with SMAP'],
  [19, 'VIF', 'virtual interrupt flag'],
  [20, 'VIP', 'virtual interrupt pending'],
  [21, 'ID', 'CPUID can be used'],
);

export const CR0_BITS = bits(
  [0, 'PE', 'protected mode'],
  [1, 'MP', 'monitor coprocessor'],
  [2, 'EM', 'emulation: no x87'],
  [3, 'TS', 'task switched'],
  [4, 'ET', 'extension type'],
  [5, 'NE', 'numeric errors by #MF'],
  [16, 'WP', 'write protection holds for the supervisor, too'],
  [18, 'AM', 'alignment mask'],
  [29, 'NW', 'not write-through'],
  [30, 'CD', 'cache disabled'],
  [31, 'PG', 'paging'],
);

export const CR4_BITS = bits(
  [0, 'VME', 'virtual-8086 extensions'],
  [1, 'PVI', 'protected-mode virtual interrupts'],
  [2, 'TSD', 'RDTSC for ring 0 only'],
  [3, 'DE', 'debugging extensions'],
  [4, 'PSE', 'page size extensions'],
  [5, 'PAE', 'physical address extension'],
  [6, 'MCE', 'machine check'],
  [7, 'PGE', 'global pages'],
  [8, 'PCE', 'RDPMC for all rings'],
  [9, 'OSFXSR', 'SSE, by FXSAVE'],
  [10, 'OSXMMEXCPT', 'SSE exceptions by #XM'],
  [11, 'UMIP', 'user-mode instruction prevention'],
  [12, 'LA57', '57-bit linear addresses'],
  [13, 'VMXE', 'VMX'],
  [14, 'SMXE', 'SMX'],
  [16, 'FSGSBASE', 'RDFSBASE and its like'],
  [17, 'PCIDE', 'process-context identifiers'],
  [18, 'OSXSAVE', 'XSAVE'],
  [19, 'KL', 'key locker'],
  [20, 'SMEP', 'the supervisor does not run user pages'],
  [21, 'SMAP', 'the supervisor does not access user pages'],
  [22, 'PKE', 'protection keys for user pages'],
  [23, 'CET', 'control-flow enforcement'],
  [24, 'PKS', 'protection keys for supervisor pages'],
);

export const EFER_BITS = bits(
  [0, 'SCE', 'SYSCALL'],
  [8, 'LME', 'long mode enabled'],
  [10, 'LMA', 'long mode active'],
  [11, 'NXE', 'no-execute pages'],
  [12, 'SVME', 'SVM'],
  [14, 'FFXSR', 'fast FXSAVE'],
);

/** In CR3 without PCIDs. */
export const CR3_BITS = bits([3, 'PWT', 'write-through'], [4, 'PCD', 'cache disabled']);

export function isSet(value: bigint, { bit }: Bit): boolean {
  return ((value >> BigInt(bit)) & 1n) !== 0n;
}

/** The bits that are set; those without a name by number. */
export function setBits(value: bigint, names: readonly Bit[]): Bit[] {
  const found: Bit[] = [];
  for (let bit = 0; value >> BigInt(bit) !== 0n; bit++) {
    if (((value >> BigInt(bit)) & 1n) === 0n) continue;
    found.push(names.find((each) => each.bit === bit) ?? { bit, name: `bit ${bit}`, about: 'without a name' });
  }
  return found;
}

/** The I/O privilege level. */
export function iopl(rflags: bigint): number {
  return Number((rflags >> 12n) & 3n);
}
