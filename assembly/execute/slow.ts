// The slow path of one micro-operation that its handler left alone: TLB misses, MMIO, operands that cross pages, writes
// to pages with code, faults. Where the inline handler can do its work after all, it is run once more with the TLB entry
// pointed at the right place for that one micro-operation: the page itself after a refill, or a bounce buffer that is
// filled before and written back after.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  arena,
  ARENA_SLOW,
  BOUNCE,
  cpu,
  emulating,
  EXIT_INFO,
  EXIT_LENGTH,
  GPR,
  INFO_KICK,
  INFO_LENGTH_SHIFT,
  INFO_PLAIN_STORE,
  INFO_SIZE_SHIFT,
  INFO_USER,
  LEAVE,
  MMU,
  NESTED,
  NESTED_EPT,
  NESTED_NPT,
  NESTED_SHADOW,
  NEXT_RIP,
  PAGE,
  raised,
  raiseError,
  REQUEST,
  STRICT,
  STRICT_ALIGNMENT,
  RIP,
  SKIP,
  setRaised,
  TAG_MMIO,
  TLB_ADDEND,
  TLB_ENTRY,
  TLB_GPA,
  TLB_NOW,
  TLB_READ,
  TLB_USER,
  TLB_WRITE,
} from '../state';
import {
  HANDLER,
  IMM,
  LENGTH,
  MEM,
  MEM_ALIGNED,
  MEM_PLAIN,
  MEM_READ,
  MEM_SIZE,
  MEM_STACK,
  MEM_WRITE,
  NUMBER,
  SRC,
  Uop,
  UOP,
} from '../uop';
import { address, readable, tlbEntry, writable } from './operand';
import { probe, read64, readAs, translate, write64, writeAs } from '../paging/access';
import { setStackAccess } from '../paging/guest-walk';
import { exitMmio } from '../paging/nested';
import { cachedMarker } from '../paging/tlb';
import { REASON_EPT_MISCONFIG, REASON_NPF, REASON_PAGE_FAULT, setAccessSize } from '../paging/exit';
import { setNumber } from '../clock';
import { exitHandler } from '../imports';
import { VECTOR_GP } from '../vectors';
import { HOW_USER } from '../paging/format';
import { isCanonical } from '../segments/linear';
import { codeDropped, leaveDropped } from '../decode/block';
import { float } from '../vector/float';
import { ended, isLast } from './rare';
import { abandonCut, callHypervisor, chargeCount, enter, fail, leaveRun, proceed, RESULT_LEFT, sync } from './enter';

/** A store whose TLB entry does not let it happen at once. A plain one to a page known to be MMIO is a kick, perhaps. */
export function storeMiss(op: usize, linear: u64, entry: usize, size: u32): usize {
  if (
    load<u64>(entry, TLB_WRITE) == ((linear & ~(<u64>0xfff)) | TAG_MMIO) &&
    load<u8>(op, MEM) & MEM_PLAIN &&
    ((<u32>linear) & 0xfff) + size <= 0x1000 &&
    !emulating
  )
    return plainMmio(op, entry, linear, size);
  return attend(op);
}

/** Take over a micro-operation whose handler could not go on. Returns the next one to run. */
export function attend(op: usize): usize {
  if (raised) return fail(op);
  setNumber(load<u8>(op, NUMBER));
  const handler = <u32>load<u16>(op, HANDLER);
  if (handler >= <u32>Uop.ADDSD && handler <= <u32>Uop.CVTSD2SS) return float(op) ? op + UOP : fail(op);
  switch (handler) {
    case Uop.CALL:
    case Uop.CALL_R:
    case Uop.JMP_R:
    case Uop.RET:
    case Uop.RET_N:
      return transfer(op);
  }
  const mem = <u32>load<u8>(op, MEM);
  const size: u32 = 1 << (mem & MEM_SIZE);
  const linear = address(op);
  if (mem & MEM_ALIGNED && linear & (size - 1)) {
    raiseError(VECTOR_GP, 0); // whatever the segment, and before anything about the page (SDM vol. 2, MOVAPS)
    return fail(op);
  }
  if (handler == <u32>Uop.PROBE) return probeOnly(op, linear, size, mem);
  const entry = tlbEntry(<usize>load<u32>(cpu, TLB_NOW), linear);
  if (size > 8) return accessWide(op, entry, linear, size, mem);
  if (!emulating) {
    // A page known to be MMIO: exit at once, without any walk
    const tag = mem & MEM_READ ? load<u64>(entry, TLB_READ) : load<u64>(entry, TLB_WRITE);
    if (tag == ((linear & ~(<u64>0xfff)) | TAG_MMIO) && ((<u32>linear) & 0xfff) + size <= 0x1000)
      if (!(mem & MEM_WRITE) || load<u64>(entry, TLB_WRITE) == tag) return mmio(op, entry, linear, size, mem);
  }
  return access(op, entry, linear, size, mem);
}

