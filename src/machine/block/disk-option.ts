// A disk as people write it: FILE[,snapshot][,readonly].

import { BlockError } from './block-backend.js';

export interface DiskRequest {
  readonly file: string;
  /** What the guest writes is kept in memory and forgotten at the end; the file is opened for reading. */
  readonly snapshot: boolean;
  readonly readOnly: boolean;
}

/** Words are taken from the end, so that a name may have commas in it. Throws BlockError. */
export function parseDisk(text: string): DiskRequest {
  let file = text;
  let snapshot = false;
  let readOnly = false;
  for (;;) {
    const word = /,(snapshot|readonly)$/.exec(file);
    if (word === null) break;
    file = file.slice(0, word.index);
    if (word[1] === 'snapshot') snapshot = true;
    else readOnly = true;
  }
  if (file === '') throw new BlockError(`disk "${text}": there is no file name; it is FILE[,snapshot][,readonly]`);
  if (snapshot && readOnly) throw new BlockError(`disk ${file}: snapshot and readonly exclude one another`);
  return { file, snapshot, readOnly };
}
