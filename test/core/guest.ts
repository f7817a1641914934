// Random guests in every operating mode: tables, handlers and code made of one seed.
import { AT, bytesOf, CodeMaker, type CodeSize } from './code.js';
import { RAM_SIZE, type Machine } from './machine.js';
import { Random } from '../../src/fuzz/random.js';

export const MODES = [
  'real',
  'v86',
  'protected16',
  'protected32',
  'paged32',
  'pae32',
  'compatibility',
  'long',
  'long user',
] as const;
export type Mode = (typeof MODES)[number];

const TABLE = { pml4: 0x1000, pdpt: 0x2000, pd: 0x3000, pt: 0x4000, alias: 0x5000, device: 0x6000 } as const;
const PD32 = 0x7000;
const PT32 = 0xc000;
const DEVICE32 = 0xd000;
const PDPT_PAE = 0xe000;
const GDT = 0x8000;
const IDT = 0x9000;
const TSS64 = 0xa000;
const TSS32 = 0xa800;
const LDT = 0xb000;
const HAS_ERROR = new Set([8, 10, 11, 12, 13, 14, 17, 21]);
const DEVICE_GPA = 0xfe00_0000n;

/** A descriptor of base, limit (in its granules), access byte and flags nibble. */
function descriptor(base: number, limit: number, access: number, flags: number): bigint {
  const low = (limit & 0xffff) | ((base & 0xffff) << 16);
  const high = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff00_0000);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

export interface Shape {
  mode: Mode;
  /** Instructions that change mode, tables, control registers. */
  system: boolean;
  /** The guest can write its own page tables, and the tables are random in places. */
  wild: boolean;
}

/** Give the machine (just reset) a guest. */
export function buildGuest(machine: Machine, seed: number, { mode, system, wild }: Shape): void {
  const random = new Random(seed);
  const long = mode === 'long' || mode === 'long user' || mode === 'compatibility';
  const size: CodeSize = mode === 'long' || mode === 'long user' ? 64 : /real|v86|16/.test(mode) ? 16 : 32;
  const low = size === 16;
  const offsets = low ? { code: 0, data: 0, device: 0xf000 } : { code: AT.code, data: AT.data, device: AT.device };

  for (let at = AT.data; at < RAM_SIZE; at += 4) machine.view.setUint32(machine.ram + at, random.next(), true);
  machine.write(AT.code, new CodeMaker(random, size, offsets, system).fill(AT.codeSize));
  descriptors(machine);
  tasks(machine);
  if (mode === 'real') vectors(machine, random);
  else gates(machine, random, long, mode === 'protected16', wild);
  pageTables(machine, random, wild);
  if (wild && random.oneIn(3)) {
    // a few descriptors and gates of noise
    for (let index = 0; index < 8; index++) machine.write64(GDT + random.below(32) * 8, random.quad());
    for (let index = 0; index < 8; index++) machine.write64(IDT + random.below(64) * 8, random.quad());
  }

  for (let index = 0; index < 16; index++) machine.setReg(index, BigInt(random.below(300)));
  for (const index of [3, 5, 6, 7]) {
    machine.setReg(index, BigInt(offsets.data + random.below(0x8000)));
  }
  machine.setReg(4, BigInt(low ? 0x8000 : AT.stack));
  machine.core.setRflags!(
    0x2 | (random.next() & 0x8d5) | (random.oneIn(2) ? 0x200 : 0) | (mode === 'v86' ? 0x23000 : 0x3000),
  );
  machine.set('RIP', low ? 0x10 : AT.code + random.below(0x1000));
  enterMode(machine, mode, wild && random.oneIn(2));
  machine.changed();
}

function descriptors(machine: Machine): void {
  const gdt = [
    0n,
    descriptor(0, 0xfffff, 0x9b, 0xa), // 08 code, 64-bit
    descriptor(0, 0xfffff, 0x93, 0xc), // 10 data
    descriptor(0, 0xfffff, 0xfb, 0xa), // 18 user code, 64-bit
    descriptor(0, 0xfffff, 0xf3, 0xc), // 20 user data
    descriptor(TSS64, 0x67, 0x89, 0), // 28 64-bit TSS
    0n,
    descriptor(0, 0xfffff, 0x9b, 0xc), // 38 code, 32-bit
    descriptor(AT.data, 0xffff, 0x93, 0), // 40 data, 16-bit
    descriptor(AT.code, 0xffff, 0x9b, 0), // 48 code, 16-bit
    descriptor(0, 0xfffff, 0xfb, 0xc), // 50 user code, 32-bit
    descriptor(LDT, 0xff, 0x82, 0), // 58 LDT
    (0x8c00n << 32n) | (0x38n << 16n) | BigInt(AT.code & 0xffff) | (BigInt(AT.code >> 16) << 48n), // 60 call gate
    descriptor(TSS32, 0x2067, 0x89, 0), // 68 32-bit TSS
    (0xe500n << 32n) | (0x68n << 16n), // 70 task gate
    descriptor(0x4_0000, 0xffff, 0x93, 0), // 78 stack, 16-bit
  ];
  gdt.forEach((entry, index) => machine.write64(GDT + index * 8, entry));
  machine.set('GDTR_BASE', GDT);
  machine.set('GDTR_LIMIT', 0xff);
}

