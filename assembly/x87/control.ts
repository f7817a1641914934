// Control and status words, initialization, and the environment in memory (SDM vol. 1, 8.1.10).

import {
  BOUNCE,
  cpu,
  FCS,
  FCW,
  FDP,
  FDS,
  FIP,
  FOP,
  FSW,
  FTW,
  GPR,
  isProtected,
  isV86,
  raised,
  X87,
  X87_EXPONENT,
} from '../state';
import { kindOf, NORMAL, ZERO } from '../float/extended/value';
import { read16, read32, write16, write32 } from '../paging/access';
import { BUSY, EXCEPTIONS, exponentAt, numberOf, setStatus, status, SUMMARY } from './registers';
import { probedArea } from './operand';

/** Bits of the control word that can be written; bit 6 always reads as one. */
const FCW_DEFINED: u32 = 0x1f3f;
const FCW_FIXED: u32 = 0x40;
const FCW_INITIAL: u32 = 0x37f;

/** ES and B say whether an exception that is not masked has been met. */
function summarize(): void {
  const fsw = status();
  const pending = fsw & ~(<u32>load<u16>(cpu, FCW)) & EXCEPTIONS;
  setStatus(pending ? fsw | SUMMARY | BUSY : fsw & ~(SUMMARY | BUSY));
}
function setControl(value: u32): void {
  store<u16>(cpu, (value & FCW_DEFINED) | FCW_FIXED, FCW);
  summarize();
}
export function loadControl(at: u64): bool {
  const value = <u32>read16(at);
  if (raised) return false;
  setControl(value);
  return true;
}
export function storeControl(at: u64): bool {
  write16(at, load<u16>(cpu, FCW));
  return !raised;
}
export function storeStatus(at: u64): bool {
  write16(at, status());
  return !raised;
}
export function storeStatusAx(): void {
  store<u16>(cpu, status(), GPR);
}
/** FNCLEX. */
export function clearExceptions(): void {
  setStatus(status() & 0x7f00);
}
/** FNINIT. */
export function initialize(): void {
  store<u16>(cpu, FCW_INITIAL, FCW);
  store<u16>(cpu, 0, FSW);
  store<u16>(cpu, 0, FTW);
  store<u16>(cpu, 0, FOP);
  store<u64>(cpu, 0, FIP);
  store<u64>(cpu, 0, FDP);
  store<u16>(cpu, 0, FCS);
  store<u16>(cpu, 0, FDS);
}

// ---------------------------------------------------------------- the environment: 14 bytes, or 28 with a 32-bit operand size
const WIDE: u32 = 28;
const REGISTERS: u32 = 80;

/** Two tag bits for each physical register (SDM vol. 1, 8.1.7): 0 valid, 1 zero, 2 special, 3 empty. */
function fullTags(): u32 {
  const present = <u32>load<u16>(cpu, FTW);
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    let tag: u32 = 3;
    if ((present >> n) & 1) {
      const register = cpu + X87 + (n << 4);
      const kind = kindOf(load<u64>(register), exponentAt(register));
      tag = kind == NORMAL ? 0 : kind == ZERO ? 1 : 2;
    }
    tags |= tag << (n << 1);
  }
  return tags;
}
/** Without protection, or in virtual-8086 mode, pointers are linear addresses of 20 (32) bits. */
function isReal(): bool {
  return !isProtected() || isV86();
}
/** One of the fields that stand one after another, in words or doublewords. */
function writeField(at: u64, size: u32, number: u32, value: u32): void {
  if (raised) return;
  if (size == WIDE) write32(at + (number << 2), value);
  else write16(at + (number << 1), value & 0xffff);
}
function writeEnvironment(at: u64, size: u32): void {
  // unused upper halves are ones
  const ones: u32 = 0xffff0000;
  writeField(at, size, 0, load<u16>(cpu, FCW) | ones);
  writeField(at, size, 1, status() | ones);
  writeField(at, size, 2, fullTags() | ones);
  const fop = <u32>load<u16>(cpu, FOP);
  let ip = <u32>load<u64>(cpu, FIP);
  let data = <u32>load<u64>(cpu, FDP);
  const cs = <u32>load<u16>(cpu, FCS);
  const ds = <u32>load<u16>(cpu, FDS);
  if (!isReal()) {
    writeField(at, size, 3, ip);
    writeField(at, size, 4, cs | (fop << 16));
    writeField(at, size, 5, data);
    writeField(at, size, 6, ds | ones);
    return;
  }
  ip += cs << 4;
  data += ds << 4;
  if (size == WIDE) {
    writeField(at, size, 3, (ip & 0xffff) | ones);
    writeField(at, size, 4, ((ip >> 16) << 12) | fop);
    writeField(at, size, 5, (data & 0xffff) | ones);
    writeField(at, size, 6, (data >> 16) << 12);
  } else {
    writeField(at, size, 3, ip);
    writeField(at, size, 4, ((ip >> 4) & 0xf000) | fop);
    writeField(at, size, 5, data);
    writeField(at, size, 6, (data >> 4) & 0xf000);
  }
}
/** FNSTENV: all exceptions are masked afterwards. */
export function storeEnvironment(at: u64, size: u32): bool {
  if (!probedArea(at, size, true)) return false;
  writeEnvironment(at, size);
  if (raised) return false;
  setControl((<u32>load<u16>(cpu, FCW)) | EXCEPTIONS);
  return true;
}
/** FNSAVE; `size` is the environment's and the registers'. */
export function save(at: u64, size: u32): bool {
  if (!probedArea(at, size, true)) return false;
  const head = size - REGISTERS;
  writeEnvironment(at, head);
  let to = at + head;
  for (let i: u32 = 0; i < 8; i++) {
    const register = cpu + X87 + (numberOf(i) << 4);
    // in words: the area need only be aligned as its fields are
    for (let j: usize = 0; j < 10; j += 2) {
      if (raised) return false;
      write16(to + j, load<u16>(register + j));
    }
    to += 10;
  }
  if (raised) return false;
  initialize();
  return true;
}

