// Pieces of an image on their way into guest memory, and the checks that they all get.

import { objectionTo } from '../memory-map.js';
import { ImageError } from './image-error.js';
import type { BootTarget } from './loader.js';

/** Bytes that go to `start`; up to `end` memory belongs to the segment and is zero. */
export interface Segment {
  /** For messages: "ELF segment 0 at 0x100000". */
  readonly what: string;
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

export function hexAddress(address: number): string {
  return `0x${address.toString(16)}`;
}

/** Throws ImageError if a segment is not in RAM, or overlaps another or what is `reserved`. */
export function checkSegments(segments: readonly Segment[], ram: number, reserved: readonly Segment[]): void {
  const others = [...reserved];
  for (const segment of segments) {
    const objection = objectionTo(segment.start, segment.end, ram);
    if (objection !== undefined) throw new ImageError(`${segment.what} (to ${hexAddress(segment.end)}) ${objection}`);
    const other = others.find(({ start, end }) => segment.start < end && start < segment.end);
    if (other !== undefined) {
      throw new ImageError(`${segment.what} (to ${hexAddress(segment.end)}) overlaps ${other.what}`);
    }
    others.push(segment);
  }
}

/** Memory is zero when a machine is switched on, so only the bytes are written. */
export function writeSegments(segments: readonly Segment[], { memory }: BootTarget): void {
  for (const { start, bytes } of segments) memory.write(start, bytes);
}