function tasks(machine: Machine): void {
  machine.write64(TSS64 + 4, BigInt(AT.stack + 0x4000));
  for (let ist = 0; ist < 7; ist++) machine.write64(TSS64 + 36 + ist * 8, BigInt(AT.stack + 0x5000 + ist * 0x800));
  const { view, ram } = machine;
  view.setUint16(ram + TSS64 + 102, 0x68, true);
  view.setUint32(ram + TSS32 + 4, AT.stack + 0x4000, true);
  view.setUint32(ram + TSS32 + 8, 0x10, true);
  view.setUint32(ram + TSS32 + 28, PD32, true);
  view.setUint32(ram + TSS32 + 32, AT.code, true);
  view.setUint32(ram + TSS32 + 36, 2, true);
  view.setUint32(ram + TSS32 + 56, AT.stack, true);
  [0x10, 0x38, 0x10, 0x10, 0x10, 0x10].forEach((selector, index) => {
    view.setUint32(ram + TSS32 + 72 + index * 4, selector, true);
  });
  view.setUint16(ram + TSS32 + 102, 0x68, true);
}

/** Handlers that step over a byte of what faulted, so that the guest gets on; or anything in the code. */
function handlerOf(random: Random, vector: number): number | undefined {
  if (random.oneIn(5)) return undefined;
  return AT.handlers + (HAS_ERROR.has(vector) ? 0x20 : 0);
}

function gates(machine: Machine, random: Random, long: boolean, sixteen: boolean, wild: boolean): void {
  const skip = long ? [0x48, 0x83, 0x04, 0x24, 1, 0x48, 0xcf] : [0x83, 0x04, 0x24, 1, 0xcf];
  machine.write(AT.handlers, skip);
  machine.write(AT.handlers + 0x20, [...(long ? [0x48] : []), 0x83, 0xc4, long ? 8 : 4, ...skip]);
  for (let vector = 0; vector < 256; vector++) {
    const offset = handlerOf(random, vector) ?? AT.code + random.below(AT.codeSize);
    const selector = long ? 8 : 0x38;
    const access = (random.oneIn(2) ? 0xee : 0x8e) | (random.oneIn(3) ? 1 : 0);
    const ist = long && random.oneIn(4) ? 1 + random.below(7) : 0;
    let entry = BigInt(offset & 0xffff) | (BigInt(selector) << 16n) | (BigInt(access) << 40n) | (BigInt(ist) << 32n);
    entry |= BigInt(offset >>> 16) << 48n;
    if (wild && random.oneIn(12)) entry = random.pick([0n, (0x70n << 16n) | (0x8500n << 32n), random.quad()]);
    machine.write64(IDT + vector * (long ? 16 : 8), entry);
    if (long) machine.write64(IDT + vector * 16 + 8, 0n);
  }
  machine.set('IDTR_BASE', IDT);
  machine.set('IDTR_LIMIT', wild && random.oneIn(6) ? random.below(0x200) : long ? 0xfff : 0x7ff);
  if (sixteen) machine.set('IDTR_LIMIT', 0x7ff);
}

function vectors(machine: Machine, random: Random): void {
  // push bp; mov bp, sp; inc word [bp+2]; pop bp; iret
  machine.write(AT.handlers, [0x55, 0x89, 0xe5, 0xff, 0x46, 0x02, 0x5d, 0xcf]);
  for (let vector = 0; vector < 256; vector++) {
    const known = handlerOf(random, vector) !== undefined;
    machine.write(vector * 4, [...bytesOf(known ? AT.handlers - AT.code : random.below(AT.codeSize), 2), 0x00, 0x10]);
  }
  machine.set('IDTR_BASE', 0);
  machine.set('IDTR_LIMIT', 0x3ff);
}

