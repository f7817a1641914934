// Guests for the tests: a Vm with hand-assembled code, in real mode or in 64-bit mode with a small set of page tables.

import { Vm, type Segment, type VmOptions } from '../../src/index.js';
import { CODE, FLAT, type Guest } from '../../src/fuzz/long-mode.js';

export const PAGING_MODES = ['ept', 'npt', 'shadow'] as const;
export const MIB = 2 ** 20;

export { ALIAS, CODE, longMode, P, PAGE_TABLE, PS, U, W, type Guest } from '../../src/fuzz/long-mode.js';

/** Real mode, CS = DS = ES = SS = 0, IP = 0x1000, SP = 0x1000, on 1 MiB of RAM (or what the options say). */
export async function realMode(bytes: number[], options: VmOptions = {}): Promise<Guest> {
  const vm = await Vm.create({ memory: MIB, ...options });
  const vcpu = vm.createVcpu();
  vm.memory.write(CODE, Uint8Array.from(bytes));
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, base: 0n, selector: 0 } });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rsp: 0x1000n });
  return { vm, vcpu };
}

/** Segment registers of CPL 3 64-bit code, to be merged into sregs. */
export function userSegments(): Record<'cs' | 'ss', Segment> {
  return {
    cs: { ...FLAT, selector: 0x1b, type: 11, l: 1, db: 0, dpl: 3 },
    ss: { ...FLAT, selector: 0x23, type: 3, l: 0, db: 1, dpl: 3 },
  };
}

/** Counts of `fd`, drained. */
export function drained(fd: { read(): bigint; poll(): number }): bigint {
  return (fd.poll() & 1) !== 0 ? fd.read() : 0n;
}
