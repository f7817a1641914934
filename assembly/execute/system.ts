// System instructions: control, debug and model-specific registers, descriptor-table registers, TLB invalidation, time,
// and those that always leave the guest (CPUID, VMCALL, INVD, WBINVD).

import {
  ACCESS_WRITE,
  ACTIVITY,
  CPL,
  cpu,
  CR0,
  CR2,
  CR3,
  CR4,
  CR8,
  DR,
  EFER,
  EXIT_DATA,
  EXIT_GLA,
  EXIT_GPA,
  EXIT_INFO,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  FEATURE_APIC,
  FEATURE_FSGSBASE,
  FEATURE_LA57,
  FEATURE_NX,
  FEATURE_PCID,
  FEATURE_SMAP,
  FEATURE_SMEP,
  FEATURE_UMIP,
  FEATURE_X2APIC,
  FEATURE_XSAVE,
  FEATURE_XSAVES,
  FEATURES,
  GDTR_BASE,
  GDTR_LIMIT,
  GPR,
  IDTR_BASE,
  IDTR_LIMIT,
  INFO_LENGTH_SHIFT,
  INTERCEPT_CR3,
  INTERCEPTS,
  is64,
  isLongMode,
  MMU,
  MSR_APIC_BASE,
  MSR_CSTAR,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_MISC_ENABLE,
  MSR_PAT,
  MSR_SFMASK,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  MSR_TSC_ADJUST,
  MSR_TSC_AUX,
  NEXT_RIP,
  PHYSICAL_BITS,
  raise,
  raised,
  raiseError,
  RIP,
  SEG_CS,
  SEG_FS,
  SEG_GS,
  segment,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_SIZE,
  SEGMENTS,
  SKIP,
  TSC_OFFSET,
} from '../state';
import {
  CR0_CD,
  CR0_ET,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_DE,
  CR4_FSGSBASE,
  CR4_LA57,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_PCE,
  CR4_PCIDE,
  CR4_TSD,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
} from '../control';
import { VECTOR_GP, VECTOR_UD } from '../vectors';
import { probe, read16, read64, readAs, write16, writeAs } from '../paging/access';
import { loadPdptes, loadPdptesFrom } from '../paging/guest-walk';
import { flushAll, flushNonGlobal, flushPage } from '../paging/tlb';
import { modeChanged } from '../paging/mode';
import { isCanonical } from '../segments/linear';
import { debugGeneralDetect } from '../events/debug';
import { setTaskPriority } from '../apic/access';
import { MSR_X2APIC, MSR_X2APIC_LAST, readApicMsr, value as apicValue, writeApicBase, writeApicMsr } from '../apic/msr';
import { hasTscDeadline } from '../apic/registers';
import { aimTimer, setTscDeadline, tscDeadline } from '../apic/timer';
import { timeStamp } from '../clock';
import { callHypervisor } from './enter';
import { answer, privileged, setAnswer } from './rare';
import { userModeAllowed } from './selector';

// @ts-ignore: decorator
@inline const RAX: usize = GPR;
// @ts-ignore: decorator
@inline const RCX: usize = GPR + 8;
// @ts-ignore: decorator
@inline const RDX: usize = GPR + 16;

/** PE MP EM TS ET NE WP AM NW CD PG. */
const CR0_DEFINED: u64 = 0xe005003f;
/** VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT: every processor of the level has them. */
const CR4_DEFINED: u64 = 0x7ff;
/** A change of these flushes the TLB (SDM vol. 3, 4.10.4.1). */
const CR4_FLUSH: u64 = 0x3210b0;
/** A change of these reloads the PDPTEs under PAE paging (4.4.1). */
const CR4_PDPTE: u64 = 0x1000b0;

// ---------------------------------------------------------------- exits
// Basic exit reasons of VT-x (SDM vol. 3, appendix C).
const REASON_CPUID: u32 = 10;
const REASON_INVLPG: u32 = 14;
const REASON_RDPMC: u32 = 15;
const REASON_VMCALL: u32 = 18;
const REASON_CR_ACCESS: u32 = 28;
const REASON_RDMSR: u32 = 31;
const REASON_WRMSR: u32 = 32;
/** INVD's and WBINVD's, for invalidate(). */
export const REASON_INVD: u32 = 13;
export const REASON_WBINVD: u32 = 54;

