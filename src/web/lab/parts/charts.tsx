// The last minute of the machine: exits by reason, how many of them needed no decode, instructions. Beside each chart stand the
// present figures, which is also what is read out in place of it.

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { AlignedData } from 'uplot';
import type { Rates } from '../machine/sample.js';
import type { Session } from '../machine/session.js';
import { percent, perSecond, round, short } from './figures.js';
import { useRates } from './frame.js';
import { History, REASONS } from './history.js';
import { Plot, roundTop } from './plot.js';
import { onThemeChange } from './theme.js';

/** Everything that is drawn ten times a second is drawn past the component, which renders once. */
class Drawing {
  readonly history = new History();
  #plots: Plot[] = [];
  #figures = new Map<string, HTMLElement>();
  #rates: Rates | undefined;

  readonly take = (rates: Rates | undefined): void => {
    this.#rates = rates;
    this.history.add(rates, performance.now());
  };

  readonly draw = (): void => {
    for (const plot of this.#plots) plot.draw();
    const rates = this.#rates;
    this.#write('exits', rates === undefined ? '–' : perSecond(rates.exitsPerSecond));
    this.#write('decodeFree', percent(rates?.decodeFree));
    this.#write('mips', rates === undefined ? '–' : `${short(rates.mips)} MIPS`);
    for (const [index, reason] of REASONS.entries()) {
      this.#write(reason, perSecond(this.history.now[index]!));
      this.#figures.get(reason)?.parentElement?.classList.toggle('absent', this.history.now[index] === 0);
    }
  };

  #write(name: string, text: string): void {
    const place = this.#figures.get(name);
    if (place !== undefined && place.textContent !== text) place.textContent = text;
  }

  open(panel: HTMLElement): () => void {
    const place = (name: string): HTMLElement => panel.querySelector<HTMLElement>(`[data-plot=${name}]`)!;
    for (const each of panel.querySelectorAll<HTMLElement>('[data-figure]')) {
      this.#figures.set(each.dataset['figure']!, each);
    }
    const { history } = this;
    const data = (...columns: Float64Array[]): AlignedData => [history.times, ...columns];
    this.#plots = [
      new Plot(place('exits'), data(...history.stacked), {
        height: 152,
        series: REASONS.map((_, index) => ({ colour: `--series-${index}`, filled: true })),
        top: () => roundTop(history.largest(history.stacked[0]!), 1000),
        label: round,
      }),
      new Plot(place('decodeFree'), data(history.decodeFree), {
        height: 92,
        series: [{ colour: '--early', filled: false }],
        top: () => 100,
        label: (value) => `${value} %`,
      }),
      new Plot(place('mips'), data(history.mips), {
        height: 92,
        series: [{ colour: '--neutral', filled: false }],
        top: () => roundTop(history.largest(history.mips), 10),
        label: round,
      }),
    ];
    const endTheme = onThemeChange(this.draw);
    return () => {
      endTheme();
      for (const plot of this.#plots) plot.close();
      this.#plots = [];
    };
  }
}

export function Charts({ session }: { session: Session }): JSX.Element {
  const panel = useRef<HTMLElement>(null);
  const drawing = useMemo(() => new Drawing(), [session]);
  useEffect(() => drawing.open(panel.current!), [drawing]);
  useRates(session, drawing.take, drawing.draw);
  return (
    <section class="panel charts" aria-labelledby="charts-heading" ref={panel}>
      <h2 id="charts-heading">The last minute</h2>
      <div class="plots">
        <figure class="of-exits">
          <figcaption>
            <h3>Exits by reason</h3> <span class="figure" data-figure="exits" />
          </figcaption>
          <div class="plot" data-plot="exits" />
          <dl class="legend">
            {REASONS.map((reason, index) => (
              <div key={reason} class="absent" style={`--swatch: var(--series-${index})`}>
                <dt>{reason}</dt>
                <dd data-figure={reason} />
              </div>
            ))}
          </dl>
        </figure>
        <figure>
          <figcaption>
            <h3>Exits without a decode</h3> <span class="figure" data-figure="decodeFree" />
          </figcaption>
          <div class="plot" data-plot="decodeFree" />
        </figure>
        <figure>
          <figcaption>
            <h3>Instructions</h3> <span class="figure" data-figure="mips" />
          </figcaption>
          <div class="plot" data-plot="mips" />
        </figure>
      </div>
    </section>
  );
}
