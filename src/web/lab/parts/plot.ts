// One chart of the last minute: a uPlot with the page's colours and fixed axes, so that nothing jumps while time goes on.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { SPAN_SECONDS } from './history.js';
import { colour } from './theme.js';

export interface PlotSeries {
  /** Custom property with the colour. */
  readonly colour: string;
  /** Fill down to zero, opaque: later series cover earlier ones. */
  readonly filled: boolean;
}

export interface PlotOptions {
  height: number;
  series: readonly PlotSeries[];
  /** The top of the scale for what is shown. */
  top: () => number;
  label: (value: number) => string;
}

const TIMES = [-60, -45, -30, -15, 0];
const FONT = '11px system-ui, sans-serif';
const AXIS_WIDTH = 52;
/** Lines at the top of the scale are not cut in half. */
const HEADROOM = 1.04;

/** Lines with gaps where a value is NaN: uPlot's own know no gaps in typed arrays. */
function paths(u: uPlot, series: number, first: number, last: number): uPlot.Series.Paths {
  const xs = u.data[0];
  const ys = u.data[series] as unknown as Float64Array;
  const stroke = new Path2D();
  const fill = new Path2D();
  const bottom = u.valToPos(0, 'y', true);
  let x = 0;
  let open = false;
  for (let index = first; index <= last; index++) {
    const value = ys[index]!;
    if (Number.isNaN(value)) {
      if (open) fill.lineTo(x, bottom);
      open = false;
      continue;
    }
    x = u.valToPos(xs[index]!, 'x', true);
    const y = u.valToPos(value, 'y', true);
    if (open) stroke.lineTo(x, y);
    else {
      stroke.moveTo(x, y);
      fill.moveTo(x, bottom);
    }
    fill.lineTo(x, y);
    open = true;
  }
  if (open) fill.lineTo(x, bottom);
  return { stroke, fill: (u.series[series] as { fill?: unknown }).fill === undefined ? null : fill };
}

export class Plot {
  readonly #plot: uPlot;
  readonly #observer: ResizeObserver;

  constructor(place: HTMLElement, data: uPlot.AlignedData, { height, series, top, label }: PlotOptions) {
    const axis = {
      stroke: () => colour('--muted'),
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    this.#plot = new uPlot(
      {
        width: Math.max(place.clientWidth, 120),
        height,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [-SPAN_SECONDS, 0] },
          y: { range: () => [0, top() * HEADROOM] },
        },
        axes: [
          {
            ...axis,
            size: 24,
            gap: 7,
            splits: () => TIMES,
            values: (_, splits) => splits.map((at) => (at === 0 ? 'now' : `${at} s`)),
          },
          {
            ...axis,
            size: AXIS_WIDTH,
            gap: 6,
            splits: () => [0, top() / 2, top()],
            values: (_, splits) => splits.map(label),
          },
        ],
        series: [
          {},
          ...series.map(({ colour: name, filled }) => ({
            ...(filled ? { fill: () => colour(name) } : { stroke: () => colour(name) }),
            width: filled ? 0 : 2,
            points: { show: false },
            paths,
          })),
        ],
      },
      data,
      place,
    );
    this.#plot.root.setAttribute('aria-hidden', 'true');
    this.#observer = new ResizeObserver(() => {
      if (place.clientWidth > 0 && place.clientWidth !== this.#plot.width) {
        this.#plot.setSize({ width: place.clientWidth, height });
      }
    });
    this.#observer.observe(place);
  }

  /** Draws the data as they are now, in the colours of now. */
  draw(): void {
    this.#plot.setData(this.#plot.data);
  }

  close(): void {
    this.#observer.disconnect();
    this.#plot.destroy();
  }
}

/** The next round number at or above: 1, 2 or 5 times a power of ten. */
export function roundTop(value: number, least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, least)));
  for (const factor of [1, 2, 5]) if (factor * power >= value) return factor * power;
  return 10 * power;
}
