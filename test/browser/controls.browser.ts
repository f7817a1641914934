// Run, pause, step, reset, snapshot and restore, by buttons and by keys: what the machine itself says became of it.

import { describe, expect, it } from 'vitest';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

const KEYS = { Run: 'Space', Pause: 'Space', Step: 's', Reset: 'r', Snapshot: 't', Restore: 'e' } as const;
type Control = keyof typeof KEYS;

const WAYS = {
  buttons: (lab: LabPage) => (control: Control) => lab.press(control),
  keys: (lab: LabPage) => async (control: Control) => {
    // a key is a button's: it does nothing while that one is disabled
    await expect.poll(() => lab.button(control).isEnabled()).toBe(true);
    await lab.key(KEYS[control]);
  },
};

describe.each(ISOLATIONS)('%s', (isolation) => {
  describe.each(['buttons', 'keys'] as const)('by %s', (way) => {
    const open = async (): Promise<{ lab: LabPage; use: (control: Control) => Promise<void> }> => {
      const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
      return { lab, use: WAYS[way](lab) };
    };

    it('a paused machine stands still, and goes on where it stood', async () => {
      const { lab, use } = await open();
      await lab.goesOn();
      await use('Pause');
      await lab.comesToBe('paused');
      const stood = await lab.cpu();
      await lab.page.evaluate(() => new Promise((done) => setTimeout(done, 250)));
      expect(await lab.cpu()).toEqual(stood);
      await use('Run');
      await lab.comesToBe('running');
      await expect.poll(async () => (await lab.cpu()).retired).toBeGreaterThan(stood.retired);
    });

    it('a step is exactly one instruction', async () => {
      const { lab, use } = await open();
      await lab.goesOn();
      await use('Pause');
      await lab.comesToBe('paused');
      let { retired } = await lab.cpu();
      for (let steps = 0; steps < 5; steps++) {
        await use('Step');
        await expect.poll(async () => (await lab.cpu()).retired).not.toBe(retired);
        expect((await lab.cpu()).retired).toBe(++retired);
      }
      expect(await lab.status()).toBe('paused');
    });

    it('reset makes a new machine, which stands at its entry', async () => {
      const { lab, use } = await open();
      await lab.prints('kick pv');
      await use('Reset');
      await lab.comesToBe('ready');
      const first = await lab.cpu();
      expect(first.retired).toBe(0);
      expect(await lab.lines()).toEqual([]);
      await use('Step');
      await expect.poll(async () => (await lab.cpu()).retired).toBe(1);
      expect((await lab.cpu()).regs.rip).not.toBe(first.regs.rip);
      await use('Run');
      await lab.prints('kick pv');
    });

    it('restore brings the registers of the snapshot back', async () => {
      const { lab, use } = await open();
      await lab.prints('kick pv');
      await use('Pause');
      await lab.comesToBe('paused');
      const then = await lab.cpu();
      expect(await lab.button('Restore').isEnabled()).toBe(false);
      await use('Snapshot');
      await lab.says('snapshot taken');
      await use('Run');
      await expect.poll(async () => (await lab.cpu()).retired).toBeGreaterThan(then.retired + 100_000);
      await use('Pause');
      await lab.comesToBe('paused');
      expect((await lab.cpu()).regs).not.toEqual(then.regs);
      await use('Restore');
      await lab.says('snapshot restored');
      expect(await lab.cpu()).toEqual(then);
      await use('Run');
      await expect.poll(async () => (await lab.cpu()).retired).toBeGreaterThan(then.retired);
    });

    it('a guest that has ended is run again from its beginning', async () => {
      const lab = await LabPage.open({ isolation, link: 'guest=hello-long' });
      const use = WAYS[way](lab);
      await lab.comesToBe('ended');
      const first = await lab.result();
      expect(await lab.button('Step').isEnabled()).toBe(false);
      await use('Reset');
      await lab.comesToBe('ready');
      await use('Run');
      await lab.comesToBe('ended');
      await lab.prints('Hello from long mode');
      expect((await lab.result())!.instructions).toBe(first!.instructions);
    });
  });

  it('a snapshot of a machine that runs does not stop it, nor does restoring one', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.prints('kick pv');
    await lab.press('Snapshot');
    await expect.poll(() => lab.button('Restore').isEnabled()).toBe(true);
    await lab.comesToBe('running');
    await lab.goesOn();
    await lab.press('Restore');
    await lab.comesToBe('running');
    await lab.goesOn();
  });
});

it('keys are the buttons only where nothing is typed', async () => {
  const lab = await LabPage.open({ link: 'guest=kicker' });
  await lab.page.getByRole('textbox', { name: 'Terminal input' }).focus();
  for (const key of ['Space', 'r', 's']) await lab.key(key);
  await lab.goesOn();
  expect(await lab.status()).toBe('running');
});
