// Memory under the guest's feet: read-only slots, dirty logging, slots that come and go, rights under shadow paging; and
// that the tables made for a guest stay within their bound.

import { describe, expect, it } from 'vitest';
import { CoreMemory } from '../../src/core/memory.js';
import { EventFd, ExitReason, InternalErrorExit, MemoryFlag, MmioExit, type Exit, type Vcpu } from '../../src/index.js';
import { RegionAllocator } from '../../src/vmm/region-allocator.js';
import { Slots } from '../../src/vmm/slots.js';
import { EPT_FORMAT, Fixed, NestedTable } from '../../src/vmm/nested-table.js';
import {
  ALIAS,
  CODE,
  longMode,
  MIB,
  PAGE_TABLE,
  PAGING_MODES,
  P,
  realMode,
  U,
  userSegments,
  W,
  type Guest,
} from './guest.js';

const MMIO = 0xfe00_0000n;
const STORE = [0x89, 0x03, 0xf4]; // mov [rbx], eax; hlt
const LOAD = [0x8b, 0x03, 0xf4]; // mov eax, [rbx]; hlt

function run(vcpu: Vcpu): Exit {
  return vcpu.run({ maxInstructions: 100_000 });
}

/** Runs the code at CODE again with these in RBX and RAX. */
function again({ vm, vcpu }: Guest, bytes: number[], rbx: bigint, rax = 0n): Exit {
  vm.memory.write(CODE, Uint8Array.from(bytes));
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rbx, rax });
  return run(vcpu);
}

