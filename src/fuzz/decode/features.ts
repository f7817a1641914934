// The features that an instruction needs: as the core's record holds them, and as iced-x86 names them.

import { CPU_FEATURES } from '../../vmm/cpu-features.js';

const PREFIX = 'FEATURE_';
/** Of an instruction that every processor has. */
export const NO_FEATURE = 'none';

/** The core's names, without FEATURE_. */
const KNOWN: ReadonlySet<string> = new Set(
  Object.values(CPU_FEATURES).flatMap(({ core }) => (core === undefined ? [] : [core.slice(PREFIX.length)])),
);

/** Names by what the record holds: the number of the feature's bit plus 1, 0 = none. */
export function featureNames(constant: (name: string) => number): string[] {
  const names = [NO_FEATURE];
  for (const name of KNOWN) names[Math.log2(constant(PREFIX + name)) + 1] = name;
  return names;
}

const RENAMED: Readonly<Record<string, string>> = {
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

/** The feature for an instruction that needs iced's features `names`. */
export function featureName(names: readonly string[]): string {
  let known = [...new Set(names.map((name) => RENAMED[name] ?? name))].filter((name) => KNOWN.has(name));
  for (const [stronger, weaker] of WEAKER)
    if (known.includes(stronger)) known = known.filter((name) => name !== weaker);
  if (known.length > 1) throw new Error(`iced has an instruction that needs ${known.join(' and ')}`);
  return known[0] ?? NO_FEATURE;
}
