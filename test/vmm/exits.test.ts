// Exits and how they are completed: KVM's rules (spec 4.2, 4.3), the same in all three paging modes.

import { describe, expect, it } from 'vitest';
import { EventFd, ExitReason, InternalErrorExit, IoExit, MmioExit, Vm, type Exit, type Vcpu } from '../../src/index.js';
import { ALIAS, CODE, longMode, PAGE_TABLE, PAGING_MODES, P, realMode, U, W } from './guest.js';

const MMIO = 0xfe00_0000n;

/** Fails unless the exit is of that class. */
function as<T extends Exit>(exit: Exit, type: abstract new (...args: never[]) => T): T {
  expect(exit).toBeInstanceOf(type);
  return exit as T;
}
const rip = (vcpu: Vcpu): number => Number(vcpu.getRegs().rip);
const run = (vcpu: Vcpu): Exit => vcpu.run({ maxInstructions: 1000 });

describe.each(PAGING_MODES)('port I/O under %s', (paging) => {
  it('leaves RIP at an OUT until the next run, and hands IN its data', async () => {
    const { vcpu } = await realMode(
      [
        ...[0xba, 0xf8, 0x03], //       1000 mov dx, 0x3f8
        ...[0xb8, 0x41, 0x42], //       1003 mov ax, 0x4241
        0xee, //                        1006 out dx, al
        ...[0xe5, 0x60], //             1007 in ax, 0x60
        0xf4, //                        1009 hlt
      ],
      { paging },
    );
    const out = as(run(vcpu), IoExit);
    expect(out).toMatchObject({ reason: ExitReason.Io, direction: 'out', port: 0x3f8, size: 1, count: 1, value: 0x41 });
    expect(rip(vcpu)).toBe(0x1006);
    const input = as(run(vcpu), IoExit);
    expect(input).toMatchObject({ direction: 'in', port: 0x60, size: 2 });
    expect(rip(vcpu)).toBe(0x1007);
    input.complete(0xbeef);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(0xbeefn);
    expect(rip(vcpu)).toBe(0x100a);
  });

  it('merges AL and AX, and zero-extends EAX', async () => {
    const { vcpu } = await longMode([0xe4, 0x10, 0x66, 0xe5, 0x10, 0xe5, 0x10, 0xf4], { paging }); // in al / ax / eax, 0x10
    vcpu.setRegs({ ...vcpu.getRegs(), rax: 0x1111_2222_3333_4444n });
    const seen: bigint[] = [];
    for (const value of [0xab, 0xcdef, 0x8765_4321]) {
      as(run(vcpu), IoExit).complete(value);
      vcpu.immediateExit = true;
      run(vcpu);
      vcpu.immediateExit = false;
      seen.push(vcpu.getRegs().rax);
    }
    expect(seen).toEqual([0x1111_2222_3333_44abn, 0x1111_2222_3333_cdefn, 0x8765_4321n]);
  });

  it('drops the completion if the caller has moved RIP', async () => {
    const { vcpu } = await realMode([0xe4, 0x60, 0xf4, 0xf4], { paging }); // in al, 0x60; hlt; hlt
    as(run(vcpu), IoExit).complete(0x77);
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1003n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(rip(vcpu)).toBe(0x1004);
    expect(vcpu.getRegs().rax).toBe(0n);
  });

  it('exits once an element for REP OUTSB and REP INSB', async () => {
    const { vm, vcpu } = await realMode(
      [
        ...[0xbe, 0x00, 0x20], // mov si, 0x2000
        ...[0xbf, 0x00, 0x30], // mov di, 0x3000
        ...[0xb9, 0x02, 0x00], // mov cx, 2
        ...[0xba, 0x10, 0x00], // mov dx, 0x10
        ...[0xf3, 0x6e], //       rep outsb
        ...[0xb1, 0x02], //       mov cl, 2
        ...[0xf3, 0x6c], //       rep insb
        0xf4,
      ],
      { paging },
    );
    vm.memory.write(0x2000, Uint8Array.of(0x61, 0x62));
    expect([as(run(vcpu), IoExit).value, as(run(vcpu), IoExit).value]).toEqual([0x61, 0x62]);
    as(run(vcpu), IoExit).complete(0x31);
    as(run(vcpu), IoExit).complete(0x32);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vm.memory.readU16(0x3000)).toBe(0x3231);
    expect(vcpu.getRegs()).toMatchObject({ rcx: 0n, rsi: 0x2002n, rdi: 0x3002n });
  });

  it('counts an instruction that it completes against the budget', async () => {
    const { vcpu } = await realMode([0xe4, 0x60, 0x40, 0xf4], { paging }); // in al, 0x60; inc ax; hlt
    as(vcpu.run({ maxInstructions: 1 }), IoExit).complete(0x10);
    expect(vcpu.retired).toBe(0);
    expect(vcpu.run({ maxInstructions: 1 }).reason).toBe(ExitReason.Budget);
    expect(vcpu.getRegs()).toMatchObject({ rax: 0x10n, rip: 0x1002n });
  });

  it('carries INS from a port to MMIO, both in the caller’s hands', async () => {
    const { vcpu } = await longMode([0xf3, 0x6c, 0xf4], { paging }); // rep insb; hlt
    vcpu.setRegs({ ...vcpu.getRegs(), rdi: 0xfe00_0000n, rcx: 2n, rdx: 0x70n });
    for (const value of [0x41, 0x42]) {
      as(run(vcpu), IoExit).complete(value);
      const physAddr = 0xfe00_0000n + BigInt(value - 0x41);
      expect(as(run(vcpu), MmioExit)).toMatchObject({ physAddr, length: 1, isWrite: true, value: BigInt(value) });
    }
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs()).toMatchObject({ rcx: 0n, rdi: 0xfe00_0002n, rax: 0n });
  });

  it('asks the bus first', async () => {
    const { vm, vcpu } = await realMode([0xe4, 0x60, 0xe6, 0x61, 0xf4], { paging }); // in al, 0x60; out 0x61, al; hlt
    const written: number[][] = [];
    vm.pio.claim({
      addr: 0x60n,
      len: 2,
      device: { name: 'probe', read: () => 0x5c, write: (...args) => void written.push(args) },
    });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(written).toEqual([[1, 1, 0x5c]]);
  });
});

