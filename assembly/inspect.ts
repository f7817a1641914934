// Everything the inspector exports, through as-bind: what people read of the CPU's own decoder and tables. A module of
// its own because strings and arrays need the managed runtime, which the core must not have.

import { name, NAME_COUNT } from './decode/names';
import { initTables } from './decode/tables';
import { coverageLines } from './inspect/coverage';
import { listingOf } from './inspect/listing';
import { walkOf } from './inspect/walk';
import { attach, TABLES, TABLES_SIZE } from './state';

// This module's memory is its own: below its static data it has the one state page and the tables that decoding needs
// (memoryBase in asconfig.json).
assert(changetype<usize>('static') >= TABLES + TABLES_SIZE, 'the tables would overwrite static data');
attach(0);
initTables();

/**
 * Disassembly of up to `count` instructions from `bytes`, which stand at linear address `address` of a code segment of
 * `bits` (16, 32 or 64): address, bytes and text in Intel's syntax, one instruction a line.
 */
export function listing(bytes: Uint8Array, address: u64, bits: i32, count: i32): string {
  return listingOf(bytes, address, bits, count);
}

/** Every instruction of the opcode tables: opcode and conditions, mnemonic, operand codes, implemented or not, number of its row; by tabs. */
export function coverage(): string[] {
  return coverageLines();
}

/**
 * A page walk, one line a table entry, from the records that the core's trace made. `paging` is the format of the
 * guest's tables: 2 for 32-bit entries, 3 for PAE, 4 or 5 for that many levels.
 */
export function walk(records: Uint8Array, paging: i32): string {
  return walkOf(records, paging);
}

/** Mnemonics in the order of Operation: names for the counts that the core keeps by number. */
export function operationNames(): string[] {
  const names = new Array<string>();
  for (let operation: u32 = 0; operation < NAME_COUNT; operation++) names.push(name(<u16>operation));
  return names;
}
