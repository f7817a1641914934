// FXSAVE, FXRSTOR, the XSAVE family, XGETBV, XSETBV, LDMXCSR and STMXCSR (SDM vol. 1, chapters 10.5 and 13). The image is
// made or collected in the state page; here it goes to and comes from the guest's memory.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  cpu,
  CPL,
  CR0,
  CR4,
  FCS,
  FDS,
  FEATURE_AVX,
  FEATURE_XSAVE,
  FEATURE_XSAVEC,
  FEATURES,
  FXSAVE,
  GPR,
  is64,
  MMU,
  MXCSR,
  raise,
  raised,
  raiseError,
  XCR0,
} from '../state';
import { CR0_EM, CR0_TS, CR4_OSXSAVE, XCR0_AVX, XCR0_SSE, XCR0_X87, XCR0_YMM } from '../control';
import { VECTOR_GP, VECTOR_NM, VECTOR_UD } from '../vectors';
import { Operation } from '../decode/operation';
import { setMxcsr } from '../float/environment';
import { modeChanged } from '../paging/mode';
import { probe, read32, read64, write32, write64 } from '../paging/access';
import {
  IMAGE_FDP,
  IMAGE_FIP,
  IMAGE_HEADER,
  IMAGE_MXCSR,
  IMAGE_ST,
  IMAGE_XMM,
  IMAGE_YMM,
  initialImage,
  inUse,
  loadMxcsr,
  loadX87,
  loadXmm,
  loadYmm,
  MXCSR_DEFINED,
  MXCSR_INITIAL,
  saveFpu,
} from './state-image';

const COMPACT: u64 = 1 << 63;
const LEGACY_SIZE: u32 = 512;
const LEGACY_USED: u32 = 416;

// @ts-ignore: decorator
@inline function xmmCount(): usize {
  return is64() ? 16 : 8;
}
// @ts-ignore: decorator
@inline function image(): usize {
  return cpu + FXSAVE;
}

/** Bytes of the image, a multiple of 8, to the guest. The pages have been probed. */
function write(linear: u64, from: usize, bytes: usize): void {
  for (let at: usize = from; at < from + bytes && !raised; at += 8) write64(linear + at, load<u64>(image() + at));
}
function read(linear: u64, from: usize, bytes: usize): void {
  for (let at: usize = from; at < from + bytes && !raised; at += 8) {
    const value = read64(linear + at);
    if (!raised) store<u64>(image() + at, value);
  }
}
/** Pointers as a 32-bit offset and a selector, which the formats without REX.W have (SDM vol. 1, table 10-2). */
function narrowPointers(): void {
  store<u32>(image(), load<u16>(cpu, FCS), IMAGE_FIP + 4);
  store<u32>(image(), load<u16>(cpu, FDS), IMAGE_FDP + 4);
}
function widenPointers(): void {
  store<u16>(cpu, load<u16>(image(), IMAGE_FIP + 4), FCS);
  store<u16>(cpu, load<u16>(image(), IMAGE_FDP + 4), FDS);
  store<u32>(image(), 0, IMAGE_FIP + 4);
  store<u32>(image(), 0, IMAGE_FDP + 4);
}
function forgetSelectors(): void {
  store<u16>(cpu, 0, FCS);
  store<u16>(cpu, 0, FDS);
}
function badMxcsr(): bool {
  if (!(load<u32>(image(), IMAGE_MXCSR) & ~MXCSR_DEFINED)) return false;
  raiseError(VECTOR_GP, 0);
  return true;
}