describe.each(PAGING_MODES)('MMIO under %s', (paging) => {
  it('has RIP past a write, and at a read until that is completed', async () => {
    const { vcpu } = await longMode([0x89, 0x03, 0x8b, 0x03, 0xf4], { paging }); // mov [rbx], eax; mov eax, [rbx]; hlt
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO, rax: 0xffff_ffff_1234_5678n });
    const write = as(run(vcpu), MmioExit);
    expect(write).toMatchObject({ physAddr: MMIO, length: 4, isWrite: true, value: 0x1234_5678n });
    expect(rip(vcpu)).toBe(CODE + 2);
    const read = as(run(vcpu), MmioExit);
    expect(read).toMatchObject({ physAddr: MMIO, length: 4, isWrite: false });
    expect(rip(vcpu)).toBe(CODE + 2);
    read.complete(0xcafe_f00dn);
    // Completion comes first, then immediateExit is looked at; the exit reason stays what it was.
    vcpu.immediateExit = true;
    expect(run(vcpu).reason).toBe(ExitReason.Intr);
    expect(vcpu.exitReason).toBe(ExitReason.Mmio);
    expect(vcpu.getRegs()).toMatchObject({ rax: 0xcafe_f00dn, rip: BigInt(CODE) + 4n });
    vcpu.immediateExit = false;
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
  });

  it('on a fresh vCPU, immediateExit leaves the exit reason 0', async () => {
    const { vcpu } = await realMode([0xf4], { paging });
    vcpu.immediateExit = true;
    expect(run(vcpu).reason).toBe(ExitReason.Intr);
    expect(vcpu.exitReason).toBe(ExitReason.Unknown);
    expect(rip(vcpu)).toBe(CODE);
  });

  it.each([
    [[0x8a, 0x03], 1, 0x1111_2222_3333_44aan], // mov al, [rbx]
    [[0x66, 0x8b, 0x03], 2, 0x1111_2222_3333_99aan], // mov ax, [rbx]
    [[0x8b, 0x03], 4, 0x7788_99aan], // mov eax, [rbx]
    [[0x48, 0x8b, 0x03], 8, 0x3344_5566_7788_99aan], // mov rax, [rbx]
    [[0x0f, 0xbe, 0x03], 1, 0xffff_ffaan], // movsx eax, byte [rbx]
  ])('merges what a read finds: % x', async (bytes, length, rax) => {
    const { vcpu } = await longMode([...bytes, 0xf4], { paging });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO, rax: 0x1111_2222_3333_4444n });
    const read = as(run(vcpu), MmioExit);
    expect(read.length).toBe(length);
    read.complete(0x3344_5566_7788_99aan);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(rax);
  });

  it('splits an access at the page and offers both halves to the bus before the first exit', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x03, 0xf4], { paging }); // mov [rbx], eax; hlt
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO + 0x1000n, len: 2 });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO + 0xffen, rax: 0x1234_5678n });
    const first = as(run(vcpu), MmioExit);
    expect(first).toMatchObject({ physAddr: MMIO + 0xffen, length: 2, value: 0x5678n });
    expect(fd.read()).toBe(1n);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
  });

  it('delivers both halves one by one when nobody wants them', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x03, 0xf4], { paging });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO + 0xffen, rax: 0x1234_5678n });
    expect(as(run(vcpu), MmioExit).value).toBe(0x5678n);
    expect(rip(vcpu)).toBe(CODE + 2);
    // The saved piece does not consult the bus again.
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO + 0x1000n, len: 2 });
    expect(as(run(vcpu), MmioExit)).toMatchObject({ physAddr: MMIO + 0x1000n, length: 2, value: 0x1234n });
    expect(fd.count).toBe(0n);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
  });

  it('stores the RAM half of a straddling write and sends the other to the bus', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x03, 0xf4], { paging });
    const end = 0x10_0000n; // the end of RAM
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: end - 2n, rax: 0x1234_5678n });
    expect(as(run(vcpu), MmioExit)).toMatchObject({ physAddr: end, length: 2, value: 0x1234n });
    expect(vm.memory.readU16(end - 2n)).toBe(0x5678);
  });

  it('reads, then writes for a read-modify-write', async () => {
    const { vm, vcpu } = await longMode([0x01, 0x03, 0xf4], { paging }); // add [rbx], eax; hlt
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 4, datamatch: 0x30n, flags: 1 });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO, rax: 0x10n });
    as(run(vcpu), MmioExit).complete(0x20);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(fd.read()).toBe(1n);
  });

  it('asks devices', async () => {
    const { vm, vcpu } = await longMode([0x48, 0x8b, 0x03, 0x88, 0x43, 0x05, 0xf4], { paging }); // mov rax, [rbx]; mov [rbx+5], al; hlt
    const writes: number[][] = [];
    vm.mmio.claim({
      addr: MMIO,
      len: 0x1000,
      device: {
        name: 'probe',
        read: (offset) => 0x1000 + offset,
        write: (...args) => void writes.push(args),
      },
    });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(0x1004_0000_1000n);
    expect(writes).toEqual([[5, 1, 0]]);
  });

  it('throws on what a device throws, and can go on', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x03, 0x8b, 0x03, 0xf4], { paging });
    let broken = true;
    const act = (): number => {
      if (broken) throw new Error('out of paper');
      return 7;
    };
    vm.mmio.claim({ addr: MMIO, len: 4, device: { name: 'printer', read: act, write: () => void act() } });
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO });
    expect(() => run(vcpu)).toThrow(/guest-physical address 0xfe000000 threw: out of paper/);
    expect(rip(vcpu)).toBe(CODE + 2); // the write is past
    expect(() => run(vcpu)).toThrow(/out of paper/);
    expect(rip(vcpu)).toBe(CODE + 2); // the read begins anew
    broken = false;
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(7n);
  });

  it('cannot run code from MMIO: emulation failure at CPL 0', async () => {
    const { vcpu } = await longMode([0xff, 0xe3], { paging }); // jmp rbx
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO });
    expect(as(run(vcpu), InternalErrorExit).suberror).toBe(1);
    expect(vcpu.getRegs().rip).toBe(MMIO);
  });

  it('refuses to deliver an event through MMIO: suberror 3', async () => {
    const { vcpu } = await longMode([0xcc], { paging }); // int3
    vcpu.setSregs({ ...vcpu.getSregs(), idt: { base: MMIO, limit: 0xfff } });
    const exit = as(run(vcpu), InternalErrorExit);
    expect(exit.suberror).toBe(3);
    expect(exit.data).toHaveLength(5);
    // Vectoring information: vector 3, software exception, valid (SDM vol. 3, table 25-18); then the GPA of gate 3.
    expect(exit.data[0]! & 0xffff_ffffn).toBe(0x8000_0603n);
    expect(exit.data[3]).toBe(MMIO + 48n);
  });

  it('goes by the guest-physical address, whatever the linear one', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x43, 0x10, 0xf4], { paging }); // mov [rbx+16], eax; hlt
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO + 0x3010n, len: 4 });
    vm.memory.writeU64(PAGE_TABLE + 8n * 5n, (MMIO + 0x3000n) | P | W | U);
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: ALIAS + 0x5000n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(fd.read()).toBe(1n);
    expect(vcpu.translate(ALIAS + 0x5123n)).toBe(MMIO + 0x3123n);
    expect(vcpu.translate(ALIAS + 0x6000n)).toBeUndefined();
    expect(vcpu.translate(0x8000_0000_0000n)).toBeUndefined();
  });
});

