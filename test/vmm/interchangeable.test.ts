// The fast path and the slow path are interchangeable (DESIGN, promise 2): whatever a guest does to a doorbell, the eventfd
// counts, the exits to the user and the guest's state afterwards are the same with the short cut and without, in all three
// paging modes, and as a brute-force model of KVM's matching rules says.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventFd, ExitReason, MemoryFlag, MmioExit, type Regs } from '../../src/index.js';
import { deviceValue, expected, INSTRUCTIONS, type Outcome, type Registration, type World } from './accesses.js';
import { ALIAS, CODE, longMode, PAGE_TABLE, PAGING_MODES, P, U, W, type Guest } from './guest.js';

const MMIO = 0xfe00_0000n;
const ROM = 0xfd00_0000n;
const RAM = 0x2_0000n;
/** What the pages at ALIAS are: MMIO in order and out of order, RAM before and after MMIO, a read-only slot. */
const PAGES = [MMIO, MMIO + 0x1000n, MMIO + 0x1000n, MMIO, RAM, MMIO, RAM + 0x1000n, ROM, MMIO + 0x1000n, ROM, RAM];
const romByte = (offset: number): number => (offset * 13 + 7) & 0xff;

const guests: (Guest & { name: string; fds: EventFd[] })[] = [];
const FDS = 8;

beforeAll(async () => {
  for (const paging of PAGING_MODES) {
    for (const doorbells of ['fast', 'emulate'] as const) {
      const guest = await longMode([], { paging, doorbells });
      const { vm } = guest;
      for (const [index, page] of PAGES.entries())
        vm.memory.writeU64(PAGE_TABLE + BigInt(index) * 8n, page | P | W | U);
      vm.setMemoryRegion({ slot: 1, guestPhysAddr: ROM, memorySize: 4096, flags: MemoryFlag.ReadOnly });
      vm.memory.write(
        ROM,
        Uint8Array.from({ length: 4096 }, (_, at) => romByte(at)),
      );
      guests.push({ ...guest, name: `${paging}, ${doorbells}`, fds: Array.from({ length: FDS }, () => new EventFd()) });
    }
  }
});
afterAll(() => {
  for (const { vm } of guests) vm.close();
});

/** Offsets in a page near which everything happens, so that accesses and registrations meet. */
const offset = fc.oneof(
  fc.constantFrom(0, 4, 8),
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 4086, max: 4095 }),
);
const value = fc.oneof(
  fc.constantFrom(5n, 0n, 0xffn, 0x1_0005n, 0xffff_ffff_ffff_ffffn),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const registration = fc
  .record({
    page: fc.constantFrom(MMIO, MMIO, MMIO + 0x1000n, ROM),
    offset,
    len: fc.constantFrom(0, 1, 2, 4, 8),
    kind: fc.constantFrom('wildcard', 'wildcard', 'datamatch', 'pv'),
    datamatch: value,
  })
  .map(({ page, offset: at, len, kind, datamatch }): Registration => ({
    addr: page + BigInt(at),
    len,
    datamatch: kind === 'datamatch' && len > 0 ? BigInt.asUintN(len * 8, datamatch) : undefined,
    pv: kind === 'pv',
  }));
const access = fc.record({
  instruction: fc.constantFrom(...INSTRUCTIONS),
  direct: fc.boolean(),
  page: fc.integer({ min: 0, max: PAGES.length - 2 }),
  offset,
  rax: value,
});

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
function perform({ vm, vcpu }: Guest, bytes: number[], registers: Partial<Regs>): { exits: Outcome[]; regs: Regs } {
  vm.memory.write(CODE, Uint8Array.from([...bytes, 0xf4]));
  vcpu.setRegs({ ...vcpu.getRegs(), rflags: 2n, ...registers, rip: BigInt(CODE) });
  const exits: Outcome[] = [];
  for (;;) {
    const exit = vcpu.run({ maxInstructions: 100 });
    if (exit.reason === ExitReason.Hlt) return { exits, regs: vcpu.getRegs() };
    if (!(exit instanceof MmioExit)) throw new Error(`unexpected exit ${JSON.stringify(exit)}`);
    const { physAddr: addr, length } = exit;
    if (exit.isWrite) exits.push({ kind: 'write', addr, length, value: exit.value });
    else exits.push({ kind: 'read', addr, length });
    if (!exit.isWrite) exit.complete(deviceValue(addr, length));
  }
}

it('for random registrations and accesses', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(
      fc.array(registration, { minLength: 1, maxLength: FDS }),
      fc.array(access, { minLength: 1, maxLength: 10 }),
      (wanted, accesses) => {
        const accepted = wanted.map((one, index) => {
          const results = guests.map(({ vm, fds }) => {
            const flags = (one.datamatch === undefined ? 0 : 1) | (one.pv ? 0x100 : 0);
            try {
              vm.ioeventfd({ ...one, datamatch: one.datamatch ?? 0n, fd: fds[index]!, flags });
              return true;
            } catch {
              return false;
            }
          });
          expect(new Set(results).size).toBe(1);
          return results[0]!;
        });
        // A refused one keeps its place in the list, with a length that nothing has.
        const registrations = wanted.map((one, index) => (accepted[index] ? one : { ...one, len: -1, pv: false }));
        const ram = Uint8Array.from({ length: 0x2000 }, (_, at) => at & 0xff);
        for (const { vm } of guests) vm.memory.write(RAM, ram);
        const world = worldOf(ram);
        const counts = Array.from({ length: FDS }, () => 0n);
        try {
          for (const { instruction, direct, page, offset: at, rax } of accesses) {
            const linear = (direct ? MMIO : ALIAS + BigInt(page) * 0x1000n) + BigInt(at);
            const below = instruction.name.startsWith('push') ? 8n : 0n;
            const outcomes = expected(world, registrations, instruction, linear, rax);
            for (const outcome of outcomes) if (outcome.kind === 'signal') counts[outcome.registration]! += 1n;
            const exits = outcomes.filter(({ kind }) => kind !== 'signal');
            const registers = {
              rax,
              rbx: linear,
              rdi: linear,
              rsp: linear + below,
              rcx: BigInt(instruction.count ?? 0),
            };
            let first: Regs | undefined;
            for (const guest of guests) {
              const what = `${guest.name}: ${instruction.name} at 0x${linear.toString(16)}`;
              const { exits: seen, regs } = perform(guest, instruction.bytes, registers);
              first ??= regs;
              const count = guest.fds.map((fd) => fd.count);
              expect({ what, exits: seen, count, regs }).toEqual({ what, exits, count: counts, regs: first });
            }
          }
          for (const { vm, name } of guests) {
            const same = Buffer.compare(vm.memory.read(RAM, 0x2000), ram) === 0;
            expect({ name, same, rom: vm.memory.readU8(ROM + 5n) }).toEqual({ name, same: true, rom: romByte(5) });
          }
        } finally {
          for (const { vm, fds } of guests) {
            for (const [index, one] of wanted.entries()) {
              if (!accepted[index]) continue;
              const flags = 4 | (one.datamatch === undefined ? 0 : 1);
              vm.ioeventfd({ ...one, datamatch: one.datamatch ?? 0n, fd: fds[index]!, flags });
            }
            for (const fd of fds) fd.tryRead();
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
