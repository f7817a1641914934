// The fast path and the slow path side by side (DESIGN, promise 2): six machines, every paging mode with the short cut for
// doorbells and without, which are given the same registrations and the same instructions, and must all do what a
// brute-force model of KVM's matching rules says.

import { EventFd, ExitReason, MemoryFlag, MmioExit, type Regs, type VmOptions } from '../../index.js';
import { ALIAS, CODE, longMode, P, PAGE_TABLE, U, W, type Guest } from '../long-mode.js';
import { deviceValue, expected, type Instruction, type Outcome, type Registration, type World } from './accesses.js';

export const MMIO = 0xfe00_0000n;
export const ROM = 0xfd00_0000n;
const RAM = 0x2_0000n;
const RAM_SIZE = 0x2000;
/** What the pages at ALIAS are: MMIO in order and out of order, RAM before and after MMIO, a read-only slot. */
export const PAGES = [
  MMIO,
  MMIO + 0x1000n,
  MMIO + 0x1000n,
  MMIO,
  RAM,
  MMIO,
  RAM + 0x1000n,
  ROM,
  MMIO + 0x1000n,
  ROM,
  RAM,
] as const;
/** Registrations at once, at most. */
export const FDS = 8;
const HLT = 0xf4;
const romByte = (offset: number): number => (offset * 13 + 7) & 0xff;

const PAGING = ['ept', 'npt', 'shadow'] as const;
const DOORBELLS = ['fast', 'emulate'] as const;

/** One instruction with its memory operand at an offset of one of PAGES, or (`direct`) of the MMIO page itself. */
export interface Access {
  readonly instruction: Instruction;
  readonly direct: boolean;
  readonly page: number;
  readonly offset: number;
  readonly rax: bigint;
}

/** Called with what each access should do: for coverage. */
export type Witness = (access: Access, outcomes: readonly Outcome[]) => void;

interface Machine extends Guest {
  readonly name: string;
  readonly fds: readonly EventFd[];
}

/** The linear address of an access's operand. */
export function linearOf({ direct, page, offset }: Access): bigint {
  return (direct ? MMIO : ALIAS + BigInt(page) * 0x1000n) + BigInt(offset);
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `0x${each.toString(16)}` : each));

export class DispatchLab {
  readonly machines: readonly Machine[];

  private constructor(machines: readonly Machine[]) {
    this.machines = machines;
  }

  static async create(options: VmOptions = {}): Promise<DispatchLab> {
    const machines: Machine[] = [];
    for (const paging of PAGING) {
      for (const doorbells of DOORBELLS) {
        const guest = await longMode([], { ...options, paging, doorbells });
        const { vm } = guest;
        for (const [index, page] of PAGES.entries())
          vm.memory.writeU64(PAGE_TABLE + BigInt(index) * 8n, page | P | W | U);
        vm.setMemoryRegion({ slot: 1, guestPhysAddr: ROM, memorySize: 4096, flags: MemoryFlag.ReadOnly });
        vm.memory.write(
          ROM,
          Uint8Array.from({ length: 4096 }, (_, at) => romByte(at)),
        );
        const fds = Array.from({ length: FDS }, () => new EventFd());
        machines.push({ ...guest, name: `${paging}, ${doorbells}`, fds });
      }
    }
    return new DispatchLab(machines);
  }

  /** Registers, accesses, and takes the registrations back. What is wrong, or undefined. */
  check(wanted: readonly Registration[], accesses: readonly Access[], witness: Witness = () => {}): string | undefined {
    const { machines } = this;
    const accepted: boolean[] = [];
    try {
      for (const [index, one] of wanted.entries()) {
        const results = machines.map((machine) => register(machine, index, one));
        accepted.push(results[0]!);
        if (results.some((result) => result !== results[0])) return `registration ${index}: accepted by some only`;
      }
      // A refused one keeps its place in the list, with a length that nothing has.
      const registrations = wanted.map((one, index) => (accepted[index]! ? one : { ...one, len: -1, pv: false }));
      const ram = Uint8Array.from({ length: RAM_SIZE }, (_, at) => at & 0xff);
      for (const { vm } of machines) vm.memory.write(RAM, ram);
      const world = worldOf(ram);
      const counts = Array.from({ length: FDS }, () => 0n);
      for (const [index, access] of accesses.entries()) {
        const outcomes = expected(world, registrations, access.instruction, linearOf(access), access.rax);
        witness(access, outcomes);
        for (const outcome of outcomes) if (outcome.kind === 'signal') counts[outcome.registration]! += 1n;
        const wrong = this.#compare(access, outcomes, counts);
        if (wrong !== undefined) return `access ${index}, ${wrong}`;
      }
      for (const { vm, name } of machines) {
        const now = vm.memory.read(RAM, RAM_SIZE);
        const at = now.findIndex((byte, index) => byte !== ram[index]);
        if (at >= 0) return `${name}: RAM at 0x${at.toString(16)} is 0x${now[at]!.toString(16)}`;
        if (vm.memory.readU8(ROM + 5n) !== romByte(5)) return `${name}: a read-only slot was written`;
      }
      return undefined;
    } finally {
      this.#clear(wanted, accepted);
    }
  }

