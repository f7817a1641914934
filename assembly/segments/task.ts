// Task switches (SDM vol. 3, 8.3): by JMP, CALL, IRET with NT, or an event, between 16- and 32-bit TSSs. Everything that can
// fault in the old task is checked first; then the switch is committed, and what goes wrong after that (a bad segment of
// the new task) is raised in the new task's context, as the manual demands: then `switched` tells that RIP is the new one.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CR0,
  CR3,
  CR4,
  EXIT_INFO,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  INTERCEPTS,
  INTERCEPT_CR3,
  PDPTE,
  RAISED_EXCEPTION,
  RAISED_EXIT,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEGMENT_SELECTOR,
  SEG_LDTR,
  SEG_TR,
  TLB_SUPERVISOR,
  cpu,
  raised,
  segment,
  setRaised,
} from '../state';
import { CR4_PAE } from '../control';
import { VECTOR_GP, VECTOR_NP, VECTOR_TS } from '../vectors';
import { getFlags, NT, VM } from '../flags';
import {
  probe,
  systemRead16,
  systemRead32,
  systemRead64,
  systemRead8,
  systemWrite16,
  systemWrite8,
} from '../paging/access';
import { loadPdptesFrom } from '../paging/guest-walk';
import { flushNonGlobal } from '../paging/tlb';
import {
  descriptorAddress,
  descriptorBase,
  descriptorHigh,
  descriptorLimit,
  descriptorLow,
  descriptorPlace,
  descriptorRights,
  fetchDescriptor,
  selectorFault,
  selectorOf,
  storeSegment,
  systemLinear,
} from './descriptor';
import { loadTaskSegments, loadTaskState, saveTaskState } from './task-state';
import { taskBase, taskHas, taskIsWide } from './tss';
import {
  HIGH_ACCESSED,
  HIGH_BUSY,
  HIGH_PRESENT,
  HIGH_S,
  TYPE_LDT,
  TYPE_TSS16,
  TYPE_TSS32,
  highType,
  isNull,
} from './rights';

/** What makes the switch. */
export const SWITCH_JUMP: u32 = 0;
export const SWITCH_CALL: u32 = 1;
export const SWITCH_RETURN: u32 = 2;
export const SWITCH_EVENT: u32 = 3;

/** The last transfer or event committed a task switch: RIP (and CS) are the new task's even if `raised` is set. */
export let switched: bool = false;
/** CR3 was changed by a task switch and the hypervisor, which intercepts that, has not been told yet. */
let untold: bool = false;
export function clearSwitched(): void {
  switched = false;
}

// The new task, held during the switch.
let newBase: u64 = 0;
let newWide: bool = false;

/** IRET with NT set: back to the task that the current TSS links to. */
export function taskReturn(returnRip: u64): void {
  const link = <u32>systemRead16(systemLinear(taskBase()));
  if (!raised) taskSwitch(link, SWITCH_RETURN, returnRip, getFlags() & ~NT);
}

