// run() in the vCPU's own thread does what Vcpu.run() does in this one: the same exits, budgets, errors and counts.

import { afterEach, beforeAll, expect, test } from 'vitest';
import {
  DeviceError,
  EBADF,
  EBUSY,
  EINVAL,
  EOPNOTSUPP,
  EventFd,
  ExitReason,
  IoEventFdFlag,
  Vm,
  type Exit,
  type IoDevice,
  type IoExit,
  type MmioExit,
  type Vcpu,
} from '../../../src/index.js';
import { readFileSync } from 'node:fs';
import { projectFile } from '../../cli/built.js';
import { kicks, kicksForEver, place, SPIN } from './code.js';
import { buildCommand, closeAll, mmio, start, until } from './guest.js';

beforeAll(buildCommand);
afterEach(closeAll);

const { PvMmio } = IoEventFdFlag;
const PAGING = ['ept', 'npt', 'shadow'] as const;

test.each(PAGING)('kicks count as in the calling thread, in eventfd and statistics, under %s', async (paging) => {
  const KICKS = 200_000;
  const code = kicks(KICKS, 0x30);
  const count = async (run: (vcpu: Vcpu) => Promise<Exit>, vm: Vm, vcpu: Vcpu): Promise<unknown> => {
    const fd = new EventFd();
    vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio });
    expect((await run(vcpu)).reason).toBe(ExitReason.Hlt);
    const { exits, instructions } = vm.stats();
    const told = Object.entries(exits).map(([name, { count, decodes, walks }]) => [name, count, decodes, walks]);
    const result = { kicks: fd.read(), told, instructions, rcx: vcpu.getRegs().rcx };
    vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio | IoEventFdFlag.Deassign });
    fd.close();
    return result;
  };
  const { vm, vcpu, thread } = await start(code, { paging });
  const there = await count(() => thread.run(), vm, vcpu);
  const other = await Vm.create({ memory: 1 << 20, clock: 'real', paging });
  const same = other.createVcpu();
  place(other, same, code);
  const here = await count((one) => Promise.resolve(one.run()), other, same);
  other.close();
  expect(there).toEqual(here);
  expect(there).toMatchObject({ kicks: BigInt(KICKS), rcx: 0n });
});

test('a budget is kept to the instruction, over many runs', async () => {
  const { vcpu, thread } = await start(kicksForEver(0x30));
  let sum = 0;
  for (const maxInstructions of [0, 1, 2, 7, 100_000, 1]) {
    const { reason } = await thread.run({ maxInstructions });
    sum += maxInstructions;
    // what nobody claims comes back to the caller, who lets it pass
    if (reason === ExitReason.Mmio) break;
    expect(reason).toBe(ExitReason.Budget);
    expect(vcpu.retired).toBe(sum);
  }
  const { vcpu: other, thread: spinning } = await start(SPIN);
  for (const [index, maxInstructions] of [1, 33_000, 5, 1_000_000].entries()) {
    expect((await spinning.run({ maxInstructions })).reason).toBe(ExitReason.Budget);
    expect(other.retired).toBe([1, 33_001, 33_006, 1_033_006][index]);
  }
});

test('it ends by requestStop(), by a signal, and when time is up', async () => {
  const { vcpu, thread } = await start(SPIN);
  const stopped = thread.run();
  setTimeout(() => vcpu.requestStop(), 5);
  expect((await stopped).reason).toBe(ExitReason.Intr);
  expect((await thread.run({ timeoutMs: 5 })).reason).toBe(ExitReason.Budget);
  expect((await thread.run({ signal: AbortSignal.timeout(5) })).reason).toBe(ExitReason.Intr);
  expect((await thread.run({ signal: AbortSignal.abort() })).reason).toBe(ExitReason.Intr);
  // What came too late to end a run ends no other.
  const { thread: other, vcpu: last } = await start(kicks(1, 0x30));
  const controller = new AbortController();
  expect((await other.run({ signal: controller.signal, timeoutMs: 1e6 })).reason).toBe(ExitReason.Mmio);
  controller.abort();
  expect((await other.run()).reason).toBe(ExitReason.Hlt);
  expect(last.halted).toBe(true);
  vcpu.requestStop(); // of the next run, as in the calling thread
  expect((await thread.run()).reason).toBe(ExitReason.Intr);
  vcpu.immediateExit = true;
  expect((await thread.run()).reason).toBe(ExitReason.Intr);
  vcpu.immediateExit = false;
  expect((await thread.run({ maxInstructions: 3 })).reason).toBe(ExitReason.Budget);
});