/** Exit for an access to a page whose TLB entry says MMIO, other than a plain store. */
function mmio(op: usize, entry: usize, linear: u64, size: u32, mem: u32): usize {
  setAccessSize(size);
  const user: u32 = load<u32>(cpu, MMU) == TLB_USER ? HOW_USER : 0;
  // a read-modify-write reads first, and that is the access that exits
  exitMmio(
    load<u64>(entry, TLB_GPA) | (linear & 0xfff),
    linear,
    (mem & MEM_READ ? ACCESS_READ : ACCESS_WRITE) | user,
    cachedMarker(entry),
  );
  return fail(op);
}

/**
 * A plain store to MMIO: what a kick is, and the shortest way out of the guest. The hypervisor may well finish it from the
 * call's parameters alone, so RIP and the exit record are made only if somebody asks (syncExit).
 */
function plainMmio(op: usize, entry: usize, linear: u64, size: u32): usize {
  const c = cpu;
  const gpa = load<u64>(entry, TLB_GPA) | (linear & 0xfff);
  const kind = load<u32>(c, NESTED);
  const info = kickInfo(op, entry, size, kind);
  const reason = kind == NESTED_EPT ? REASON_EPT_MISCONFIG : kind == NESTED_NPT ? REASON_NPF : REASON_PAGE_FAULT;
  deferred = op;
  const answer = exitHandler(reason, <i32>gpa, <i32>(gpa >> 32), info);
  if (answer == SKIP && deferred && !load<u32>(c, REQUEST)) {
    deferred = 0;
    return op + UOP;
  }
  syncExit();
  if (answer == SKIP) return stepOverDeferred();
  abandonCut();
  return answer == LEAVE ? leaveRun(RESULT_LEFT) : enter();
}

/** EXIT_INFO of a plain store to MMIO. */
// @ts-ignore: decorator
@inline function kickInfo(op: usize, entry: usize, size: u32, kind: u32): u32 {
  const user: u32 = load<u32>(cpu, MMU) == TLB_USER ? INFO_USER : 0;
  const length = <u32>load<u8>(op, LENGTH);
  const info = ACCESS_WRITE | INFO_PLAIN_STORE | user | (length << INFO_LENGTH_SHIFT) | (size << INFO_SIZE_SHIFT);
  // Under shadow paging RSVD hides the guest's rights; they stand in the marker. Writable, and by the user only if the page
  // is a user's.
  if (kind == NESTED_SHADOW && (cachedMarker(entry) & 6) != (user ? 6 : 2)) return info;
  return info | INFO_KICK;
}
/** The exit record of the plain store that is deferred: as exitMmio() writes it. */
function recordKick(op: usize): void {
  const linear = address(op);
  const entry = tlbEntry(<usize>load<u32>(cpu, TLB_NOW), linear);
  const log2 = (<u32>load<u8>(op, MEM)) & MEM_SIZE;
  const size: u32 = 1 << log2;
  setAccessSize(size);
  const how = ACCESS_WRITE | (load<u32>(cpu, MMU) == TLB_USER ? HOW_USER : 0);
  exitMmio(load<u64>(entry, TLB_GPA) | (linear & 0xfff), linear, how, cachedMarker(entry));
  setRaised(0);
  store<u32>(cpu, kickInfo(op, entry, size, load<u32>(cpu, NESTED)), EXIT_INFO);
  store<u32>(cpu, load<u8>(op, LENGTH), EXIT_LENGTH);
}

// ---------------------------------------------------------------- exits before which RIP is not made
/** The micro-operation whose exit is being handled, while RIP has not been made for it. */
let deferred: usize = 0;
/** The hypervisor stepped over the instruction and nothing else waits: go on with the next micro-operation. */
export let stepped: bool = false;

