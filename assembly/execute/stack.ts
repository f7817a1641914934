// The stack in every width: PUSH, POP and their kin, ENTER, LEAVE, near calls and returns outside 64-bit mode. (64-bit
// pushes, pops, calls and returns run inline.) All memory is checked before rSP or anything else changes.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CPL,
  cpu,
  CR4,
  GPR,
  is64,
  isV86,
  MMU,
  MODE,
  NEXT_RIP,
  raised,
  raiseError,
  SEG_CS,
  SEG_SS,
  segment,
  SEGMENT_LIMIT,
  SEGMENT_SELECTOR,
  V0,
} from '../state';
import { CR4_VME } from '../control';
import { VECTOR_GP } from '../vectors';
import { POP_ADJUST, POP_PEEK } from '../uop';
import { probe, readAs, writeAs } from '../paging/access';
import { setStackAccess } from '../paging/guest-walk';
import { isCanonical, linear } from '../segments/linear';
import { loadSegment } from '../segments/load';
import { modeChanged } from '../paging/tlb';
import { readSized, writeSized } from './sized';
import { AC, FLAGS_ANYBODY, getFlags, ID, IF, IOPL, RF, setFlags, TF, VIF, VIP, VM } from '../flags';
import { beginStackShadow } from '../events/shadow';

// @ts-ignore: decorator
@inline const RSP: usize = GPR + 4 * 8;
// @ts-ignore: decorator
@inline const RBP: usize = GPR + 5 * 8;

/** Width of the stack pointer, log2: 64-bit mode 3, else by SS.B. */
// @ts-ignore: decorator
@inline function stackSize(): u32 {
  return is64() ? 3 : load<u32>(cpu, MODE) & 4 ? 2 : 1;
}
function wrap(value: u64): u64 {
  const size = stackSize();
  return size == 3 ? value : size == 2 ? value & 0xffffffff : value & 0xffff;
}
function stackPointer(): u64 {
  return wrap(load<u64>(cpu, RSP));
}
/** rSP in its width; SP leaves the upper bits of ESP alone. */
function setStackPointer(value: u64): void {
  const size = stackSize();
  if (size == 1) store<u16>(cpu, <u16>value, RSP);
  else writeSized(cpu + RSP, size, value);
}
function readAt(offset: u64, size: u32): u64 {
  const bytes: u32 = 1 << size;
  const at = linear(SEG_SS, wrap(offset), bytes, ACCESS_READ);
  if (raised) return 0;
  setStackAccess(true);
  const value = readAs(at, bytes, load<u32>(cpu, MMU));
  setStackAccess(false);
  return value;
}
function writeAt(offset: u64, size: u32, value: u64): void {
  const bytes: u32 = 1 << size;
  const at = linear(SEG_SS, wrap(offset), bytes, ACCESS_WRITE);
  if (raised) return;
  setStackAccess(true);
  writeAs(at, bytes, value, load<u32>(cpu, MMU));
  setStackAccess(false);
}
function probeAt(offset: u64, bytes: u32): bool {
  const at = linear(SEG_SS, wrap(offset), bytes, ACCESS_WRITE);
  if (raised) return false;
  setStackAccess(true);
  const fine = probe(at, bytes, ACCESS_WRITE, load<u32>(cpu, MMU));
  setStackAccess(false);
  return fine;
}

export function push(size: u32, value: u64): void {
  const to = wrap(stackPointer() - (1 << size));
  writeAt(to, size, cutTo(value, size));
  if (!raised) setStackPointer(to);
}
// @ts-ignore: decorator
@inline function cutTo(value: u64, size: u32): u64 {
  return size == 3 ? value : value & (((<u64>1) << (8 << size)) - 1);
}
/** POP in its parts: the value, the value without moving rSP, only the move (a memory destination comes between). */
export function pop(size: u32, destination: usize, part: u32): void {
  const from = stackPointer();
  if (part == POP_ADJUST) return setStackPointer(wrap(from + (1 << size)));
  const value = readAt(from, size);
  if (raised) return;
  if (part == POP_PEEK) return store<u64>(destination, value);
  setStackPointer(wrap(from + (1 << size)));
  writeSized(destination, size, value); // after the move: POP ESP keeps the value
}
/** Each element is written on its own so that the pointer wraps as the stack does; probed first. */
export function pushAll(size: u32): void {
  const bytes: u32 = 1 << size;
  const from = stackPointer();
  for (let i: u32 = 1; i <= 8; i++) if (!probeAt(from - i * bytes, bytes)) return;
  for (let i: u32 = 0; i < 8; i++) {
    writeAt(from - (i + 1) * bytes, size, readSized(cpu + GPR + i * 8, size));
    if (raised) return;
  }
  setStackPointer(wrap(from - 8 * bytes));
}
/** All are read before a register changes, and once each: behind the stack may be a device. */
export function popAll(size: u32): void {
  const bytes: u32 = 1 << size;
  const from = stackPointer();
  for (let i: u32 = 0; i < 8; i++) {
    const value = readAt(from + i * bytes, size);
    if (raised) return;
    store<u64>(cpu + i * 8, value, V0); // V0 and V1 have room for the eight
  }
  for (let i: u32 = 0; i < 8; i++) {
    const register = 7 - i;
    // the saved eSP is thrown away
    if (register != 4) writeSized(cpu + GPR + register * 8, size, load<u64>(cpu + i * 8, V0));
  }
  setStackPointer(wrap(from + 8 * bytes));
}
export function pushSegment(size: u32, seg: u32): void {
  push(size, load<u16>(segment(seg), SEGMENT_SELECTOR));
}
export function popSegment(size: u32, seg: u32): void {
  const from = stackPointer();
  const selector = readAt(from, size);
  if (raised) return;
  const width = stackSize();
  loadSegment(seg, (<u32>selector) & 0xffff);
  if (raised) return;
  // by the old stack's width: POP SS changes SS.B only for what follows
  const to = from + (1 << size);
  if (width == 1) store<u16>(cpu, <u16>to, RSP);
  else writeSized(cpu + RSP, width, to);
  if (seg == SEG_SS) beginStackShadow();
}

