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
  CPL,
  MMU,
  TLB_NOW,
  ARENA_TLB,
  TLB_SIZE,
  TLB_SUPERVISOR,
  TLB_SUPERVISOR_AC,
  TLB_USER,
} from '../state';
import { CR4_SMAP } from './format';
import { initTlb, updateJumpKey } from './tlb';

const ATTRIBUTE_L: u32 = 1 << 13;
const ATTRIBUTE_DB: u32 = 1 << 14;
const RFLAGS_AC: u64 = 1 << 18;

/** To be called after anything that could change CS, SS, EFER.LMA, CR0.PE, CR4.SMAP, RFLAGS.VM or RFLAGS.AC. */
export function modeChanged(): void {
  const cs = load<u32>(segment(SEG_CS), SEGMENT_ATTRIBUTES);
  const ss = load<u32>(segment(SEG_SS), SEGMENT_ATTRIBUTES);
  let mode: u32 = 0;
  if (isLongMode() && cs & ATTRIBUTE_L)
    mode = 2; // SS.B means nothing here: one mode, not two
  else mode = (cs & ATTRIBUTE_DB ? 1 : 0) | (ss & ATTRIBUTE_DB ? 4 : 0);
  store<u32>(cpu, mode, MODE);

  let cpl: u32 = 0;
  if (isProtected()) cpl = isV86() ? 3 : (ss >> 5) & 3;
  store<u32>(cpu, cpl, CPL);

  let mmu = TLB_SUPERVISOR;
  if (cpl == 3) mmu = TLB_USER;
  else if (load<u64>(cpu, CR4) & CR4_SMAP && load<u64>(cpu, RFLAGS) & RFLAGS_AC) mmu = TLB_SUPERVISOR_AC;
  store<u32>(cpu, mmu, MMU);
  store<u32>(cpu, arena + ARENA_TLB + <usize>mmu * TLB_SIZE, TLB_NOW);
  updateJumpKey();
}

/** A vCPU's paging state made anew (also after attach() to an arena never used): nothing cached, mode as the registers say. */
export function init(): void {
  initTlb();
  modeChanged();
}
