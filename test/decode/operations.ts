// The operations' names and numbers, read from assembly/decode/operation.ts: its `const enum` exists only while
// AssemblyScript compiles.

import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../../assembly/decode/operation.ts', import.meta.url), 'utf8');
const body = /enum Operation \{([^}]*)\}/.exec(source)?.[1] ?? '';

/** Operation names in order: the index is the operation's number. */
export const OPERATIONS: readonly string[] = body
  .replace(/\/\/.*$/gm, '')
  .split(',')
  .map((name) => name.trim().replace(/ = 0$/, ''))
  .filter((name) => name !== '');

/** The number of the operation called `name`; undefined if there is none. */
export function operationNumber(name: string): number | undefined {
  const index = OPERATIONS.indexOf(name);
  return index < 0 ? undefined : index;
}
