// The seed corpora: `node fuzzing/seeds.mjs decode|paging DIRECTORY` writes one file a seed. For decode instructions of
// every map and a few prefixes, in each code size; for paging one input for each mode that does a little of everything.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [target, directory] = process.argv.slice(2);
if ((target !== 'decode' && target !== 'paging') || directory === undefined) {
  process.stderr.write('usage: node fuzzing/seeds.mjs decode|paging DIRECTORY\n');
  process.exit(2);
}
mkdirSync(directory, { recursive: true });

/** @type {number[][]} */
const seeds = [];
if (target === 'decode') {
  const prefixes = [[], [0x66], [0xf2], [0xf3], [0x48], [0x66, 0x48]];
  const maps = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
  // ModRM with SIB and a 32-bit displacement, and enough of an immediate behind
  const rest = [0x84, 0x88, 1, 2, 3, 4, 5, 6, 7];
  for (const size of [0, 1, 2])
    for (const prefix of prefixes)
      for (const map of maps)
        for (let opcode = 0; opcode < 256; opcode += 16)
          seeds.push([size, ...prefix, ...map, opcode + (seeds.length % 16), ...rest].slice(0, 16));
  for (const size of [1, 2])
    for (let map = 1; map <= 3; map++)
      for (let pp = 0; pp < 4; pp++)
        seeds.push(
          [size, 0xc4, 0xe0 | map, 0x78 | pp, 0x58, ...rest].slice(0, 16),
          [size, 0xc5, 0xf8 | pp, 0x58, ...rest].slice(0, 16),
        );
} else {
  for (let nested = 0; nested < 2; nested++)
    for (let paging = 0; paging < 5; paging++)
      for (const flags of [0, 0x1f, 0xff, 0xe1])
        seeds.push([
          nested,
          paging,
          flags,
          0,
          0,
          ...[3, 0x00, 0x00, 0x10, 0x00, 4, 0x09, 0x05, 0x20, 0x00],
          ...[0, 0x02, 0x18, 0x07, 3, 0x40, 0x00, 3, 0x01, 0x40, 0x00, 0x00],
          ...[1, 0x03, 0x37, 0x04, 3, 0x49, 0x11, 0x08, 0x00, 5, 0x11, 0x44, 0xf8, 0x0f],
        ]);
}
for (const [index, seed] of seeds.entries()) writeFileSync(join(directory, `seed-${index}`), Uint8Array.from(seed));
