// A plain 64-bit guest at CPL 0 for hand-written code: RAM identity-mapped (and once more at ALIAS), devices above, an
// IDT whose handler for vector v is at HANDLERS + 16 * v.
import type { Machine, Paging } from './machine.js';

export const CODE = 0x1_0000;
export const HANDLERS = 0x1_8000;
export const DATA = 0x2_0000;
export const STACK = 0x4_8000;
/** The first 2 MiB once more. */
export const ALIAS = 0x80_0000;
/** Linear address of a device's page. */
export const DEVICE = 0x20_0000;
const PML4 = 0x1000;
const GDT = 0x8000;
const IDT = 0x9000;
const TSS = 0xa000;

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RSI = 6;
export const RDI = 7;

/** Give the machine this guest; RIP at CODE, interrupts off. */
export function flatGuest(machine: Machine, code: ArrayLike<number>, paging: Paging = 'ept'): void {
  machine.reset(paging);
  machine.write64(PML4, BigInt(PML4 + 0x1000) | 7n);
  machine.write64(PML4 + 0x1000, BigInt(PML4 + 0x2000) | 7n);
  // a page table for RAM, so that each page has a mapping of its own; large pages for the rest
  machine.write64(PML4 + 0x2000, BigInt(PML4 + 0x3000) | 7n);
  for (let page = 0; page < 0x80; page++) machine.write64(PML4 + 0x3000 + page * 8, BigInt(page * 4096) | 7n);
  machine.write64(PML4 + 0x2000 + 8, 0x20_0000n | 0x87n);
  machine.write64(PML4 + 0x2000 + 32, 0x87n);
  [0n, 0x00af9b000000ffffn, 0x00cf93000000ffffn].forEach((entry, index) => machine.write64(GDT + index * 8, entry));
  machine.view.setUint16(machine.ram + TSS + 102, 0x68, true);
  for (let vector = 0; vector < 256; vector++) {
    const handler = HANDLERS + vector * 16;
    const gate = BigInt(handler & 0xffff) | (8n << 16n) | (0x8e00n << 32n) | (BigInt(handler >>> 16) << 48n);
    machine.write64(IDT + vector * 16, gate);
  }
  machine.set('GDTR_BASE', GDT);
  machine.set('GDTR_LIMIT', 0x17);
  machine.set('IDTR_BASE', IDT);
  machine.set('IDTR_LIMIT', 0xfff);
  machine.set('CR3', PML4);
  machine.set('CR0', 0x8001_0033);
  machine.set('CR4', 0x4_0620); // PAE OSFXSR OSXMMEXCPT OSXSAVE
  machine.set('XCR0', 7);
  machine.set('EFER', 0xd01);
  for (let index = 0; index < 6; index++) {
    if (index === 1) machine.segment(index, 8, 0, 0xffff_ffff, 0xa09b);
    else machine.segment(index, 0x10, 0, 0xffff_ffff, 0xc093);
  }
  machine.segment(7, 0x18, TSS, 0x67, 0x8b);
  machine.core.setRflags!(2);
  machine.set('RIP', CODE);
  machine.setReg(RSP, STACK);
  machine.write(CODE, code);
  machine.changed();
}

/** An interrupt request as the hypervisor makes it. */
export function interrupt(machine: Machine, vector: number): void {
  machine.set32('IRQ_VECTOR', vector);
  machine.set32('REQUEST', machine.get32('REQUEST') | machine.constant('REQUEST_EVENT'));
}

/** 16-bit real mode: CS 1000, the others as given; the IVT's vectors lead to 1000:8000 + 16 * vector. */
export function realGuest(machine: Machine, code: ArrayLike<number>, codeBase = 0x1_0000): void {
  machine.reset('ept');
  for (let index = 0; index < 6; index++) {
    machine.segment(index, index === 1 ? codeBase >> 4 : 0x4000, index === 1 ? codeBase : 0x4_0000, 0xffff, 0x93);
  }
  for (let vector = 0; vector < 256; vector++) {
    machine.write(vector * 4, [(vector * 16) & 0xff, 0x80 | (vector >> 4), 0x00, 0x10]);
  }
  machine.core.setRflags!(2);
  machine.set('RIP', 0);
  machine.setReg(RSP, 0x8000);
  machine.write(codeBase, code);
  machine.changed();
}
