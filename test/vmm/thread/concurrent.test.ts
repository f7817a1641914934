// What happens in the owner's thread while the guest runs in its own: doorbells come and go, code and memory slots change,
// timers fire, interrupts wake a halted processor.

import { afterEach, beforeAll, expect, test } from 'vitest';
import { EventFd, ExitReason, IoEventFdFlag, type IoDevice, type IoExit } from '../../../src/index.js';
import { Slot } from '../../../src/eventfd/counter.js';
import { kicksForEver, SPIN } from './code.js';
import { buildCommand, closeAll, mmio, start, until } from './guest.js';

beforeAll(buildCommand);
afterEach(closeAll);

const { PvMmio, Deassign } = IoEventFdFlag;

class Counter implements IoDevice {
  readonly name = 'counter';
  count = 0;
  read(): number {
    return 0;
  }
  write(): void {
    this.count++;
  }
}

test.each(['ept', 'npt', 'shadow'] as const)(
  'a doorbell takes every kick once it is there and none once it is gone, under %s (spec 2.12)',
  async (paging) => {
    const { vm, vcpu, thread } = await start(kicksForEver(0x30), { paging });
    const device = new Counter();
    vm.mmio.claim({ addr: mmio(0x30), len: 2, device });
    const fds = [new EventFd(), new EventFd()] as const;
    const run = thread.run();
    for (let round = 0; round < 40; round++) {
      const fd = fds[round % 2]!;
      const other = fds[(round + 1) % 2]!;
      const binding = { fd, addr: mmio(0x30), len: 2 };
      const still = other.count;
      vm.ioeventfd({ ...binding, flags: PvMmio });
      const before = device.count;
      const from = fd.count;
      await until(() => fd.count > from + 1000n);
      expect(device.count).toBe(before);
      vm.ioeventfd({ ...binding, flags: PvMmio | Deassign });
      const last = fd.count;
      await until(() => device.count > before + 5);
      expect(fd.count).toBe(last);
      expect(other.count).toBe(still);
    }
    vcpu.requestStop();
    expect((await run).reason).toBe(ExitReason.Intr);
    for (const fd of fds) fd.close();
  },
);

test('a doorbell that is taken away and closed at once leaves nothing behind', async () => {
  const { vm, vcpu, thread } = await start(kicksForEver(0x30));
  const device = new Counter();
  vm.mmio.claim({ addr: mmio(0x30), len: 2, device });
  const run = thread.run();
  const slots: Int32Array[] = [];
  for (let round = 0; round < 200; round++) {
    const fd = new EventFd();
    slots.push(fd.context.words);
    vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio });
    vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio | Deassign });
    fd.close();
  }
  const before = device.count;
  await until(() => device.count > before + 100);
  vcpu.requestStop();
  await run;
  expect(vm.doorbells.size).toBe(0);
  // No thread holds on to a counter.
  expect(slots.filter((words) => words[Slot.Refs] !== 0)).toEqual([]);
});

test('somebody who is called at a signal in this thread is called at every kick', async () => {
  const { vm, vcpu, thread } = await start(kicksForEver(0x30));
  const fd = new EventFd();
  vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio });
  const run = thread.run();
  await until(() => fd.count > 1000n);
  let called = 0;
  const end = fd.onSignal(() => void called++);
  // A kick that the other thread was in the middle of is not told; all after it are.
  await until(() => called > 0);
  fd.drain();
  const from = called;
  await until(() => called > from + 100);
  expect(BigInt(called - from)).toBe(fd.count);
  end();
  const last = fd.count;
  await until(() => fd.count > last + 1000n);
  vcpu.requestStop();
  await run;
  fd.close();
});

test('code that is written from outside is executed, at once', async () => {
  // l: mov byte [es:2000h], 0; jmp l
  const { vm, vcpu, thread } = await start([0x26, 0xc6, 0x06, 0x00, 0x20, 0x00, 0xeb, 0xf8]);
  const run = thread.run();
  await until(() => vcpu.retired > 100_000);
  for (let value = 1; value < 60; value++) {
    vm.memory.writeU8(0x1005, value);
    await until(() => vm.memory.readU8(0x2000) === value);
  }
  vcpu.requestStop();
  expect((await run).reason).toBe(ExitReason.Intr);
});

