// A number in hexadecimal: groups of four digits that are set apart by space alone, so that it is copied in one piece, and
// selected by one click; leading zeros stand back.

import type { JSX } from 'preact';
import { groups, hex } from '../../../machine/hex.js';
import './hex.css';

export function Hex({ value, digits }: { value: bigint | number | string; digits: number }): JSX.Element {
  const text = typeof value === 'string' ? value : hex(value, digits);
  const zeros = Math.min(/^0*/.exec(text)![0].length, text.length - 1);
  let at = 0;
  return (
    <code class="hex">
      {groups(text).map((group) => {
        const leading = Math.min(Math.max(zeros - at, 0), group.length);
        at += group.length;
        return (
          <span key={at}>
            {leading > 0 && <span class="zeros">{group.slice(0, leading)}</span>}
            {group.slice(leading)}
          </span>
        );
      })}
    </code>
  );
}
