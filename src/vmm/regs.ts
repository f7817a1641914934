// Architectural registers between TypeScript and the state page, with the fields of kvm_regs, kvm_sregs, kvm_debugregs.

import type { Core } from '../core/core.js';
import type { CoreMemory } from '../core/memory.js';
import { EINVAL } from '../eventfd/index.js';

/** kvm_regs. */
export interface Regs {
  rax: bigint;
  rbx: bigint;
  rcx: bigint;
  rdx: bigint;
  rsi: bigint;
  rdi: bigint;
  rsp: bigint;
  rbp: bigint;
  r8: bigint;
  r9: bigint;
  r10: bigint;
  r11: bigint;
  r12: bigint;
  r13: bigint;
  r14: bigint;
  r15: bigint;
  rip: bigint;
  rflags: bigint;
}

/** kvm_segment; the limit is in bytes. */
export interface Segment {
  base: bigint;
  limit: number;
  selector: number;
  type: number;
  present: number;
  dpl: number;
  db: number;
  s: number;
  l: number;
  g: number;
  avl: number;
  unusable: number;
}

/** kvm_dtable. */
export interface DescriptorTable {
  base: bigint;
  limit: number;
}

/** kvm_sregs. */
export interface Sregs {
  cs: Segment;
  ds: Segment;
  es: Segment;
  fs: Segment;
  gs: Segment;
  ss: Segment;
  tr: Segment;
  ldt: Segment;
  gdt: DescriptorTable;
  idt: DescriptorTable;
  cr0: bigint;
  cr2: bigint;
  cr3: bigint;
  cr4: bigint;
  cr8: bigint;
  efer: bigint;
  apicBase: bigint;
}

/** kvm_debugregs. */
export interface DebugRegs {
  db: [bigint, bigint, bigint, bigint];
  dr6: bigint;
  dr7: bigint;
}

/** In the encoding's order. */
// prettier-ignore
const GPR_NAMES = [
  'rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
] as const;

const SEGMENT_PLACES = [
  ['es', 'SEG_ES'],
  ['cs', 'SEG_CS'],
  ['ss', 'SEG_SS'],
  ['ds', 'SEG_DS'],
  ['fs', 'SEG_FS'],
  ['gs', 'SEG_GS'],
  ['ldt', 'SEG_LDTR'],
  ['tr', 'SEG_TR'],
] as const;

const CONTROL_PLACES = [
  ['cr0', 'CR0'],
  ['cr2', 'CR2'],
  ['cr3', 'CR3'],
  ['cr4', 'CR4'],
  ['cr8', 'CR8'],
  ['efer', 'EFER'],
  ['apicBase', 'MSR_APIC_BASE'],
] as const;

export function readRegs(core: Core, memory: CoreMemory): Regs {
  const { state, layout } = core;
  const regs: Partial<Regs> = {};
  for (const [index, name] of GPR_NAMES.entries()) regs[name] = memory.u64[(state + layout.GPR) / 8 + index]!;
  regs.rip = memory.u64[(state + layout.RIP) / 8]!;
  regs.rflags = BigInt(core.exports.getRflags() >>> 0);
  return regs as Regs;
}

/** Bits that exist in RFLAGS: the arithmetic ones, TF IF DF IOPL NT, RF VM AC VIF VIP ID. */
const RFLAGS_BITS = 0x3f7fd5n;

export function writeRegs(core: Core, memory: CoreMemory, regs: Regs): void {
  const { state, layout } = core;
  for (const [index, name] of GPR_NAMES.entries()) memory.u64[(state + layout.GPR) / 8 + index] = regs[name];
  memory.u64[(state + layout.RIP) / 8] = regs.rip;
  core.exports.setRflags(Number((regs.rflags & RFLAGS_BITS) | 2n) | 0);
  core.exports.stateChanged();
}

function readSegment(core: Core, memory: CoreMemory, index: number): Segment {
  const at = core.state + core.layout.SEGMENTS + index * core.layout.SEGMENT_SIZE;
  const attributes = memory.u32[(at + core.layout.SEGMENT_ATTRIBUTES) / 4]!;
  return {
    base: memory.u64[(at + core.layout.SEGMENT_BASE) / 8]!,
    limit: memory.u32[(at + core.layout.SEGMENT_LIMIT) / 4]!,
    selector: memory.view.getUint16(at + core.layout.SEGMENT_SELECTOR, true),
    type: attributes & 15,
    s: (attributes >>> 4) & 1,
    dpl: (attributes >>> 5) & 3,
    present: (attributes >>> 7) & 1,
    avl: (attributes >>> 12) & 1,
    l: (attributes >>> 13) & 1,
    db: (attributes >>> 14) & 1,
    g: (attributes >>> 15) & 1,
    unusable: (attributes >>> 16) & 1,
  };
}

/** In VT-x access-rights format (SDM vol. 3, 25.4.1). */
function attributesOf(segment: Segment): number {
  return (
    (segment.type & 15) |
    ((segment.s & 1) << 4) |
    ((segment.dpl & 3) << 5) |
    ((segment.present & 1) << 7) |
    ((segment.avl & 1) << 12) |
    ((segment.l & 1) << 13) |
    ((segment.db & 1) << 14) |
    ((segment.g & 1) << 15) |
    ((segment.unusable & 1) << 16)
  );
}