/** Field of an environment that has been read to BOUNCE. */
function field(size: u32, number: u32): u32 {
  return size == WIDE ? load<u32>(cpu + BOUNCE + (number << 2)) : load<u16>(cpu + BOUNCE + (number << 1));
}
/** All of an area to BOUNCE before anything is changed. False = raised. */
function readArea(at: u64, size: u32, head: u32): bool {
  if (!probedArea(at, size, false)) return false;
  const to = cpu + BOUNCE;
  if (head == WIDE) {
    for (let i: u32 = 0; i < head; i += 4) {
      const value = <u32>read32(at + i);
      if (raised) return false;
      store<u32>(to + i, value);
    }
  }
  for (let i: u32 = head == WIDE ? head : 0; i < size; i += 2) {
    const value = <u32>read16(at + i);
    if (raised) return false;
    store<u16>(to + i, value);
  }
  return true;
}
function takeEnvironment(size: u32): void {
  const tags = field(size, 2);
  let present: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) if (((tags >> (n << 1)) & 3) != 3) present |= 1 << n;
  store<u16>(cpu, present, FTW);
  setStatus(field(size, 1) & 0xffff);
  setControl(field(size, 0));
  let ip = field(size, 3);
  let data = field(size, 5);
  const fourth = field(size, 4);
  const last = field(size, 6);
  if (!isReal()) {
    store<u16>(cpu, fourth & 0xffff, FCS);
    store<u16>(cpu, last & 0xffff, FDS);
    // the format of 16 bits has no room for the opcode
    store<u16>(cpu, (fourth >> 16) & 0x7ff, FOP);
  } else {
    ip = (ip & 0xffff) | ((fourth & ~0xfff) << 4);
    data = (data & 0xffff) | ((last & ~0xfff) << 4);
    store<u16>(cpu, 0, FCS);
    store<u16>(cpu, 0, FDS);
    store<u16>(cpu, fourth & 0x7ff, FOP);
  }
  store<u64>(cpu, ip, FIP);
  store<u64>(cpu, data, FDP);
}
export function loadEnvironment(at: u64, size: u32): bool {
  if (!readArea(at, size, size)) return false;
  takeEnvironment(size);
  return true;
}
export function restore(at: u64, size: u32): bool {
  const head = size - REGISTERS;
  if (!readArea(at, size, head)) return false;
  takeEnvironment(head);
  let from = cpu + BOUNCE + head;
  for (let i: u32 = 0; i < 8; i++) {
    const register = cpu + X87 + (numberOf(i) << 4);
    store<u64>(register, load<u64>(from));
    store<u16>(register, load<u16>(from + 8), X87_EXPONENT);
    from += 10;
  }
  return true;
}
