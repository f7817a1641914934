// The client library in an application's bundle (pages/library.ts): its worker and the core are found and loaded, errors are
// of their classes on this side, large images go over, closing ends what runs.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ISOLATIONS, openPage, type Isolation } from './browser.js';

async function open(isolation: Isolation): Promise<Page> {
  const page = await openPage('pages/library.html', { isolation });
  await page.waitForFunction(() => globalThis.library !== undefined);
  return page;
}

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('errors keep their classes', async () => {
    const page = await open(isolation);
    const told = await page.evaluate(async () => {
      const { Client, doorbell } = globalThis.library;
      const client = new Client();
      const errorOf = (work: Promise<unknown>): Promise<unknown> =>
        work.then(
          () => undefined,
          (error: unknown) => error,
        );
      const image = await errorOf(client.doorbell.Pc.create({ kernel: new Uint8Array() }));
      const vm = await client.doorbell.Vm.create({ memory: 2 ** 20 });
      const fd = new doorbell.EventFd();
      const { PvMmio } = doorbell.IoEventFdFlag;
      const odd = await errorOf(vm.ioeventfd({ fd, addr: 0xfe00_1000n, len: 3, flags: PvMmio }));
      const paging = await errorOf(client.doorbell.Vm.create({ paging: 'none' as 'ept' }));
      client.close();
      return {
        image: image instanceof doorbell.ImageError && image.message,
        odd: odd instanceof doorbell.EINVAL && odd.code,
        paging: paging instanceof Error && paging.message,
      };
    });
    expect(told).toEqual({
      image: 'the image is empty',
      odd: 'EINVAL',
      paging: expect.stringContaining('none') as unknown,
    });
  });

  it('an image of 10 MB goes over whole, and runs', async () => {
    const page = await open(isolation);
    const told = await page.evaluate(async () => {
      const { Client, kludge } = globalThis.library;
      const code = new Uint8Array(10 * 2 ** 20);
      // pseudo-random bytes behind HLT, so that a lost or moved page shows
      for (let index = 1, seed = 1; index < code.length; index++) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
        code[index] = seed >>> 24;
      }
      code[0] = 0xf4;
      const kernel = kludge({ code });
      const client = new Client();
      const pc = await client.doorbell.Pc.create({ kernel, memory: 32 * 2 ** 20 });
      const { reason } = await pc.run();
      const loaded = await pc.vm.memory.read(0x10_0000n, kernel.length);
      client.close();
      return { reason, differs: kernel.findIndex((byte, index) => byte !== loaded[index]), length: loaded.length };
    });
    expect(told).toEqual({ reason: 'halted', differs: -1, length: 10 * 2 ** 20 + 32 });
  });

  it('closing while a guest runs ends its worker, and says so to whoever waits', async () => {
    const page = await open(isolation);
    const told = await page.evaluate(async () => {
      const { Client, DisconnectedError, kludge } = globalThis.library;
      const client = new Client();
      const pc = await client.doorbell.Pc.create({ kernel: kludge({ code: Uint8Array.of(0xeb, 0xfe) }) }); // JMP to itself
      const run = pc.run().then(
        () => undefined,
        (error: unknown) => error,
      );
      while ((await pc.vcpu.retired) < 1000);
      client.close();
      const after = await pc.run().catch((error: unknown) => error);
      return [(await run) instanceof DisconnectedError, after instanceof DisconnectedError];
    });
    expect(told).toEqual([true, true]);
    await expect.poll(() => page.workers().length).toBe(0);
  });

  it('two clients run at the same time', async () => {
    const page = await open(isolation);
    const ended = await page.evaluate(async () => {
      const { Client, kludge } = globalThis.library;
      const spin = kludge({ code: Uint8Array.of(0xeb, 0xfe) });
      const clients = [new Client(), new Client()];
      const pcs = await Promise.all(clients.map((client) => client.doorbell.Pc.create({ kernel: spin })));
      const stop = new AbortController();
      const runs = pcs.map((pc) => pc.run({ signal: stop.signal }));
      for (const pc of pcs) while ((await pc.vcpu.retired) < 1000);
      stop.abort();
      const reasons = (await Promise.all(runs)).map(({ reason }) => reason);
      for (const client of clients) client.close();
      return reasons;
    });
    expect(ended).toEqual(['aborted', 'aborted']);
  });
});