describe.each(PAGING_MODES)('slots under %s', (paging) => {
  it('sends writes to a read-only slot to the MMIO bus; reads and fetches see memory', async () => {
    const guest = await longMode([], { paging });
    const { vm, vcpu } = guest;
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0xf000_0000n, memorySize: 0x2000, flags: MemoryFlag.ReadOnly });
    vm.memory.writeU32(0xf000_0010, 0x1234_5678);
    expect(again(guest, LOAD, 0xf000_0010n).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(0x1234_5678n);
    expect(again(guest, STORE, 0xf000_0010n, 0x99n)).toMatchObject({
      physAddr: 0xf000_0010n,
      isWrite: true,
      value: 0x99n,
    });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU32(0xf000_0010)).toBe(0x1234_5678);
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: 0xf000_0010n, len: 4 });
    expect(again(guest, STORE, 0xf000_0010n, 0x99n).reason).toBe(ExitReason.Hlt);
    expect(fd.count).toBe(1n);
    // Code in the read-only slot that writes to its own page: mov [rip - 6 - 6], eax; hlt
    vm.memory.write(0xf000_1006, Uint8Array.of(0x89, 0x05, 0xf4, 0xff, 0xff, 0xff, 0xf4));
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0xf000_1006n, rax: 0x77n });
    expect(run(vcpu)).toMatchObject({ physAddr: 0xf000_1000n, length: 4, value: 0x77n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rip).toBe(0xf000_100dn);
  });

  it('logs the pages that the guest writes, and only those', async () => {
    const guest = await longMode([], { paging });
    const { vm } = guest;
    const flags = MemoryFlag.LogDirtyPages;
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x4000_0000n, memorySize: 4 * MIB, flags });
    expect(again(guest, LOAD, 0x4000_3000n).reason).toBe(ExitReason.Hlt);
    expect(again(guest, STORE, 0x4000_5ffen, 1n).reason).toBe(ExitReason.Hlt); // pages 5 and 6
    const log = vm.getDirtyLog(1);
    expect(log).toHaveLength(128);
    expect(log[0]).toBe(0b0110_0000);
    expect(log.subarray(1).every((byte) => byte === 0)).toBe(true);
    // Written again after the log was taken: seen again.
    expect(vm.getDirtyLog(1)[0]).toBe(0);
    expect(again(guest, STORE, 0x4000_6000n, 1n).reason).toBe(ExitReason.Hlt);
    expect(vm.getDirtyLog(1)[0]).toBe(0b0100_0000);
    // Without logging nothing faults; with it switched on later, writes through mappings made before are seen.
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x4000_0000n, memorySize: 4 * MIB });
    expect(again(guest, STORE, 0x4000_7000n, 1n).reason).toBe(ExitReason.Hlt);
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0x4000_0000n, memorySize: 4 * MIB, flags });
    expect(again(guest, STORE, 0x4000_7000n, 1n).reason).toBe(ExitReason.Hlt);
    expect(vm.getDirtyLog(1)[0]).toBe(0b1000_0000);
  });

  it('lets a slot cover an ioeventfd, which sleeps until the slot is gone', async () => {
    const guest = await longMode([], { paging });
    const { vm } = guest;
    const fd = new EventFd();
    const doorbell = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 4 });
    vm.ioeventfd({ fd: doorbell, addr: MMIO + 8n, len: 0 });
    const both = (): void => {
      expect(again(guest, STORE, MMIO, 7n).reason).toBe(ExitReason.Hlt);
      expect(again(guest, STORE, MMIO + 8n, 7n).reason).toBe(ExitReason.Hlt);
    };
    both();
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: MMIO, memorySize: 4096 });
    both();
    expect(vm.memory.readU32(MMIO)).toBe(7);
    expect(vm.memory.readU32(MMIO + 8n)).toBe(7);
    expect([fd.count, doorbell.count]).toEqual([1n, 1n]);
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: MMIO, memorySize: 0 });
    both();
    expect([fd.count, doorbell.count]).toEqual([2n, 2n]);
  });

  it('runs code in slots, as they are now: written from outside, moved, deleted', async () => {
    const guest = await longMode([], { paging });
    const { vm, vcpu } = guest;
    const at = 0x5000_0000n;
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: at, memorySize: 4096 });
    vm.memory.write(at, Uint8Array.of(0xb8, 1, 0, 0, 0, 0xf4)); // mov eax, 1; hlt
    const go = (rip: bigint): Exit => {
      vcpu.setRegs({ ...vcpu.getRegs(), rip, rax: 0n });
      return run(vcpu);
    };
    expect(go(at).reason).toBe(ExitReason.Hlt);
    vm.memory.writeU8(at + 1n, 2);
    expect(go(at).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(2n);
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: at + 0x1000n, memorySize: 4096 });
    expect(go(at + 0x1000n).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(2n);
    expect(again(guest, LOAD, at)).toBeInstanceOf(MmioExit);
    run(vcpu);
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: at + 0x1000n, memorySize: 0 });
    expect(go(at + 0x1000n)).toBeInstanceOf(InternalErrorExit);
  });

  it('survives a guest that touches more pages than there are tables for', async () => {
    // The whole of 4 GiB less RAM in steps of 1 MiB - 4 KiB, so that most touches need a table of their own:
    // 1: mov eax, [rbx]; add ebx, 0xff000; dec ecx; jnz 1; hlt
    const code = [0x8b, 0x03, 0x81, 0xc3, 0x00, 0xf0, 0x0f, 0x00, 0xff, 0xc9, 0x75, 0xf4, 0xf4];
    const { vm, vcpu } = await longMode(code, { paging });
    vm.mmio.claim({ addr: 0n, len: 2 ** 32, device: { name: 'everything', read: () => 0, write: () => {} } });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: 0x1000_0000n, rcx: 3000n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vm.mapped().tables).toBeLessThanOrEqual(1024);
    expect(vm.mapped().drops).toBeGreaterThan(0);
  });

  it('gives the guest its own page faults, with its own rights', async () => {
    // Interrupt gate 14 to 8:1100, where: mov r9, [rsp] (the error code); mov rax, cr2; hlt
    const { vm, vcpu } = await longMode([], { paging });
    const idt = 0x9000;
    vm.memory.writeU64(idt + 14 * 16, (0x8e00n << 32n) | (8n << 16n) | 0x1100n);
    vm.memory.write(0x1100, Uint8Array.of(0x4c, 0x8b, 0x0c, 0x24, 0x0f, 0x20, 0xd0, 0xf4));
    // GDT for the gate's selector: 64-bit code at 8.
    vm.memory.writeU64(0xa008, 0x00af_9b00_0000_ffffn);
    const sregs = vcpu.getSregs();
    vcpu.setSregs({ ...sregs, gdt: { base: 0xa000n, limit: 0xf }, idt: { base: BigInt(idt), limit: 0xfff } });
    const untouched = 0xffn;
    const fault = (bytes: number[], rbx: bigint): [bigint, bigint] => {
      vm.memory.write(CODE, Uint8Array.from([...bytes, 0xf4]));
      vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rbx, rax: 0n, r9: untouched, rsp: 0x7000n });
      expect(run(vcpu).reason).toBe(ExitReason.Hlt);
      const { r9, rax } = vcpu.getRegs();
      return [r9, rax];
    };
    const store = [0x89, 0x03];
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 0 });
    vm.memory.writeU64(PAGE_TABLE, 0n);
    expect(fault(store, ALIAS)).toEqual([2n, ALIAS]); // write, not present (SDM vol. 3, 4.7)
    vm.memory.writeU64(PAGE_TABLE, MMIO | P);
    expect(fault(store, ALIAS)).toEqual([3n, ALIAS]); // write to a read-only page, although it is a doorbell
    vm.mmio.claim({ addr: MMIO + 4n, len: 4, device: { name: 'register', read: () => 0x42, write: () => {} } });
    expect(fault([0x8b, 0x03], ALIAS + 4n)).toEqual([untouched, 0x42n]); // a read is fine
    expect(fd.count).toBe(0n);
    expect(fault(store, ALIAS)).toEqual([3n, ALIAS]);
    // Made writable, with INVLPG as it must be: the kick arrives, and accessed and dirty are set.
    vm.memory.writeU64(PAGE_TABLE, MMIO | P | W);
    expect(fault([0x0f, 0x01, 0x3b, ...store], ALIAS)[0]).toBe(untouched); // invlpg [rbx]; mov [rbx], eax
    expect(fd.count).toBe(1n);
    expect(vm.memory.readU64(PAGE_TABLE)).toBe(MMIO | P | W | 0x60n);
  });

  it('keeps users off the supervisor’s doorbells', async () => {
    const guest = await longMode([], { paging });
    const { vm, vcpu } = guest;
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 0 });
    vm.memory.writeU64(PAGE_TABLE, MMIO | P | W);
    for (let kick = 1n; kick <= 40n; kick++) {
      expect(again(guest, STORE, ALIAS).reason).toBe(ExitReason.Hlt);
      expect(fd.count).toBe(kick);
    }
    // The same page from CPL 3: #PF, which without an IDT is a triple fault.
    vcpu.setSregs({ ...vcpu.getSregs(), ...userSegments() });
    expect(again(guest, STORE, ALIAS).reason).toBe(ExitReason.Shutdown);
    expect(fd.count).toBe(40n);
    // And from CPL 3 where it may: HLT is privileged, so the kick is followed by a #GP.
    const user = await longMode([], { paging });
    user.vm.ioeventfd({ fd, addr: MMIO, len: 0 });
    user.vm.memory.writeU64(PAGE_TABLE, MMIO | P | W | U);
    user.vcpu.setSregs({ ...user.vcpu.getSregs(), ...userSegments() });
    expect(again(user, STORE, ALIAS).reason).toBe(ExitReason.Shutdown);
    expect(fd.count).toBe(41n);
  });
});

