// A Vm in 64-bit mode with hand-assembled code and a small set of page tables.

import { Vm, type Segment, type Vcpu, type VmOptions } from '../index.js';

const MIB = 2 ** 20;

export interface Guest {
  vm: Vm;
  vcpu: Vcpu;
}

/** Where code stands. */
export const CODE = 0x1000;

/** Present, writable, user, page size. */
export const P = 1n;
export const W = 2n;
export const U = 4n;
export const PS = 0x80n;

const PML4 = 0x8_0000n;
const PDPT = 0x8_1000n;
/** A page table for the 2 MiB from ALIAS on, for tests to fill. */
export const PAGE_TABLE = 0x8_3000n;
const PAGE_DIRECTORY = 0x8_2000n;
/** Linear address that PAGE_TABLE maps. */
export const ALIAS = 0x40_0000_0000n;

/** A flat segment, all but its type and size. */
export const FLAT: Omit<Segment, 'type' | 'l' | 'db'> = {
  base: 0n,
  limit: 0xffff_ffff,
  selector: 0x10,
  present: 1,
  dpl: 0,
  s: 1,
  g: 1,
  avl: 0,
  unusable: 0,
};

/**
 * 64-bit mode at CPL 0, the first 4 GiB mapped one to one in 1 GiB pages for everybody, ALIAS through PAGE_TABLE, RIP at
 * 0x1000, RSP 0x7000; no IDT, so any exception ends in a triple fault.
 */
export async function longMode(bytes: number[], options: VmOptions = {}): Promise<Guest> {
  const vm = await Vm.create({ memory: MIB, ...options });
  const vcpu = vm.createVcpu();
  vm.memory.writeU64(PML4, PDPT | P | W | U);
  for (let gib = 0n; gib < 4n; gib++) vm.memory.writeU64(PDPT + gib * 8n, (gib << 30n) | P | W | U | PS);
  vm.memory.writeU64(PDPT + (ALIAS >> 30n) * 8n, PAGE_DIRECTORY | P | W | U);
  vm.memory.writeU64(PAGE_DIRECTORY, PAGE_TABLE | P | W | U);
  vm.memory.write(CODE, Uint8Array.from(bytes));
  const data: Segment = { ...FLAT, type: 3, l: 0, db: 1 };
  vcpu.setSregs({
    ...vcpu.getSregs(),
    cs: { ...FLAT, selector: 8, type: 11, l: 1, db: 0 },
    ds: data,
    es: data,
    ss: data,
    fs: data,
    gs: data,
    idt: { base: 0n, limit: 0 },
    cr0: 0x8001_0033n, // PG WP NE ET MP PE
    cr3: PML4,
    cr4: 0x20n, // PAE
    efer: 0x500n, // LME LMA
  });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rsp: 0x7000n });
  return { vm, vcpu };
}
