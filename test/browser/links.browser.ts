// The address is a link to the present setting.

import { describe, expect, it } from 'vitest';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

const settingsOf = async (lab: LabPage): Promise<Record<string, string>> => ({
  guest: await lab.choice('Guest').inputValue(),
  paging: await lab.choice('Paging').inputValue(),
  doorbells: await lab.choice('Doorbells').inputValue(),
  kick: await lab.choice('Kick').inputValue(),
});
const queryOf = (lab: LabPage): Record<string, string> =>
  Object.fromEntries(new URL(lab.page.url()).searchParams.entries());

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('a link opens as it says, and stays the address', async () => {
    const link = { guest: 'vmexit', paging: 'npt', doorbells: 'emulate', kick: 'pio-wildcard' };
    const lab = await LabPage.open({ isolation, link: new URLSearchParams(link).toString() });
    expect(await settingsOf(lab)).toEqual(link);
    expect(queryOf(lab)).toEqual(link);
    await lab.comesToBe('ended');
    await lab.prints(/^pv \d+$/m);
  });

  it('what is changed changes the address; the usual is left out', async () => {
    const lab = await LabPage.open({ isolation });
    expect(await settingsOf(lab)).toEqual({ guest: 'kicker', paging: 'ept', doorbells: 'fast', kick: 'pv' });
    expect(queryOf(lab)).toEqual({});
    await lab.prints('kick pv');
    await lab.choose('Paging', 'shadow');
    await lab.choose('Doorbells', 'emulate');
    await lab.choose('Kick', 'cpuid');
    await lab.prints('kick cpuid');
    expect(queryOf(lab)).toEqual({ paging: 'shadow', doorbells: 'emulate', kick: 'cpuid' });
    await lab.choose('Paging', 'ept');
    expect(queryOf(lab)).toEqual({ doorbells: 'emulate', kick: 'cpuid' });

    const again = await LabPage.open({ isolation, link: new URL(lab.page.url()).search.slice(1) });
    expect(await settingsOf(again)).toEqual(await settingsOf(lab));
    await again.prints('kick cpuid');
  });

  it('what makes no sense in a link is named, and the page works on', async () => {
    const lab = await LabPage.open({ isolation, link: 'paging=sideways&guest=hello-long&kick=%3Cb%3E' });
    await lab.says(/paging=sideways is none of ept, npt, shadow/);
    await lab.says(/kick=<b> is none of/);
    await lab.prints('Hello from long mode');
    expect(await settingsOf(lab)).toMatchObject({ guest: 'hello-long', paging: 'ept', kick: 'pv' });
    await lab.press('Reset');
    await lab.comesToBe('ready');
    expect(await lab.statusLine.innerText()).not.toContain('sideways');
  });
});
