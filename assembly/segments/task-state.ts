// What a TSS holds of a task (SDM vol. 3, 8.2.1 and 8.6): saved to the old one, loaded from the new one, and the loaded
// segments' checks in the new task's context (table 8-1).

import {
  CPL,
  CR0,
  DR,
  GPR,
  NEXT_RIP,
  PENDING_DEBUG,
  RIP,
  SEG_CS,
  SEG_DS,
  SEG_ES,
  SEG_FS,
  SEG_GS,
  SEG_LDTR,
  SEG_SS,
  cpu,
  raised,
} from '../state';
import { VECTOR_NP, VECTOR_TS } from '../vectors';
import { FLAGS_DEFINED, FLAGS_FIXED, getFlags, NT, setFlags, VM } from '../flags';
import { systemRead16, systemRead32, systemRead8, systemWrite16, systemWrite32 } from '../paging/access';
import { modeChanged } from '../paging/tlb';
import {
  descriptorAddress,
  descriptorBase,
  descriptorHigh,
  descriptorLimit,
  descriptorLow,
  descriptorRights,
  fetchDescriptor,
  fetchStack,
  markAccessed,
  selectorFault,
  selectorOf,
  storeDescriptor,
  storeNull,
  storeSegment,
  systemLinear,
} from './descriptor';
import { codeDpl, codeLoadable, holdCode, isCode, isConforming, loadCode, markCode } from './code';
import { V86_RIGHTS, dataLoadable } from './load';
import { taskBase, taskIsWide } from './tss';
import { HIGH_PRESENT, HIGH_S, TYPE_LDT, highType, isNull } from './rights';

/** DR7's local enables, LE among them: a task switch clears them (SDM vol. 3, 17.2.4). */
const DR7_LOCAL: u64 = 0x155;
/** DR6.BT, as a pending trap. */
const PENDING_TASK: u32 = 0x8000;

function word(base: u64, at: u32): u32 {
  return <u32>systemRead16(systemLinear(base + at));
}
function dword(base: u64, at: u32): u32 {
  return <u32>systemRead32(systemLinear(base + at));
}
function setWord(base: u64, at: u32, value: u32): void {
  systemWrite16(systemLinear(base + at), value);
}
function setDword(base: u64, at: u32, value: u32): void {
  systemWrite32(systemLinear(base + at), value);
}

/** Save the running task; its TSS was probed. */
export function saveTaskState(rip: u64, flags: u32): void {
  const base = taskBase();
  const wide = taskIsWide();
  if (wide) {
    setDword(base, 0x20, <u32>rip);
    setDword(base, 0x24, flags);
  } else {
    setWord(base, 0x0e, (<u32>rip) & 0xffff);
    setWord(base, 0x10, flags & 0xffff);
  }
  for (let i: u32 = 0; i < 8; i++) {
    const value = load<u32>(cpu + GPR + <usize>(i << 3));
    if (wide) setDword(base, 0x28 + (i << 2), value);
    else setWord(base, 0x12 + (i << 1), value & 0xffff);
  }
  const count: u32 = wide ? 6 : 4;
  for (let i: u32 = 0; i < count; i++) {
    if (wide) setWord(base, 0x48 + (i << 2), selectorOf(<usize>i));
    else setWord(base, 0x22 + (i << 1), selectorOf(<usize>i));
  }
}

