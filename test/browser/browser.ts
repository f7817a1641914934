// Pages in Chromium. Each is alone in its context: nothing is cached, and it looks as the test wants. Whatever goes wrong in a
// page (an error in the console, an exception, a request that fails) fails the test that opened it.

import { chromium, type Browser, type Page } from 'playwright-core';
import { expect, inject, onTestFinished } from 'vitest';
import { SCREENSHOTS } from './setup.js';

/** Whether the page has shared memory. */
export type Isolation = 'isolated' | 'plain';
export const ISOLATIONS: readonly Isolation[] = ['isolated', 'plain'];

export const WIDE = { width: 1280, height: 900 };
export const PHONE = { width: 360, height: 740 };

export interface PageOptions {
  isolation?: Isolation;
  size?: { width: number; height: number };
  colors?: 'light' | 'dark';
  /** Runs in the page before its own scripts. */
  before?: () => void;
}

let connection: Promise<Browser> | undefined;

export async function disconnect(): Promise<void> {
  await (await connection)?.close();
  connection = undefined;
}

export function url(isolation: Isolation, path: string): string {
  return `${inject('origin')}/${isolation}/${path}`;
}

/** What has gone wrong in a page so far, one line each. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => faults.push(`request: ${request.url()} ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`response: ${response.url()} ${response.status()}`);
  });
  return faults;
}

/** An empty page, that nobody watches. */
export async function newPage(options: PageOptions = {}): Promise<Page> {
  connection ??= chromium.connect(inject('chromium'));
  const { size = WIDE, colors = 'light', before } = options;
  const context = await (await connection).newContext({ viewport: size, colorScheme: colors });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  if (before !== undefined) await page.addInitScript(before);
  return page;
}

/** Opens a page of the site (`site/…`) or of these tests (`pages/…`). */
export async function openPage(path: string, options: PageOptions = {}): Promise<Page> {
  const page = await newPage(options);
  const faults = faultsOf(page);
  // runs before the context is closed: what was registered last comes first
  onTestFinished(() => expect(faults.join('\n'), 'what has gone wrong in the page').toBe(''));
  await page.goto(url(options.isolation ?? 'isolated', path));
  return page;
}

/** The whole page, kept as an artefact to be looked at. What is out of sight is not drawn (xterm), so the window grows first. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const size = page.viewportSize()!;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ ...size, height });
  await page.evaluate(() => new Promise((drawn) => setTimeout(drawn, 300)));
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
  await page.setViewportSize(size);
}