/** Exit with the record filled in but RIP and the budget as they are: most such exits need neither. */
export function exitDeferred(op: usize, info: u32): i32 {
  deferred = op;
  const answer = callHypervisor(info);
  stepped = answer == SKIP && deferred != 0 && !load<u32>(cpu, REQUEST) && !codeDropped;
  if (stepped) deferred = 0;
  else syncExit();
  return answer;
}
/** The hypervisor finished the instruction, but RIP has been asked for or something waits: go on by RIP. */
export function stepOverDeferred(): usize {
  store<u64>(cpu, load<u64>(cpu, NEXT_RIP), RIP);
  chargeCount(1);
  return proceed();
}
/** Make RIP that of the exiting instruction, and a kick's exit record: whoever looks at the vCPU during an exit calls this first. */
export function syncExit(): void {
  const op = deferred;
  if (!op) return;
  deferred = 0;
  if (load<u8>(op, MEM) & MEM_PLAIN) recordKick(op);
  sync(op);
  chargeCount(load<u8>(op, NUMBER));
  setNumber(0);
}

// ---------------------------------------------------------------- one micro-operation on a bounce buffer
/** The TLB entry that is bent (0 = none), what it was, and what is to be written back. */
let bent: usize = 0;
let bentOperation: usize = 0;
let bentLinear: u64 = 0;
let bentSize: u32 = 0;
let bentWrite: bool = false;

/** The access that exits lies on two pages: it is no plain store. */
export let straddles: bool = false;

function access(op: usize, entry: usize, linear: u64, size: u32, mem: u32): usize {
  const mmu = load<u32>(cpu, MMU);
  setStackAccess((mem & MEM_STACK) != 0);
  setAccessSize(size);
  if (load<u32>(cpu, STRICT) & STRICT_ALIGNMENT && linear & (size - 1)) {
    raiseError(17, 0);
    return fail(op);
  }
  straddles = ((<u32>linear) & 0xfff) + size > 0x1000;
  if (!straddles && !emulating) {
    translate(linear, mem & MEM_WRITE ? ACCESS_WRITE : ACCESS_READ, mmu);
    if (raised) return fail(op);
    if ((!(mem & MEM_READ) || readable(entry, linear, size)) && (!(mem & MEM_WRITE) || writable(entry, linear, size))) {
      setStackAccess(false);
      return op;
    }
  }
  if (mem & MEM_WRITE && !probe(linear, size, ACCESS_WRITE, mmu)) return fail(op);
  const bounce = cpu + BOUNCE;
  if (mem & MEM_READ) {
    const value = readAs(linear, size, mmu);
    if (raised) return fail(op);
    store<u64>(bounce, value);
  }
  // the load of a read-modify-write asks for both rights, but the store that follows does the writing
  const handler = <u32>load<u16>(op, HANDLER);
  const loads =
    handler - <u32>Uop.LOAD_RMW8 <= <u32>(Uop.LOAD_RMW64 - Uop.LOAD_RMW8) ||
    handler - <u32>Uop.LOAD_LOCKED8 <= <u32>(Uop.LOAD_LOCKED64 - Uop.LOAD_LOCKED8);
  return bend(op, entry, linear, size, (mem & MEM_WRITE) != 0 && !loads);
}
function probeOnly(op: usize, linear: u64, size: u32, mem: u32): usize {
  setStackAccess((mem & MEM_STACK) != 0);
  if (!probe(linear, size, ACCESS_WRITE, load<u32>(cpu, MMU))) return fail(op);
  setStackAccess(false);
  return op + UOP;
}
/** The same for 16 and 32 bytes, which a device is given 8 at a time. */
function accessWide(op: usize, entry: usize, linear: u64, size: u32, mem: u32): usize {
  const mmu = load<u32>(cpu, MMU);
  const isWrite = (mem & MEM_WRITE) != 0;
  setStackAccess((mem & MEM_STACK) != 0);
  straddles = ((<u32>linear) & 0xfff) + size > 0x1000;
  if (!straddles && !emulating && !load<u32>(cpu, STRICT)) {
    translate(linear, isWrite ? ACCESS_WRITE : ACCESS_READ, mmu, size);
    if (raised) return fail(op);
    if (isWrite ? writable(entry, linear, size) : readable(entry, linear, size)) {
      setStackAccess(false);
      return op;
    }
  }
  // every page first: nothing is read from or written to a device when a later byte faults
  if (!probe(linear, size, isWrite ? ACCESS_WRITE : ACCESS_READ, mmu)) return fail(op);
  const bounce = cpu + BOUNCE;
  if (!isWrite) {
    for (let at: u32 = 0; at < size; at += 8) {
      const value = readAs(linear + at, 8, mmu);
      if (raised) return fail(op);
      store<u64>(bounce + at, value);
    }
  }
  return bend(op, entry, linear, size, isWrite);
}
/** Have the micro-operation done once more, by its handler, on the bounce buffer instead of memory. */
function bend(op: usize, entry: usize, linear: u64, size: u32, isWrite: bool): usize {
  const bounce = cpu + BOUNCE;
  const scratch = arena + ARENA_SLOW;
  memory.copy(scratch, entry, TLB_ENTRY);
  bent = entry;
  bentOperation = op;
  bentLinear = linear;
  bentSize = size;
  bentWrite = isWrite;
  const tag = (linear + (size - 1)) & ~(<u64>0xfff);
  store<u64>(entry, tag, TLB_READ);
  store<u64>(entry, tag, TLB_WRITE);
  store<u32>(entry, <u32>bounce - <u32>linear, TLB_ADDEND);
  const copy = scratch + TLB_ENTRY;
  memory.copy(copy, op, UOP);
  // nobody else sees the bounce buffer: what is there is replaced, whatever it was
  const handler = <u32>load<u16>(op, HANDLER);
  const locked = handler - <u32>Uop.STORE_LOCKED8;
  if (locked <= <u32>(Uop.STORE_LOCKED64 - Uop.STORE_LOCKED8)) store<u16>(copy, <u16>(Uop.STORE8 + locked), HANDLER);
  store<u16>(copy + UOP, <u16>Uop.SLOW_END, HANDLER);
  return copy;
}
/** Put the bent TLB entry back, if there is one. */
export function undoPatches(): void {
  setStackAccess(false);
  if (!bent) return;
  memory.copy(bent, arena + ARENA_SLOW, TLB_ENTRY);
  bent = 0;
}
/** The micro-operation has run on the bounce buffer: carry its write out, go on behind it. */
export function slowEnd(): usize {
  const op = bentOperation;
  undoPatches();
  if (bentWrite) {
    const bounce = cpu + BOUNCE;
    const mmu = load<u32>(cpu, MMU);
    if (bentSize < 8) writeAs(bentLinear, bentSize, load<u64>(bounce) & (((<u64>1) << (bentSize << 3)) - 1), mmu);
    else
      for (let at: u32 = 0; at < bentSize && !raised; at += 8) writeAs(bentLinear + at, 8, load<u64>(bounce + at), mmu);
    if (raised) return fail(op);
    if (codeDropped && !emulating) {
      if (isLast(op)) {
        sync(op);
        return ended(op);
      }
      leaveDropped(op);
    }
  }
  return op + UOP;
}

