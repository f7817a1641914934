// What of a trace is wanted: exits by reason and by address.

import { EXIT_NAMES } from '../../vmm/exit-stats.js';
import type { TracedExit } from '../../vmm/exit-trace.js';
import { UsageError } from '../failure.js';

/** First and last address. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

export interface TraceFilter {
  readonly reasons: ReadonlySet<string> | undefined;
  readonly addresses: readonly AddressRange[];
}

/** Reads --reason: names of exits, in any case, with commas between. */
export function reasonNames(text: string, before: string[] | undefined): string[] {
  const names = text.split(',').map((name) => name.toUpperCase());
  for (const name of names) {
    if (EXIT_NAMES.includes(name)) continue;
    throw new UsageError(`--reason takes ${EXIT_NAMES.join(', ')}, not '${name}'`);
  }
  return [...(before ?? []), ...names];
}

const NUMBER = /^(?:0x[0-9a-f]+|\d+)$/i;

/** Reads --addr: FROM or FROM-TO, both included. */
export function addressRange(text: string, before: AddressRange[] | undefined): AddressRange[] {
  const [first = '', last = first, ...more] = text.split('-');
  if (more.length > 0 || !NUMBER.test(first) || !NUMBER.test(last) || BigInt(last) < BigInt(first)) {
    throw new UsageError(
      `--addr takes an address or two with a - between, such as 0xfee00000-0xfee00fff, not '${text}'`,
    );
  }
  return [...(before ?? []), { from: BigInt(first), to: BigInt(last) }];
}

function meets(ranges: readonly AddressRange[], address: bigint, size: number): boolean {
  const end = address + BigInt(Math.max(1, size)) - 1n;
  return ranges.length === 0 || ranges.some(({ from, to }) => address <= to && end >= from);
}

/** With addresses, one of the exit's accesses has to touch one of them: guest-physical, port, or register number. */
export function wantsExit({ reasons, addresses }: TraceFilter, exit: TracedExit): boolean {
  if (reasons !== undefined && !reasons.has(exit.reason)) return false;
  if (addresses.length === 0) return true;
  return exit.accesses.some(({ address, size, space }) => meets(addresses, address, space === 'msr' ? 1 : size));
}

/** Of an instruction the linear address counts; reasons have nothing to say about it. */
export function wantsInstruction({ addresses }: TraceFilter, address: bigint): boolean {
  return meets(addresses, address, 1);
}