test('while it runs, what would look into the processor is EBUSY, and after it is not', async () => {
  const { vm, vcpu, thread } = await start(SPIN);
  const run = thread.run();
  await until(() => vcpu.retired > 0);
  for (const call of [
    () => vcpu.getRegs(),
    () => vcpu.setRegs({} as never),
    () => vcpu.getSregs(),
    () => vcpu.setSregs({} as never),
    () => vcpu.getFpu(),
    () => vcpu.setXsave(new Uint8Array(832)),
    () => vcpu.getMsrs([0x10]),
    () => vcpu.setMsrs([]),
    () => vcpu.getDebugRegs(),
    () => vcpu.reset(),
    () => vcpu.lookUp(0n),
    () => vcpu.translate(0n),
    () => vcpu.run(),
    () => vm.snapshot(),
    () => vm.setPaging('npt'),
    () => vm.createVcpu(),
  ]) {
    expect(call).toThrow(EBUSY);
  }
  await expect(thread.run()).rejects.toThrow(EBUSY);
  vcpu.requestStop();
  await run;
  expect(vcpu.getRegs().rip).toBe(0x1000n);
  expect(() => vcpu.run()).toThrow(EBUSY); // it has a thread
  const { regs } = { regs: vcpu.getRegs() };
  const snapshot = vm.snapshot();
  vcpu.setRegs({ ...regs, rax: 5n });
  await thread.run({ maxInstructions: 10 });
  expect(vcpu.getRegs().rax).toBe(5n);
  vm.restore(snapshot);
  expect(vcpu.getRegs().rax).toBe(regs.rax);
});

test('exits to the user are completed by the next run: ports, strings of them, MMIO', async () => {
  const code = [
    ...[0xe4, 0x60], // in al, 60h
    ...[0xa2, 0x08, 0x00], // mov [8], al
    ...[0xa1, 0x10, 0x00], // mov ax, [10h]
    ...[0xbf, 0x00, 0x20, 0xb9, 0x03, 0x00, 0xba, 0x61, 0x00], // mov di, 2000h; mov cx, 3; mov dx, 61h
    ...[0xf3, 0x6c], // rep insb
    0xf4,
  ];
  const { vm, vcpu, thread } = await start(code);
  const input = (await thread.run()) as IoExit;
  expect(input).toMatchObject({ reason: ExitReason.Io, direction: 'in', port: 0x60 });
  input.data[0] = 0x7b;
  const write = (await thread.run()) as MmioExit;
  expect(write).toMatchObject({ reason: ExitReason.Mmio, isWrite: true, physAddr: mmio(8), value: 0x7bn });
  const read = (await thread.run()) as MmioExit;
  expect(read).toMatchObject({ reason: ExitReason.Mmio, isWrite: false, physAddr: mmio(0x10) });
  read.data.set([0x34, 0x12]);
  for (const value of [1, 2, 3]) {
    const element = (await thread.run()) as IoExit;
    expect(element).toMatchObject({ reason: ExitReason.Io, port: 0x61 });
    element.data[0] = value;
  }
  expect((await thread.run()).reason).toBe(ExitReason.Hlt);
  expect(vcpu.getRegs().rax & 0xffffn).toBe(0x1234n);
  expect([...vm.memory.read(0x2000, 3)]).toEqual([1, 2, 3]);
});

test('what a device throws comes out of run(), and the guest goes on after it', async () => {
  const { vm, thread } = await start([...kicks(3, 0x00), ...SPIN]);
  let writes = 0;
  const device: IoDevice = {
    name: 'fragile',
    read: () => 0,
    write: () => {
      if (++writes === 2) throw new Error('broken');
    },
  };
  vm.mmio.claim({ addr: mmio(0), len: 16, device });
  await expect(thread.run()).rejects.toThrow(DeviceError);
  expect((await thread.run()).reason).toBe(ExitReason.Hlt);
  expect(writes).toBe(3);
  // and of a timer
  vm.timers
    .timer(() => {
      throw new Error('late');
    })
    .set(vm.clock.nanoseconds() + 1e6);
  await expect(thread.run()).rejects.toThrow('late');
});