export function fxsave(linear: u64, wide: bool): void {
  if (!legacyAllowed(linear)) return;
  // what is reserved or available to software is not written
  if (!probe(linear, LEGACY_SIZE, ACCESS_WRITE, load<u32>(cpu, MMU))) return;
  saveFpu();
  if (!wide) narrowPointers();
  write(linear, 0, IMAGE_XMM + xmmCount() * 16);
}
export function fxrstor(linear: u64, wide: bool): void {
  if (!legacyAllowed(linear)) return;
  if (!probe(linear, LEGACY_SIZE, ACCESS_READ, load<u32>(cpu, MMU))) return;
  read(linear, 0, LEGACY_USED);
  if (raised || badMxcsr()) return;
  if (!wide) widenPointers();
  else forgetSelectors();
  loadX87();
  loadXmm(xmmCount());
  loadMxcsr();
}
function legacyAllowed(linear: u64): bool {
  if (load<u64>(cpu, CR0) & (CR0_EM | CR0_TS)) {
    raise(VECTOR_NM);
    return false;
  }
  if (!(linear & 15)) return true;
  raiseError(VECTOR_GP, 0);
  return false;
}

function extendedAllowed(linear: u64): bool {
  if (!(load<u64>(cpu, CR4) & CR4_OSXSAVE)) raise(VECTOR_UD);
  else if (load<u64>(cpu, CR0) & CR0_TS) raise(VECTOR_NM);
  else if (linear & 63) raiseError(VECTOR_GP, 0);
  return !raised;
}
/** Components asked for in EDX:EAX that XCR0 enables. */
function requested(): u64 {
  return (((<u64>load<u32>(cpu, GPR + 16)) << 32) | load<u32>(cpu, GPR)) & load<u64>(cpu, XCR0);
}
/** How far an area with these components reaches. */
function extent(components: u64): u32 {
  return <u32>(components & XCR0_YMM ? IMAGE_YMM + 256 : IMAGE_YMM);
}

/** XSAVE, XSAVEOPT (which need not write what is in its initial state), XSAVEC and XSAVES (compact; nothing but AVX would move). */
export function xsave(operation: u32, linear: u64, wide: bool): void {
  const compact = operation == Operation.XSAVEC || operation == Operation.XSAVES;
  if (operation == Operation.XSAVES && load<u32>(cpu, CPL)) return raiseError(VECTOR_GP, 0);
  if (!extendedAllowed(linear)) return;
  const asked = requested();
  if (!probe(linear, extent(asked), ACCESS_WRITE, load<u32>(cpu, MMU))) return;
  let old: u64 = 0;
  if (!compact) {
    old = read64(linear + IMAGE_HEADER);
    if (raised) return;
  }
  let used = inUse() & asked;
  // MXCSR is a part of the SSE component, in compact form alone (SDM vol. 1, 13.10)
  if (compact && asked & XCR0_SSE && load<u32>(cpu, MXCSR) != MXCSR_INITIAL) used |= XCR0_SSE;
  const written = operation == Operation.XSAVE ? asked : used;
  saveFpu();
  if (!wide) narrowPointers();
  if (written & XCR0_X87) {
    write(linear, 0, IMAGE_MXCSR);
    write(linear, IMAGE_ST, 128);
  }
  if (compact ? written & XCR0_SSE : asked & XCR0_AVX) write(linear, IMAGE_MXCSR, 8);
  if (written & XCR0_SSE) write(linear, IMAGE_XMM, xmmCount() * 16);
  if (written & XCR0_YMM) write(linear, IMAGE_YMM, xmmCount() * 16);
  if (!raised) write64(linear + IMAGE_HEADER, (old & ~asked) | used);
  if (compact && !raised) write64(linear + IMAGE_HEADER + 8, asked | COMPACT);
}

