// What follows from the control and segment registers: decode mode, privilege level, and which TLB holds for data.

import {
  cpu,
  arena,
  segment,
  isLongMode,
  isProtected,
  isV86,
  SEG_CS,
  SEG_SS,
  SEGMENT_ATTRIBUTES,
  RFLAGS,
  CR4,
  MODE,
  MODE_AVX,
  MODE_SSE,
  MODE_VEX,
  MODE_X87,
  XCR0,
  CPL,
  MMU,
  TLB_NOW,
  ARENA_TLB,
  TLB_SIZE,
  TLB_SUPERVISOR,
  TLB_SUPERVISOR_AC,
  TLB_USER,
  STRICT,
  STRICT_ALIGNMENT,
  STRICT_BREAKPOINTS,
  ARENA_NO_TLB,
  CR0,
  DR,
} from '../state';
import { CR0_AM, CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, CR4_SMAP, XCR0_AVX } from '../control';
import { initTlb, updateJumpKey } from './tlb';

const ATTRIBUTE_L: u32 = 1 << 13;
const ATTRIBUTE_DB: u32 = 1 << 14;
const RFLAGS_AC: u64 = 1 << 18;

/** An enabled breakpoint with R/W = 01 or 11 (SDM vol. 3, 17.2.4). */
function hasDataBreakpoints(): bool {
  const dr7 = <u32>load<u64>(cpu, DR + 7 * 8);
  for (let n: u32 = 0; n < 4; n++) {
    if ((dr7 >> (n * 2)) & 3 && (dr7 >> (16 + n * 4)) & 1) return true;
  }
  return false;
}

/** VEX prefixes are #UD in real and virtual-8086 mode (SDM vol. 2, 2.3.9). */
function hasVex(): bool {
  return isProtected() && !isV86();
}

/** MODE_X87, SSE, AVX: the floating-point and vector registers that instructions may use without #UD or #NM. */
function registersInUse(): u32 {
  const cr0 = load<u64>(cpu, CR0);
  const cr4 = load<u64>(cpu, CR4);
  if (cr0 & CR0_TS) return 0;
  let mode: u32 = 0;
  if (!(cr0 & CR0_EM)) mode = cr4 & CR4_OSFXSR ? MODE_X87 | MODE_SSE : MODE_X87;
  const avx = cr4 & CR4_OSXSAVE && (load<u64>(cpu, XCR0) & XCR0_AVX) == XCR0_AVX;
  if (avx && hasVex()) mode |= MODE_AVX;
  return mode;
}

/**
 * To be called after anything that could change CS, SS, EFER.LMA, CR0.PE, AM, EM or TS, CR4.SMAP, OSFXSR or OSXSAVE, XCR0,
 * RFLAGS.VM or AC, or DR7.
 */
export function modeChanged(): void {
  const cs = load<u32>(segment(SEG_CS), SEGMENT_ATTRIBUTES);
  const ss = load<u32>(segment(SEG_SS), SEGMENT_ATTRIBUTES);
  let mode: u32 = 0;
  if (isLongMode() && cs & ATTRIBUTE_L)
    mode = 2; // SS.B means nothing here: one mode, not two
  else mode = (cs & ATTRIBUTE_DB ? 1 : 0) | (ss & ATTRIBUTE_DB ? 4 : 0);
  if (hasVex()) mode |= MODE_VEX;
  store<u32>(cpu, mode | registersInUse(), MODE);

  let cpl: u32 = 0;
  if (isProtected()) cpl = isV86() ? 3 : (ss >> 5) & 3;
  store<u32>(cpu, cpl, CPL);

  let mmu = TLB_SUPERVISOR;
  if (cpl == 3) mmu = TLB_USER;
  else if (load<u64>(cpu, CR4) & CR4_SMAP && load<u64>(cpu, RFLAGS) & RFLAGS_AC) mmu = TLB_SUPERVISOR_AC;
  store<u32>(cpu, mmu, MMU);
  let strict: u32 = 0;
  if (cpl == 3 && load<u64>(cpu, CR0) & CR0_AM && load<u64>(cpu, RFLAGS) & RFLAGS_AC) strict = STRICT_ALIGNMENT;
  if (hasDataBreakpoints()) strict |= STRICT_BREAKPOINTS;
  store<u32>(cpu, strict, STRICT);
  const tlb = strict ? ARENA_NO_TLB : ARENA_TLB + <usize>mmu * TLB_SIZE;
  store<u32>(cpu, arena + tlb, TLB_NOW);
  updateJumpKey();
}

/** A vCPU's paging state made anew (also after attach() to an arena never used): nothing cached, mode as the registers say. */
export function init(): void {
  initTlb();
  memory.fill(arena + ARENA_NO_TLB, 0xff, TLB_SIZE);
  modeChanged();
}
