// guests/privileged and guests/legacy on our machine against what QEMU and Bochs printed (data/, written by run.mjs; neither is needed here).
// Every line has to be that of each machine of the same vendor, or its difference has to be in the list of disagreements; what
// no machine at all confirms has to be the line of alone.json.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Pc } from '../../src/machine/pc.js';
import { DISAGREEMENTS, type Disagreement, type EngineName } from './disagreements.js';
import { LEGACY_DISAGREEMENTS } from './legacy-disagreements.js';

type Vendor = 'intel' | 'amd';
type Lines = ReadonlyMap<string, string>;

interface Expected {
  guest: string;
  disagreements: readonly Disagreement[];
  /** At least so many lines are those of another machine. */
  confirmed: number;
}
const GUESTS: Expected[] = [
  { guest: 'privileged', disagreements: DISAGREEMENTS, confirmed: 2000 },
  { guest: 'legacy', disagreements: LEGACY_DISAGREEMENTS, confirmed: 1100 },
];
const ENGINES: Record<Vendor, EngineName[]> = {
  intel: ['bochs-intel', 'qemu-intel'],
  amd: ['bochs-amd', 'qemu-amd'],
};
const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'latin1');

/** Case → the rest of its line. Throws if two cases share a name. */
function parse(text: string): Lines {
  const lines = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line === 'end' || line.startsWith('#')) continue;
    const space = `${line} `.indexOf(' ');
    const name = line.slice(0, space);
    if (lines.has(name)) throw new Error(`two cases are called ${name}`);
    lines.set(name, line.slice(space + 1));
  }
  return lines;
}

async function printed(guest: string, vendor: Vendor): Promise<string> {
  let text = '';
  const pc = await Pc.create({
    kernel: readFileSync(new URL(`../../guests/${guest}/${guest}.bin`, import.meta.url)),
    memory: 16 << 20,
    cpu: { level: 'v3', vendor },
    serial: (bytes) => {
      text += new TextDecoder('latin1').decode(bytes);
    },
  });
  try {
    const { status } = await pc.run({ timeoutMs: 60_000, maxInstructions: 400_000_000 });
    expect(status).toBe(1);
  } finally {
    pc.close();
  }
  expect(text).toMatch(/\nend\n$/);
  return text;
}

const pinned = JSON.parse(read('alone.json')) as Record<string, Record<string, string>>;

describe.each(GUESTS)('guests/$guest', ({ guest, disagreements, confirmed: least }) => {
  const alone = pinned[guest]!;
  const ours = new Map<Vendor, Lines>();
  const theirs = new Map<EngineName, Lines>();
  const excuses = new Set<string>();
  const pins = new Set<string>();

  beforeAll(async () => {
    for (const vendor of ['intel', 'amd'] as const) {
      ours.set(vendor, parse(await printed(guest, vendor)));
      for (const engine of ENGINES[vendor]) theirs.set(engine, parse(read(`data/${guest}.${engine}.txt`)));
    }
  });

  /** Undefined: the machine agrees. Otherwise whether the list has an entry for the difference. */
  function excused(name: string, line: string, engine: EngineName, other: string): boolean | undefined {
    if (line === other) return undefined;
    let agreed = false;
    const entries = disagreements.filter(({ cases, engines }) => engines.includes(engine) && cases.test(name));
    const plain = (text: string): string => entries.reduce((rest, { without }) => without?.(rest) ?? rest, text);
    if (plain(line) === plain(other)) agreed = true;
    const used = entries.filter(({ without }) => agreed === (without !== undefined));
    for (const entry of used) excuses.add(`${disagreements.indexOf(entry)} ${engine}`);
    return agreed ? undefined : used.length > 0;
  }

  it.each(['intel', 'amd'] as const)('as %s', (vendor) => {
    const unexplained: string[] = [];
    let confirmed = 0;
    for (const [name, line] of ours.get(vendor)!) {
      let agree = false;
      for (const [engine, lines] of theirs) {
        const other = lines.get(name);
        if (other === undefined) continue;
        const verdict = excused(name, line, engine, other);
        if (verdict === undefined) agree = true;
        else if (!verdict && ENGINES[vendor].includes(engine))
          unexplained.push(`${name}: ${line} / ${engine}: ${other}`);
      }
      if (agree) confirmed++;
      else {
        const pin = `${vendor} ${name}`;
        pins.add(pin);
        if (alone[pin] !== line)
          unexplained.push(`${pin}: ${line} / no machine confirms it, alone.json: ${alone[pin]}`);
      }
    }
    expect(unexplained).toEqual([]);
    expect(confirmed).toBeGreaterThan(least);
  });

  it('every case of the recordings is one of ours', () => {
    const missing = [...theirs].flatMap(([engine, lines]) =>
      [...lines.keys()]
        // A series that kills an engine is recorded as one line, by what its names begin with.
        .filter(
          (name) => ![...ours.get('intel')!.keys()].some((mine) => mine === name || mine.replace(/\d+$/, '') === name),
        )
        .map((name) => `${engine}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('every entry of the list is needed, and so is every line of alone.json', () => {
    const idle = disagreements.flatMap(({ cases, engines }, index) =>
      engines.some((engine) => excuses.has(`${index} ${engine}`)) ? [] : [String(cases)],
    );
    expect(idle).toEqual([]);
    expect(Object.keys(alone).filter((pin) => !pins.has(pin))).toEqual([]);
  });
});
