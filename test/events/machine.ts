// A vCPU with a flat little guest for the tests of segmentation and events: identity-mapped RAM, a GDT, an IDT, two TSSs and
// stacks at fixed places. Tests put the processor into a mode, do one thing and look at registers and memory.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const RAM_SIZE = 0x100000;
const PAGES = 1300;

/** Where things are, guest-physical. */
export const AT = {
  GDT: 0x1000,
  IDT: 0x2000,
  TSS: 0x3000,
  TSS2: 0x4000,
  LDT: 0x5000,
  /** Tops of the stacks of levels 0 and 3, and of IST 1. */
  STACK0: 0x9000,
  STACK3: 0xb000,
  IST1: 0xd008,
  PAGE_TABLE: 0x40000,
} as const;

/** Selectors of the GDT that `Guest` builds. */
export const SEL = {
  CODE0: 0x08,
  DATA0: 0x10,
  CODE3: 0x1b,
  DATA3: 0x23,
  TSS: 0x28,
  TSS2: 0x30,
  LDT: 0x38,
  GATE: 0x40,
  CONFORMING: 0x48,
  CODE16: 0x50,
  ABSENT: 0x58,
  CODE64: 0x60,
  USER64: 0x6b,
  TSS64: 0x70,
  GATE64: 0x80,
  EXPAND_DOWN: 0x90,
  EXECUTE_ONLY: 0x98,
  SMALL_CODE: 0xa0,
  READ_ONLY: 0xa8,
  DATA16: 0xb0,
  BOTH: 0xb8,
} as const;

/** Places in the state page and other numbers that state.ts exports. */
export type Field =
  | 'CR0'
  | 'CR2'
  | 'CR3'
  | 'CR4'
  | 'EFER'
  | 'RIP'
  | 'NEXT_RIP'
  | 'RFLAGS'
  | 'GPR'
  | 'FEATURES'
  | 'NESTED'
  | 'NESTED_ROOT'
  | 'PHYSICAL_BITS'
  | 'MODE'
  | 'CPL'
  | 'MMU'
  | 'GDTR_BASE'
  | 'GDTR_LIMIT'
  | 'IDTR_BASE'
  | 'IDTR_LIMIT'
  | 'DR'
  | 'MSR_STAR'
  | 'MSR_LSTAR'
  | 'MSR_CSTAR'
  | 'MSR_SFMASK'
  | 'MSR_KERNEL_GS_BASE'
  | 'MSR_SYSENTER_CS'
  | 'MSR_SYSENTER_ESP'
  | 'MSR_SYSENTER_EIP'
  | 'RAISED_VECTOR'
  | 'RAISED_ERROR'
  | 'RAISED_HAS_ERROR'
  | 'RAISED_CR2'
  | 'INJECT_INFO'
  | 'INJECT_ERROR'
  | 'INJECT_LENGTH'
  | 'IRQ_VECTOR'
  | 'NMI_PENDING'
  | 'INTERRUPTIBILITY'
  | 'ACTIVITY'
  | 'PENDING_DEBUG'
  | 'REQUEST'
  | 'EXIT_REASON'
  | 'EXIT_GPA'
  | 'EXIT_VECTORING'
  | 'EXIT_VECTORING_ERROR'
  | 'EXIT_QUALIFICATION'
  | 'INTERCEPTS';

interface Getter {
  readonly value: number;
}
export interface Core extends Record<
  Field | 'SEGMENTS' | 'VCPUS' | 'MEMORY_FREE' | 'raised' | 'switched' | 'queryValue',
  Getter
> {
  attach(index: number): void;
  initPaging(): void;
  flushAll(): void;
  modeChanged(): void;
  setRaised(value: number): void;
  raise(vector: number): void;
  raiseError(vector: number, error: number): void;
  getFlags(): number;
  setFlags(value: number): void;
  linear(segment: number, offset: bigint, size: number, access: number): bigint;
  loadSegment(segment: number, selector: number): void;
  loadLdtr(selector: number): void;
  loadTr(selector: number): void;
  lar(selector: number): number;
  lsl(selector: number): number;
  verr(selector: number): number;
  verw(selector: number): number;
  farJump(selector: number, offset: bigint, size: number): void;
  farCall(selector: number, offset: bigint, size: number): void;
  farReturn(size: number, release: number): void;
  deliverEvent(info: number, error: number, length: number): void;
  deliverException(): void;
  iret(size: number): void;
  syscall(): void;
  sysret(size: number): void;
  sysenter(): void;
  sysexit(size: number): void;
  swapgs(): void;
  debugCheckExecute(linear: bigint): number;
  debugCheckData(linear: bigint, size: number, write: number): void;
  debugCheckPort(port: number, size: number): void;
  debugGeneralDetect(): number;
  debugStep(): void;
  beginStackShadow(): void;
  beginStiShadow(): void;
  interruptWindowOpen(): number;
  nmiWindowOpen(): number;
  serviceEvents(): void;
}