describe('shadow paging', () => {
  it('follows CR3', async () => {
    // mov cr3, rcx; mov eax, [rbx]; hlt
    const guest = await longMode([], { paging: 'shadow' });
    const { vm, vcpu } = guest;
    // A second set of tables, in which ALIAS is another page.
    for (let table = 0; table < 4; table++)
      vm.memory.write(0x9_0000 + table * 4096, vm.memory.read(0x8_0000 + table * 4096, 4096));
    for (let table = 0; table < 3; table++) {
      const at = 0x9_0000 + table * 4096 + (table === 1 ? 256 * 8 : 0);
      vm.memory.writeU64(at, vm.memory.readU64(at) + 0x1_0000n);
    }
    vm.memory.writeU64(PAGE_TABLE, 0x2_0000n | P | W);
    vm.memory.writeU64(PAGE_TABLE + 0x1_0000n, 0x3_0000n | P | W);
    vm.memory.writeU32(0x2_0000, 111);
    vm.memory.writeU32(0x3_0000, 222);
    const code = [0x0f, 0x22, 0xd9, 0x8b, 0x03, 0xf4];
    const seen: bigint[] = [];
    for (const cr3 of [0x8_0000n, 0x9_0000n, 0x8_0000n]) {
      vcpu.setRegs({ ...vcpu.getRegs(), rcx: cr3 });
      expect(again(guest, code, ALIAS).reason).toBe(ExitReason.Hlt);
      seen.push(vcpu.getRegs().rax);
    }
    expect(seen).toEqual([111n, 222n, 111n]);
  });
});

