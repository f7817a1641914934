// A vCPU in 64-bit mode with its local APIC, for tests that make it do one thing after the other: each runs a few instructions
// that end in an OUT to a port of nobody. Every vector has a handler that writes down when it ran.

import { CODE, longMode, P, PS, W } from './guest.js';
import { IoExit, type Vcpu, type Vm, type VmOptions } from '../../src/index.js';

export const APIC_BASE = 0xfee0_0000;
/** Offsets of registers on the APIC page (SDM vol. 3, table 12-1). */
export const Reg = {
  Id: 0x20,
  Version: 0x30,
  Tpr: 0x80,
  Apr: 0x90,
  Ppr: 0xa0,
  Eoi: 0xb0,
  Ldr: 0xd0,
  Dfr: 0xe0,
  Svr: 0xf0,
  Isr: 0x100,
  Tmr: 0x180,
  Irr: 0x200,
  Esr: 0x280,
  Icr: 0x300,
  IcrHigh: 0x310,
  Timer: 0x320,
  Thermal: 0x330,
  Performance: 0x340,
  Lint0: 0x350,
  Lint1: 0x360,
  Error: 0x370,
  Initial: 0x380,
  Current: 0x390,
  Divide: 0x3e0,
  SelfIpi: 0x3f0,
} as const;

/** Model-specific registers. */
export const IA32_APIC_BASE = 0x1b;
export const IA32_TSC_DEADLINE = 0x6e0;
/** Of the register at an offset of the APIC page (12.12.1.2). */
export const x2 = (register: number): number => 0x800 + (register >> 4);

const GDT = 0x9000;
const IDT = 0xa000;
const HANDLERS = 0x2_0000;
const HANDLER_SIZE = 32;
const LOG = 0x3_0000;
const END = [0xe6, 0xf0];
const END_PORT = 0xf0;

export interface Entry {
  vector: number;
  tsc: number;
}

export interface ApicOptions extends VmOptions {
  /** The APIC's page is the user's, too, in the guest's tables. */
  user?: boolean;
  /** Handlers end with an EOI, by MMIO. */
  eoi?: boolean;
}

/** One vCPU of a machine. */
export class Cpu {
  constructor(
    readonly vm: Vm,
    readonly vcpu: Vcpu,
    readonly index = 0,
  ) {}

  get log(): number {
    return LOG + this.index * 0x1_0000;
  }

  /** Runs code; registers as given, the others stay. */
  do(code: readonly number[], regs: Record<string, bigint> = {}, at = CODE): void {
    this.vm.memory.write(at, Uint8Array.from([...code, ...END]));
    this.vcpu.setRegs({ ...this.vcpu.getRegs(), rip: BigInt(at), ...regs });
    this.finish();
  }

  /** On to the next OUT. */
  finish(): void {
    const exit = this.vcpu.run({ maxInstructions: 100_000 });
    if (exit instanceof IoExit && exit.port === END_PORT) return;
    throw new Error(`an exit of reason ${exit.reason} instead of the OUT`);
  }

  /** mov [rdi], eax */
  write(register: number, value: number): void {
    this.do([0x89, 0x07], { rdi: BigInt(APIC_BASE + register), rax: BigInt(value >>> 0) });
  }

  /** mov eax, [rdi] */
  read(register: number): number {
    this.do([0x8b, 0x07], { rdi: BigInt(APIC_BASE + register), rax: ~0n & 0xffff_ffff_ffff_ffffn });
    return Number(this.vcpu.getRegs().rax);
  }

