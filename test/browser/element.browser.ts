// <doorbell-vm> in somebody else's page: the example of 20 lines, and pages that do more with it.

import { describe, expect, it } from 'vitest';
import { ISOLATIONS, openPage, screenshot } from './browser.js';

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('the example page runs its guest and hears of the end', async () => {
    const page = await openPage('site/embed.html', { isolation });
    await page.getByText('Over: debug-exit').waitFor();
    expect(await page.getByRole('log', { name: 'Serial console' }).innerText()).toBe('Hello from long mode\n');
    if (isolation === 'isolated') await screenshot(page, 'embed');
  });

  it('two elements run each their own guest, and can be run again', async () => {
    const page = await openPage('site/embed.html', { isolation });
    await page.getByText('Over: debug-exit').waitFor();
    await page.evaluate(() => {
      const second = document.createElement('doorbell-vm');
      second.setAttribute('src', './guests/hello-real.bin');
      document.body.append(second);
    });
    const consoles = page.getByRole('log', { name: 'Serial console' });
    await page.getByRole('button', { name: 'Run' }).nth(1).click();
    await consoles.getByText('Hello from real mode').waitFor();
    await page.getByRole('button', { name: 'Run' }).nth(0).waitFor();
    const ends = page.evaluate(() =>
      new Promise((done) => document.querySelector('doorbell-vm')!.addEventListener('end', done, { once: true })).then(
        (event) => (event as CustomEvent<{ status: number }>).detail.status,
      ),
    );
    await page.getByRole('button', { name: 'Run' }).nth(0).click();
    expect(await ends).toBe(1);
    expect(await consoles.allInnerTexts()).toEqual(['Hello from long mode\n', 'Hello from real mode\n']);
  });

  it('taken off the page while it runs, it leaves no worker', async () => {
    const page = await openPage('site/embed.html', { isolation });
    await page.getByText('Over: debug-exit').waitFor();
    const workers = page.workers().length;
    expect(workers).toBeGreaterThan(0);
    await page.evaluate(async () => {
      const endless = document.createElement('doorbell-vm');
      endless.setAttribute('src', './guests/kicker.bin');
      endless.setAttribute('devices', 'doorbells');
      endless.toggleAttribute('autostart', true);
      const heard = new Promise((done) => endless.addEventListener('serial', done, { once: true }));
      document.body.append(endless);
      await heard;
    });
    expect(page.workers().length).toBeGreaterThan(workers);
    await page.evaluate(() => document.querySelectorAll('doorbell-vm').forEach((each) => each.remove()));
    await expect.poll(() => page.workers().length).toBe(0);
  });

  it('says in its console what is wrong with its image', async () => {
    const page = await openPage('site/embed.html', { isolation });
    await page.getByText('Over: debug-exit').waitFor();
    const message = await page.evaluate(async () => {
      const wrong = document.createElement('doorbell-vm');
      const told = new Promise((done) => wrong.addEventListener('error', done, { once: true }));
      document.body.append(wrong);
      void wrong.run();
      return ((await told) as CustomEvent<Error>).detail.message;
    });
    expect(message).toBe('<doorbell-vm>: the attribute src is missing');
    await page.getByRole('log').getByText(message).waitFor();
  });
});