describe('other exits', () => {
  it('reports a triple fault as Shutdown', async () => {
    const { vcpu } = await longMode([0x0f, 0x0b]); // ud2, and no IDT
    expect(run(vcpu).reason).toBe(ExitReason.Shutdown);
  });

  it('stops at the budget exactly, and after a requestStop()', async () => {
    const { vm, vcpu } = await realMode([0x40, 0xeb, 0xfd]); // inc ax; jmp $-1
    expect(vcpu.run({ maxInstructions: 100_001 }).reason).toBe(ExitReason.Budget);
    expect(vcpu.retired).toBe(100_001);
    expect(vcpu.getRegs().rax).toBe(BigInt(50_001));
    expect(vcpu.run({ maxInstructions: 0 }).reason).toBe(ExitReason.Budget);
    expect(vcpu.retired).toBe(100_001);
    vcpu.requestStop();
    expect(vcpu.run().reason).toBe(ExitReason.Intr);
    expect(vcpu.exitReason).toBe(ExitReason.Intr);
    expect(vcpu.run({ timeoutMs: 1 }).reason).toBe(ExitReason.Budget);
    expect(vm.stats().instructions).toBe(vcpu.retired);
  });

  it('counts emulated and stepped-over instructions once', async () => {
    // mov [rbx], eax; mov eax, [rbx]; out 0x10, al; in al, 0x10; cpuid; nop
    const { vcpu } = await longMode([0x89, 0x03, 0x8b, 0x03, 0xe6, 0x10, 0xe4, 0x10, 0x0f, 0xa2, 0x90, 0xf4]);
    vcpu.setRegs({ ...vcpu.getRegs(), rbx: MMIO });
    for (let exits = 0; exits < 4; exits++) run(vcpu);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.retired).toBe(7);
  });

  it('step() runs one instruction and reports Debug with the next RIP', async () => {
    const { vcpu } = await realMode([0x40, 0x89, 0x07, 0xf4]); // inc ax; mov [bx], ax
    expect(vcpu.step()).toMatchObject({ reason: ExitReason.Debug, exception: 1, pc: 0x1001n, dr6: 0xffff_4ff0n });
    expect(vcpu.step()).toMatchObject({ pc: 0x1003n });
    expect(vcpu.getRegs().rax).toBe(1n);
  });

  it('goes on behind a HLT, and reports one that ended a budget', async () => {
    const { vcpu } = await realMode([0xf4, 0x40, 0xf4]); // hlt; inc ax; hlt
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.halted).toBe(true);
    expect(vcpu.run({ maxInstructions: 2 }).reason).toBe(ExitReason.Budget);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.retired).toBe(3);
  });

  it('refuses to be run by a device of its own', async () => {
    const { vm, vcpu } = await realMode([0xe6, 0x10, 0xf4]);
    const again: unknown[] = [];
    vm.pio.claim({
      addr: 0x10n,
      len: 1,
      device: {
        name: 'recursion',
        read: () => 0,
        write: () => {
          try {
            vcpu.run();
          } catch (error) {
            again.push((error as { code: string }).code);
          }
        },
      },
    });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(again).toEqual(['EBUSY']);
  });

  it('answers CPUID, and RDMSR from claims or with #GP', async () => {
    const { vm, vcpu } = await longMode([0x0f, 0xa2, 0xb9, 0x34, 0x12, 0, 0, 0x0f, 0x32, 0x0f, 0x30, 0xf4]); // cpuid; mov ecx, 0x1234; rdmsr; wrmsr; hlt
    const written: bigint[] = [];
    vm.claimMsr(0x1234, { read: () => 0x1122_3344_5566_7788n, write: (value) => void written.push(value) });
    expect(() => vm.claimMsr(0x10, {})).toThrow(/EBUSY/);
    vcpu.setRegs({ ...vcpu.getRegs(), rax: 0n, rbx: -1n & 0xffff_ffff_ffff_ffffn });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs()).toMatchObject({ rax: 0x5566_7788n, rdx: 0x1122_3344n, rbx: 0x756e_6547n }); // "Genu"
    expect(written).toEqual([0x1122_3344_5566_7788n]);
    vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE) + 7n, rcx: 0x4321n });
    expect(run(vcpu).reason).toBe(ExitReason.Shutdown); // #GP without an IDT
  });

  it('injects interrupts by vector, NMIs, and through the INTR pin', async () => {
    // sti; hlt; hlt; hlt — interrupt 0x20: inc bx; iret — NMI: inc cx; iret — interrupt 0x21: inc dx; iret
    const { vm, vcpu } = await realMode([0xfb, 0xf4, 0xf4, 0xf4, 0x43, 0xcf, 0x41, 0xcf, 0x42, 0xcf]);
    vm.memory.writeU32(0x20 * 4, 0x1004);
    vm.memory.writeU32(2 * 4, 0x1006);
    vm.memory.writeU32(0x21 * 4, 0x1008);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.readyForInterrupt).toBe(true);
    vcpu.injectInterrupt(0x20);
    expect(() => vcpu.injectInterrupt(0x21)).toThrow(/EEXIST/);
    expect(() => vcpu.injectInterrupt(256)).toThrow(/EINVAL/);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs()).toMatchObject({ rbx: 1n, rip: 0x1003n });
    vcpu.injectNmi();
    const asked: number[] = [];
    vcpu.setInterruptSource({
      acknowledge: () => {
        asked.push(1);
        vcpu.setInterruptLine(false);
        return 0x21;
      },
    });
    vcpu.setInterruptLine(true);
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs()).toMatchObject({ rcx: 1n, rdx: 1n, rip: 0x1004n });
    expect(asked).toEqual([1]);
  });

  it('opens the interrupt window when interrupts can be taken', async () => {
    const { vcpu } = await realMode([0xfa, 0x40, 0xfb, 0x40, 0x40, 0xf4]); // cli; inc ax; sti; inc ax; inc ax; hlt
    vcpu.requestInterruptWindow();
    expect(run(vcpu).reason).toBe(ExitReason.IrqWindowOpen);
    expect(vcpu.getRegs()).toMatchObject({ rax: 2n, rip: 0x1004n }); // behind the instruction in STI's shadow
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
  });
});