/** Leave the guest from the running instruction; SKIP = the hypervisor has done its work. */
function exit(reason: u32): void {
  store<u32>(cpu, reason, EXIT_REASON);
  const length = (<u32>(load<u64>(cpu, NEXT_RIP) - load<u64>(cpu, RIP))) & 15;
  store<u32>(cpu, length, EXIT_LENGTH);
  store<u32>(cpu, length << INFO_LENGTH_SHIFT, EXIT_INFO);
  store<u64>(cpu, 0, EXIT_GPA);
  setAnswer(callHypervisor(length << INFO_LENGTH_SHIFT));
}
export function cpuid(): void {
  exit(REASON_CPUID);
}
export function hypercall(): void {
  exit(REASON_VMCALL);
}
export function invalidate(reason: u32): void {
  if (privileged()) exit(reason);
}
export function readCounter(): void {
  if (load<u32>(cpu, CPL) && !(load<u64>(cpu, CR4) & CR4_PCE)) return raiseError(VECTOR_GP, 0);
  exit(REASON_RDPMC);
}
/** Shadow paging: the hypervisor hears of what changes translations, after it has happened. */
function tellHypervisor(reason: u32, qualification: u64, linear: u64): void {
  if (!(load<u64>(cpu, INTERCEPTS) & INTERCEPT_CR3)) return;
  store<u32>(cpu, reason, EXIT_REASON);
  store<u64>(cpu, qualification, EXIT_QUALIFICATION);
  store<u64>(cpu, linear, EXIT_GLA);
  store<u32>(cpu, 0, EXIT_INFO);
  callHypervisor(0);
}
/** HLT: RIP moves past it; the run loop sees that the vCPU is halted. */
export function halt(): void {
  if (privileged()) store<u32>(cpu, 1, ACTIVITY);
}

