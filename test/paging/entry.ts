// What the paging tests need of the core, compiled on its own (harness.ts) with a stub in place of the block cache.

import { translate as translateAny } from '../../assembly/paging/access';
import { forgetWalk } from '../../assembly/paging/translation';
import { setEmulating as setEmulatingState } from '../../assembly/state';

/** An exported function with an optional parameter would want its caller to announce how many it gives. */
export function translate(linear: u64, access: u32, mmu: u32, size: u32): usize {
  return translateAny(linear, access, mmu, size);
}

/** As the emulator does it: each time for a new instruction, whose operands have not been walked yet. */
export function setEmulating(value: bool): void {
  forgetWalk();
  setEmulatingState(value);
}

export {
  attach,
  setRaised,
  raised,
  MEMORY_FREE,
  VCPUS,
  ARENAS,
  CODE_MAP,
  CR0,
  CR3,
  CR4,
  EFER,
  RFLAGS,
  FEATURES,
  PHYSICAL_BITS,
  NESTED,
  NESTED_ROOT,
  SHADOW_ROOT,
  PDPTE,
  SEGMENTS,
  SEGMENT_SIZE,
  SEGMENT_ATTRIBUTES,
  MODE,
  CPL,
  MMU,
  EPOCH,
  TLB_NOW,
  JUMP_KEY,
  RAISED_VECTOR,
  RAISED_ERROR,
  RAISED_HAS_ERROR,
  RAISED_CR2,
  EXIT_REASON,
  EXIT_INFO,
  EXIT_QUALIFICATION,
  EXIT_GPA,
  EXIT_GLA,
  EXIT_DATA,
  COUNT_WALKS,
  ARENA_READS,
  ARENA_WRITES,
  ARENA_JUMPS,
  ARENA_SIZE,
  ARENA_TLB,
  TLB_SIZE,
  TLB_READ,
  TLB_WRITE,
} from '../../assembly/state';
export {
  lastGpa,
  lastMmio,
  lastCode,
  crossed,
  fetchPage,
  probe,
  readAs,
  writeAs,
  read8,
  read16,
  read32,
  read64,
  write8,
  write16,
  write32,
  write64,
  systemRead32,
  systemWrite32,
  flushAll,
  flushNonGlobal,
  flushPage,
  dropWritable,
  dropWritableIn,
  newEpoch,
  init,
  modeChanged,
  loadPdptes,
  loadPdptesFrom,
  setStackAccess,
  readCount,
  readNext,
  writeCount,
  resetMmio,
  rewindMmio,
  setReadCount,
} from '../../assembly/paging/access';
export { walkTrace, setWalkTrace } from '../../assembly/paging/trace';
export { codeAddress, codeSize, codeCalls } from '../../assembly/decode/block';
