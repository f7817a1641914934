// What becomes of a guest's store, as DESIGN.md draws it, with what goes along each edge just now: a PV kick leaves early, at the
// doorbell bus, and an ordinary one goes the long way.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef } from 'preact/hooks';
import type { PagingMode } from '../../../index.js';
import type { Rates } from '../machine/sample.js';
import type { Session } from '../machine/session.js';
import type { Settings } from '../machine/settings.js';
import { TALL, WIDE, type Box, type Drawing, type Label, type Line } from './exit-drawings.js';
import { duration, perSecond } from './figures.js';
import { EDGES, Flow, MARKER_EXIT, type Edge, type Figures } from './flow.js';
import { useRates } from './frame.js';

type AllFigures = Readonly<Record<Edge, Figures>>;

/** Narrower panels get the drawing for phones. */
const NARROW = 620;
/** Milliseconds between two sentences about the drawing. */
const TELL_MS = 1000;

type Tone = 'quiet' | 'early' | 'long' | 'neutral';
const TONES: Record<Edge, Tone> = {
  marker: 'neutral',
  early: 'early',
  long: 'long',
  map: 'neutral',
  io: 'neutral',
  cpuid: 'neutral',
  vmcall: 'neutral',
  other: 'neutral',
  bus: 'long',
};

const WALKS: Record<PagingMode, readonly [guest: readonly string[], nested: readonly string[]]> = {
  ept: [['guest walk'], ['EPT walk']],
  npt: [['guest walk'], ['NPT walk']],
  shadow: [['shadow walk'], ['no second', 'walk']],
};

function nameOf(edge: Edge, paging: PagingMode): string {
  if (edge === 'marker') return MARKER_EXIT[paging];
  if (edge === 'map') return paging === 'ept' ? 'EPT_VIOLATION' : `${MARKER_EXIT[paging]}`;
  return edge === 'other' ? 'other' : edge.toUpperCase();
}

/** Tells by its width how much goes along a line, by powers of ten: thousands a second are thin beside millions. */
function widthOf(rate: number): number {
  const tens = Math.log10(Math.max(rate, 1));
  return Math.min(1.25 + 0.12 * tens ** 2, 7);
}

function describe(figures: AllFigures, { paging, doorbells }: Settings, running: boolean): string {
  if (!running) return 'The machine stands still: nothing goes along the path.';
  const { early, long, io, cpuid, vmcall, map, other } = figures;
  const parts: string[] = [];
  const say = ({ perSecond: rate, ns, atMost }: Figures, what: string): void => {
    const each = ns === undefined ? '' : `, ${atMost ? 'less than' : 'about'} ${duration(ns)} each`;
    if (rate > 0) parts.push(`${perSecond(rate)} ${what}${each}`);
  };
  say(early, `leave early at the doorbell bus`);
  say(long, `go the long way${doorbells === 'emulate' ? ', as doorbells are set to emulate' : ''}`);
  say(io, 'are port I/O');
  say(cpuid, 'are CPUID');
  say(vmcall, 'are hypercalls');
  say(map, 'map a page');
  say(other, 'are others');
  if (parts.length === 0) return `The guest runs without leaving guest mode (paging ${paging}).`;
  return `Exits, paging ${paging}: ${parts.join('; ')}.`;
}

export function ExitPath({ session }: { session: Session }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const narrow = useSignal(matchMedia(`(max-width: ${NARROW + 40}px)`).matches);
  const flow = useMemo(() => new Flow(), [session]);
  const figures = useSignal(readAll(flow));
  const told = useSignal({ text: describe(figures.value, session.settings.value, false), time: 0, running: false });
  const take = useCallback((rates: Rates | undefined) => flow.take(rates, session.settings.peek()), [flow]);
  const draw = useCallback(() => {
    figures.value = readAll(flow);
    const time = performance.now();
    const running = session.rates.peek() !== undefined;
    if (running === told.peek().running && time < told.peek().time + TELL_MS) return;
    told.value = { text: describe(figures.peek(), session.settings.peek(), running), time, running };
  }, [flow]);
  useRates(session, take, draw);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (narrow.value = entry!.contentRect.width < NARROW));
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  const drawing = narrow.value ? TALL : WIDE;
  return (
    <section class="panel exit-path" aria-labelledby="exit-path-heading">
      <h2 id="exit-path-heading">Where a store goes</h2>
      <div class="drawing" ref={place}>
        <Picture drawing={drawing} figures={figures.value} paging={session.settings.value.paging} />
      </div>
      <p class="note told" id="exit-path-told">
        {told.value.text}
      </p>
    </section>
  );
}

function readAll(flow: Flow): AllFigures {
  return Object.fromEntries(EDGES.map((edge) => [edge, flow.read(edge)])) as Record<Edge, Figures>;
}

interface PictureProps {
  drawing: Drawing;
  figures: AllFigures;
  paging: PagingMode;
}