// ---------------------------------------------------------------- control registers
function badControl(): void {
  raiseError(VECTOR_GP, 0);
}
export function moveControl(toControl: bool, number: u32, register: usize): void {
  if (!privileged()) return;
  if (!toControl) {
    let value: u64;
    switch (number) {
      case 0:
        value = load<u64>(cpu, CR0);
        break;
      case 2:
        value = load<u64>(cpu, CR2);
        break;
      case 3:
        value = load<u64>(cpu, CR3);
        break;
      case 4:
        value = load<u64>(cpu, CR4);
        break;
      default:
        value = load<u64>(cpu, CR8);
    }
    return store<u64>(register, is64() ? value : value & 0xffffffff);
  }
  const value = is64() ? load<u64>(register) : <u64>load<u32>(register);
  switch (number) {
    case 0:
      return setCr0(value);
    case 2:
      return store<u64>(cpu, value, CR2);
    case 3:
      return setCr3(value);
    case 4:
      return setCr4(value);
    default:
      if (value >> 4) return badControl();
      return setTaskPriority((<u32>value) << 4);
  }
}
function setCr0(given: u64): void {
  if (given >> 32) return badControl();
  const value = (given & CR0_DEFINED) | CR0_ET;
  const old = load<u64>(cpu, CR0);
  const efer = load<u64>(cpu, EFER);
  const cr4 = load<u64>(cpu, CR4);
  if (value & CR0_PG && !(value & CR0_PE)) return badControl();
  if (value & CR0_NW && !(value & CR0_CD)) return badControl();
  let newEfer = efer;
  if (value & CR0_PG && !(old & CR0_PG)) {
    if (efer & EFER_LME) {
      // entering long mode: PAE on, and CS not a 64-bit segment already (SDM vol. 3, 9.8.5)
      if (!(cr4 & CR4_PAE) || load<u32>(segment(SEG_CS), SEGMENT_ATTRIBUTES) & 0x2000) return badControl();
      newEfer = efer | EFER_LMA;
    }
  } else if (!(value & CR0_PG) && old & CR0_PG) {
    if (is64() || cr4 & CR4_PCIDE) return badControl();
    newEfer = efer & ~EFER_LMA;
  }
  if (value & CR0_PG && cr4 & CR4_PAE && !(newEfer & EFER_LMA) && (value ^ old) & (CR0_PG | CR0_CD | CR0_NW)) {
    if (!loadPdptes()) return;
  }
  store<u64>(cpu, value, CR0);
  store<u64>(cpu, newEfer, EFER);
  if ((value ^ old) & (CR0_PG | CR0_PE | CR0_WP)) flushAll();
  modeChanged();
  tellHypervisor(REASON_CR_ACCESS, 0, 0);
}
function setCr3(given: u64): void {
  let value = given;
  if (isLongMode()) {
    if (load<u64>(cpu, CR4) & CR4_PCIDE) value &= ~((<u64>1) << 63); // bit 63 asks to keep the PCID's entries: we may still drop them
    if (value >> load<u64>(cpu, PHYSICAL_BITS)) return badControl();
  } else if (load<u64>(cpu, CR0) & CR0_PG && load<u64>(cpu, CR4) & CR4_PAE) {
    if (!loadPdptesFrom(value)) return;
  }
  store<u64>(cpu, value, CR3);
  flushNonGlobal();
  tellHypervisor(REASON_CR_ACCESS, 3, 0);
}
function setCr4(value: u64): void {
  const features = load<u64>(cpu, FEATURES);
  let defined = CR4_DEFINED;
  if (features & FEATURE_UMIP) defined |= 0x800;
  if (features & FEATURE_LA57) defined |= CR4_LA57;
  if (features & FEATURE_FSGSBASE) defined |= CR4_FSGSBASE;
  if (features & FEATURE_PCID) defined |= CR4_PCIDE;
  if (features & FEATURE_XSAVE) defined |= CR4_OSXSAVE;
  if (features & FEATURE_SMEP) defined |= 0x100000;
  if (features & FEATURE_SMAP) defined |= 0x200000;
  const old = load<u64>(cpu, CR4);
  const change = value ^ old;
  if (value & ~defined) return badControl();
  if (isLongMode() && (!(value & CR4_PAE) || change & CR4_LA57)) return badControl();
  if (change & value & CR4_PCIDE && (!isLongMode() || load<u64>(cpu, CR3) & 0xfff)) return badControl();
  if (load<u64>(cpu, CR0) & CR0_PG && value & CR4_PAE && !isLongMode() && change & CR4_PDPTE) {
    if (!loadPdptes()) return;
  }
  store<u64>(cpu, value, CR4);
  if (change & CR4_FLUSH) flushAll();
  modeChanged();
  tellHypervisor(REASON_CR_ACCESS, 4, 0);
}
export function clearTaskSwitched(): void {
  if (!privileged()) return;
  store<u64>(cpu, load<u64>(cpu, CR0) & ~CR0_TS, CR0);
  modeChanged();
}
/** LMSW can set PE but not clear it. */
export function loadMachineStatus(value: u32): void {
  if (raised || !privileged()) return;
  const old = load<u64>(cpu, CR0);
  setCr0((old & ~(<u64>0xe)) | (value & 0xf) | (old & CR0_PE));
}

// ---------------------------------------------------------------- debug registers
export function moveDebug(toDebug: bool, given: u32, register: usize): void {
  let number = given;
  if (number == 4 || number == 5) {
    if (load<u64>(cpu, CR4) & CR4_DE) return raise(VECTOR_UD);
    number += 2; // aliases of DR6 and DR7
  }
  if (!privileged()) return;
  if (debugGeneralDetect()) return;
  const at = cpu + DR + number * 8;
  if (!toDebug) return store<u64>(register, is64() ? load<u64>(at) : load<u64>(at) & 0xffffffff);
  const value = is64() ? load<u64>(register) : <u64>load<u32>(register);
  if (number >= 6 && value >> 32) return badControl();
  if (number == 6) store<u64>(at, (value & 0xe00f) | 0xffff0ff0);
  else if (number == 7) {
    store<u64>(at, (value & 0xffff2bff) | 0x400);
    modeChanged();
  } else store<u64>(at, value);
}