describe('hypercalls', () => {
  const CALL = [0x0f, 0x01, 0xc1, 0xf4]; // vmcall; hlt

  it('answers unknown numbers with -1000, 64 bits wide in 64-bit mode', async () => {
    const { vcpu } = await longMode(CALL);
    vcpu.setRegs({ ...vcpu.getRegs(), rax: 99n });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(0xffff_ffff_ffff_fc18n);
    const real = await realMode(CALL);
    real.vcpu.setRegs({ ...real.vcpu.getRegs(), rax: 99n });
    expect(run(real.vcpu).reason).toBe(ExitReason.Hlt);
    expect(real.vcpu.getRegs().rax).toBe(0xffff_fc18n);
  });

  it.each<[string, bigint, bigint, bigint, bigint, bigint]>([
    ['a doorbell', MMIO, 1n, 0n, 0n, 1n],
    ['an ioeventfd of this length and value', MMIO + 8n, 4n, 0x55n, 0n, 1n],
    ['another value', MMIO + 8n, 4n, 0x56n, 0xffff_ffff_ffff_fffen, 0n],
    ['another length', MMIO + 8n, 2n, 0x55n, 0xffff_ffff_ffff_fffen, 0n],
    ['another address', MMIO + 9n, 4n, 0x55n, 0xffff_ffff_ffff_fffen, 0n],
    ['a length there is not', MMIO, 3n, 0n, 0xffff_ffff_ffff_ffean, 0n],
  ])('kicks %s', async (_what, rbx, rcx, rdx, result, count) => {
    const { vm, vcpu } = await longMode(CALL);
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 0 });
    vm.ioeventfd({ fd, addr: MMIO + 8n, len: 4, datamatch: 0x55n, flags: 1 });
    vcpu.setRegs({ ...vcpu.getRegs(), rax: 0x444f_4f52n, rbx, rcx, rdx });
    expect(run(vcpu).reason).toBe(ExitReason.Hlt);
    expect(vcpu.getRegs().rax).toBe(result);
    expect(fd.count).toBe(count);
  });
});