function Picture({ drawing, figures, paging }: PictureProps): JSX.Element {
  const [width, height] = drawing.size;
  const { border, side } = drawing;
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-labelledby="exit-path-heading"
      aria-describedby="exit-path-told"
    >
      <defs>
        {(['quiet', 'early', 'long', 'neutral'] as const).map((tone) => (
          <marker
            key={tone}
            id={`head-${tone}`}
            class={`head ${tone}`}
            viewBox="0 0 10 10"
            refX="9"
            refY="5"
            markerWidth={tone === 'quiet' ? 7 : 13}
            markerHeight={tone === 'quiet' ? 7 : 13}
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0L10 5L0 10z" />
          </marker>
        ))}
      </defs>
      <rect class="hypervisor" x="0" y={border} width={width} height={height - border} rx="6" />
      <path class="border" d={`M0 ${border}H${width}`} />
      <text class="side" x={side} y={border - 6} text-anchor="end">
        guest
      </text>
      <text class="side" x={side} y={border + 15} text-anchor="end">
        hypervisor
      </text>
      {drawing.lines.map((line) => (
        <Flowing key={line.path} line={line} figures={figures} />
      ))}
      {drawing.boxes.map((box) => (
        <BoxOf key={box.id} box={box} paging={paging} figures={figures} />
      ))}
      {drawing.words.map(({ at: [x, y], text, end }) => (
        <text key={`${x} ${y}`} class="word" x={x} y={y} text-anchor={end ? 'end' : 'start'}>
          {text}
        </text>
      ))}
      {drawing.labels.map((label) => (
        <LabelOf key={label.edge} label={label} figures={figures[label.edge]} name={nameOf(label.edge, paging)} />
      ))}
    </svg>
  );
}

function Flowing({ line, figures }: { line: Line; figures: AllFigures }): JSX.Element {
  const rate = line.edge === undefined ? 0 : figures[line.edge].perSecond;
  // What only port I/O brings to the buses is not the long way of a store.
  const long = line.edge === 'bus' && figures.long.perSecond === 0 ? 'neutral' : TONES[line.edge ?? 'io'];
  const tone: Tone = rate > 0 ? long : 'quiet';
  return (
    <path
      class={`line ${tone}`}
      d={line.path}
      stroke-width={widthOf(rate)}
      marker-end={line.joins ? undefined : `url(#head-${tone})`}
    />
  );
}

/** Boxes that light up with what goes through them. */
const LIT: Readonly<Record<string, Edge>> = {
  signal: 'early',
  walk: 'long',
  fetch: 'long',
  decode: 'long',
  evaluate: 'long',
  mmio: 'long',
};

function BoxOf({ box, paging, figures }: { box: Box; paging: PagingMode; figures: AllFigures }): JSX.Element {
  const [x, y, width, height] = box.at;
  const walks = WALKS[paging];
  const lines = box.lines ?? (box.id === 'guest-walk' ? walks[0] : walks[1]);
  const lit = LIT[box.id];
  const tone = lit !== undefined && figures[lit].perSecond > 0 ? TONES[lit] : '';
  const idle = box.id === 'nested-walk' && paging === 'shadow' ? 'idle' : '';
  return (
    <g class={`box ${tone} ${idle}`} data-box={box.id}>
      <rect x={x} y={y} width={width} height={height} rx="5" />
      {lines.map((line, index) => (
        <text key={line} x={x + width / 2} y={y + height / 2 + 4.5 + (index - (lines.length - 1) / 2) * 16}>
          {line}
        </text>
      ))}
    </g>
  );
}

interface LabelProps {
  label: Label;
  figures: Figures;
  name: string;
}

function LabelOf({ label, figures, name }: LabelProps): JSX.Element {
  const [x, y] = label.at;
  const anchor = label.end ? 'end' : 'start';
  const rate = perSecond(figures.perSecond);
  const time = figures.ns === undefined ? '' : `${figures.atMost ? '<' : '≈'} ${duration(figures.ns)}`;
  const class_ = `figures ${figures.perSecond > 0 ? TONES[label.edge] : 'none'}`;
  if (label.named) {
    return (
      <g class={class_} text-anchor={anchor} data-edge={label.edge}>
        <text class="name" x={x} y={y}>
          {name}
        </text>
        <text x={x} y={y + 16}>
          {rate}
        </text>
        <text x={x} y={y + 32}>
          {time}
        </text>
      </g>
    );
  }
  const inOneLine = label.edge !== 'early';
  return (
    <g class={class_} text-anchor={anchor} data-edge={label.edge}>
      <text x={x} y={y}>
        {inOneLine && time !== '' ? `${rate}, ${time}` : rate}
      </text>
      {!inOneLine && (
        <text x={x} y={y + 16}>
          {time}
        </text>
      )}
    </g>
  );
}