// ---------------------------------------------------------------- descriptor-table registers
export function storeTable(interrupts: bool, memory: u64): void {
  if (!userModeAllowed()) return;
  const mmu = load<u32>(cpu, MMU);
  const bytes: u32 = is64() ? 8 : 4;
  if (!probe(memory, 2 + bytes, ACCESS_WRITE, mmu)) return;
  write16(memory, load<u32>(cpu + (interrupts ? IDTR_LIMIT : GDTR_LIMIT)));
  if (raised) return;
  writeAs(memory + 2, bytes, load<u64>(cpu + (interrupts ? IDTR_BASE : GDTR_BASE)), mmu);
}
export function loadTable(interrupts: bool, memory: u64, size: u32): void {
  if (!privileged()) return;
  const limit = read16(memory);
  if (raised) return;
  let base = readAs(memory + 2, is64() ? 8 : 4, load<u32>(cpu, MMU));
  if (raised) return;
  if (is64()) {
    if (!isCanonical(base)) return badControl();
  } else if (size == 1) base &= 0xffffff; // a 16-bit operand size loads 24 bits
  if (interrupts) {
    store<u64>(cpu, base, IDTR_BASE);
    store<u32>(cpu, <u32>limit, IDTR_LIMIT);
  } else {
    store<u64>(cpu, base, GDTR_BASE);
    store<u32>(cpu, <u32>limit, GDTR_LIMIT);
  }
}

// ---------------------------------------------------------------- TLB invalidation
export function invalidatePage(linear: u64): void {
  if (!privileged()) return;
  flushPage(linear);
  tellHypervisor(REASON_INVLPG, linear, linear);
}
/** INVPCID: we keep one context, so each kind flushes at least what it must (SDM vol. 2, INVPCID). */
export function invalidatePcid(register: usize, memory: u64): void {
  if (!privileged()) return;
  const kind = is64() ? load<u64>(register) : <u64>load<u32>(register);
  const descriptor = read64(memory);
  if (raised) return;
  const linear = read64(memory + 8);
  if (raised) return;
  const pcidOff = !(load<u64>(cpu, CR4) & CR4_PCIDE);
  if (kind > 3 || descriptor >> 12 || (kind < 2 && pcidOff && descriptor & 0xfff)) return badControl();
  if (kind == 0) {
    if (!isCanonical(linear)) return badControl();
    flushPage(linear);
    tellHypervisor(REASON_INVLPG, linear, linear);
  } else {
    if (kind == 2) flushAll();
    else flushNonGlobal();
    tellHypervisor(REASON_CR_ACCESS, 3, 0);
  }
}

// ---------------------------------------------------------------- time
export function readTsc(withAux: bool): void {
  if (load<u64>(cpu, CR4) & CR4_TSD && load<u32>(cpu, CPL)) return badControl();
  const now = timeStamp();
  store<u64>(cpu, now & 0xffffffff, RAX);
  store<u64>(cpu, now >> 32, RDX);
  if (withAux) store<u64>(cpu, load<u64>(cpu, MSR_TSC_AUX) & 0xffffffff, RCX);
}

// ---------------------------------------------------------------- model-specific registers
/** State-page offset of an MSR that is nothing but a register; 0 = none. */
function plainMsr(number: u32): usize {
  switch (number) {
    case 0x174:
      return MSR_SYSENTER_CS;
    case 0x175:
      return MSR_SYSENTER_ESP;
    case 0x176:
      return MSR_SYSENTER_EIP;
    case 0x1b:
      return MSR_APIC_BASE;
    case 0x3b:
      return MSR_TSC_ADJUST;
    case 0x1a0:
      return MSR_MISC_ENABLE;
    case 0x277:
      return MSR_PAT;
    case 0xc0000080:
      return EFER;
    case 0xc0000081:
      return MSR_STAR;
    case 0xc0000082:
      return MSR_LSTAR;
    case 0xc0000083:
      return MSR_CSTAR;
    case 0xc0000084:
      return MSR_SFMASK;
    case 0xc0000100:
      return SEGMENTS_FS_BASE;
    case 0xc0000101:
      return SEGMENTS_GS_BASE;
    case 0xc0000102:
      return MSR_KERNEL_GS_BASE;
    case 0xc0000103:
      return MSR_TSC_AUX;
    default:
      return 0;
  }
}
// @ts-ignore: decorator
@inline const SEGMENTS_FS_BASE: usize = SEGMENTS + SEG_FS * SEGMENT_SIZE + SEGMENT_BASE;
// @ts-ignore: decorator
@inline const SEGMENTS_GS_BASE: usize = SEGMENTS + SEG_GS * SEGMENT_SIZE + SEGMENT_BASE;

