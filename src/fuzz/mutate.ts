// Changes to an input that know nothing of what it means.

import type { Random } from './random.js';

/** Numbers at which things change. */
const EDGES = [0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255] as const;

export interface ByteMutation {
  /** Inputs get no longer than this. */
  readonly longest: number;
  /** Inputs keep their length. */
  readonly fixed?: boolean;
  /** Only bytes from here on are changed. */
  readonly from?: number;
}

/** One to eight small changes, and in one of eight cases a piece of the other input. */
export function mutateBytes(random: Random, input: Uint8Array, other: Uint8Array, how: ByteMutation): Uint8Array {
  let bytes: Uint8Array = input.slice();
  for (let changes = 1 << random.below(4); changes > 0; changes--) bytes = change(random, bytes, other, how);
  return bytes;
}

function change(random: Random, bytes: Uint8Array, other: Uint8Array, { longest, fixed, from = 0 }: ByteMutation) {
  const room = bytes.length - from;
  if (room <= 0) return fixed === true ? bytes : insert(random, bytes, bytes.length, longest);
  const at = from + random.below(room);
  const most = Math.min(16, bytes.length - at);
  const length = 1 + random.below(most);
  switch (random.below(fixed === true ? 7 : 10)) {
    case 0:
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      bytes[at] = random.next();
      return bytes;
    case 2:
      bytes[at] = random.pick(EDGES);
      return bytes;
    case 3: {
      // a little-endian number of 1, 2 or 4 bytes, a little more or less
      let carry = random.below(33) - 16;
      for (let i = 0, width = 1 << random.below(3); i < width && at + i < bytes.length; i++) {
        carry += bytes[at + i]!;
        bytes[at + i] = carry;
        carry >>= 8;
      }
      return bytes;
    }
    case 4:
      bytes.copyWithin(at, from + random.below(room), from + random.below(room) + length);
      return bytes;
    case 5: {
      const value = random.pick([0, 0xff, 0x80, random.below(256)]);
      bytes.fill(value, at, at + length);
      return bytes;
    }
    case 6: {
      // a piece of the other input, from where it stands there or from anywhere
      const start = random.oneIn(2) ? at : random.below(Math.max(1, other.length));
      bytes.set(other.subarray(start, start + most), at);
      return bytes;
    }
    case 7:
      return insert(random, bytes, at, longest);
    case 8: {
      if (bytes.length - length < 1) return bytes;
      bytes.copyWithin(at, at + length);
      return bytes.slice(0, bytes.length - length);
    }
    default: {
      // the beginning of one and the end of the other
      const rest = other.subarray(random.below(other.length + 1));
      const joined = new Uint8Array(Math.min(longest, at + rest.length));
      joined.set(bytes.subarray(0, Math.min(at, joined.length)));
      joined.set(rest.subarray(0, joined.length - Math.min(at, joined.length)), Math.min(at, joined.length));
      return joined.length > 0 ? joined : bytes;
    }
  }
}

function insert(random: Random, bytes: Uint8Array, at: number, longest: number): Uint8Array {
  const length = Math.min(1 + random.below(8), longest - bytes.length);
  if (length <= 0) return bytes;
  const grown = new Uint8Array(bytes.length + length);
  grown.set(bytes.subarray(0, at));
  random.fill(grown, at, at + length);
  grown.set(bytes.subarray(at), at + length);
  return grown;
}
