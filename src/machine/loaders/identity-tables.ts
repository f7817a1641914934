// Page tables for an entry in 64-bit mode: the first 4 GiB, each linear address its own physical one, in 2 MiB pages
// (SDM vol. 3, 4.5).

const PAGE = 4096;
const ENTRIES = 512;
const GIB_COUNT = 4;
const LARGE_PAGE = 0x20_0000n;
const PRESENT = 0x1n;
const WRITABLE = 0x2n;
const LARGE = 0x80n;

/** A PML4, a page-directory-pointer table and four page directories, for the address where they will lie. */
export function identityTables(address: number): Uint8Array {
  const tables = new BigUint64Array((2 + GIB_COUNT) * ENTRIES);
  const at = (index: number): bigint => BigInt(address + index * PAGE) | PRESENT | WRITABLE;
  tables[0] = at(1);
  for (let gib = 0; gib < GIB_COUNT; gib++) tables[ENTRIES + gib] = at(2 + gib);
  for (let page = 0; page < GIB_COUNT * ENTRIES; page++) {
    tables[2 * ENTRIES + page] = (BigInt(page) * LARGE_PAGE) | PRESENT | WRITABLE | LARGE;
  }
  return new Uint8Array(tables.buffer);
}