/** PUSHF and POPF: IOPL rules of virtual-8086 mode, VME's virtual interrupt flag (SDM vol. 3, 20.3.3). */
export function pushFlags(size: u32): void {
  let flags = getFlags() & ~(VM | RF);
  if (isV86() && (flags & IOPL) >> 12 < 3) {
    if (size != 1 || !(load<u64>(cpu, CR4) & CR4_VME)) return raiseError(VECTOR_GP, 0);
    // VME: IF shows VIF, IOPL shows 3
    flags = (flags & ~(IF | IOPL)) | IOPL | (flags & VIF ? IF : 0);
  }
  push(size, flags);
}
export function popFlags(size: u32): void {
  const old = getFlags();
  const level = load<u32>(cpu, CPL);
  const iopl = (old & IOPL) >> 12;
  const v86 = isV86();
  const virtual = v86 && iopl < 3;
  if (virtual && (size != 1 || !(load<u64>(cpu, CR4) & CR4_VME))) return raiseError(VECTOR_GP, 0);
  const from = stackPointer();
  const value = <u32>readAt(from, size);
  if (raised) return;
  let change: u32 = FLAGS_ANYBODY;
  if (size != 1) change |= AC | ID;
  let flags: u32;
  if (virtual) {
    // VME: IF goes to VIF; setting it while VIP waits, or TF, is for the monitor
    if ((value & IF && old & VIP) || value & TF) return raiseError(VECTOR_GP, 0);
    flags = (old & ~change & ~VIF) | (value & change) | (value & IF ? VIF : 0);
  } else {
    if (level == 0) change |= IOPL;
    if (level <= iopl) change |= IF;
    flags = (old & ~change) | (value & change);
  }
  setStackPointer(wrap(from + (1 << size)));
  setFlags(flags & ~RF);
  if ((old ^ flags) & AC) modeChanged();
}

/** ENTER: the frame's display is copied level by level; the last write is probed before anything changes. */
export function enterFrame(size: u32, bytes: u32, level: u32): void {
  const step: u32 = 1 << size;
  let at = stackPointer() - step;
  writeAt(at, size, readSized(cpu + RBP, size));
  if (raised) return;
  // the whole ESP, although only SP moves, when a 32-bit operand meets a 16-bit stack (SDM vol. 2, ENTER: FrameTemp)
  const frame = stackSize() == 1 ? (load<u64>(cpu, RSP) & ~0xffff) | wrap(at) : wrap(at);
  if (level) {
    let display = load<u64>(cpu, RBP);
    for (let i: u32 = 1; i < level; i++) {
      display -= step;
      const value = readAt(display, size);
      if (raised) return;
      at -= step;
      writeAt(at, size, value);
      if (raised) return;
    }
    at -= step;
    writeAt(at, size, cutTo(frame, size));
    if (raised) return;
  }
  at -= bytes;
  if (!probeAt(at, 1)) return;
  writeSized(cpu + RBP, size, cutTo(frame, size));
  setStackPointer(wrap(at));
}
export function leaveFrame(size: u32): void {
  const from = wrap(load<u64>(cpu, RBP));
  const value = readAt(from, size);
  if (raised) return;
  setStackPointer(wrap(from + (1 << size)));
  writeSized(cpu + RBP, size, value);
}

/** Inside the code segment's limit, or canonical; else raised. */
function checkTarget(target: u64): bool {
  if (is64() ? isCanonical(target) : target <= load<u32>(segment(SEG_CS), SEGMENT_LIMIT)) return true;
  raiseError(VECTOR_GP, 0);
  return false;
}
export function jumpNear(size: u32, target: u64): void {
  if (checkTarget(target)) store<u64>(cpu, target, NEXT_RIP);
}
export function callNear(size: u32, target: u64): void {
  if (!checkTarget(target)) return;
  push(size, load<u64>(cpu, NEXT_RIP));
  if (!raised) store<u64>(cpu, target, NEXT_RIP);
}
export function returnNear(size: u32, bytes: i32): void {
  const from = stackPointer();
  const target = readAt(from, size);
  if (raised || !checkTarget(target)) return;
  setStackPointer(wrap(from + (1 << size) + bytes));
  store<u64>(cpu, target, NEXT_RIP);
}