/** Switch to the task of a TSS selector. `rip` and `flags` are saved in the old TSS. */
export function taskSwitch(selector: u32, source: u32, rip: u64, flags: u32): void {
  const vector = source == SWITCH_RETURN ? VECTOR_TS : VECTOR_GP;
  if ((selector & 4) != 0 || isNull(selector)) {
    selectorFault(vector, selector);
    return;
  }
  if (!fetchDescriptor(selector, vector)) return;
  const low = descriptorLow;
  const high = descriptorHigh;
  const place = descriptorAddress;
  const type = highType(high);
  const want = source == SWITCH_RETURN ? type & ~2 : type;
  if (
    (high & HIGH_S) != 0 ||
    (want != TYPE_TSS16 && want != TYPE_TSS32) ||
    (source == SWITCH_RETURN && (high & HIGH_BUSY) == 0)
  ) {
    selectorFault(vector, selector);
    return;
  }
  if ((high & HIGH_PRESENT) == 0) {
    selectorFault(VECTOR_NP, selector);
    return;
  }
  newWide = want == TYPE_TSS32;
  newBase = <u64>descriptorBase(low, high);
  const limit = descriptorLimit(low, high);
  const least: u32 = newWide ? 0x67 : 0x2b;
  if (limit < least) {
    selectorFault(VECTOR_TS, selector);
    return;
  }
  const oldSelector = selectorOf(SEG_TR);
  const oldPlace = descriptorPlace(oldSelector & ~4);
  const nested = source == SWITCH_CALL || source == SWITCH_EVENT;
  if (!taskHas(taskIsWide() ? 0x5d : 0x29)) {
    selectorFault(VECTOR_TS, oldSelector);
    return;
  }
  if (!reachableTables(nested, nested ? 0 : oldPlace, source == SWITCH_RETURN ? 0 : place)) return;
  const cr3 = newCr3();
  if (!touchNewTask(cr3)) return;

  // Committed from here on.
  switched = true;
  if (!nested && oldPlace != 0) systemWrite8(oldPlace + 5, (<u32>systemRead8(oldPlace + 5)) & ~2);
  saveTaskState(rip, flags);
  if (nested) systemWrite16(systemLinear(newBase), oldSelector);
  if (source != SWITCH_RETURN) systemWrite8(place + 5, ((high | HIGH_BUSY) >> 8) & 0xff);
  loadTaskState(newBase, newWide, nested);
  storeSegment(SEG_TR, selector, newBase, limit, descriptorRights(high | HIGH_BUSY));
  if (setsCr3()) {
    if ((load<u64>(cpu, INTERCEPTS) & INTERCEPT_CR3) != 0 && cr3 != load<u64>(cpu, CR3)) untold = true;
    store<u64>(cpu, cr3, CR3);
    // touchNewTask() found that they can be loaded.
    if (usesPdptes()) loadPdptesFrom(cr3);
    flushNonGlobal();
  }
  loadTaskSegments();
}

function pagingOn(): bool {
  return load<i64>(cpu, CR0) << 32 < 0;
}
function usesPdptes(): bool {
  return pagingOn() && (load<u64>(cpu, CR4) & CR4_PAE) != 0;
}
/** Only a 32-bit TSS has a CR3, and only paging makes the processor load it (SDM vol. 3, 8.2.1). */
function setsCr3(): bool {
  return newWide && pagingOn();
}
function newCr3(): u64 {
  return newWide ? <u64>systemRead32(systemLinear(newBase + 0x1c)) : 0;
}

/** Probe all that the switch reads and writes in the old address space. 0 = that descriptor is not written. */
function reachableTables(nested: bool, oldPlace: u64, newPlace: u64): bool {
  const from: u32 = taskIsWide() ? 0x20 : 0x0e;
  const to: u32 = taskIsWide() ? 0x5e : 0x2a;
  return (
    probe(systemLinear(taskBase() + from), to - from, ACCESS_WRITE, TLB_SUPERVISOR) &&
    probe(systemLinear(newBase), newWide ? 0x68 : 0x2c, ACCESS_READ, TLB_SUPERVISOR) &&
    (!nested || probe(systemLinear(newBase), 2, ACCESS_WRITE, TLB_SUPERVISOR)) &&
    (oldPlace == 0 || probe(oldPlace + 5, 1, ACCESS_WRITE, TLB_SUPERVISOR)) &&
    (newPlace == 0 || probe(newPlace + 5, 1, ACCESS_WRITE, TLB_SUPERVISOR))
  );
}

/**
 * Read what the new task's segments need, in its address space, and put everything back. Faults will come again after the
 * commitment; an exit to the hypervisor must happen now, while the instruction or delivery can still be started again.
 */
