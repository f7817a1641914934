// The decoder alone, for the tests: attach, the tables, decode, and the layout of what it fills in.

import { decode } from '../../assembly/decode/decoder';

export * from '../../assembly/state';
export * from '../../assembly/decode/insn';
export * from '../../assembly/decode/table';
export { initTables } from '../../assembly/decode/tables';
export { decode } from '../../assembly/decode/decoder';

/** Decodes `count` byte strings of 16 bytes each, one after another: the cost of decode() without the call from JavaScript. Returns the sum of the results. */
export function decodeMany(bytes: usize, count: u32, codeSize: u32): i32 {
  let sum: i32 = 0;
  for (let i: u32 = 0; i < count; i++) sum += decode(bytes + i * 16, 15, codeSize);
  return sum;
}
