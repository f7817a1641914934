// The key that ends a run from its terminal: a control character, written ^] or ctrl-].

import { UsageError } from './failure.js';

export interface DetachKey {
  /** What the terminal sends. */
  readonly code: number;
  /** For people. */
  readonly name: string;
}

export const DEFAULT_DETACH_KEY: DetachKey = { code: 0x1d, name: 'Ctrl-]' };

/** Of --detach-key: ^X or ctrl-X, X from @, A to Z, [, \, ], ^, _ (the characters of ASCII below 20h); undefined for `none`. */
export function detachKey(text: string): DetachKey | undefined {
  if (text === 'none') return undefined;
  const [, key] = /^(?:\^|ctrl-)([@a-z[\\\]^_])$/i.exec(text) ?? [];
  if (key === undefined) throw new UsageError(`--detach-key takes a key such as ^] or ctrl-a, or none, not '${text}'`);
  const upper = key.toUpperCase();
  return { code: upper.charCodeAt(0) & 0x1f, name: `Ctrl-${upper}` };
}
