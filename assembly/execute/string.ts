// String instructions, element by element with everything checked before rSI, rDI, rCX or a flag moves. A REP one stops
// after a bounded number of elements with RIP still on it, so that interrupts and the budget get their turn; long runs
// within a page are moved in one piece.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  cpu,
  emulating,
  EXIT_DATA,
  GPR,
  is64,
  MMU,
  NEXT_RIP,
  raised,
  RFLAGS,
  RIP,
  SEG_ES,
  SEG_FS,
  segment,
  SEGMENT_BASE,
  SKIP,
  TLB_NOW,
} from '../state';
import { Operation } from '../decode/operation';
import { PREFIX_REPNE } from '../decode/insn';
import { probe, readAs, writeAs } from '../paging/access';
import { linear } from '../segments/linear';
import { host, readable, tlbEntry, writable } from './operand';
import { readSized, signed, writeSized } from './sized';
import { DF, getZF, setLazy, SUBTRACTION } from '../flags';
import { portAllowed, portCheck, portRead, portWrite, setStringIo } from './port';
import { answer } from './rare';
import { stepping } from './enter';
import { breakpointsEnabled } from '../events/debug';

// @ts-ignore: decorator
@inline const RSI: usize = GPR + 6 * 8;
// @ts-ignore: decorator
@inline const RDI: usize = GPR + 7 * 8;
// @ts-ignore: decorator
@inline const RCX: usize = GPR + 8;
// @ts-ignore: decorator
@inline const RDX: usize = GPR + 16;
/** Elements a REP instruction may do before it lets others look. */
const ELEMENTS: u64 = 4096;
/** An element done the careful way counts for so many, since it takes as long. */
const CAREFUL: u64 = 16;

// @ts-ignore: decorator
@inline function at(seg: usize, offset: u64, bytes: u32, access: u32): u64 {
  if (is64()) return seg >= SEG_FS ? offset + load<u64>(segment(seg), SEGMENT_BASE) : offset;
  return linear(seg, offset, bytes, access);
}
/** rSI or rDI moves in the width of the address size. */
function advance(register: usize, addressSize: u32, step: i64): void {
  writeSized(cpu + register, addressSize, readSized(cpu + register, addressSize) + <u64>step);
}

export function string(operation: u32, size: u32, addressSize: u32, rep: u32, seg: usize): void {
  const backwards = (load<u64>(cpu, RFLAGS) & DF) != 0;
  const bytes: u32 = 1 << size;
  const step: i64 = backwards ? -(<i64>bytes) : <i64>bytes;
  if (!rep) {
    element(operation, size, addressSize, seg, step, false);
    return;
  }
  // Processors look at the permission before the count (test/oracle: u64.rep-outsb-0).
  if (operation == Operation.INS || operation == Operation.OUTS)
    if (!portAllowed(<u32>load<u16>(cpu, RDX), 1 << size)) return;
  // A breakpoint's trap comes behind the iteration that met it (SDM vol. 3, 17.3.1.2).
  let left: u64 = emulating || stepping() || breakpointsEnabled() ? 1 : ELEMENTS;
  while (true) {
    const count = readSized(cpu + RCX, addressSize);
    if (count == 0) return;
    if (left == 0) {
      // not finished: the instruction is begun again
      store<u64>(cpu, load<u64>(cpu, RIP), NEXT_RIP);
      return;
    }
    if (!emulating && !backwards && (operation == Operation.MOVS || operation == Operation.STOS)) {
      const moved = run(operation, size, addressSize, seg, count < left ? count : left);
      if (moved) {
        writeSized(cpu + RCX, addressSize, count - moved);
        left -= moved;
        continue;
      }
    }
    element(operation, size, addressSize, seg, step, true);
    if (raised || answer != SKIP) return;
    writeSized(cpu + RCX, addressSize, count - 1);
    left -= min(left, CAREFUL);
    if (operation == Operation.CMPS || operation == Operation.SCAS) if (getZF() == (rep == PREFIX_REPNE)) return;
  }
}

/**
 * Forward MOVS or STOS of as many elements as lie in one page on either side, when both pages are plain RAM in the TLB.
 * Returns how many were done; 0 = do one element the careful way. An overlap that would repeat a pattern is left to it.
 */