  #compare(access: Access, outcomes: readonly Outcome[], counts: readonly bigint[]): string | undefined {
    const exits = outcomes.filter(({ kind }) => kind !== 'signal');
    let first: Regs | undefined;
    for (const machine of this.machines) {
      const where = `${machine.name}: ${access.instruction.name} at 0x${linearOf(access).toString(16)}`;
      const { exits: seen, regs } = perform(machine, access);
      first ??= regs;
      const count = machine.fds.map((fd) => fd.count);
      if (text(seen) !== text(exits)) return `${where}: exits ${text(seen)}, expected ${text(exits)}`;
      if (text(count) !== text(counts)) return `${where}: counts ${text(count)}, expected ${text(counts)}`;
      if (text(regs) !== text(first)) return `${where}: registers ${text(regs)}, others ${text(first)}`;
    }
    return undefined;
  }

  #clear(wanted: readonly Registration[], accepted: readonly boolean[]): void {
    for (const { vm, fds } of this.machines) {
      for (const [index, one] of wanted.entries()) {
        if (accepted[index] !== true) continue;
        const flags = 4 | (one.datamatch === undefined ? 0 : 1);
        vm.ioeventfd({ ...one, datamatch: one.datamatch ?? 0n, fd: fds[index]!, flags });
      }
      for (const fd of fds) fd.tryRead();
    }
  }

  close(): void {
    for (const { vm } of this.machines) vm.close();
  }
}

function register({ vm, fds }: Machine, index: number, one: Registration): boolean {
  const flags = (one.datamatch === undefined ? 0 : 1) | (one.pv ? 0x100 : 0);
  try {
    vm.ioeventfd({ ...one, datamatch: one.datamatch ?? 0n, fd: fds[index]!, flags });
    return true;
  } catch {
    return false;
  }
}

function worldOf(ram: Uint8Array): World {
  const inRam = (gpa: bigint): number | undefined =>
    gpa >= RAM && gpa < RAM + BigInt(ram.length) ? Number(gpa - RAM) : undefined;
  return {
    translate: (linear) => (linear >= ALIAS ? PAGES[Number((linear - ALIAS) >> 12n)]! | (linear & 0xfffn) : linear),
    load: (gpa) => {
      const at = inRam(gpa);
      if (at !== undefined) return ram[at];
      return gpa >= ROM && gpa < ROM + 4096n ? romByte(Number(gpa - ROM)) : undefined;
    },
    store: (gpa, byte) => {
      const at = inRam(gpa);
      if (at !== undefined) ram[at] = byte;
      return at !== undefined;
    },
  };
}

/** Runs one instruction; gives its exits and the registers afterwards. */
function perform({ vm, vcpu }: Guest, access: Access): { exits: Outcome[]; regs: Regs } {
  const { instruction, rax } = access;
  const linear = linearOf(access);
  // PUSH writes below RSP
  const below = instruction.name.startsWith('push') ? 8n : 0n;
  vm.memory.write(CODE, Uint8Array.from([...instruction.bytes, HLT]));
  const registers = { rax, rbx: linear, rdi: linear, rsp: linear + below, rcx: BigInt(instruction.count ?? 0) };
  vcpu.setRegs({ ...vcpu.getRegs(), rflags: 2n, ...registers, rip: BigInt(CODE) });
  const exits: Outcome[] = [];
  for (;;) {
    const exit = vcpu.run({ maxInstructions: 100 });
    if (exit.reason === ExitReason.Hlt) return { exits, regs: vcpu.getRegs() };
    if (!(exit instanceof MmioExit)) throw new Error(`unexpected exit ${text(exit)}`);
    const { physAddr: addr, length } = exit;
    if (exit.isWrite) exits.push({ kind: 'write', addr, length, value: exit.value });
    else exits.push({ kind: 'read', addr, length });
    if (!exit.isWrite) exit.complete(deviceValue(addr, length));
  }
}