  /** The 256 bits at ISR, TMR or IRR, as the vectors whose bits are set. */
  vectors(field: number): number[] {
    const found: number[] = [];
    for (let word = 0; word < 8; word++) {
      const bits = this.read(field + word * 16);
      for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) found.push(word * 32 + bit);
    }
    return found;
  }

  /** rdmsr, or undefined: #GP. */
  rdmsr(index: number): bigint | undefined {
    if (!this.#mayFault([0x0f, 0x32], { rcx: BigInt(index) })) return undefined;
    const { rax, rdx } = this.vcpu.getRegs();
    return (rdx << 32n) | rax;
  }

  /** wrmsr; false: #GP. */
  wrmsr(index: number, value: bigint | number): boolean {
    const bits = BigInt(value);
    return this.#mayFault([0x0f, 0x30], { rcx: BigInt(index), rax: bits & 0xffff_ffffn, rdx: bits >> 32n });
  }

  #mayFault(code: readonly number[], regs: Record<string, bigint>): boolean {
    const before = this.entries().length;
    this.do([...code, 0x90], regs);
    const added = this.entries().slice(before);
    if (added.length === 0) return true;
    if (added.some(({ vector }) => vector !== 13)) throw new Error('interrupts in the middle of an MSR access');
    const rbx = this.vcpu.getRegs().rbx - 8n;
    this.vcpu.setRegs({ ...this.vcpu.getRegs(), rbx });
    return false;
  }

  /** sti; nop; cli: whatever can be delivered is. */
  open(): Entry[] {
    const before = this.entries().length;
    this.do([0xfb, 0x90, 0xfa]);
    return this.entries().slice(before);
  }

  /** The handlers that ran. */
  entries(): Entry[] {
    const count = (Number(this.vcpu.getRegs().rbx) - this.log) / 8;
    const words = new Uint32Array(this.vm.memory.read(this.log, count * 8).slice().buffer);
    return Array.from({ length: count }, (_, at) => ({ tsc: words[at * 2]!, vector: words[at * 2 + 1]! & 0xff }));
  }

  /** How often each exit was made by something, but for the OUT that ends it. */
  exitsOf(work: () => void): Record<string, number> {
    this.vm.resetStats();
    work();
    const counts: Record<string, number> = {};
    for (const [name, { count }] of Object.entries(this.vm.stats().exits)) if (count > 0) counts[name] = count;
    counts['IO'] = (counts['IO'] ?? 0) - 1;
    if (counts['IO'] === 0) delete counts['IO'];
    return counts;
  }
}

const vms: Vm[] = [];
export function closeAll(): void {
  for (const vm of vms.splice(0)) vm.close();
}

/** A machine whose local APIC is enabled by software, in xAPIC mode, with everything else as after power-on. */
export async function apicMachine({ user = false, eoi = false, ...options }: ApicOptions = {}): Promise<Cpu> {
  const { vm, vcpu } = await longMode([], { clock: 'virtual', ...options, cpu: { apic: true, ...options.cpu } });
  vms.push(vm);
  if (!user) vm.memory.writeU64(0x8_1000 + 3 * 8, (3n << 30n) | P | W | PS);
  writeTables(vm, eoi);
  const cpu = new Cpu(vm, vcpu);
  settle(cpu);
  cpu.write(Reg.Svr, 0x1ff);
  return cpu;
}

function writeTables(vm: Vm, eoi: boolean): void {
  const { memory } = vm;
  memory.writeU64(GDT + 8, 0x00af_9b00_0000_ffffn);
  memory.writeU64(GDT + 16, 0x00cf_9300_0000_ffffn);
  for (let vector = 0; vector < 256; vector++) {
    const at = HANDLERS + vector * HANDLER_SIZE;
    memory.writeU64(
      IDT + vector * 16,
      BigInt(at & 0xffff) | (8n << 16n) | (0x8e00n << 32n) | (BigInt(at >> 16) << 48n),
    );
    // of #GP: over the two bytes that faulted, and the error code off the stack
    const fault = vector === 13 ? [0x48, 0x83, 0xc4, 8, 0x48, 0x83, 0x04, 0x24, 2] : [];
    const end = eoi ? [0xc7, 0x85, Reg.Eoi, 0, 0, 0, 0, 0, 0, 0] : [];
    // rdtsc; mov [rbx], eax; mov byte [rbx+4], vector; add rbx, 8; iretq
    const code = [
      0x0f,
      0x31,
      0x89,
      0x03,
      0xc6,
      0x43,
      4,
      vector,
      0x48,
      0x83,
      0xc3,
      8,
      ...(fault.length ? fault : end),
      0x48,
      0xcf,
    ];
    memory.write(at, Uint8Array.from(code));
  }
}

/** Descriptor tables, RBX for the log, RBP for the APIC. */
export function settle(cpu: Cpu): void {
  const { vcpu } = cpu;
  const sregs = vcpu.getSregs();
  vcpu.setSregs({
    ...sregs,
    cr4: sregs.cr4 | 0x200n, // OSFXSR
    gdt: { base: BigInt(GDT), limit: 23 },
    idt: { base: BigInt(IDT), limit: 0xfff },
  });
  vcpu.setRegs({
    ...vcpu.getRegs(),
    rbx: BigInt(cpu.log),
    rbp: BigInt(APIC_BASE),
    rsp: BigInt(0x7000 + cpu.index * 0x800),
    rflags: 2n,
  });
}
