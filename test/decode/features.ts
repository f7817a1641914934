// The FEATURE_* bits' names and numbers, read from assembly/state.ts, and the features that iced-x86 gives an instruction in
// those names.

import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../../assembly/state.ts', import.meta.url), 'utf8');

/** Feature names; the index is what a row or the record holds: the bit's number plus 1, 0 = none. */
export const FEATURES: string[] = ['none'];
for (const [, name = '', shift, value] of source.matchAll(/const FEATURE_(\w+): u64 = (?:1 << (\d+)|(\d+));/g))
  FEATURES[(shift === undefined ? Math.log2(Number(value)) : Number(shift)) + 1] = name;

const RENAMED: Record<string, string> = {
  SSE4_1: 'SSE41',
  SSE4_2: 'SSE42',
  CLFSH: 'CLFLUSH',
  FPU287: 'FPU',
  FPU387: 'FPU',
};
/** A feature that the other implies, or that goes without saying where it is there: iced names both. */
const WEAKER: readonly (readonly [string, string])[] = [
  ['AES', 'AVX'],
  ['PCLMULQDQ', 'AVX'],
  ['SSE3', 'FPU'],
];

/** What the record should hold for an instruction that needs iced's features `names`. */
export function featureNumber(names: readonly string[]): number {
  let known = [...new Set(names.map((name) => RENAMED[name] ?? name))].filter((name) => FEATURES.includes(name));
  for (const [stronger, weaker] of WEAKER)
    if (known.includes(stronger)) known = known.filter((name) => name !== weaker);
  if (known.length > 1) throw new Error(`iced has an instruction that needs ${known.join(' and ')}`);
  return Math.max(0, FEATURES.indexOf(known[0] ?? 'none'));
}
