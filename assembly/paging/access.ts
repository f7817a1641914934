// Memory as instructions see it: reads and writes by linear address, whatever page, privilege or device is behind it.

import {
  cpu,
  raised,
  emulating,
  is64,
  MMU,
  TLB_NOW,
  TLB_READ,
  TLB_WRITE,
  TLB_ADDEND,
  TLB_FLAGS,
  TLB_GPA,
  TAG_MMIO,
  ACCESS_READ,
  ACCESS_WRITE,
  ACCESS_EXEC,
  TLB_SUPERVISOR,
  TLB_USER,
  CPL,
  ITLB_TAG,
  ITLB_HOST,
  ITLB_GPA,
  raiseError,
  STRICT,
  STRICT_ALIGNMENT,
  STRICT_BREAKPOINTS,
} from '../state';
import { VECTOR_AC } from '../vectors';
import { PAGE_MASK } from './format';
import { host, readable, tlbEntry, writable } from './entry';
import { setAccessSize } from './exit';
import { checkCanonical, guestHow, truncated } from './guest-walk';
import { exitMmio } from './nested';
import { gpaPage, isApic, isMmio, mmioEntry, page, resolve } from './translation';
import { showRegister } from '../apic/page';
import { TLB_WATCHED, allowWrites, cachedMarker, fill, fillFetch, itlbEntry, dataEntry } from './tlb';
import { codeOf, watchWrite } from './code-watch';
import { logWrite } from './write-log';
import { mmioRead, mmioWrite } from './mmio';
import { debugCheckData } from '../events/debug';

export { flushAll, flushNonGlobal, flushPage, newEpoch, dropWritable, dropWritableIn } from './tlb';
export { init, modeChanged } from './mode';
export { watchWrite } from './code-watch';
export { loadPdptes, loadPdptesFrom, setStackAccess, stackAccess } from './guest-walk';
export { readCount, readNext, resetMmio, rewindMmio, setReadCount, writeCount } from './mmio';

/** Of the last translate(): the guest-physical address (GPA_UNKNOWN for RAM under shadow paging), whether it is a device's, whether the page holds decoded code (writes then need watchWrite). */
export let lastGpa: u64 = 0;
export let lastMmio: bool = false;
export let lastCode: bool = false;
/** The last access through readAs() or writeAs() lay on two pages: an exit that it raised is not a plain store's. */
export let crossed: bool = false;

/**
 * Host address of the byte at a linear address for an access (ACCESS_* bits) of `size` bytes inside its page (0: as told to
 * setAccessSize); 0 = raised, or MMIO while emulating (lastMmio). Fills the TLB, except while emulating: the emulator's walks are real ones.
 */
export function translate(linear: u64, access: u32, mmu: u32, size: u32 = 0): usize {
  linear = truncated(linear);
  lastMmio = false;
  lastCode = false;
  if (size) setAccessSize(size);
  const write = (access & ACCESS_WRITE) != 0;
  if (emulating) {
    if (!resolve(linear, access, mmu, true)) return 0;
    return isMmio ? toDevice(linear) : toMemory(page, linear, write);
  }
  const entry = dataEntry(linear, mmu);
  const wanted = linear & PAGE_MASK;
  const tag = write ? load<u64>(entry, TLB_WRITE) : load<u64>(entry, TLB_READ);
  if (tag == wanted || (write && load<u64>(entry, TLB_READ) == wanted && load<u32>(entry, TLB_FLAGS) & TLB_WATCHED)) {
    const host = <usize>wanted + load<u32>(entry, TLB_ADDEND);
    lastGpa = load<u64>(entry, TLB_GPA) | (linear & 0xfff);
    if (tag != wanted) allowWrites(entry, wanted, host); // perhaps its code is gone, or it only had to be logged
    lastCode = codeOf(host) != 0;
    return host | ((<usize>linear) & 0xfff);
  }
  if (tag == (wanted | TAG_MMIO)) {
    const gpa = load<u64>(entry, TLB_GPA) | (linear & 0xfff);
    return deviceExit(gpa, linear, access, mmu, cachedMarker(entry));
  }
  if (!fill(linear, access, mmu)) return 0;
  if (isMmio) return deviceExit(gpaPage | (linear & 0xfff), linear, access, mmu, mmioEntry);
  return toMemory(page, linear, write);
}

function toMemory(host: usize, linear: u64, write: bool): usize {
  if (isApic) return toApic(host, linear, write);
  if (write) logWrite(host);
  lastGpa = gpaPage | (linear & 0xfff);
  lastCode = codeOf(host) != 0;
  return host | ((<usize>linear) & 0xfff);
}

/** The local APIC's registers are memory as far as instructions go, of which every access is looked at. */
function toApic(host: usize, linear: u64, write: bool): usize {
  if (!write) showRegister((<u32>linear) & 0xfff);
  lastGpa = gpaPage | (linear & 0xfff);
  lastCode = true;
  return host | ((<usize>linear) & 0xfff);
}

