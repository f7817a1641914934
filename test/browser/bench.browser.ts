// The table of kicks fills with what the benchmark counts. Times are whatever they are; decodes and walks are not.

import { describe, expect, it } from 'vitest';
import { KICKS } from '../../src/bench/index.js';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('every kick gets its row: pv without a decode, an eventfd on MMIO with one', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.press('Run the bench');
    const table = lab.page.getByRole('region', { name: 'What a kick costs' }).getByRole('table');
    const cell = async (kick: string, column: string): Promise<number> =>
      Number(await table.locator(`tr[data-kick="${kick}"] [data-column="${column}"]`).innerText());
    await lab.page.locator('[data-bench=done]').waitFor({ timeout: 55_000 });
    for (const kick of KICKS) expect(await cell(kick, 'ns'), kick).toBeGreaterThan(0);
    expect(await table.getByRole('rowheader').count()).toBe(KICKS.length);
    expect(await cell('pv', 'decodesPerExit')).toBe(0);
    expect(await cell('pv', 'walksPerExit')).toBe(0);
    for (const kick of ['mmio-none', 'mmio-wildcard', 'mmio-datamatch']) {
      expect(await cell(kick, 'decodesPerExit'), kick).toBeGreaterThan(0);
      expect(await cell(kick, 'walksPerExit'), kick).toBeGreaterThan(0);
    }
    expect(await cell('pio-wildcard', 'ratioToPio')).toBe(1);
    if (isolation === 'isolated') await lab.screenshot('wide-light-bench');
  });
});
