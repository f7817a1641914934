// The target `dispatch`: doorbell registrations and accesses to them, on the fast path and the slow path, in all three
// paging modes.

import { ByteSource } from '../byte-source.js';
import { Coverage } from '../coverage.js';
import { withoutRecords } from '../minimise.js';
import { mutateBytes } from '../mutate.js';
import { oneByOne, type Explanation, type Finding, type Target } from '../target.js';
import { INSTRUCTIONS, type Registration } from './accesses.js';
import { DispatchLab, FDS, linearOf, MMIO, PAGES, ROM, type Access } from './lab.js';

/** An input is a list of records, each a registration or an access; what is too many is left out. */
const RECORD = 12;
const ACCESSES = 16;
const LONGEST = RECORD * (FDS + ACCESSES);
const VALUES = [5n, 0n, 0xffn, 0x1_0005n, 0xffff_ffff_ffff_ffffn] as const;

/** An offset in a page near which everything happens, so that accesses and registrations meet. */
function offset(source: ByteSource): number {
  const byte = source.byte();
  return byte < 128 ? byte % 13 : 4096 - 10 + (byte % 10);
}

function value(source: ByteSource): bigint {
  const byte = source.byte();
  return byte < 192 ? VALUES[byte % VALUES.length]! : source.quad();
}

/** What an input stands for. */
export function caseOf(input: Uint8Array): { registrations: Registration[]; accesses: Access[] } {
  const registrations: Registration[] = [];
  const accesses: Access[] = [];
  for (let at = 0; at < input.length; at += RECORD) {
    const source = new ByteSource(input.subarray(at, at + RECORD));
    if (source.below(3) === 1) {
      const addr = source.pick([MMIO, MMIO, MMIO + 0x1000n, ROM]) + BigInt(offset(source));
      const len = source.pick([0, 1, 2, 4, 8]);
      const kind = source.below(4);
      const datamatch = kind === 3 && len > 0 ? BigInt.asUintN(len * 8, value(source)) : undefined;
      if (registrations.length < FDS) registrations.push({ addr, len, datamatch, pv: kind === 2 });
    } else if (accesses.length < ACCESSES) {
      const direct = source.boolean();
      const instruction = source.pick(INSTRUCTIONS);
      const page = source.below(PAGES.length - 1);
      accesses.push({ instruction, direct, page, offset: offset(source), rax: value(source) });
    }
  }
  return { registrations, accesses };
}

/** `lab` is looked at instead of machines with the built core. */
export async function dispatchTarget(lab?: DispatchLab): Promise<Target> {
  const machines = lab ?? (await DispatchLab.create());
  const coverage = new Coverage();
  const numbers = new Map<string, number>();
  let last = 0;
  const check = (input: Uint8Array): Finding | undefined => {
    const { registrations, accesses } = caseOf(input);
    last = 0;
    const wrong = machines.check(registrations, accesses, ({ instruction, page, direct }, outcomes) => {
      const kinds = outcomes.map((one) =>
        one.kind === 'signal' ? `s${kindOf(registrations[one.registration]!)}` : one.kind,
      );
      const what = `${instruction.name} ${direct ? '' : page} ${kinds.join()}`;
      let number = numbers.get(what);
      if (number === undefined) numbers.set(what, (number = numbers.size + 1));
      coverage.feature(number);
      // and which kind of access came before: what the TLB knows then depends on it
      coverage.feature(page * 64 + outcomes.length, 1000 + last);
      last = page * 64 + outcomes.length;
    });
    return wrong === undefined ? undefined : { kind: wrong.replace(/0x[0-9a-f]+|\d+/g, 'n'), summary: wrong };
  };
  return {
    name: 'dispatch',
    coverage,
    batch: 4,
    seeds: () => [],
    fresh: (random) => {
      const bytes = new Uint8Array(RECORD * (2 + random.below(FDS + ACCESSES - 2)));
      random.fill(bytes);
      return bytes;
    },
    mutate: (random, input, other) => mutateBytes(random, input, other, { longest: LONGEST }),
    run: oneByOne(coverage, check),
    simpler: (input) => withoutRecords(input, RECORD),
    explain: async (input): Promise<Explanation> => {
      const { registrations, accesses } = caseOf(input);
      const lines = registrations.map(
        (one, index) =>
          `eventfd ${index} at 0x${one.addr.toString(16)}, length ${one.len}${one.pv ? ', PvMmio' : ''}` +
          (one.datamatch === undefined ? '' : `, datamatch 0x${one.datamatch.toString(16)}`),
      );
      for (const [index, access] of accesses.entries()) {
        const physical = access.direct ? MMIO : PAGES[access.page]!;
        lines.push(
          `access ${index}: ${access.instruction.name} at 0x${linearOf(access).toString(16)} ` +
            `(physical 0x${(physical + BigInt(access.offset)).toString(16)}), RAX 0x${access.rax.toString(16)}`,
        );
      }
      return { text: lines.join('\n') };
    },
    close: () => {
      if (lab === undefined) machines.close();
    },
  };
}

const kindOf = ({ len, datamatch, pv }: Registration): string =>
  `${len}${datamatch === undefined ? '' : 'd'}${pv ? 'p' : ''}`;