function toDevice(linear: u64): usize {
  lastGpa = gpaPage | (linear & 0xfff);
  lastMmio = true;
  return 0;
}

function deviceExit(gpa: u64, linear: u64, access: u32, mmu: u32, marker: u64): usize {
  exitMmio(gpa, linear, guestHow(access, mmu), marker);
  lastGpa = gpa;
  return 0;
}

/** Host address of an instruction byte at the current privilege; 0 = raised. `linear` = CS base + RIP. */
export function fetchPage(linear: u64): usize {
  if (!is64()) linear &= 0xffffffff;
  const mmu = load<u32>(cpu, CPL) == 3 ? TLB_USER : TLB_SUPERVISOR;
  lastMmio = false;
  setAccessSize(1);
  if (emulating) {
    if (!resolve(linear, ACCESS_EXEC, mmu, true)) return 0;
  } else {
    const entry = itlbEntry(linear, mmu);
    if (load<u64>(entry, ITLB_TAG) == (linear & PAGE_MASK)) {
      lastGpa = load<u64>(entry, ITLB_GPA) | (linear & 0xfff);
      return (<usize>load<u32>(entry, ITLB_HOST)) | ((<usize>linear) & 0xfff);
    }
    if (!fillFetch(linear, mmu)) return 0;
  }
  // Nobody emulates a fetch from a device: it is an exit in either case.
  if (isMmio) return deviceExit(gpaPage | (linear & 0xfff), linear, ACCESS_EXEC, mmu, mmioEntry);
  return toMemory(page, linear, false);
}

/** Can every byte of a range be accessed? False = raised. A device's bytes can while emulating and exit otherwise. */
export function probe(linear: u64, size: u32, access: u32, mmu: u32): bool {
  let rest = size;
  if (((<u32>linear) & 0xfff) + size > 4096 && !endsCanonical(linear, size, access, mmu)) return false;
  while (rest) {
    linear = wrapped(linear, mmu);
    const part = min<u32>(rest, 4096 - ((<u32>linear) & 0xfff));
    translate(linear, access, mmu, part);
    if (raised) return false;
    linear += part;
    rest -= part;
  }
  return true;
}

/** Code outside 64-bit mode has 32-bit linear addresses; implicit system accesses of long mode have 64. */
// @ts-ignore: decorator
@inline function wrapped(linear: u64, mmu: u32): u64 {
  return !is64() && mmu == load<u32>(cpu, MMU) && linear >> 32 == 1 ? linear & 0xffffffff : linear;
}

/**
 * An operand on two pages must be canonical to its last byte before either page is looked at: at 7FFFFFFFFFFF, four bytes
 * are #GP and not the page fault of their first byte (as processors do). False = raised.
 */
function endsCanonical(linear: u64, size: u32, access: u32, mmu: u32): bool {
  return checkCanonical(truncated(wrapped(linear + size - 1, mmu)), access);
}

/** Little-endian value of up to 8 bytes at a host address. */
function readBytes(host: usize, size: u32): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) value |= (<u64>load<u8>(host + i)) << (8 * i);
  return value;
}

function writeBytes(host: usize, size: u32, value: u64): void {
  for (let i: u32 = 0; i < size; i++) store<u8>(host + i, <u8>(value >> (8 * i)));
}

/** A write of 1-8 bytes to guest memory by host address, inside a page: stores and looks after code there. */
export function writeHost(host: usize, size: u32, value: u64): void {
  if (size == 1) store<u8>(host, <u8>value);
  else if (size == 2) store<u16>(host, <u16>value);
  else if (size == 4) store<u32>(host, <u32>value);
  else if (size == 8) store<u64>(host, value);
  else writeBytes(host, size, value);
  watchWrite(host, size);
}

export function readHost(host: usize, size: u32): u64 {
  if (size == 1) return load<u8>(host);
  if (size == 2) return load<u16>(host);
  if (size == 4) return load<u32>(host);
  if (size == 8) return load<u64>(host);
  return readBytes(host, size);
}

/** #AC where CR0.AM, RFLAGS.AC and CPL 3 ask for it. False = raised. */
export function checkAlignment(linear: u64, size: u32): bool {
  if (!(load<u32>(cpu, STRICT) & STRICT_ALIGNMENT) || !(linear & (size - 1))) return true;
  raiseError(VECTOR_AC, 0);
  return false;
}

/** What an access of the running instruction must pass when STRICT says so: alignment (#AC), data breakpoints. */
function strictly(linear: u64, size: u32, mmu: u32, isWrite: bool): bool {
  const strict = load<u32>(cpu, STRICT);
  if (!strict || mmu != load<u32>(cpu, MMU)) return true;
  if (!checkAlignment(linear, size)) return false;
  if (strict & STRICT_BREAKPOINTS) debugCheckData(linear, size, isWrite);
  return true;
}

