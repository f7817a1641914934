// Reads `--cpu`: a level, then `vendor=` and changes to the level's features, with commas between.

import { CPU_FEATURES, CPU_LEVELS } from '../vmm/cpu-features.js';
import type { CpuOptions } from '../vmm/cpuid.js';
import { UsageError } from './failure.js';

const VENDORS = ['intel', 'amd'] as const;

/** `v3`, `v2,vendor=amd,+aes,-popcnt`; the level may be left out. Throws UsageError naming the part that is wrong. */
export function cpuModel(text: string): CpuOptions {
  const parts = text.split(',');
  const level = CPU_LEVELS.find((each) => each === parts[0]);
  if (level !== undefined) parts.shift();
  const features: string[] = [];
  let vendor: CpuOptions['vendor'];
  for (const part of parts) {
    if (part.startsWith('vendor=')) {
      vendor = VENDORS.find((each) => each === part.slice(7));
      if (vendor === undefined)
        throw new UsageError(`--cpu: vendor is ${VENDORS.join(' or ')}, not '${part.slice(7)}'`);
    } else if (/^[+-]/.test(part)) {
      if (!Object.hasOwn(CPU_FEATURES, part.slice(1))) {
        throw new UsageError(
          `--cpu: no feature is called '${part.slice(1)}'; there are ${Object.keys(CPU_FEATURES).join(', ')}`,
        );
      }
      features.push(part);
    } else {
      throw new UsageError(
        `--cpu takes a level (${CPU_LEVELS.join(', ')}), vendor=intel or amd, and features with + or -, not '${part}'`,
      );
    }
  }
  return {
    ...(level === undefined ? {} : { level }),
    ...(vendor === undefined ? {} : { vendor }),
    features,
  };
}