describe('statistics', () => {
  it('books decodes to the exits that need them, and none to a kick', async () => {
    const { vm, vcpu } = await longMode([0x89, 0x03, 0xff, 0xc9, 0x75, 0xfa, 0xf4]); // 1: mov [rbx], eax; dec ecx; jnz 1; hlt
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: MMIO, len: 0 });
    vm.ioeventfd({ fd, addr: MMIO + 4n, len: 4 });
    const kicks = (addr: bigint): void => {
      vm.resetStats();
      vcpu.setRegs({ ...vcpu.getRegs(), rbx: addr, rcx: 100n, rip: BigInt(CODE) });
      expect(run(vcpu).reason).toBe(ExitReason.Hlt);
      expect(fd.read()).toBe(100n);
    };
    kicks(MMIO);
    expect(vm.stats().exits['EPT_MISCONFIG']).toMatchObject({ count: 100, decodes: 0, walks: 0, decodeFree: 100 });
    kicks(MMIO + 4n);
    expect(vm.stats().exits['EPT_MISCONFIG']).toMatchObject({ count: 100, decodes: 100, decodeFree: 0 });
    // At least the code's walk and the operand's (spec 3.8, as of 2013).
    expect(vm.stats().exits['EPT_MISCONFIG']!.walks).toBeGreaterThanOrEqual(200);
    expect(vm.stats().exits['EPT_MISCONFIG']!.ns).toBeGreaterThan(0);
  });

  it('repeats a run exactly by the virtual clock', async () => {
    const times = async (): Promise<[number, bigint]> => {
      const { vm, vcpu } = await realMode([0x0f, 0x31, 0xf4], { ticksPerInstruction: 8, tscKhz: 1_000_000 }); // rdtsc; hlt
      run(vcpu);
      vm.skipTime(5000);
      return [vm.clock.nanoseconds(), vcpu.getMsrs([0x10])[0]!.data];
    };
    // Two instructions of 8 ticks of 1 ns, and 5000 ns put forward.
    expect(await times()).toEqual([5016, 5016n]);
    const vm = await Vm.create({ clock: 'real' });
    expect(() => vm.skipTime(1)).toThrow(/EINVAL/);
  });
});
