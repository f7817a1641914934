// Debian's kernel in the page: loads, boots to its shell, answers, waits, is switched off. Its files come from `npm run linux`.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ISOLATIONS, newPage, url, type Isolation } from './browser.js';
import { LabPage } from './lab-page.js';

const built = new URL('../../dist/site/linux/files.json', import.meta.url);
const HAVE_LINUX = existsSync(built);
if (!HAVE_LINUX) console.log('dist/site/linux is not there: `npm run linux` builds it, the tests of Linux are skipped');

/** Booting takes half a minute of a processor that the tests share. */
const BOOT_MS = 240_000;
const PROMPT = /doorbell:\/root# ?$/;

async function boot(isolation: Isolation): Promise<LabPage> {
  const lab = await LabPage.open({ isolation, link: 'guest=linux', patience: BOOT_MS });
  await lab.prints(PROMPT);
  return lab;
}

describe.skipIf(!HAVE_LINUX).each(ISOLATIONS)('Linux, %s', (isolation) => {
  it(
    'boots to a shell that answers, waits at no cost, and hears the power button',
    async () => {
      const lab = await boot(isolation);
      const { version } = JSON.parse(readFileSync(built, 'utf8')) as { version: string };
      await lab.types('uname -r; echo $((6 * 7)) $(nproc)\n');
      await lab.prints(new RegExp(`^${version.replaceAll('.', '\\.')}\n42 1$`, 'm'));

      // Ctrl-C reaches the guest, not the page
      await lab.types('sleep 1000\n');
      await lab.key('Control+c');
      await lab.prints(/\^C\n+doorbell:\/root# ?$/);

      await lab.pastes('echo pasted | tr a-z A-Z\n');
      await lab.prints(/^PASTED$/m);

      // Nothing to do: the guest is halted, its thread asleep
      await lab.shows('waiting');
      const { retired } = await lab.cpu();
      await lab.looks(20);
      const idle = (await lab.cpu()).retired - retired;
      console.log(`${isolation}: ${idle} instructions in two seconds of waiting`);
      // A guest that is not halted retires some ten millions a second
      expect(idle).toBeLessThan(5_000_000);
      if (isolation === 'isolated') await lab.screenshot('linux');

      await lab.press('Power');
      await lab.comesToBe('ended');
      await lab.says('has switched the machine off');
      await lab.prints(/reboot: Power down/);
      expect((await lab.result())?.reason).toBe('power-off');
    },
    BOOT_MS,
  );
});

describe.skipIf(!HAVE_LINUX)('Linux', () => {
  it(
    'that resets the machine boots again in it',
    async () => {
      const lab = await boot('isolated');
      await lab.types('reboot -f\n');
      await lab.prints(/reboot: machine restart|reboot: Restarting system/);
      await expect
        .poll(async () => (await lab.lines()).filter((line) => line.includes('Linux version')).length, {
          timeout: BOOT_MS,
        })
        .toBe(2);
      expect(await lab.status()).toBe('running');
    },
    BOOT_MS,
  );

  it('is loaded with its progress, and not when that is called off', async () => {
    const lab = await LabPage.open({ link: 'guest=hello-long' });
    await lab.comesToBe('ended');
    // the kernel comes in small pieces
    await lab.page.evaluate(() => {
      const original = globalThis.fetch;
      globalThis.fetch = async (...args) => {
        const response = await original(...args);
        if (!response.url.endsWith('/vmlinuz')) return response;
        const slow = new TransformStream<Uint8Array, Uint8Array>({
          async transform(piece, controller) {
            await new Promise((done) => setTimeout(done, 50));
            controller.enqueue(piece);
          },
        });
        return new Response(response.body!.pipeThrough(slow), { status: 200 });
      };
    });
    await lab.choose('Guest', 'linux');
    const bar = lab.page.getByRole('progressbar', { name: 'Downloaded' });
    await expect.poll(() => bar.evaluate((each) => (each as HTMLProgressElement).value)).toBeGreaterThan(0);
    const { kernel, initrd } = JSON.parse(readFileSync(built, 'utf8')) as Record<string, { bytes: number }>;
    expect(await bar.evaluate((each) => (each as HTMLProgressElement).max)).toBe(kernel!.bytes + initrd!.bytes);
    await lab.press('Cancel');
    await lab.says('called off');
    expect(await bar.count()).toBe(0);
    await lab.choose('Guest', 'hello-real');
    await lab.prints('Hello from real mode');
  });
});

it('says how the files are made where they are not', async () => {
  const page = await newPage();
  await page.route('**/linux/files.json', (route) => route.fulfill({ status: 404 }));
  await page.goto(url('isolated', 'site/index.html?guest=linux'));
  await expect
    .poll(() => page.locator('[role=status][data-status=failed]').innerText(), { timeout: 30_000 })
    .toMatch(/the files are not here: build them with `npm run linux`/);
});

it('a server that answers everything with a page has no files either', async () => {
  const page = await newPage();
  await page.route('**/linux/files.json', (route) =>
    route.fulfill({ status: 200, contentType: 'text/html', body: '<!doctype html><title>Home</title>' }),
  );
  await page.goto(url('isolated', 'site/index.html?guest=linux'));
  await expect
    .poll(() => page.locator('[role=status][data-status=failed]').innerText(), { timeout: 30_000 })
    .toMatch(/build them with `npm run linux`/);
});
