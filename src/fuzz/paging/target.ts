// The target `paging`: random page tables, guest and nested, walked by the core and by a second model written from the
// manuals.

import { ByteSource } from '../byte-source.js';
import { Coverage } from '../coverage.js';
import { mutateBytes } from '../mutate.js';
import { RawCore } from '../raw-core.js';
import { oneByOne, type Explanation, type Finding, type Target } from '../target.js';
import { LAB_ROOM, linearOf, WalkLab, type WalkCase } from './lab.js';
import { GUEST_PAGES, NESTED_PAGES, SEEDS, SLOTS } from './random-tables.js';

const FORMATS = ['none', '32-bit', 'PAE', '4-level', '5-level'] as const;
const NESTED = ['EPT', 'NPT', 'shadow'] as const;
/** Bytes of the processor and the access; the seeds of the entries follow, four bytes each. */
const HEAD = 16;
const LONGEST = HEAD + 4 * SLOTS.length * GUEST_PAGES + 4 * NESTED_PAGES * GUEST_PAGES;

/** The case that an input stands for. */
export function walkCaseOf(input: Uint8Array): WalkCase {
  const source = new ByteSource(input);
  const format = source.pick(FORMATS);
  const nested = source.pick(NESTED);
  const flags = source.word();
  const flag = (n: number): boolean => ((flags >> n) & 1) === 1;
  const physicalBits = source.pick([40, 34, 36, 46]);
  const access = source.pick([1, 2, 4, 3]);
  const mmu = source.below(3);
  const offset = source.word() & 0xfff;
  const badUpper = source.byte() & 15;
  const indexes = Array.from({ length: 5 }, () => source.pick(SLOTS));
  const seeds = (count: number): number[] => Array.from({ length: count }, () => source.long() % SEEDS);
  source.byte();
  return {
    format,
    nested,
    software: flag(0),
    pse: flag(1),
    wp: flag(2),
    nxe: flag(3),
    smep: flag(4),
    smap: flag(5),
    pge: flag(6),
    gbPages: flag(7),
    eptFlags: flag(8),
    stack: flag(9),
    physicalBits,
    access,
    mmu,
    offset,
    badUpper,
    indexes,
    guest: seeds(SLOTS.length * GUEST_PAGES),
    tables: seeds(NESTED_PAGES * GUEST_PAGES),
  };
}

export interface PagingOptions {
  /** Another core than one of the built module's. */
  readonly core?: RawCore;
}

export async function pagingTarget(options: PagingOptions = {}): Promise<Target> {
  const core = options.core ?? (await RawCore.load(LAB_ROOM));
  const lab = new WalkLab(core);
  const coverage = new Coverage();
  coverage.watch(core.places);
  const ends = new Map<string, number>();
  const check = (input: Uint8Array): Finding | undefined => {
    const c = walkCaseOf(input);
    const { wrong, end } = lab.check(c);
    const what = `${c.format} ${c.nested} ${c.software} ${c.access} ${c.mmu} ${end}`;
    let number = ends.get(what);
    if (number === undefined) ends.set(what, (number = ends.size + 1));
    coverage.feature(number);
    if (wrong === undefined) return undefined;
    return { kind: `${c.format} ${c.nested} ${wrong.replace(/0x[0-9a-f]+|[0-9a-f]{3,}/g, 'n')}`, summary: wrong };
  };
  return {
    name: 'paging',
    coverage,
    batch: 32,
    seeds: () => [],
    fresh: (random) => {
      const bytes = new Uint8Array(LONGEST);
      random.fill(bytes);
      return bytes;
    },
    mutate: (random, input, other) => mutateBytes(random, input, other, { longest: LONGEST, fixed: true }),
    run: oneByOne(coverage, check),
    explain: async (input): Promise<Explanation> => {
      const { guest, tables, ...rest } = walkCaseOf(input);
      const lines = Object.entries(rest).map(([name, value]) => `${name.padEnd(13)} ${String(value)}`);
      lines.push(`linear        0x${linearOf({ ...rest, guest, tables }).toString(16)}`);
      const list = (seeds: readonly number[]): string =>
        seeds
          .map((seed, index) => (seed === 0 ? '' : `${index}: 0x${seed.toString(16)}`))
          .filter(Boolean)
          .join(', ');
      lines.push(`seeds of guest entries that are not 0:  ${list(guest) || 'none'}`);
      lines.push(`seeds of nested entries that are not 0: ${list(tables) || 'none'}`);
      return { text: lines.join('\n') };
    },
    close: () => {},
  };
}