/** XRSTOR and XRSTORS: both forms (SDM vol. 1, 13.8 and 13.12). */
export function xrstor(operation: u32, linear: u64, wide: bool): void {
  const supervisor = operation == Operation.XRSTORS;
  if (supervisor && load<u32>(cpu, CPL)) return raiseError(VECTOR_GP, 0);
  if (!extendedAllowed(linear)) return;
  const asked = requested();
  const mmu = load<u32>(cpu, MMU);
  // the header first: it says what else is read (SDM vol. 1, 13.8)
  if (!probe(linear + IMAGE_HEADER, 64, ACCESS_READ, mmu)) return;
  read(linear, IMAGE_HEADER, 64);
  if (raised || !probe(linear, <u32>IMAGE_HEADER, ACCESS_READ, mmu)) return;
  const present = load<u64>(image(), IMAGE_HEADER);
  const format = load<u64>(image(), IMAGE_HEADER + 8);
  const compact = (format & COMPACT) != 0;
  if (badHeader(present, format, compact, supervisor)) return raiseError(VECTOR_GP, 0);
  const loaded = asked & present;
  if (loaded & XCR0_YMM && !probe(linear, extent(XCR0_YMM), ACCESS_READ, mmu)) return;
  const mxcsr = compact ? loaded & XCR0_SSE : asked & XCR0_AVX;
  if (mxcsr) read(linear, IMAGE_MXCSR, 8);
  if (raised || (mxcsr && badMxcsr())) return;
  if (loaded & XCR0_X87) {
    read(linear, 0, IMAGE_MXCSR);
    read(linear, IMAGE_ST, 128);
  }
  if (loaded & XCR0_SSE) read(linear, IMAGE_XMM, xmmCount() * 16);
  if (loaded & XCR0_YMM) read(linear, IMAGE_YMM, xmmCount() * 16);
  if (raised) return;
  initialImage(asked & ~present);
  if (asked & XCR0_X87) {
    if (!wide) widenPointers();
    else forgetSelectors();
    loadX87();
  }
  if (asked & XCR0_SSE) loadXmm(xmmCount());
  if (asked & XCR0_YMM) loadYmm(xmmCount());
  if (mxcsr) loadMxcsr();
  else if (compact && asked & XCR0_SSE) setMxcsr(MXCSR_INITIAL);
}
function badHeader(present: u64, format: u64, compact: bool, supervisor: bool): bool {
  const enabled = load<u64>(cpu, XCR0);
  if (compact) {
    if (!(load<u64>(cpu, FEATURES) & FEATURE_XSAVEC)) return true;
    if (format & ~(enabled | COMPACT) || present & ~format) return true;
  } else if (supervisor || format || present & ~enabled) return true;
  const reserved: usize = compact ? 64 : 24;
  for (let at: usize = 16; at < reserved; at += 8) if (load<u64>(image() + at, IMAGE_HEADER)) return true;
  return false;
}

export function ldmxcsr(linear: u64): void {
  const value = <u32>read32(linear);
  if (raised) return;
  if (value & ~MXCSR_DEFINED) return raiseError(VECTOR_GP, 0);
  setMxcsr(value);
}
export function stmxcsr(linear: u64): void {
  write32(linear, load<u32>(cpu, MXCSR));
}

/** XCR0, or with ECX = 1 which of its components are in use (SDM vol. 2, XGETBV). */
export function xgetbv(): void {
  if (!(load<u64>(cpu, CR4) & CR4_OSXSAVE)) return raise(VECTOR_UD);
  const index = load<u32>(cpu, GPR + 8);
  let value = load<u64>(cpu, XCR0);
  if (index == 1 && load<u64>(cpu, FEATURES) & FEATURE_XSAVEC) value &= inUse();
  else if (index) return raiseError(VECTOR_GP, 0);
  store<u64>(cpu, value & 0xffffffff, GPR);
  store<u64>(cpu, value >> 32, GPR + 16);
}
export function xsetbv(): void {
  if (!(load<u64>(cpu, CR4) & CR4_OSXSAVE)) return raise(VECTOR_UD);
  const value = ((<u64>load<u32>(cpu, GPR + 16)) << 32) | load<u32>(cpu, GPR);
  if (load<u32>(cpu, CPL) || load<u32>(cpu, GPR + 8) || !validXcr0(value)) return raiseError(VECTOR_GP, 0);
  store<u64>(cpu, value, XCR0);
  modeChanged();
}
/** x87 always, AVX only with SSE, nothing that is not there (SDM vol. 1, 13.3). */
export function validXcr0(value: u64): bool {
  const features = load<u64>(cpu, FEATURES);
  const known = features & FEATURE_AVX ? XCR0_X87 | XCR0_AVX : XCR0_X87 | XCR0_SSE;
  if (!(features & FEATURE_XSAVE) || !(value & XCR0_X87) || value & ~known) return false;
  return !(value & XCR0_YMM) || (value & XCR0_SSE) != 0;
}