// ---------------------------------------------------------------- near calls, jumps and returns
// @ts-ignore: decorator
@inline const RSP: usize = GPR + 4 * 8;

/** 64-bit near transfers when the jump cache or the stack's TLB entry misses. */
function transfer(op: usize): usize {
  const handler = <i32>load<u16>(op, HANDLER);
  const stack = load<u64>(cpu, RSP);
  let target: u64;
  setStackAccess(true);
  if (handler == Uop.RET || handler == Uop.RET_N) {
    target = read64(stack);
    if (raised) return fail(op);
  } else if (handler == Uop.CALL) {
    // the link stub behind a CALL knows the distance
    target = load<u64>(cpu, PAGE) + load<u64>(op + UOP, IMM);
  } else target = load<u64>(<usize>load<u32>(op, SRC));
  if (!isCanonical(target)) {
    raiseError(13, 0);
    return fail(op);
  }
  if (handler == Uop.CALL || handler == Uop.CALL_R) {
    write64(stack - 8, load<u64>(cpu, PAGE) + load<u64>(op, IMM));
    if (raised) return fail(op);
    store<u64>(cpu, stack - 8, RSP);
  } else if (handler != Uop.JMP_R) store<u64>(cpu, stack + 8 + load<u64>(op, IMM), RSP);
  setStackAccess(false);
  store<u64>(cpu, target, RIP);
  chargeCount(1 + <i32>load<u8>(op, NUMBER));
  return proceed();
}