describe('nested tables', () => {
  const made = (base: number, size: number, flags = 0): { table: NestedTable; memory: CoreMemory } => {
    const memory = new CoreMemory({ initialPages: 64, maximumPages: 65536, shared: true });
    const regions = new RegionAllocator(memory, 0x1000);
    const slots = new Slots(regions, 40, { slotsChanged: () => {}, hostReleased: () => {} });
    const table = new NestedTable(memory, regions, slots, EPT_FORMAT, () => {});
    slots.set({ slot: 0, guestPhysAddr: BigInt(base), memorySize: size, flags });
    return { table, memory };
  };
  /** Level and entry where a walk by the manual's description (SDM vol. 3, 29.3.2) ends. */
  const walk = ({ table, memory }: ReturnType<typeof made>, gpa: number): [level: number, entry: bigint] => {
    let at = table.root;
    for (let level = 4; ; level--) {
      const entry = memory.u64[at / 8 + (Math.floor(gpa / 2 ** (3 + 9 * level)) % 512)]!;
      if (level === 1 || (entry & 0x80n) !== 0n || (entry & 7n) === 0n) return [level, entry];
      at = Number(entry & 0xf_ffff_ffff_f000n);
    }
  };

  it.each([
    ['4 KiB at an edge', 0x1000, 2 ** 21, 0, 0x1000, 1],
    ['2 MiB inside', 0x1000, 2 ** 22, 0, 0x20_0000, 2],
    ['1 GiB', 2 ** 30, 2 ** 30, 0, 2 ** 30 + 12345, 3],
    ['4 KiB with a dirty log', 0, 2 ** 21, MemoryFlag.LogDirtyPages, 0x5000, 1],
  ])('use pages of %s', (_what, base, size, flags, gpa, level) => {
    const guest = made(base, size, flags);
    expect(guest.table.fix(gpa, 0, false)).toBe(Fixed.Again);
    const [found, entry] = walk(guest, gpa);
    expect(found).toBe(level);
    // Readable, executable, write-back; writable unless writes are logged.
    expect(entry & 0x3fn).toBe(flags === 0 ? 0x37n : 0x35n);
    // Host and guest address agree below the page's size.
    const bytes = BigInt(4096 * 512 ** (level - 1));
    expect((entry & 0xf_ffff_ffff_f000n) % bytes).toBe(0n);
  });

  it('mark what no slot covers as write without read, a misconfiguration', () => {
    const guest = made(0, 4096);
    guest.table.fix(0x8000_0000 | 0, 0x12, true);
    expect(walk(guest, 0x12_8000_0000)).toEqual([1, 6n]);
  });
});

describe('real mode', () => {
  it.each(PAGING_MODES)('has no page tables to walk, and the same memory under %s', async (paging) => {
    const { vm, vcpu } = await realMode([0xa3, 0x00, 0x20, 0xa1, 0x00, 0x20, 0xf4], { paging }); // mov [0x2000], ax; mov ax, [0x2000]
    vcpu.setRegs({ ...vcpu.getRegs(), rax: 0x1234n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU16(0x2000)).toBe(0x1234);
    // Above RAM: the reset vector's page is MMIO until somebody puts a ROM there.
    vcpu.reset();
    expect(vcpu.getRegs().rip).toBe(0xfff0n);
    expect(run(vcpu)).toBeInstanceOf(InternalErrorExit);
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0xffff_0000n, memorySize: 0x1_0000, flags: MemoryFlag.ReadOnly });
    vm.memory.write(0xffff_fff0, Uint8Array.of(0xa3, 0x00, 0x30, 0xf4));
    vcpu.reset();
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU16(0x3000)).toBe(0);
  });
});