/** Compile test/events/entry.ts in this process. */
export async function compileCore(): Promise<Uint8Array<ArrayBuffer>> {
  const written = new Map<string, Uint8Array>();
  const { error, stderr } = await asc.main(
    [
      'test/events/entry.ts',
      '--outFile',
      'core.wasm',
      '-O1',
      '--runtime',
      'stub',
      '--importMemory',
      '--sharedMemory',
      '--enable',
      'threads',
      '--enable',
      'simd',
      '--initialMemory',
      String(PAGES),
      '--maximumMemory',
      '65536',
      '--noExportMemory',
      '--config',
      'none',
      '--use',
      'abort=',
    ],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(join(base || ROOT, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => void written.set(name, contents as Uint8Array),
      listFiles: () => [],
    },
  );
  const wasm = written.get('core.wasm');
  if (error || !wasm) throw new Error(`test/events/entry.ts does not compile: ${error?.message}\n${stderr.toString()}`);
  return new Uint8Array(wasm);
}

/** A code, data or system descriptor: base, limit field (20 bits), access byte, and flags G D/B L AVL. */
export function descriptor(base: number, limit: number, access: number, flags: number): bigint {
  const b = BigInt(base);
  const l = BigInt(limit);
  return (
    (l & 0xffffn) |
    ((b & 0xffffffn) << 16n) |
    (BigInt(access) << 40n) |
    ((l >> 16n) << 48n) |
    (BigInt(flags) << 52n) |
    ((b >> 24n) << 56n)
  );
}
/** A gate: `access` has P, DPL and type; `extra` is the parameter count or IST. */
export function gate(selector: number, offset: number, access: number, extra = 0): bigint {
  const o = BigInt(offset);
  return (
    (o & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(extra) << 32n) | (BigInt(access) << 40n) | ((o >> 16n) << 48n)
  );
}

export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export const LDTR = 6;
export const TR = 7;
export const SP = 4;

export class Guest {
  readonly memory = new WebAssembly.Memory({ initial: PAGES, maximum: 65536, shared: true });
  readonly view = new DataView(this.memory.buffer);
  readonly core: Core;
  readonly cpu: number;
  private readonly ram: number;
  private readonly eptLeaves: number;

  constructor(wasm: Uint8Array<ArrayBuffer>) {
    const env = { memory: this.memory, exit: () => 0, now: () => 0 };
    this.core = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env }).exports as unknown as Core;
    this.cpu = this.core.VCPUS.value;
    const tables = (this.core.MEMORY_FREE.value + 0xfff) & ~0xfff;
    this.ram = tables + 0x4000;
    this.eptLeaves = tables + 0x3000;
    for (let level = 0; level < 3; level++)
      this.view.setUint32(tables + level * 0x1000, (tables + (level + 1) * 0x1000) | 7, true);
    for (let page = 0; page < RAM_SIZE >> 12; page++) this.mapPage(page << 12, true);
    this.core.attach(0);
    this.set('PHYSICAL_BITS', 40);
    this.set32('NESTED', 1);
    this.set('NESTED_ROOT', tables);
    this.set('FEATURES', 512); // Intel
    this.set('DR', 0xffff0ff0, 6);
    this.set('DR', 0x400, 7);
    this.set32('IRQ_VECTOR', 0xffffffff);
    this.tables();
    this.real();
    this.core.initPaging();
  }
  /** Put a page of RAM into the EPT or take it out. */
  mapPage(gpa: number, present: boolean): void {
    this.view.setUint32(this.eptLeaves + (gpa >> 12) * 8, present ? (this.ram + gpa) | 0x37 : 0, true);
  }

  // ---- registers
  set(field: Field, value: number | bigint, index = 0): void {
    this.view.setBigUint64(this.cpu + this.core[field].value + index * 8, BigInt.asUintN(64, BigInt(value)), true);
  }
  get(field: Field, index = 0): bigint {
    return this.view.getBigUint64(this.cpu + this.core[field].value + index * 8, true);
  }
  set32(field: Field, value: number): void {
    this.view.setUint32(this.cpu + this.core[field].value, value, true);
  }
  get32(field: Field): number {
    return this.view.getUint32(this.cpu + this.core[field].value, true);
  }
  gpr(index: number): bigint {
    return this.get('GPR', index);
  }
  get flags(): number {
    return this.core.getFlags();
  }
  segment(index: number): { base: bigint; limit: number; rights: number; selector: number } {
    const at = this.cpu + this.core.SEGMENTS.value + index * 32;
    return {
      base: this.view.getBigUint64(at, true),
      limit: this.view.getUint32(at + 8, true),
      rights: this.view.getUint32(at + 12, true),
      selector: this.view.getUint32(at + 16, true),
    };
  }
  selector(index: number): number {
    return this.segment(index).selector;
  }
  setSegment(index: number, selector: number, base: number, limit: number, rights: number): void {
    const at = this.cpu + this.core.SEGMENTS.value + index * 32;
    this.view.setBigUint64(at, BigInt(base), true);
    this.view.setUint32(at + 8, limit, true);
    this.view.setUint32(at + 12, rights, true);
    this.view.setUint32(at + 16, selector, true);
  }
  /** What is raised, as [vector, error code or null], or 'exit', or null; and lowers it. */
  fault(): [number, number | null] | 'exit' | null {
    const raised = this.core.raised.value;
    this.core.setRaised(0);
    if (raised === 0) return null;
    if (raised !== 1) return 'exit';
    return [this.get32('RAISED_VECTOR'), this.get32('RAISED_HAS_ERROR') ? this.get32('RAISED_ERROR') : null];
  }
  /** All registers, tables and stacks, to see that a fault has changed nothing. */
  snapshot(): string {
    const names: Field[] = ['CR0', 'CR2', 'CR3', 'RIP', 'NEXT_RIP', 'CPL', 'MODE', 'INTERRUPTIBILITY'];
    const registers = names.map((name) => `${name}=${this.get(name).toString(16)}`);
    for (let i = 0; i < 16; i++) registers.push(this.gpr(i).toString(16));
    for (let i = 0; i < 8; i++) {
      const s = this.segment(i);
      registers.push([s.selector, s.base, s.limit, s.rights].map((v) => v.toString(16)).join(':'));
    }
    registers.push(`flags=${this.flags.toString(16)}`);
    return registers.join(' ') + Buffer.from(this.memory.buffer, this.ram, 0x10000).toString('base64');
  }

  // ---- guest memory
  write(gpa: number, value: number | bigint, size: 1 | 2 | 4 | 8): void {
    const v = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < size; i++) this.view.setUint8(this.ram + gpa + i, Number((v >> BigInt(8 * i)) & 255n));
  }
  read(gpa: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.view.getUint8(this.ram + gpa + i);
    return value;
  }
  /** `count` items of `size` bytes from `gpa` up. */
  items(gpa: number, count: number, size: number): number[] {
    return Array.from({ length: count }, (_, i) => this.read(gpa + i * size, size));
  }
  setDescriptor(selector: number, value: bigint): void {
    this.write(AT.GDT + (selector & ~7), value, 8);
  }
  setGate(vector: number, value: bigint): void {
    this.write(AT.IDT + vector * 8, value, 8);
  }
  setGate64(vector: number, value: bigint, upper = 0): void {
    this.write(AT.IDT + vector * 16, value, 8);
    this.write(AT.IDT + vector * 16 + 8, upper, 8);
  }

  private tables(): void {
    const flat = 0xfffff;
    this.setDescriptor(SEL.CODE0, descriptor(0, flat, 0x9b, 0xc));
    this.setDescriptor(SEL.DATA0, descriptor(0, flat, 0x93, 0xc));
    this.setDescriptor(SEL.CODE3, descriptor(0, flat, 0xfb, 0xc));
    this.setDescriptor(SEL.DATA3, descriptor(0, flat, 0xf3, 0xc));
    this.setDescriptor(SEL.TSS, descriptor(AT.TSS, 0x7ff, 0x8b, 0));
    this.setDescriptor(SEL.TSS2, descriptor(AT.TSS2, 0x67, 0x89, 0));
    this.setDescriptor(SEL.LDT, descriptor(AT.LDT, 0x1f, 0x82, 0));
    this.setDescriptor(SEL.CONFORMING, descriptor(0, flat, 0x9f, 0xc));
    this.setDescriptor(SEL.CODE16, descriptor(0, 0xffff, 0x9b, 0));
    this.setDescriptor(SEL.ABSENT, descriptor(0, flat, 0x13, 0xc));
    this.setDescriptor(SEL.CODE64, descriptor(0, 0, 0x9b, 2));
    this.setDescriptor(SEL.USER64, descriptor(0, 0, 0xfb, 2));
    this.setDescriptor(SEL.TSS64, descriptor(AT.TSS, 0x7ff, 0x89, 0));
    this.setDescriptor(SEL.EXPAND_DOWN, descriptor(0x10000, 0xfff, 0x97, 4));
    this.setDescriptor(SEL.EXECUTE_ONLY, descriptor(0, flat, 0x99, 0xc));
    this.setDescriptor(SEL.SMALL_CODE, descriptor(0, 0xfff, 0x9b, 4));
    this.setDescriptor(SEL.READ_ONLY, descriptor(0, flat, 0x91, 0xc));
    this.setDescriptor(SEL.DATA16, descriptor(0, 0xffff, 0x93, 0));
    this.setDescriptor(SEL.BOTH, descriptor(0, 0, 0x9b, 6));
    this.set('GDTR_BASE', AT.GDT);
    this.set('GDTR_LIMIT', 0xbf);
    this.set('IDTR_BASE', AT.IDT);
    this.set('IDTR_LIMIT', 0x7ff);
  }

  // ---- modes
  private base(cr0: number, efer: number): void {
    this.set('CR0', cr0);
    this.set('EFER', efer);
    this.set('RIP', 0x1234);
    this.set('NEXT_RIP', 0x1236);
    this.core.setFlags(2);
    this.setSegment(LDTR, 0, 0, 0, 0x10000);
    this.setSegment(TR, SEL.TSS, AT.TSS, 0x7ff, 0x8b);
  }
  /** Real mode at 0100:1234, stack 0000:9000. */
  real(): void {
    this.base(0x10, 0);
    for (let s = 0; s < 6; s++) this.setSegment(s, 0, 0, 0xffff, 0x93);
    this.setSegment(CS, 0x100, 0x1000, 0xffff, 0x93);
    this.set('GPR', AT.STACK0, SP);
    this.core.modeChanged();
  }
  /** 32-bit protected mode at level 0 or 3, flat, with TSS stacks SS0:ESP0. */
  protected32(level: 0 | 3 = 0): void {
    this.base(0x11, 0);
    this.write(AT.TSS + 4, AT.STACK0, 4);
    this.write(AT.TSS + 8, SEL.DATA0, 2);
    const user = level === 3;
    for (let s = 0; s < 6; s++) this.setSegment(s, user ? SEL.DATA3 : SEL.DATA0, 0, 0xffffffff, user ? 0xc0f3 : 0xc093);
    this.setSegment(CS, user ? SEL.CODE3 : SEL.CODE0, 0, 0xffffffff, user ? 0xc0fb : 0xc09b);
    this.set('GPR', user ? AT.STACK3 : AT.STACK0, SP);
    this.core.modeChanged();
  }
  /** 64-bit mode at level 0 or 3. Paging stays off: a processor has none like that, but segmentation cannot see it. */
  long64(level: 0 | 3 = 0): void {
    this.protected32(level);
    this.set('EFER', 0x501); // LMA LME SCE
    this.set('IDTR_LIMIT', 0xfff);
    this.write(AT.TSS + 4, AT.STACK0, 8);
    this.write(AT.TSS + 0x24, AT.IST1, 8);
    this.setSegment(CS, level ? SEL.USER64 : SEL.CODE64, 0, 0, level ? 0x20fb : 0x209b);
    this.core.modeChanged();
  }
  /** Virtual-8086 mode at 2000:1234, stack 0000:B000. */
  v86(iopl = 3): void {
    this.protected32(3);
    for (let s = 0; s < 6; s++) this.setSegment(s, 0x10 * s, 0x100 * s, 0xffff, 0xf3);
    this.setSegment(SS, 0, 0, 0xffff, 0xf3);
    this.setSegment(CS, 0x2000, 0x20000, 0xffff, 0xf3);
    this.set('GPR', AT.STACK3, SP);
    this.core.setFlags(0x20202 | (iopl << 12));
    this.core.modeChanged();
  }
}