function touchNewTask(cr3: u64): bool {
  const oldCr3 = load<u64>(cpu, CR3);
  const ldtr = segment(SEG_LDTR);
  const base = load<u64>(ldtr, SEGMENT_BASE);
  const limit = load<u32>(ldtr, SEGMENT_LIMIT);
  const rights = load<u32>(ldtr, SEGMENT_ATTRIBUTES);
  const selector = load<u32>(ldtr, SEGMENT_SELECTOR);
  const first: u64 = newWide ? 0x48 : 0x22;
  const step: u64 = newWide ? 4 : 2;
  const count: u64 = newWide ? 6 : 4;
  const flags = newWide ? systemRead32(systemLinear(newBase + 0x24)) : 0;
  const ldt = <u32>systemRead16(systemLinear(newBase + (newWide ? 0x60 : 0x2a)));
  // Selectors are read before CR3 changes: the new task's tables may not map its own TSS.
  const low = packSelectors(first, step, 0);
  const high = packSelectors(first, step, count == 6 ? 4 : 2);
  if (raised) return false;
  const pae = setsCr3() && usesPdptes();
  const p0 = load<u64>(cpu, PDPTE);
  const p1 = load<u64>(cpu, PDPTE + 8);
  const p2 = load<u64>(cpu, PDPTE + 16);
  const p3 = load<u64>(cpu, PDPTE + 24);
  if (pae && !loadPdptesFrom(cr3)) return false;
  if (setsCr3()) {
    store<u64>(cpu, cr3, CR3);
    flushNonGlobal();
  }
  let fine: bool = true;
  storeSegment(SEG_LDTR, 0, 0, 0, 0x10000);
  if (!isNull(ldt) && (ldt & 4) == 0 && touch(ldt, true)) {
    if (raised == RAISED_EXIT) fine = false;
    else
      storeSegment(
        SEG_LDTR,
        ldt,
        <u64>descriptorBase(descriptorLow, descriptorHigh),
        descriptorLimit(descriptorLow, descriptorHigh),
        0x82,
      );
  } else if (raised == RAISED_EXIT) fine = false;
  if (raised == RAISED_EXCEPTION) setRaised(0);
  if ((flags & VM) == 0) {
    for (let i: u64 = 0; fine && i < 4; i++) {
      fine = touchSegment((<u32>(low >> (i << 4))) & 0xffff) && touchSegment((<u32>(high >> (i << 4))) & 0xffff);
    }
  }
  storeSegment(SEG_LDTR, selector, base, limit, rights);
  if (setsCr3()) {
    store<u64>(cpu, oldCr3, CR3);
    flushNonGlobal();
  }
  if (pae) {
    store<u64>(cpu, p0, PDPTE);
    store<u64>(cpu, p1, PDPTE + 8);
    store<u64>(cpu, p2, PDPTE + 16);
    store<u64>(cpu, p3, PDPTE + 24);
  }
  return fine;
}

/** Four selectors from number `from` on, 16 bits each; those past the last repeat it. */
function packSelectors(first: u64, step: u64, from: u64): u64 {
  let packed: u64 = 0;
  const last: u64 = step == 4 ? 5 : 3;
  for (let i: u64 = 0; i < 4; i++) {
    const index = from + i < last ? from + i : last;
    packed |= (<u64>systemRead16(systemLinear(newBase + first + index * step))) << (i << 4);
  }
  return packed;
}

/** False only for an exit. */
function touchSegment(selector: u32): bool {
  if (!isNull(selector)) touch(selector, false);
  if (raised == RAISED_EXIT) return false;
  if (raised == RAISED_EXCEPTION) setRaised(0);
  return true;
}

/** Read a descriptor, and see that its accessed bit can be written. True: it was read and is an LDT's if asked for. */
function touch(selector: u32, wantLdt: bool): bool {
  const place = descriptorPlace(selector);
  if (place == 0) return false;
  systemRead64(place);
  if (raised || !fetchDescriptor(selector, VECTOR_TS)) return false;
  if (wantLdt) return (descriptorHigh & HIGH_S) == 0 && highType(descriptorHigh) == TYPE_LDT;
  if ((descriptorHigh & (HIGH_S | HIGH_ACCESSED)) == HIGH_S) probe(place + 5, 1, ACCESS_WRITE, TLB_SUPERVISOR);
  return true;
}

/** Under shadow paging, tell the hypervisor of a CR3 that a completed task switch loaded: exit CR_ACCESS for CR3. */
export function reportCr3(): void {
  if (!untold || raised) return;
  untold = false;
  store<u32>(cpu, 28, EXIT_REASON);
  store<u32>(cpu, 0, EXIT_INFO);
  store<u64>(cpu, 3, EXIT_QUALIFICATION);
  setRaised(RAISED_EXIT);
}