/** Load registers and selectors of the new task, segments without their descriptors yet. */
export function loadTaskState(base: u64, wide: bool, nested: bool): void {
  let flags = wide ? dword(base, 0x24) : word(base, 0x10);
  flags = (flags & FLAGS_DEFINED) | FLAGS_FIXED;
  if (nested) flags |= NT;
  const rip = <u64>(wide ? dword(base, 0x20) : word(base, 0x0e));
  for (let i: u32 = 0; i < 8; i++) {
    // The upper halves are undefined after a 16-bit TSS; processors fill them with ones.
    const value = wide ? dword(base, 0x28 + (i << 2)) : word(base, 0x12 + (i << 1)) | 0xffff0000;
    store<u64>(cpu + GPR + <usize>(i << 3), <u64>value);
  }
  const code = word(base, wide ? 0x4c : 0x24);
  const level: u32 = (flags & VM) != 0 ? 3 : code & 3;
  for (let i: u32 = 0; i < 6; i++) {
    const selector: u32 = wide ? word(base, 0x48 + (i << 2)) : i < 4 ? word(base, 0x22 + (i << 1)) : 0;
    storeNull(<usize>i, selector, level);
  }
  storeNull(SEG_LDTR, word(base, wide ? 0x60 : 0x2a), 0);
  if (wide && ((<u32>systemRead8(systemLinear(base + 0x64))) & 1) != 0)
    store<u32>(cpu, load<u32>(cpu, PENDING_DEBUG) | PENDING_TASK, PENDING_DEBUG);
  setFlags(flags);
  store<u32>(cpu, level, CPL);
  store<u64>(cpu, rip, RIP);
  store<u64>(cpu, rip, NEXT_RIP);
  store<u64>(cpu, load<u64>(cpu, CR0) | 8, CR0);
  store<u64>(cpu, load<u64>(cpu, DR + 7 * 8) & ~DR7_LOCAL, DR + 7 * 8);
}

/** Load and check the new task's descriptors. Faults belong to the new task. */
export function loadTaskSegments(): void {
  loadAll();
  modeChanged();
}

function loadAll(): void {
  modeChanged(); // the accesses below are in the new task's name
  if (!loadTaskLdt()) return;
  if ((getFlags() & VM) != 0) {
    for (let seg: usize = 0; seg < 6; seg++) {
      const selector = selectorOf(seg);
      storeSegment(seg, selector, <u64>(selector << 4), 0xffff, V86_RIGHTS);
    }
    return;
  }
  if (loadTaskCode() && loadTaskStack() && loadTaskData(SEG_DS) && loadTaskData(SEG_ES) && loadTaskData(SEG_FS))
    loadTaskData(SEG_GS);
}

function refuse(vector: u32, selector: u32): bool {
  selectorFault(vector, selector);
  return false;
}

function loadTaskLdt(): bool {
  const selector = selectorOf(SEG_LDTR);
  if (isNull(selector)) return true;
  if ((selector & 4) != 0) return refuse(VECTOR_TS, selector);
  if (!fetchDescriptor(selector, VECTOR_TS)) return false;
  const high = descriptorHigh;
  if ((high & HIGH_S) != 0 || highType(high) != TYPE_LDT || (high & HIGH_PRESENT) == 0)
    return refuse(VECTOR_TS, selector);
  const base = <u64>descriptorBase(descriptorLow, high);
  storeSegment(SEG_LDTR, selector, base, descriptorLimit(descriptorLow, high), descriptorRights(high));
  return true;
}

function loadTaskCode(): bool {
  const selector = selectorOf(SEG_CS);
  if (isNull(selector)) return refuse(VECTOR_TS, selector);
  if (!fetchDescriptor(selector, VECTOR_TS)) return false;
  holdCode();
  const rpl = selector & 3;
  if (!isCode() || (isConforming() ? codeDpl() > rpl : codeDpl() != rpl)) return refuse(VECTOR_TS, selector);
  if (!codeLoadable(selector)) return false;
  markCode();
  if (raised) return false;
  loadCode(selector, rpl);
  return true;
}

function loadTaskStack(): bool {
  const selector = selectorOf(SEG_SS);
  const level = load<u32>(cpu, CPL);
  if (isNull(selector)) return refuse(VECTOR_TS, selector);
  if (!fetchStack(selector, level, VECTOR_TS)) return false;
  markAccessed(descriptorAddress, descriptorHigh);
  if (raised) return false;
  storeDescriptor(SEG_SS, selector, descriptorLow, descriptorHigh);
  return true;
}

function loadTaskData(seg: usize): bool {
  const selector = selectorOf(seg);
  if (isNull(selector)) return true;
  if (!fetchDescriptor(selector, VECTOR_TS)) return false;
  const high = descriptorHigh;
  if (!dataLoadable(high, selector & 3, load<u32>(cpu, CPL))) return refuse(VECTOR_TS, selector);
  if ((high & HIGH_PRESENT) == 0) return refuse(VECTOR_NP, selector);
  markAccessed(descriptorAddress, high);
  if (raised) return false;
  storeDescriptor(seg, selector, descriptorLow, high);
  return true;
}
