// A vCPU's own thread in a browser: the Vm on the page itself, whose thread may not block, and in the client's worker. Without
// cross-origin isolation it is refused.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { openPage, type Isolation } from './browser.js';

async function open(isolation: Isolation): Promise<Page> {
  const page = await openPage('pages/library.html', { isolation });
  await page.waitForFunction(() => globalThis.library !== undefined);
  return page;
}

it('on the page: kicks are counted, doorbells come and go, the page is free meanwhile', async () => {
  const page = await open('isolated');
  const told = await page.evaluate(async () => {
    const { EventFd, IoEventFdFlag, Vm } = globalThis.library.doorbell;
    const { PvMmio, Deassign } = IoEventFdFlag;
    const vm = await Vm.create({ memory: 2 ** 20, clock: 'real' });
    const vcpu = vm.createVcpu();
    // l: mov [30h], ax; jmp l, with DS at 0xfe001000
    vm.memory.write(0x1000, Uint8Array.of(0xa3, 0x30, 0x00, 0xeb, 0xfb));
    const sregs = vcpu.getSregs();
    const cs = { ...sregs.cs, base: 0n, selector: 0 };
    vcpu.setSregs({ ...sregs, cs, ds: { ...sregs.ds, base: 0xfe00_1000n } });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
    const device = { name: 'counter', count: 0, read: () => 0, write: () => void device.count++ };
    vm.mmio.claim({ addr: 0xfe00_1030n, len: 2, device });
    const fd = new EventFd();
    const binding = { fd, addr: 0xfe00_1030n, len: 2 };
    const thread = await vm.startThread(vcpu);
    const run = thread.run();
    const turn = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve));
    let late = 0;
    let astray = 0;
    for (let round = 0; round < 10; round++) {
      vm.ioeventfd({ ...binding, flags: PvMmio });
      const before = device.count;
      const from = fd.count;
      while (fd.count < from + 1000n) await turn();
      astray += device.count - before;
      vm.ioeventfd({ ...binding, flags: PvMmio | Deassign });
      const last = fd.count;
      while (device.count < before + 5) await turn();
      late += Number(fd.count - last);
    }
    vcpu.requestStop();
    const { reason } = await run;
    const { count } = vm.stats().exits['EPT_MISCONFIG']!;
    const lost = count - Number(fd.count) - device.count;
    vm.close();
    await thread.close();
    return { reason, late, astray, lost };
  });
  expect(told).toEqual({ reason: 10, late: 0, astray: 0, lost: 0 }); // KVM_EXIT_INTR
});

it('in the client’s worker: a PC whose processor has a thread of its own', async () => {
  const page = await open('isolated');
  const told = await page.evaluate(async () => {
    const { Client, kludge } = globalThis.library;
    const client = new Client();
    let text = '';
    // mov al, 'A'; mov dx, 3F8h; l: out dx, al; inc al; cmp al, 'F'; jne l; xor eax, eax; out 0F4h, eax
    const code = [0xb0, 0x41, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xfe, 0xc0, 0x3c, 0x46, 0x75, 0xf9, 0x31, 0xc0, 0xe7, 0xf4];
    const pc = await client.doorbell.Pc.create({
      kernel: kludge({ code: Uint8Array.from(code) }),
      clock: 'real',
      thread: true,
      serial: (bytes) => void (text += String.fromCharCode(...bytes)),
    });
    const { reason, status } = await pc.run();
    while (text.length < 5) await new Promise((resolve) => setTimeout(resolve));
    client.close();
    return { reason, status, text };
  });
  expect(told).toEqual({ reason: 'debug-exit', status: 1, text: 'ABCDE' });
});

it('without shared memory it is refused', async () => {
  const page = await open('plain');
  const told = await page.evaluate(async () => {
    const { EOPNOTSUPP, Vm } = globalThis.library.doorbell;
    const vm = await Vm.create({ memory: 2 ** 20, clock: 'real' });
    const error = await vm.startThread(vm.createVcpu()).catch((refusal: unknown) => refusal);
    return error instanceof EOPNOTSUPP && error.message;
  });
  expect(told).toContain('cross-origin isolated');
});
