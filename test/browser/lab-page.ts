// The laboratory as its user has it: buttons and choices by the names that a screen reader says. What the machine is in, and
// all that it has printed, comes from the page's hook (`globalThis.doorbell`, src/web/lab/main.tsx).

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Regs, RunResult, Sregs } from '../../src/index.js';
import type { Status } from '../../src/web/lab/machine/session.js';
import { openPage, screenshot, type PageOptions } from './browser.js';

export interface Cpu {
  regs: Regs;
  sregs: Sregs;
  retired: number;
}

export interface LabOptions extends PageOptions {
  /** The link's settings, `guest=hello-long&paging=npt`. */
  link?: string;
  /** Milliseconds that it may take until something is as it should be; default half a minute. */
  patience?: number;
}

/** For what takes as long as the machine takes; vitest's own limit is what ends a test that hangs. */
const POLL = { timeout: 30_000, interval: 30 };

export class LabPage {
  readonly page: Page;
  readonly #poll: { timeout: number; interval: number };

  private constructor(page: Page, { patience = POLL.timeout }: LabOptions) {
    this.page = page;
    this.#poll = { ...POLL, timeout: patience };
  }

  /** Opens the laboratory; its guest is running, or over, when this returns. */
  static async open(options: LabOptions = {}): Promise<LabPage> {
    const page = await openPage(`site/index.html${options.link === undefined ? '' : `?${options.link}`}`, options);
    const lab = new LabPage(page, options);
    await lab.comesToBe('running', 'ended', 'failed');
    return lab;
  }

  // ---------------------------------------------------------------- what is on it
  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true });
  }
  choice(name: string): Locator {
    return this.page.getByRole('combobox', { name, exact: true });
  }
  /** The line that says how the machine is. */
  get statusLine(): Locator {
    return this.page.locator('[role=status][data-status]');
  }
  /** The rows that a screen reader finds in the terminal. */
  async readAloud(): Promise<string[]> {
    const rows = this.page.getByRole('region', { name: 'Serial console' }).getByRole('listitem');
    return (await rows.allTextContents()).map((row) => row.trimEnd()).filter((row) => row !== '');
  }

  // ---------------------------------------------------------------- what its user does
  async press(name: string): Promise<void> {
    await this.button(name).click();
  }
  async key(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }
  /** At the console. */
  async types(text: string): Promise<void> {
    const input = this.page.getByRole('textbox', { name: 'Terminal input' });
    await input.focus();
    for (const character of text) await this.page.keyboard.press(character === '\n' ? 'Enter' : character);
  }
  async pastes(text: string): Promise<void> {
    const input = this.page.getByRole('textbox', { name: 'Terminal input' });
    await input.evaluate((element, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', text);
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  }
  async choose(name: string, value: string): Promise<void> {
    await this.choice(name).selectOption(value);
  }
  /** Drops a file somewhere on the page. */
  async drop(name: string, bytes: Uint8Array | { zeros: number }): Promise<void> {
    const content = bytes instanceof Uint8Array ? Array.from(bytes) : bytes.zeros;
    const data = await this.page.evaluateHandle(
      ({ name, content }) => {
        const transfer = new DataTransfer();
        transfer.items.add(
          new File([typeof content === 'number' ? new Uint8Array(content) : Uint8Array.from(content)], name),
        );
        return transfer;
      },
      { name, content },
    );
    await this.page.getByRole('main').dispatchEvent('drop', { dataTransfer: data });
  }

  // ---------------------------------------------------------------- how the machine is
  status(): Promise<Status> {
    return this.page.evaluate(() => globalThis.doorbell?.session.status.value);
  }
  async comesToBe(...wanted: Status[]): Promise<void> {
    await this.page.waitForFunction((wanted) => wanted.includes(globalThis.doorbell?.session.status.value), wanted, {
      timeout: this.#poll.timeout,
    });
  }
  /** The word that the page has for it. */
  async shows(word: string): Promise<void> {
    await expect.poll(() => this.statusLine.locator('strong').innerText(), this.#poll).toBe(word);
  }
  async says(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.statusLine.innerText(), this.#poll).toMatch(text);
  }
  result(): Promise<RunResult | undefined> {
    return this.page.evaluate(() => globalThis.doorbell.session.result.value);
  }
  /** The registers, from the machine itself. */
  cpu(): Promise<Cpu> {
    return this.page.evaluate(async () => {
      const { vcpu } = globalThis.doorbell.session.pc!;
      return { regs: await vcpu.getRegs(), sregs: await vcpu.getSregs(), retired: await vcpu.retired };
    });
  }
  /** Waits until the guest has gone on. */
  async goesOn(): Promise<void> {
    const { retired } = await this.cpu();
    await expect.poll(async () => (await this.cpu()).retired, this.#poll).toBeGreaterThan(retired);
  }
  /** Waits until the page has looked at the running machine's counters so many times. */
  async looks(times: number): Promise<void> {
    await this.page.evaluate(
      (times) =>
        new Promise<void>((done) => {
          let seen = 0;
          const stop = globalThis.doorbell.session.rates.subscribe((rates) => {
            if (rates !== undefined && ++seen === times) queueMicrotask(() => (stop(), done()));
          });
        }),
      times,
    );
  }
  /** All that the guest has printed since the machine was made, scrolled out or not. */
  async lines(): Promise<string[]> {
    const text = await this.page.evaluate(() => globalThis.doorbell.serial.text());
    return text === '' ? [] : text.split('\n');
  }
  async prints(line: string | RegExp): Promise<void> {
    await expect.poll(async () => (await this.lines()).join('\n'), this.#poll).toMatch(line);
  }

  screenshot(name: string): Promise<void> {
    return screenshot(this.page, name);
  }
}
