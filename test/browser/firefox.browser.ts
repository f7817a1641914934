// Firefox (Debian's firefox-esr, driven by WebDriver BiDi): the page loads, guests print, nothing is wrong in the console.

import { launch, type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ISOLATIONS, url, type Isolation } from './browser.js';
import { SCREENSHOTS } from './setup.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    // the ESR does not know how to emulate another screen
    defaultViewport: null,
    args: ['--width=1280', '--height=900'],
  });
});
afterAll(() => browser?.close());

async function open(isolation: Isolation, path: string): Promise<Page> {
  const context = await browser.createBrowserContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${String(error)}`));
  page.on('requestfailed', (request) => faults.push(`request: ${request.url()}`));
  onTestFinished(() => expect(faults.join('\n'), 'what has gone wrong in the page').toBe(''));
  await page.goto(url(isolation, path));
  return page;
}

const printed = (page: Page): Promise<string> => page.evaluate(() => globalThis.doorbell?.serial.text() ?? '');
const POLL = { timeout: 30_000, interval: 50 };

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('a guest prints on the page, and ends', async () => {
    const page = await open(isolation, 'site/index.html?guest=hello-long');
    await expect.poll(() => printed(page), POLL).toBe('Hello from long mode');
    await expect
      .poll(() => page.$eval('[role=status][data-status]', (line) => line.textContent), POLL)
      .toContain('has ended with 0');
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isolation === 'isolated');
  });

  it('kicker runs, changes its kick and is paused', async () => {
    const page = await open(isolation, 'site/index.html?guest=kicker');
    await expect.poll(() => printed(page), POLL).toContain('kick pv');
    await (await page.$('::-p-aria([name="Kick"][role="combobox"])'))!.select('cpuid');
    await expect.poll(() => printed(page), POLL).toContain('kick cpuid');
    if (isolation === 'isolated') await page.screenshot({ path: `${SCREENSHOTS}/firefox.png`, fullPage: true });
    await page.keyboard.press(' ');
    await expect.poll(() => page.evaluate(() => globalThis.doorbell.session.status.value), POLL).toBe('paused');
  });

  it('a vCPU has a thread of its own where there is shared memory', async () => {
    const page = await open(isolation, 'pages/library.html');
    await page.waitForFunction(() => globalThis.library !== undefined);
    const told = await page.evaluate(async () => {
      const { EventFd, IoEventFdFlag, Vm } = globalThis.library.doorbell;
      const vm = await Vm.create({ memory: 2 ** 20, clock: 'real' });
      const vcpu = vm.createVcpu();
      // mov cx, 20000; l: mov [30h], ax; loop l; mov [40h], ax; hlt, with DS at 0xfe001000
      const code = [0xb9, 0x20, 0x4e, 0xa3, 0x30, 0x00, 0xe2, 0xfb, 0xa3, 0x40, 0x00, 0xf4];
      vm.memory.write(0x1000, Uint8Array.from(code));
      const sregs = vcpu.getSregs();
      const cs = { ...sregs.cs, base: 0n, selector: 0 };
      vcpu.setSregs({ ...sregs, cs, ds: { ...sregs.ds, base: 0xfe00_1000n } });
      vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
      let writes = 0;
      const device = { name: 'counter', read: () => 0, write: () => void writes++ };
      vm.mmio.claim({ addr: 0xfe00_1040n, len: 2, device });
      const fd = new EventFd();
      vm.ioeventfd({ fd, addr: 0xfe00_1030n, len: 2, flags: IoEventFdFlag.PvMmio });
      try {
        const thread = await vm.startThread(vcpu);
        const { reason } = await thread.run();
        await thread.close();
        return [reason, Number(fd.count), writes];
      } catch (error) {
        return (error as Error).name;
      } finally {
        vm.close();
      }
    });
    expect(told).toEqual(isolation === 'isolated' ? [5, 20_000, 1] : 'EOPNOTSUPP'); // KVM_EXIT_HLT
  });

  it('the example page of <doorbell-vm> runs its guest', async () => {
    const page = await open(isolation, 'site/embed.html');
    await expect.poll(() => page.$eval('#end', (end) => end.textContent), POLL).toContain('Over: debug-exit');
  });
});
