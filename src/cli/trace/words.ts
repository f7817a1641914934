// An exit in words: what was accessed, and how it was answered.

import type { TracedAccess, TracedExit } from '../../vmm/exit-trace.js';

export const hexWord = (value: bigint | number): string => `0x${value.toString(16)}`;

const PLACE = { memory: 'gpa', port: 'port', msr: 'msr' } as const;

function accessWords({ space, direction, address, size, data }: TracedAccess): string {
  const width = size === 0 || space === 'msr' ? '' : ` ${size} byte${size === 1 ? '' : 's'}`;
  const value = data === undefined ? '' : ` = ${hexWord(data)}`;
  return `${direction} ${PLACE[space]} ${hexWord(address)}${width}${value}`;
}

/** `write gpa 0xfe000000 4 bytes = 0x1`; of CPUID the leaf and the answer. */
export function detailWords({ accesses, cpuid }: TracedExit): string {
  if (cpuid !== undefined) {
    const [leaf, subleaf, ...answer] = cpuid.map(hexWord);
    return `leaf ${leaf} subleaf ${subleaf} = ${answer.join(' ')}`;
  }
  return accesses.map(accessWords).join('; ');
}

/** What became of it. */
export function answerWords({ answer, decodes, walks }: TracedExit): string {
  const work = [
    ...(decodes === 0 ? [] : [`${decodes} decode${decodes === 1 ? '' : 's'}`]),
    ...(walks === 0 ? [] : [`${walks} walk${walks === 1 ? '' : 's'}`]),
  ];
  return [answer, ...work].join(', ');
}
