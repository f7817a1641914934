// The page is for everybody: names for what can be used, no jumping, every width, both colour schemes.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { PHONE, WIDE } from './browser.js';
import { LabPage } from './lab-page.js';

/** Roles of what can be used, is jumped to or is a picture; each needs a name. */
const NAMED = new Set(
  (
    'button checkbox combobox link listbox menuitem progressbar radio slider spinbutton switch tab textbox dialog region ' +
    'image img meter'
  ).split(' '),
);

interface AccessNode {
  ignored: boolean;
  backendDOMNodeId?: number;
  role?: { value: string };
  name?: { value: string };
  properties?: { name: string; value: { value: unknown } }[];
}

/** What Chromium would tell a screen reader of, without being able to say what it is. */
async function unnamed(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: AccessNode[] };
  const telling = nodes.filter(({ ignored }) => !ignored);
  expect(telling.length).toBeGreaterThan(50);
  const wrong = telling
    .filter(({ role, properties = [] }) => {
      const focusable = properties.some(({ name, value }) => name === 'focusable' && value.value === true);
      // a line of the terminal is named by what is in it
      return NAMED.has(role?.value ?? '') || (focusable && role?.value !== 'listitem');
    })
    .filter(({ name }) => (name?.value ?? '').trim() === '');
  return Promise.all(
    wrong.map(async ({ role, backendDOMNodeId = 0 }) => {
      const { node } = await session.send('DOM.describeNode', { backendNodeId: backendDOMNodeId });
      return `${role?.value}: ${node.localName} ${node.attributes?.join(' ')}`;
    }),
  );
}

/** Texts that stand out from what is behind them by less than WCAG's 4.5 to 1 (3 to 1 where they are large). */
function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const bytesOf = (color: string): number[] => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const over = (front: number[], back: number[]): number[] =>
      [0, 1, 2].map((each) => (front[each]! * front[3]! + back[each]! * (255 - front[3]!)) / 255).concat(255);
    const behind = (element: Element | null): number[] => {
      if (element === null) return bytesOf('Canvas');
      const own = bytesOf(getComputedStyle(element).backgroundColor);
      return own[3] === 255 ? own : over(own, behind(element.parentElement));
    };
    const luminance = (color: number[]): number => {
      const [r, g, b] = color.map((each) =>
        each / 255 <= 0.04045 ? each / 3294.6 : ((each / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const found = new Set<string>();
    for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
      const text = [...element.childNodes]
        .filter((node) => node.nodeType === 3)
        .map((node) => node.textContent)
        .join('')
        .trim();
      if (text === '' || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      if (element.closest('.xterm, svg, noscript, :disabled, option, [aria-hidden=true]') !== null) continue;
      const style = getComputedStyle(element);
      const back = behind(element);
      const [high, low] = [luminance(back), luminance(over(bytesOf(style.color), back))].sort((a, b) => b - a) as [
        number,
        number,
      ];
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < (large ? 3 : 4.5)) {
        found.add(`${element.tagName.toLowerCase()}.${element.className} "${text.slice(0, 30)}" ${ratio.toFixed(2)}`);
      }
    }
    return [...found];
  });
}

/** Before the page's scripts: adds up how far things have jumped. */
function watchShifts(): void {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as LayoutShift[]) {
      if (entry.hadRecentInput) continue;
      const what = entry.sources.map(({ node }) =>
        node instanceof Element ? `${node.tagName}.${node.className}` : node?.nodeName,
      );
      globalThis.shifts.push({ value: entry.value, what: what.join(' ') });
    }
  }).observe({ type: 'layout-shift', buffered: true });
}
interface LayoutShift extends PerformanceEntry {
  value: number;
  hadRecentInput: boolean;
  sources: { node: Node | null }[];
}
declare global {
  var shifts: { value: number; what: string }[];
}

const SIZES = { wide: WIDE, phone: PHONE };

describe.each(['wide', 'phone'] as const)('%s', (width) => {
  describe.each(['light', 'dark'] as const)('%s', (colors) => {
    it('everything that can be used has a name, texts can be read, nothing is wider than the page', async () => {
      const lab = await LabPage.open({ size: SIZES[width], colors, link: 'guest=kicker' });
      await lab.looks(10);
      await lab.screenshot(`${width}-${colors}-running`);
      expect((await unnamed(lab.page)).join('\n')).toBe('');
      expect.soft((await faintTexts(lab.page)).join('\n')).toBe('');
      const [inner, scroll] = await lab.page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      expect(scroll).toBeLessThanOrEqual(inner!);
      await lab.press('Pause');
      await lab.comesToBe('paused');
      expect((await unnamed(lab.page)).join('\n')).toBe('');
      await lab.screenshot(`${width}-${colors}-paused`);
    });
  });

  it('nothing jumps while the page loads, a guest runs and panels fill', async () => {
    const lab = await LabPage.open({ size: SIZES[width], link: 'guest=kicker', before: watchShifts });
    await lab.prints('kick pv');
    await lab.looks(15);
    const shifts = await lab.page.evaluate(() => globalThis.shifts);
    const sum = shifts.reduce((all, { value }) => all + value, 0);
    expect(sum, JSON.stringify(shifts)).toBeLessThan(0.01);
  });
});

it('one heading of the first level, a main part, a language, no id twice', async () => {
  const lab = await LabPage.open({ link: 'guest=hello-long' });
  await lab.comesToBe('ended');
  await lab.screenshot('wide-light-ended');
  expect(await lab.page.getByRole('heading', { level: 1 }).count()).toBe(1);
  expect(await lab.page.getByRole('main').count()).toBe(1);
  expect(await lab.page.locator('html').getAttribute('lang')).toBe('en');
  const ids = await lab.page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

it('the keyboard reaches every button and gets out of the terminal again', async () => {
  const lab = await LabPage.open({ link: 'guest=hello-long' });
  await lab.comesToBe('ended');
  const reached = new Set<string>();
  for (let presses = 0; presses < 80; presses++) {
    await lab.key('Tab');
    reached.add(
      await lab.page.evaluate(() => {
        const { activeElement } = document;
        return activeElement?.ariaLabel ?? activeElement?.textContent?.trim().split(/\s/)[0] ?? '';
      }),
    );
  }
  for (const name of ['Run', 'Reset', 'Snapshot', 'Terminal input']) expect([...reached]).toContain(name);
});