/** Read 1-8 bytes with the privilege of TLB `mmu`. 0 if raised. */
export function readAs(linear: u64, size: u32, mmu: u32): u64 {
  if (!strictly(linear, size, mmu, false)) return 0;
  const room: u32 = 4096 - ((<u32>linear) & 0xfff);
  crossed = size > room;
  if (crossed && !endsCanonical(linear, size, ACCESS_READ, mmu)) return 0;
  const first = min(size, room);
  const host = translate(linear, ACCESS_READ, mmu, first);
  if (raised) return 0;
  if (!crossed) return lastMmio ? mmioRead(lastGpa, size) : readHost(host, size);
  const gpa = lastGpa;
  const mmio = lastMmio;
  // Both pages first: a fault on the second must come before a device sees the first half.
  const host2 = translate(wrapped(linear + first, mmu), ACCESS_READ, mmu, size - first);
  if (raised) return 0;
  const gpa2 = lastGpa;
  const mmio2 = lastMmio;
  const low = mmio ? mmioRead(gpa, first) : readHost(host, first);
  if (raised) return 0;
  const high = mmio2 ? mmioRead(gpa2, size - first) : readHost(host2, size - first);
  if (raised) return 0;
  return low | (high << (8 * first));
}

/** Write 1-8 bytes with the privilege of TLB `mmu`. Nothing is written if raised. */
export function writeAs(linear: u64, size: u32, value: u64, mmu: u32): void {
  if (!strictly(linear, size, mmu, true)) return;
  const room: u32 = 4096 - ((<u32>linear) & 0xfff);
  crossed = size > room;
  if (crossed && !endsCanonical(linear, size, ACCESS_WRITE, mmu)) return;
  const first = min(size, room);
  const host = translate(linear, ACCESS_WRITE, mmu, first);
  if (raised) return;
  if (!crossed) {
    if (lastMmio) mmioWrite(lastGpa, size, value);
    else writeHost(host, size, value);
    return;
  }
  const gpa = lastGpa;
  const mmio = lastMmio;
  const host2 = translate(wrapped(linear + first, mmu), ACCESS_WRITE, mmu, size - first);
  if (raised) return;
  const gpa2 = lastGpa;
  const mmio2 = lastMmio;
  if (mmio) mmioWrite(gpa, first, value);
  else writeHost(host, first, value);
  if (mmio2) mmioWrite(gpa2, size - first, value >> (8 * first));
  else writeHost(host2, size - first, value >> (8 * first));
}

// The fast path: the tag compares equal only for an access inside one cached page, because the next page's tag is never
// in this page's entry.
// @ts-ignore: decorator
@inline function entryNow(linear: u64): usize {
  return tlbEntry(<usize>load<u32>(cpu, TLB_NOW), linear);
}
// @ts-ignore: decorator
@inline function read<T>(linear: u64): u64 {
  const entry = entryNow(linear);
  if (readable(entry, linear, sizeof<T>()) && !emulating) return <u64>load<T>(host(entry, linear));
  return readAs(linear, <u32>sizeof<T>(), load<u32>(cpu, MMU));
}
// @ts-ignore: decorator
@inline function write<T>(linear: u64, value: u64): void {
  const entry = entryNow(linear);
  if (writable(entry, linear, sizeof<T>()) && !emulating) return store<T>(host(entry, linear), <T>value);
  writeAs(linear, <u32>sizeof<T>(), value, load<u32>(cpu, MMU));
}

export function read8(linear: u64): u64 {
  return read<u8>(linear);
}
export function read16(linear: u64): u64 {
  return read<u16>(linear);
}
export function read32(linear: u64): u64 {
  return read<u32>(linear);
}
export function read64(linear: u64): u64 {
  return read<u64>(linear);
}
export function write8(linear: u64, value: u64): void {
  write<u8>(linear, value);
}
export function write16(linear: u64, value: u64): void {
  write<u16>(linear, value);
}
export function write32(linear: u64, value: u64): void {
  write<u32>(linear, value);
}
export function write64(linear: u64, value: u64): void {
  write<u64>(linear, value);
}

/** Implicit accesses to descriptor tables and task state: supervisor's at any CPL, and SMAP holds whatever AC says. */
export function systemRead8(linear: u64): u64 {
  return readAs(linear, 1, TLB_SUPERVISOR);
}
export function systemRead16(linear: u64): u64 {
  return readAs(linear, 2, TLB_SUPERVISOR);
}
export function systemRead32(linear: u64): u64 {
  return readAs(linear, 4, TLB_SUPERVISOR);
}
export function systemRead64(linear: u64): u64 {
  return readAs(linear, 8, TLB_SUPERVISOR);
}
export function systemWrite8(linear: u64, value: u64): void {
  writeAs(linear, 1, value, TLB_SUPERVISOR);
}
export function systemWrite16(linear: u64, value: u64): void {
  writeAs(linear, 2, value, TLB_SUPERVISOR);
}
export function systemWrite32(linear: u64, value: u64): void {
  writeAs(linear, 4, value, TLB_SUPERVISOR);
}
