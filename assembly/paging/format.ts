// Bits of the x86 page-table formats (SDM vol. 3, 4.3-4.5; AMD APM vol. 2, 5.3-5.4), of page-fault error codes, and the
// form in which the walkers hand back what they found.

export const PTE_P: u64 = 1;
export const PTE_W: u64 = 2;
export const PTE_U: u64 = 4;
export const PTE_A: u64 = 0x20;
export const PTE_D: u64 = 0x40;
export const PTE_PS: u64 = 0x80;
export const PTE_G: u64 = 0x100;
/** Marks MMIO in tables that the hypervisor makes: no address bit there, since linear memory ends at 4 GiB. */
export const PTE_MMIO: u64 = 1 << 51;
export const PTE_NX: u64 = 1 << 63;
/** Address bits of any 64-bit entry, CR3 or EPTP. */
export const ADDRESS: u64 = 0x000ffffffffff000;
export const PAGE_MASK: u64 = ~0xfff;

/** Page-fault error code (SDM vol. 3, 4.7). */
export const ERROR_P: u32 = 1;
export const ERROR_W: u32 = 2;
export const ERROR_U: u32 = 4;
export const ERROR_RSVD: u32 = 8;
export const ERROR_ID: u32 = 16;

/**
 * A walk's result: the address of the 4 KiB page (also inside a large page) and, in the low bits, FOUND, whether the page
 * may be written without another walk (rights and dirty flag), whether it is global, log2 of the size of the page that
 * mapped it. 0 = nothing found; why stands elsewhere.
 */
export const FOUND: u64 = 1;
export const FOUND_WRITABLE: u64 = 2;
export const FOUND_GLOBAL: u64 = 4;
export const FOUND_SHIFT: u64 = 4;
// @ts-ignore: decorator
@inline export function foundShift(found: u64): u32 {
  return (<u32>(found >> FOUND_SHIFT)) & 63;
}

/** How to walk; everything that decides over a walk in one number, so that walks can nest. Bits 0-2 are the access. */
export const HOW_USER: u32 = 1 << 3;
/** Supervisor writes respect the writable bit (CR0.WP). */
export const HOW_WP: u32 = 1 << 4;
/** Supervisor code may not be fetched from user pages. */
export const HOW_SMEP: u32 = 1 << 5;
/** Supervisor data may not be on user pages (CR4.SMAP, and AC does not lift it). */
export const HOW_SMAP: u32 = 1 << 6;
/** Tables are found by host address: NPT and shadow tables. Otherwise through the nested walk. */
export const HOW_HOST: u32 = 1 << 7;
export const HOW_GB_PAGES: u32 = 1 << 8;
export const HOW_GLOBAL: u32 = 1 << 9;
/** The error code tells fetches from reads. */
export const HOW_REPORT_FETCH: u32 = 1 << 10;
/** 32-bit format: the PS bit counts (CR4.PSE). */
export const HOW_PSE: u32 = 1 << 11;
/** Last attempt: set accessed and dirty even if the entry changed meanwhile, so that the loop has an end. */
export const HOW_FORCE: u32 = 1 << 12;

/** Walks that lose a race for an entry begin again, so often. */
export const ATTEMPTS: u32 = 64;

/** May a page with these accumulated rights (PTE_W, PTE_U, PTE_NX) be accessed? SDM vol. 3, 4.6.1. */
export function permitted(rights: u64, how: u32, access: u32): bool {
  if (how & HOW_USER) {
    if (!(rights & PTE_U)) return false;
    if (access & 2 && !(rights & PTE_W)) return false;
  } else {
    if (access & 2 && how & HOW_WP && !(rights & PTE_W)) return false;
    if (rights & PTE_U) {
      if (access & 4 && how & HOW_SMEP) return false;
      if (access & 3 && how & HOW_SMAP) return false;
    }
  }
  return !(access & 4 && rights & PTE_NX);
}

/** Error code of a page fault for this access; `cause` is ERROR_P and ERROR_RSVD as they apply. */
export function errorCode(how: u32, cause: u32): u32 {
  let code = cause | (how & 2) | ((how & HOW_USER) >> 1);
  if (how & 4 && how & HOW_REPORT_FETCH) code |= ERROR_ID;
  return code;
}
