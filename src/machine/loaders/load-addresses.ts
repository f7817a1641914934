// Images whose Multiboot header says where they go (Multiboot 0.6.96, 3.1.3; Multiboot 2, 3.1.5): in these fields both
// versions agree.

import { ImageError } from './image-error.js';
import { hexAddress, type Segment } from './segments.js';

export interface LoadAddresses {
  /** Where the header itself belongs. */
  readonly header: number;
  readonly load: number;
  /** 0: to the end of the file. */
  readonly loadEnd: number;
  /** 0: no bss. */
  readonly bssEnd: number;
  readonly entry: number;
}

/** Throws ImageError, which begins with `what`, if the fields contradict each other or the image. */
export function placeByAddresses(
  image: Uint8Array,
  what: string,
  offset: number,
  { header, load, loadEnd, bssEnd, entry }: LoadAddresses,
): Segment {
  const bad = (why: string): never => {
    throw new ImageError(`${what}: ${why}`);
  };
  if (load > header) bad(`load_addr ${hexAddress(load)} is above header_addr ${hexAddress(header)}`);
  const from = offset - (header - load);
  if (from < 0) bad(`load_addr ${hexAddress(load)} is ${-from} bytes before the image's first byte`);
  if (loadEnd !== 0 && loadEnd < load) {
    bad(`load_end_addr ${hexAddress(loadEnd)} is below load_addr ${hexAddress(load)}`);
  }
  const length = loadEnd === 0 ? image.length - from : loadEnd - load;
  if (from + length > image.length) {
    bad(`${length} bytes are to be loaded from offset ${from}, but the image has ${image.length}`);
  }
  const dataEnd = load + length;
  if (bssEnd !== 0 && bssEnd < dataEnd) {
    bad(`bss_end_addr ${hexAddress(bssEnd)} is below the end of the data ${hexAddress(dataEnd)}`);
  }
  const end = bssEnd === 0 ? dataEnd : bssEnd;
  if (entry < load || entry >= end) {
    bad(`entry_addr ${hexAddress(entry)} is outside of what is loaded, ${hexAddress(load)}…${hexAddress(end - 1)}`);
  }
  const bytes = image.subarray(from, from + length);
  return { what: `the image at ${hexAddress(load)}`, start: load, end, bytes };
}