test('a device that is called sees registers, and may stop the run', async () => {
  const { vm, vcpu, thread } = await start(kicks(5, 0x00));
  const seen: bigint[] = [];
  const device: IoDevice = {
    name: 'looks',
    read: () => 0,
    write: () => {
      seen.push(vcpu.getRegs().rcx);
      if (seen.length === 2) vcpu.requestStop();
    },
  };
  vm.mmio.claim({ addr: mmio(0), len: 16, device });
  expect((await thread.run()).reason).toBe(ExitReason.Intr);
  expect(seen).toEqual([5n, 4n]);
  expect((await thread.run()).reason).toBe(ExitReason.Hlt);
  expect(seen).toEqual([5n, 4n, 3n, 2n, 1n]);
});

test('who looks on with onExit() is told of every exit, kicks too, and only while he looks', async () => {
  const { vm, vcpu, thread } = await start(kicks(1000, 0x30));
  const fd = new EventFd();
  vm.ioeventfd({ fd, addr: mmio(0x30), len: 2, flags: PvMmio });
  let told = 0;
  vm.onExit(({ reason }) => void (told += reason === 'EPT_MISCONFIG' ? 1 : 0));
  await thread.run();
  expect(told).toBe(1000);
  vm.onExit();
  place(vm, vcpu, kicks(1000, 0x30));
  await thread.run();
  expect(told).toBe(1000);
  expect(fd.read()).toBe(2000n);
  fd.close();
});

test('where nobody can wait for a word by promise, each call comes by message', async () => {
  const { waitAsync } = Atomics;
  Object.assign(Atomics, { waitAsync: undefined });
  try {
    const { vm, thread } = await start(kicks(50, 0x00));
    let writes = 0;
    const device: IoDevice = { name: 'counter', read: () => 0, write: () => void writes++ };
    vm.mmio.claim({ addr: mmio(0), len: 16, device });
    expect((await thread.run()).reason).toBe(ExitReason.Hlt);
    expect(writes).toBe(50);
    await thread.close();
  } finally {
    Object.assign(Atomics, { waitAsync });
  }
});

test('after close() the vCPU goes on in the calling thread, code that either has run before included', async () => {
  // l: inc dword [es:2000h]; jmp l
  const { vm, vcpu, thread } = await start([0x26, 0x66, 0xff, 0x06, 0x00, 0x20, 0xeb, 0xf8]);
  await thread.run({ maxInstructions: 200_001 });
  await thread.close();
  await thread.close();
  await expect(thread.run()).rejects.toThrow(EBADF);
  expect(vcpu.run({ maxInstructions: 200_000 }).reason).toBe(ExitReason.Budget);
  expect(vm.memory.readU32(0x2000)).toBe(200_001);
  expect(vm.stats().instructions).toBe(400_001);
});

test('what cannot be had is refused in one line', async () => {
  const virtual = await Vm.create({ memory: 4096 });
  const vcpu = virtual.createVcpu();
  await expect(virtual.startThread(vcpu)).rejects.toThrow(/^EINVAL: startThread: with clock 'virtual'.*$/);
  const real = await Vm.create({ memory: 4096, clock: 'real' });
  await expect(real.startThread(vcpu)).rejects.toThrow(EINVAL);
  const first = real.createVcpu();
  real.createVcpu();
  await expect(real.startThread(first)).rejects.toThrow(/several vCPUs/);
  const core = new Uint8Array(readFileSync(projectFile('build/core.unshared.wasm')));
  const unshared = await Vm.create({ memory: 4096, clock: 'real', core });
  const alone = unshared.createVcpu();
  await expect(unshared.startThread(alone)).rejects.toThrow(EOPNOTSUPP);
  const { vm, vcpu: busy } = await start(SPIN);
  await expect(vm.startThread(busy)).rejects.toThrow(EBUSY);
  for (const each of [virtual, real, unshared]) each.close();
});
