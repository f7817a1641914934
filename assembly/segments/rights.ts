// Segment attributes as state.ts keeps them (VT-x access rights, SDM vol. 3, 25.4.1), descriptors and selectors: the bits
// that segmentation and event delivery test.

/** Type bits of a code or data segment (S = 1). */
export const RIGHTS_ACCESSED: u32 = 1;
/** Data: writable. Code: readable. */
export const RIGHTS_WRITABLE: u32 = 2;
/** Data: expand-down. Code: conforming. */
export const RIGHTS_EXPAND_DOWN: u32 = 4;
export const RIGHTS_CONFORMING: u32 = 4;
export const RIGHTS_CODE: u32 = 8;
export const RIGHTS_S: u32 = 0x10;
export const RIGHTS_DPL_SHIFT: u32 = 5;
export const RIGHTS_LONG: u32 = 0x2000;
export const RIGHTS_BIG: u32 = 0x4000;
export const RIGHTS_GRANULAR: u32 = 0x8000;
export const RIGHTS_UNUSABLE: u32 = 0x10000;

/** Bits of a descriptor's upper doubleword (SDM vol. 3, 3.4.5). */
export const HIGH_ACCESSED: u32 = 0x100;
export const HIGH_WRITABLE: u32 = 0x200;
export const HIGH_CONFORMING: u32 = 0x400;
export const HIGH_CODE: u32 = 0x800;
export const HIGH_S: u32 = 0x1000;
export const HIGH_PRESENT: u32 = 0x8000;
export const HIGH_LONG: u32 = 0x200000;
export const HIGH_BIG: u32 = 0x400000;
export const HIGH_GRANULAR: u32 = 0x800000;
export const HIGH_BUSY: u32 = 0x200;

/** System descriptor types (SDM vol. 3, table 3-2). */
export const TYPE_TSS16: u32 = 1;
export const TYPE_LDT: u32 = 2;
export const TYPE_TSS16_BUSY: u32 = 3;
export const TYPE_CALL16: u32 = 4;
export const TYPE_TASK: u32 = 5;
export const TYPE_INTERRUPT16: u32 = 6;
export const TYPE_TRAP16: u32 = 7;
export const TYPE_TSS32: u32 = 9;
export const TYPE_TSS32_BUSY: u32 = 0xb;
export const TYPE_CALL32: u32 = 0xc;
export const TYPE_INTERRUPT32: u32 = 0xe;
export const TYPE_TRAP32: u32 = 0xf;

// @ts-ignore: decorator
@inline export function highDpl(high: u32): u32 {
  return (high >> 13) & 3;
}
// @ts-ignore: decorator
@inline export function highType(high: u32): u32 {
  return (high >> 8) & 15;
}
// @ts-ignore: decorator
@inline export function isNull(selector: u32): bool {
  return (selector & 0xfffc) == 0;
}