test('a memory slot comes and goes under a running guest', async () => {
  const { vm, vcpu, thread } = await start(kicksForEver(0x30));
  const device = new Counter();
  vm.mmio.claim({ addr: mmio(0x30), len: 2, device });
  vcpu.setRegs({ ...vcpu.getRegs(), rax: 0xbeefn });
  const run = thread.run();
  for (let round = 0; round < 10; round++) {
    const from = device.count;
    await until(() => device.count > from);
    const region = { slot: 1, guestPhysAddr: mmio(0) };
    vm.setMemoryRegion({ ...region, memorySize: 4096 });
    vm.memory.writeU16(mmio(0x30), 0);
    await until(() => vm.memory.readU16(mmio(0x30)) === 0xbeef);
    const before = device.count;
    const retired = vcpu.retired;
    await until(() => vcpu.retired > retired + 100_000);
    expect(device.count).toBe(before);
    vm.setMemoryRegion({ ...region, memorySize: 0 });
  }
  vcpu.requestStop();
  await run;
});

/** sti; l: hlt; jmp l, and an interrupt handler behind vector 40h that counts at 0:2000h and tells port 80h at the third. */
const WAITS = [0xfb, 0xf4, 0xeb, 0xfd];
// inc byte [es:2000h]; cmp byte [es:2000h], 3; jne +2; out 80h, al; iret
const HANDLER = [0x26, 0xfe, 0x06, 0x00, 0x20, 0x26, 0x80, 0x3e, 0x00, 0x20, 0x03, 0x75, 0x02, 0xe6, 0x80, 0xcf];

test('a halted processor with a local APIC waits in its thread, and interrupts of this one wake it', async () => {
  const { vm, vcpu, thread } = await start(WAITS, { cpu: { apic: true } });
  vm.memory.write(0x3000, Uint8Array.from(HANDLER));
  vm.memory.write(0x40 * 4, Uint8Array.of(0x00, 0x30, 0, 0));
  const run = thread.run();
  for (let count = 0; count < 3; count++) {
    await until(() => vcpu.halted && vm.memory.readU8(0x2000) === count);
    vcpu.injectInterrupt(0x40);
  }
  expect((await run) as IoExit).toMatchObject({ reason: ExitReason.Io, port: 0x80 });
  // A timer of a device does the same, and so do a stop and the end of the time.
  vm.memory.writeU8(0x2000, 2);
  vm.timers.timer(() => vcpu.injectInterrupt(0x40)).set(vm.clock.nanoseconds() + 3e6);
  expect((await thread.run()).reason).toBe(ExitReason.Io);
  expect((await thread.run({ timeoutMs: 5 })).reason).toBe(ExitReason.Budget);
  const stopped = thread.run();
  await until(() => vcpu.halted);
  vcpu.requestStop();
  expect((await stopped).reason).toBe(ExitReason.Intr);
  expect((await thread.run({ stayHalted: () => false })).reason).toBe(ExitReason.Hlt);
  await expect(
    thread.run({
      stayHalted: () => {
        throw new Error('who knows');
      },
    }),
  ).rejects.toThrow('who knows');
});

test('a processor whose interrupts are off returns Hlt, and so does one without a local APIC', async () => {
  const off = await start([0xfa, 0xf4], { cpu: { apic: true } });
  expect((await off.thread.run()).reason).toBe(ExitReason.Hlt);
  const without = await start(WAITS);
  expect((await without.thread.run()).reason).toBe(ExitReason.Hlt);
  expect(without.vcpu.halted).toBe(true);
  // As KVM_RUN without an irqchip: the next one goes on behind the HLT.
  expect((await without.thread.run({ maxInstructions: 1 })).reason).toBe(ExitReason.Budget);
  expect(without.vcpu.halted).toBe(false);
});

test('the Vm’s end ends its threads, whatever they do', async () => {
  const alive = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Worker').length;
  const before = alive();
  const idle = await start(SPIN);
  await idle.thread.run({ maxInstructions: 5 });
  const halted = await start(WAITS, { cpu: { apic: true } });
  const spinning = await start(SPIN);
  const runs = [halted.thread.run(), spinning.thread.run()];
  await until(() => halted.vcpu.halted && spinning.vcpu.retired > 0);
  const fd = new EventFd();
  const { context } = fd;
  spinning.vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio });
  fd.close();
  for (const { vm } of [idle, halted, spinning]) vm.close();
  for (const run of runs) expect((await run).reason).toBe(ExitReason.Intr);
  await Promise.all([idle, halted, spinning].map(({ thread }) => thread.close()));
  expect(alive()).toBe(before);
  expect(context.hungUp).toBe(true);
  expect(context.words[Slot.Refs]).toBe(0);
});