/** No supervisor state component exists, so it is zero (SDM vol. 1, 13.3). */
const IA32_XSS: u32 = 0xda0;
const IA32_TSC_DEADLINE: u32 = 0x6e0;
/** Without x2APIC the hypervisor may know what these are. */
function isX2apicMsr(number: u32): bool {
  return number >= MSR_X2APIC && number <= MSR_X2APIC_LAST && (load<u64>(cpu, FEATURES) & FEATURE_X2APIC) != 0;
}

export function rdmsr(): void {
  if (!privileged()) return;
  const number = load<u32>(cpu, RCX);
  let value: u64;
  if (number == 0x10) value = timeStamp();
  else if (number == IA32_XSS && load<u64>(cpu, FEATURES) & FEATURE_XSAVES) value = 0;
  else if (number == IA32_TSC_DEADLINE && hasTscDeadline()) value = tscDeadline();
  else if (isX2apicMsr(number)) {
    if (!readApicMsr(number)) return badControl();
    value = apicValue;
  } else {
    const at = plainMsr(number);
    if (at) value = load<u64>(cpu + at);
    else {
      exit(REASON_RDMSR);
      value = load<u64>(cpu, EXIT_DATA);
      if (answer != SKIP) return;
    }
  }
  store<u64>(cpu, value & 0xffffffff, RAX);
  store<u64>(cpu, value >> 32, RDX);
}
export function wrmsr(): void {
  if (!privileged()) return;
  const number = load<u32>(cpu, RCX);
  const value = ((<u64>load<u32>(cpu, RDX)) << 32) | load<u32>(cpu, RAX);
  if (number == 0x10) {
    const offset = value - (timeStamp() - load<u64>(cpu, TSC_OFFSET));
    store<u64>(cpu, load<u64>(cpu, MSR_TSC_ADJUST) + offset - load<u64>(cpu, TSC_OFFSET), MSR_TSC_ADJUST);
    store<u64>(cpu, offset, TSC_OFFSET);
    return aimTimer();
  }
  if (number == IA32_XSS && load<u64>(cpu, FEATURES) & FEATURE_XSAVES) {
    if (value) badControl();
    return;
  }
  if (number == IA32_TSC_DEADLINE && hasTscDeadline()) return setTscDeadline(value);
  if (isX2apicMsr(number)) {
    if (!writeApicMsr(number, value)) badControl();
    return;
  }
  const at = plainMsr(number);
  if (!at) {
    store<u64>(cpu, value, EXIT_DATA);
    return exit(REASON_WRMSR);
  }
  switch (number) {
    case 0x3b: // the counter moves with its adjustment
      store<u64>(cpu, load<u64>(cpu, TSC_OFFSET) + value - load<u64>(cpu, MSR_TSC_ADJUST), TSC_OFFSET);
      aimTimer();
      break;
    case 0x1b:
      if (!(load<u64>(cpu, FEATURES) & FEATURE_APIC)) break;
      if (!writeApicBase(value)) badControl();
      return;
    case 0x277: // memory types 0, 1, 4, 5, 6, 7
      for (let i: u64 = 0; i < 64; i += 8) {
        const type = (value >> i) & 0xff;
        if (type > 7 || type == 2 || type == 3) return badControl();
      }
      break;
    case 0xc0000080:
      return setEfer(value);
    case 0x175:
    case 0x176:
    case 0xc0000082:
    case 0xc0000083:
    case 0xc0000100:
    case 0xc0000101:
    case 0xc0000102:
      if (!isCanonical(value)) return badControl();
      break;
    case 0xc0000084:
    case 0xc0000103:
      if (value >> 32) return badControl();
      break;
  }
  store<u64>(cpu + at, value);
}
function setEfer(value: u64): void {
  const defined = EFER_SCE | EFER_LME | EFER_LMA | (load<u64>(cpu, FEATURES) & FEATURE_NX ? EFER_NXE : 0);
  const old = load<u64>(cpu, EFER);
  if (value & ~defined) return badControl();
  if ((value ^ old) & EFER_LME && load<u64>(cpu, CR0) & CR0_PG) return badControl();
  store<u64>(cpu, (value & ~EFER_LMA) | (old & EFER_LMA), EFER);
  if ((value ^ old) & EFER_NXE) flushAll();
  modeChanged();
  tellHypervisor(REASON_CR_ACCESS, 0x8000, 0);
}