function run(operation: u32, size: u32, addressSize: u32, seg: usize, most: u64): u64 {
  if (!is64() || addressSize != 3) return 0;
  const tlb = <usize>load<u32>(cpu, TLB_NOW);
  const to = load<u64>(cpu, RDI);
  let elements = (4096 - (to & 4095)) >> size;
  if (elements > most) elements = most;
  if (elements == 0) return 0;
  const toEntry = tlbEntry(tlb, to);
  if (!writable(toEntry, to, 1)) return 0;
  const target = host(toEntry, to);
  const bytes = <usize>(elements << size);
  if (operation == Operation.STOS) {
    const value = load<u64>(cpu, GPR);
    if (size == 0) memory.fill(target, <u8>value, bytes);
    else for (let i: usize = 0; i < bytes; i += (<usize>1) << size) writeRaw(target + i, size, value);
  } else {
    const from = at(seg, load<u64>(cpu, RSI), 1, ACCESS_READ);
    const room = (4096 - (from & 4095)) >> size;
    if (elements > room) elements = room;
    if (elements == 0) return 0;
    const fromEntry = tlbEntry(tlb, from);
    if (!readable(fromEntry, from, 1)) return 0;
    const source = host(fromEntry, from);
    const length = <usize>(elements << size);
    if (target > source && target < source + length) return 0;
    memory.copy(target, source, length);
    store<u64>(cpu, load<u64>(cpu, RSI) + length, RSI);
  }
  store<u64>(cpu, to + (elements << size), RDI);
  return elements;
}
function writeRaw(address: usize, size: u32, value: u64): void {
  if (size == 1) store<u16>(address, <u16>value);
  else if (size == 2) store<u32>(address, <u32>value);
  else store<u64>(address, value);
}

function element(operation: u32, size: u32, addressSize: u32, seg: usize, step: i64, rep: bool): void {
  const bytes: u32 = 1 << size;
  const mmu = load<u32>(cpu, MMU);
  const si = readSized(cpu + RSI, addressSize);
  const di = readSized(cpu + RDI, addressSize);
  switch (operation) {
    case Operation.MOVS: {
      const from = at(seg, si, bytes, ACCESS_READ);
      if (raised) return;
      const to = at(SEG_ES, di, bytes, ACCESS_WRITE);
      if (raised) return;
      const value = readAs(from, bytes, mmu);
      if (raised) return;
      writeAs(to, bytes, value, mmu);
      if (raised) return;
      advance(RSI, addressSize, step);
      advance(RDI, addressSize, step);
      return;
    }
    case Operation.STOS: {
      const to = at(SEG_ES, di, bytes, ACCESS_WRITE);
      if (raised) return;
      writeAs(to, bytes, readSized(cpu + GPR, size), mmu);
      if (raised) return;
      advance(RDI, addressSize, step);
      return;
    }
    case Operation.LODS: {
      const from = at(seg, si, bytes, ACCESS_READ);
      if (raised) return;
      const value = readAs(from, bytes, mmu);
      if (raised) return;
      writeSized(cpu + GPR, size, value);
      advance(RSI, addressSize, step);
      return;
    }
    case Operation.SCAS: {
      const to = at(SEG_ES, di, bytes, ACCESS_READ);
      if (raised) return;
      const value = readAs(to, bytes, mmu);
      if (raised) return;
      compare(readSized(cpu + GPR, size), value, size);
      advance(RDI, addressSize, step);
      return;
    }
    case Operation.CMPS: {
      const from = at(seg, si, bytes, ACCESS_READ);
      if (raised) return;
      const to = at(SEG_ES, di, bytes, ACCESS_READ);
      if (raised) return;
      const a = readAs(from, bytes, mmu);
      if (raised) return;
      const b = readAs(to, bytes, mmu);
      if (raised) return;
      compare(a, b, size);
      advance(RSI, addressSize, step);
      advance(RDI, addressSize, step);
      return;
    }
    case Operation.INS: {
      const port = <u32>load<u16>(cpu, RDX);
      if (!portCheck(port, bytes)) return;
      const to = at(SEG_ES, di, bytes, ACCESS_WRITE);
      if (raised || !probe(to, bytes, ACCESS_WRITE, mmu)) return;
      setStringIo(addressSize, to);
      if (!portRead(port, bytes, rep)) return;
      writeAs(to, bytes, load<u64>(cpu, EXIT_DATA), mmu);
      if (raised) return;
      advance(RDI, addressSize, step);
      return;
    }
    default: {
      const port = <u32>load<u16>(cpu, RDX);
      if (!portCheck(port, bytes)) return;
      const from = at(seg, si, bytes, ACCESS_READ);
      if (raised) return;
      const value = readAs(from, bytes, mmu);
      if (raised) return;
      setStringIo(addressSize, from);
      if (!portWrite(port, bytes, value, rep)) return;
      advance(RSI, addressSize, step);
      return;
    }
  }
}
function compare(a: u64, b: u64, size: u32): void {
  const x = signed(a, size);
  const y = signed(b, size);
  setLazy(cpu, SUBTRACTION, x, y, signed(<u64>(x - y), size));
}