function pageTables(machine: Machine, random: Random, wild: boolean): void {
  const link = (at: number, index: number, to: number): void => machine.write64(at + index * 8, BigInt(to) | 7n);
  link(TABLE.pml4, 0, TABLE.pdpt);
  link(TABLE.pml4, 511, TABLE.pdpt);
  link(TABLE.pdpt, 0, TABLE.pd);
  link(TABLE.pd, 0, TABLE.pt);
  link(TABLE.pd, 1, TABLE.alias);
  link(TABLE.pd, 3, TABLE.device);
  // 2 MiB at 4 MiB: beyond RAM, or (when the guest may) all of RAM once more
  machine.write64(TABLE.pd + 16, (wild ? 0n : 0x20_0000n) | 0x87n);
  machine.write64(PDPT_PAE, BigInt(TABLE.pd) | 1n);
  machine.view.setUint32(machine.ram + PD32, PT32 | 7, true);
  machine.view.setUint32(machine.ram + PD32 + 4, DEVICE32 | 7, true);
  for (let page = 0; page < 0x80; page++) {
    const address = page * 4096;
    const tables = (address >= 0x1000 && address < 0x8000) || (address >= 0xc000 && address < 0xf000);
    let flags = 7;
    if (random.oneIn(10) && page >= 0x20 && page < 0x40) flags = random.pick([0, 1, 3, 5, 7]);
    if (tables && !wild) flags = 0;
    if (wild && random.oneIn(40)) flags = random.below(8);
    const noExecute = random.oneIn(8) && page >= 0x20 ? 1n << 63n : 0n;
    machine.write64(TABLE.pt + page * 8, BigInt(address | flags) | noExecute);
    machine.view.setUint32(machine.ram + PT32 + page * 4, address | flags, true);
    // the alias has code and data the other way round
    const other = page >= 0x10 && page < 0x30 ? page ^ 0x30 : page;
    machine.write64(TABLE.alias + page * 8, tables && !wild ? 0n : BigInt(other * 4096) | 7n);
  }
  for (let page = 0; page < 16; page++) {
    machine.write64(TABLE.device + page * 8, (DEVICE_GPA + BigInt(page * 4096)) | 7n);
    machine.view.setUint32(machine.ram + DEVICE32 + (page + 0x200) * 4, 0, true);
  }
  for (let page = 0; page < 16; page++) {
    machine.view.setUint32(machine.ram + DEVICE32 + page * 4, Number(DEVICE_GPA) + page * 4096 + 7, true);
  }
  if (wild) {
    for (let index = 0; index < 8; index++) {
      if (random.oneIn(3)) machine.write64(TABLE.pt + random.below(512) * 8, random.quad());
      if (random.oneIn(6)) machine.write64(TABLE.pd + random.below(512) * 8, random.quad());
    }
  }
}

function enterMode(machine: Machine, mode: Mode, strict: boolean): void {
  const flat = (code: number, codeAttributes: number, data: number, dataAttributes: number): void => {
    for (let index = 0; index < 6; index++) {
      if (index === 1) machine.segment(index, code, 0, 0xffff_ffff, codeAttributes);
      else machine.segment(index, data, 0, 0xffff_ffff, dataAttributes);
    }
  };
  const based = (selectors: number[], attributes: number): void => {
    for (let index = 0; index < 6; index++) {
      const base = index === 1 ? AT.code : index === 2 ? 0x4_0000 : index === 0 ? AT.data + 0x8000 : AT.data;
      machine.segment(index, selectors[index]!, base, 0xffff, (index === 1 ? 0x9b : 0x93) | attributes);
    }
  };
  const real = [0x2800, 0x1000, 0x4000, 0x2000, 0x2000, 0x2000];
  const cr4 = strict ? 0x30_0000 : 0;
  machine.segment(7, 0x68, TSS32, 0x2067, 0x8b);
  machine.segment(6, 0x58, LDT, 0xff, 0x82);
  switch (mode) {
    case 'real':
      machine.set('CR0', 0x10);
      return based(real, 0);
    case 'v86':
      machine.set('CR0', 0x11);
      for (let index = 0; index < 6; index++) {
        machine.segment(index, real[index]!, real[index]! << 4, 0xffff, 0xf3);
      }
      return;
    case 'protected16':
      machine.set('CR0', 0x11);
      return based([0x40, 0x48, 0x78, 0x40, 0x40, 0x40], 0);
    case 'protected32':
      machine.set('CR0', 0x11);
      return flat(0x38, 0xc09b, 0x10, 0xc093);
    case 'paged32':
      machine.set('CR3', PD32);
      machine.set('CR0', 0x8001_0011);
      machine.set('CR4', cr4 | 0x10);
      return flat(0x38, 0xc09b, 0x10, 0xc093);
    case 'pae32':
      machine.set('CR3', PDPT_PAE);
      machine.set('PDPTE', BigInt(TABLE.pd) | 1n);
      machine.set('CR0', 0x8001_0011);
      machine.set('CR4', cr4 | 0x20);
      machine.set('EFER', 0x800);
      return flat(0x38, 0xc09b, 0x10, 0xc093);
  }
  machine.set('CR3', TABLE.pml4);
  machine.set('CR0', 0x8001_0033);
  machine.set('CR4', cr4 | 0x6a0);
  machine.set('EFER', 0xd01);
  machine.set('MSR_STAR', 0x0010_0008_0000_0000n);
  machine.set('MSR_LSTAR', AT.code + 0x40);
  machine.segment(7, 0x28, TSS64, 0x67, 0x8b);
  if (mode === 'long') flat(0x8, 0xa09b, 0x10, 0xc093);
  else if (mode === 'long user') flat(0x1b, 0xa0fb, 0x23, 0xc0f3);
  else flat(0x53, 0xc0fb, 0x23, 0xc0f3);
}
