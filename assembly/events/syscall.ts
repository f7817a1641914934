// The fast system calls: SYSCALL and SYSRET, SYSENTER and SYSEXIT, and SWAPGS (SDM vol. 2; AMD APM vol. 3 where
// FEATURE_INTEL is off). They load fixed segment caches; no descriptor is read.

import {
  CPL,
  EFER,
  FEATURES,
  FEATURE_INTEL,
  GPR,
  MSR_CSTAR,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_SFMASK,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  NEXT_RIP,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEG_CS,
  SEG_GS,
  SEG_SS,
  cpu,
  is64,
  isLongMode,
  isProtected,
  raise,
  raiseError,
  segment,
} from '../state';
import { EFER_SCE } from '../control';
import { VECTOR_GP, VECTOR_UD } from '../vectors';
import { getFlags, IF, RF, setFlags, VM } from '../flags';
import { modeChanged } from '../paging/tlb';
import { currentLevel, storeSegment } from '../segments/descriptor';
import { isCanonical } from '../segments/linear';
import { STACK_POINTER } from '../segments/stack';

// @ts-ignore: decorator
@inline const RCX: usize = GPR + 1 * 8;
// @ts-ignore: decorator
@inline const RDX: usize = GPR + 2 * 8;
// @ts-ignore: decorator
@inline const R11: usize = GPR + 11 * 8;

// Flat, accessed, present; G set.
const CODE32: u32 = 0xc09b;
const CODE64: u32 = 0xa09b;
const DATA: u32 = 0xc093;
const USER: u32 = 0x60;

function isIntel(): bool {
  return (load<u64>(cpu, FEATURES) & FEATURE_INTEL) != 0;
}

function loadFlat(code: u32, codeRights: u32, stack: u32, level: u32): void {
  const user: u32 = level == 3 ? USER : 0;
  storeSegment(SEG_CS, code & 0xffff, 0, 0xffffffff, codeRights | user);
  storeSegment(SEG_SS, stack & 0xffff, 0, 0xffffffff, DATA | user);
  store<u32>(cpu, level, CPL);
}

export function syscall(): void {
  const long = is64();
  if ((load<u64>(cpu, EFER) & EFER_SCE) == 0 || !isProtected() || (isIntel() && !long)) {
    raise(VECTOR_UD);
    return;
  }
  const star = load<u64>(cpu, MSR_STAR);
  const selector = (<u32>(star >> 32)) & 0xfffc;
  const flags = getFlags();
  store<u64>(cpu, load<u64>(cpu, NEXT_RIP), RCX);
  if (isLongMode()) {
    store<u64>(cpu, <u64>(flags & ~RF), R11);
    loadFlat(selector, CODE64, selector + 8, 0);
    setFlags(flags & ~(<u32>load<u64>(cpu, MSR_SFMASK)) & ~RF);
    store<u64>(cpu, load<u64>(cpu + (long ? MSR_LSTAR : MSR_CSTAR)), NEXT_RIP);
  } else {
    loadFlat(selector, CODE32, selector + 8, 0);
    setFlags(flags & ~(IF | VM | RF));
    store<u64>(cpu, star & 0xffffffff, NEXT_RIP);
  }
  modeChanged();
}

/** `size` 3: to 64-bit code. */
export function sysret(size: u32): void {
  const intel = isIntel();
  if ((load<u64>(cpu, EFER) & EFER_SCE) == 0 || !isProtected() || (intel && !is64())) {
    raise(VECTOR_UD);
    return;
  }
  const target = load<u64>(cpu, RCX);
  // Intel checks RCX while still at level 0, with the user's RSP loaded (CVE-2012-0217); AMD faults at the target.
  if (currentLevel() != 0 || (intel && size == 3 && !isCanonical(target))) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  const base = <u32>(load<u64>(cpu, MSR_STAR) >> 48);
  const ss = segment(SEG_SS);
  // AMD leaves SS's cache alone except for the level (APM vol. 3, SYSRET).
  const kept = load<u32>(ss, SEGMENT_ATTRIBUTES) | USER;
  const keptBase = load<u64>(ss, SEGMENT_BASE);
  const wide = size == 3 && is64();
  const keptLimit = load<u32>(ss, SEGMENT_LIMIT);
  loadFlat((wide ? base + 16 : base) | 3, wide ? CODE64 : CODE32, (base + 8) | 3, 3);
  if (!intel) storeSegment(SEG_SS, ((base + 8) | 3) & 0xffff, keptBase, keptLimit, kept);
  if (isLongMode()) setFlags((<u32>load<u64>(cpu, R11)) & 0x3c7fd7);
  else setFlags(getFlags() | IF);
  store<u64>(cpu, wide ? target : target & 0xffffffff, NEXT_RIP);
  modeChanged();
}

export function sysenter(): void {
  const long = isLongMode();
  if (long && !isIntel()) {
    raise(VECTOR_UD);
    return;
  }
  const selector = (<u32>load<u64>(cpu, MSR_SYSENTER_CS)) & 0xfffc;
  if (!isProtected() || selector == 0) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  const mask: u64 = long ? ~(<u64>0) : 0xffffffff;
  setFlags(getFlags() & ~(VM | IF | RF));
  loadFlat(selector, long ? CODE64 : CODE32, selector + 8, 0);
  store<u64>(cpu, load<u64>(cpu, MSR_SYSENTER_ESP) & mask, STACK_POINTER);
  store<u64>(cpu, load<u64>(cpu, MSR_SYSENTER_EIP) & mask, NEXT_RIP);
  modeChanged();
}

/** `size` 3: to 64-bit code. */
export function sysexit(size: u32): void {
  if (isLongMode() && !isIntel()) {
    raise(VECTOR_UD);
    return;
  }
  const base = <u32>load<u64>(cpu, MSR_SYSENTER_CS);
  const wide = size == 3 && is64();
  const stack = load<u64>(cpu, RCX);
  const target = load<u64>(cpu, RDX);
  if (
    !isProtected() ||
    (base & 0xfffc) == 0 ||
    currentLevel() != 0 ||
    (wide && !(isCanonical(stack) && isCanonical(target)))
  ) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  const selector = (base + (wide ? 32 : 16)) | 3;
  loadFlat(selector, wide ? CODE64 : CODE32, selector + 8, 3);
  store<u64>(cpu, wide ? stack : stack & 0xffffffff, STACK_POINTER);
  store<u64>(cpu, wide ? target : target & 0xffffffff, NEXT_RIP);
  modeChanged();
}

export function swapgs(): void {
  if (!is64()) {
    raise(VECTOR_UD);
    return;
  }
  if (currentLevel() != 0) {
    raiseError(VECTOR_GP, 0);
    return;
  }
  const gs = segment(SEG_GS);
  const base = load<u64>(gs, SEGMENT_BASE);
  store<u64>(gs, load<u64>(cpu, MSR_KERNEL_GS_BASE), SEGMENT_BASE);
  store<u64>(cpu, base, MSR_KERNEL_GS_BASE);
}