export function readSregs(core: Core, memory: CoreMemory): Sregs {
  const { state, layout } = core;
  const sregs: Partial<Sregs> = {
    gdt: {
      base: memory.u64[(state + layout.GDTR_BASE) / 8]!,
      limit: memory.u32[(state + layout.GDTR_LIMIT) / 4]!,
    },
    idt: {
      base: memory.u64[(state + layout.IDTR_BASE) / 8]!,
      limit: memory.u32[(state + layout.IDTR_LIMIT) / 4]!,
    },
  };
  for (const [name, place] of SEGMENT_PLACES) sregs[name] = readSegment(core, memory, layout[place]);
  for (const [name, place] of CONTROL_PLACES) sregs[name] = memory.u64[(state + layout[place]) / 8]!;
  return sregs as Sregs;
}

const CR0_PE = 1n << 0n;
const CR0_NW = 1n << 29n;
const CR0_CD = 1n << 30n;
const CR0_PG = 1n << 31n;
const CR4_PAE = 1n << 5n;
const EFER_LME = 1n << 8n;
const EFER_LMA = 1n << 10n;

/** What VM entry would refuse (SDM vol. 3, 27.3.1.1), as KVM_SET_SREGS checks it. Throws EINVAL. */
function checkSregs({ cr0, cr3, cr4, efer, cs }: Sregs, physicalBits: number): void {
  const bad = (why: string): never => {
    throw new EINVAL(
      `setSregs: ${why} (cr0 0x${cr0.toString(16)}, cr4 0x${cr4.toString(16)}, efer 0x${efer.toString(16)})`,
    );
  };
  if (cr0 >> 32n !== 0n) bad('CR0 has bits above 31');
  if ((cr0 & CR0_PG) !== 0n && (cr0 & CR0_PE) === 0n) bad('CR0.PG needs CR0.PE');
  if ((cr0 & CR0_NW) !== 0n && (cr0 & CR0_CD) === 0n) bad('CR0.NW needs CR0.CD');
  if ((efer & EFER_LME) !== 0n && (cr0 & CR0_PG) !== 0n) {
    if ((cr4 & CR4_PAE) === 0n) bad('long mode needs CR4.PAE');
    if ((efer & EFER_LMA) === 0n) bad('EFER.LME with CR0.PG means EFER.LMA');
    if (cr3 >> BigInt(physicalBits) !== 0n) bad(`CR3 0x${cr3.toString(16)} is wider than ${physicalBits} bits`);
  } else {
    if ((efer & EFER_LMA) !== 0n) bad('EFER.LMA needs EFER.LME and CR0.PG');
    if (cs.l !== 0) bad('a 64-bit code segment needs long mode');
  }
}

/** `readPdptes` gives the four entries at a guest-physical address, for PAE paging keeps them in registers (SDM vol. 3, 4.4.1). */
export function writeSregs(
  core: Core,
  memory: CoreMemory,
  sregs: Sregs,
  physicalBits: number,
  readPdptes: (gpa: bigint) => Uint8Array,
): void {
  checkSregs(sregs, physicalBits);
  const { state, layout } = core;
  const pae = (sregs.cr0 & CR0_PG) !== 0n && (sregs.cr4 & CR4_PAE) !== 0n && (sregs.efer & EFER_LMA) === 0n;
  const pdptes = pae ? readPdptes(sregs.cr3 & 0xffff_ffe0n) : undefined;
  if (pdptes !== undefined) memory.u8.set(pdptes, state + layout.PDPTE);
  for (const [name, place] of SEGMENT_PLACES) {
    const at = state + layout.SEGMENTS + layout[place] * layout.SEGMENT_SIZE;
    const segment = sregs[name];
    memory.u64[(at + layout.SEGMENT_BASE) / 8] = segment.base;
    memory.u32[(at + layout.SEGMENT_LIMIT) / 4] = segment.limit;
    memory.u32[(at + layout.SEGMENT_ATTRIBUTES) / 4] = attributesOf(segment);
    memory.u32[(at + layout.SEGMENT_SELECTOR) / 4] = segment.selector & 0xffff;
  }
  for (const [name, place] of CONTROL_PLACES) memory.u64[(state + layout[place]) / 8] = sregs[name];
  memory.u64[(state + layout.GDTR_BASE) / 8] = sregs.gdt.base;
  memory.u32[(state + layout.GDTR_LIMIT) / 4] = sregs.gdt.limit;
  memory.u64[(state + layout.IDTR_BASE) / 8] = sregs.idt.base;
  memory.u32[(state + layout.IDTR_LIMIT) / 4] = sregs.idt.limit;
  core.exports.stateChanged();
}

export function readDebugRegs(core: Core, memory: CoreMemory): DebugRegs {
  const at = (core.state + core.layout.DR) / 8;
  const dr = (index: number): bigint => memory.u64[at + index]!;
  return { db: [dr(0), dr(1), dr(2), dr(3)], dr6: dr(6), dr7: dr(7) };
}

export function writeDebugRegs(core: Core, memory: CoreMemory, { db, dr6, dr7 }: DebugRegs): void {
  // Both registers are 32 bits wide for software (SDM vol. 3, 17.2).
  if (dr6 >> 32n !== 0n || dr7 >> 32n !== 0n) throw new EINVAL('setDebugRegs: DR6 and DR7 have no bits above 31');
  const at = (core.state + core.layout.DR) / 8;
  for (const [index, value] of [...db.entries(), [6, dr6] as const, [7, dr7] as const]) memory.u64[at + index] = value;
  core.exports.stateChanged();
}
