// Interrupt lines that note what was done to them, and when.

import type { InterruptLine } from '../../../src/bus/index.js';
import type { FakeTime } from '../fake-time.js';

export class NotedLines implements InterruptLine {
  readonly changes: { gsi: number; level: 0 | 1; at: number }[] = [];
  readonly #levels = new Map<number, 0 | 1>();
  #rises = 0;

  /** `keep` false: only counted. */
  constructor(
    private readonly time: FakeTime,
    private readonly keep = true,
  ) {}

  set(gsi: number, level: 0 | 1): void {
    if (this.level(gsi) === level) return;
    this.#levels.set(gsi, level);
    if (level === 1) this.#rises++;
    if (this.keep) this.changes.push({ gsi, level, at: this.time.now() });
  }

  level(gsi: number): 0 | 1 {
    return this.#levels.get(gsi) ?? 0;
  }

  /** Rising edges so far, of all lines. */
  get rises(): number {
    return this.#rises;
  }

  /** When a line rose. */
  rose(gsi: number): number[] {
    return this.changes.filter((change) => change.gsi === gsi && change.level === 1).map(({ at }) => at);
  }
}
