// Port I/O: permission, the exit, and finishing an access that the caller of run() had to answer.

import {
  ACCESS_READ,
  ACCESS_WRITE,
  CARRY_PORT,
  CPL,
  cpu,
  emulating,
  EXIT_DATA,
  EXIT_GPA,
  EXIT_INFO,
  EXIT_LENGTH,
  EXIT_QUALIFICATION,
  EXIT_REASON,
  EXIT_SIZE,
  GPR,
  INFO_LENGTH_SHIFT,
  INFO_SIZE_SHIFT,
  isProtected,
  isV86,
  MMU,
  NEXT_RIP,
  raised,
  raiseError,
  RFLAGS,
  RIP,
  LEAVE,
  SEG_TR,
  segment,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SKIP,
} from '../state';
import { VECTOR_GP } from '../vectors';
import { systemRead16, writeAs } from '../paging/access';
import { abandonCut, callHypervisor, chargeCount, enter, leaveRun, RESULT_LEFT, stepOver } from './enter';
import { rare, setAnswer } from './rare';
import { exitDeferred, stepOverDeferred, stepped } from './slow';
import { DISP, DST, HANDLER, LENGTH, RARE_SIZE, SRC, Uop, UOP } from '../uop';
import { readSized, writeSized } from './sized';
import { DF } from '../flags';
import { breakpointsEnabled, debugCheckPort } from '../events/debug';

export const REASON_IO: u32 = 30;

/** CPL over IOPL, or virtual-8086 mode: every port has to be free in the TSS's I/O bitmap (SDM vol. 1, 19.5.2). */
export function portCheck(port: u32, bytes: u32): bool {
  if (!portAllowed(port, bytes)) return false;
  if (breakpointsEnabled()) debugCheckPort(port, bytes);
  return true;
}
/** The same without the debug registers. */
export function portAllowed(port: u32, bytes: u32): bool {
  if (!isProtected()) return true;
  const iopl = ((<u32>load<u64>(cpu, RFLAGS)) >> 12) & 3;
  if (!isV86() && load<u32>(cpu, CPL) <= iopl) return true;
  const task = segment(SEG_TR);
  const limit = load<u32>(task, SEGMENT_LIMIT);
  const base = load<u64>(task, SEGMENT_BASE);
  // 32-bit (9, B) and 64-bit TSS have a bitmap, 16-bit ones have none
  if (load<u32>(task, SEGMENT_ATTRIBUTES) & 8 && limit >= 103) {
    const map = <u32>systemRead16(base + 102);
    if (raised) return false;
    const at = map + (port >> 3);
    if (at + 1 <= limit) {
      const bits = <u32>systemRead16(base + at);
      if (raised) return false;
      if (!((bits >> (port & 7)) & ((1 << bytes) - 1))) return true;
    }
  }
  raiseError(VECTOR_GP, 0);
  return false;
}

function exitPort(port: u32, bytes: u32, isIn: bool, isString: bool, rep: bool): i32 {
  const length = (<u32>(load<u64>(cpu, NEXT_RIP) - load<u64>(cpu, RIP))) & 15;
  return callHypervisor(record(port, bytes, isIn, isString, rep, length));
}
/** Fill in the exit record; returns EXIT_INFO. */
function record(port: u32, bytes: u32, isIn: bool, isString: bool, rep: bool, length: u32): u32 {
  store<u32>(cpu, REASON_IO, EXIT_REASON);
  store<u64>(cpu, port, EXIT_GPA);
  store<u32>(cpu, bytes, EXIT_SIZE);
  // SDM vol. 3, table 28-5
  const qualification: u32 = (bytes - 1) | (isIn ? 8 : 0) | (isString ? 16 : 0) | (rep ? 32 : 0) | (port << 16);
  store<u64>(cpu, qualification, EXIT_QUALIFICATION);
  store<u32>(cpu, length, EXIT_LENGTH);
  const info = (isIn ? ACCESS_READ : ACCESS_WRITE) | (length << INFO_LENGTH_SHIFT) | (bytes << INFO_SIZE_SHIFT);
  store<u32>(cpu, info, EXIT_INFO);
  return info;
}

/** An access that left run(): what completeIo() has to do. */
let pending: bool = false;
let pendingIn: bool = false;
let pendingString: bool = false;
let pendingRep: bool = false;
let pendingBytes: u32 = 0;
let pendingAddressSize: u32 = 0;
let pendingLinear: u64 = 0;
let pendingRip: u64 = 0;
let pendingNext: u64 = 0;
function leave(said: i32, isIn: bool, isString: bool, rep: bool, bytes: u32): void {
  setAnswer(said);
  pending = true;
  pendingIn = isIn;
  pendingString = isString;
  pendingRep = rep;
  pendingBytes = bytes;
  pendingRip = load<u64>(cpu, RIP);
  pendingNext = load<u64>(cpu, NEXT_RIP);
}
/** The same for the next run() of this vCPU in whatever instance. */
export function savePort(): void {
  store<u64>(cpu, pendingLinear, CARRY_PORT);
  store<u64>(cpu, pendingRip, CARRY_PORT + 8);
  store<u64>(cpu, pendingNext, CARRY_PORT + 16);
  store<u32>(cpu, pendingAddressSize, CARRY_PORT + 24);
  store<u32>(cpu, pendingBytes, CARRY_PORT + 28);
  const bits = (pending ? 1 : 0) | (pendingIn ? 2 : 0) | (pendingString ? 4 : 0) | (pendingRep ? 8 : 0);
  store<u32>(cpu, bits, CARRY_PORT + 32);
}
export function loadPort(): void {
  pendingLinear = load<u64>(cpu, CARRY_PORT);
  pendingRip = load<u64>(cpu, CARRY_PORT + 8);
  pendingNext = load<u64>(cpu, CARRY_PORT + 16);
  pendingAddressSize = load<u32>(cpu, CARRY_PORT + 24);
  pendingBytes = load<u32>(cpu, CARRY_PORT + 28);
  const bits = load<u32>(cpu, CARRY_PORT + 32);
  pending = (bits & 1) != 0;
  pendingIn = (bits & 2) != 0;
  pendingString = (bits & 4) != 0;
  pendingRep = (bits & 8) != 0;
}
/** String forms tell where they stand before they ask. */
export function setStringIo(addressSize: u32, linear: u64): void {
  pendingAddressSize = addressSize;
  pendingLinear = linear;
}

// @ts-ignore: decorator
@inline function portNumber(immediate: i32): u32 {
  return immediate < 0 ? load<u16>(cpu, GPR + 16) : <u32>immediate;
}
/** The port an IN or OUT names itself, or -1: DX. The lowering gives DX a register operand of its own. */
export function portImmediate(op: usize): i32 {
  const d = <usize>load<u16>(op, DST);
  const s = <usize>load<u32>(op, SRC);
  return s == 0 || d == 0 || s == d ? load<i32>(op, DISP) & 0xff : -1;
}

/** IN and OUT when permission needs no look at the TSS: the exit, and on with the next micro-operation. */
export function port(op: usize): usize {
  const iopl = ((<u32>load<u64>(cpu, RFLAGS)) >> 12) & 3;
  if (emulating || load<u32>(cpu, CPL) > iopl || isV86() || breakpointsEnabled()) return rare(op);
  const isIn = load<u16>(op, HANDLER) == Uop.IN;
  const size = <u32>load<u8>(op, RARE_SIZE);
  const length = <u32>load<u8>(op, LENGTH);
  if (!isIn) store<u64>(cpu, readSized(cpu + GPR, size), EXIT_DATA);
  const info = record(portNumber(portImmediate(op)), 1 << size, isIn, false, false, length);
  const said = exitDeferred(op, info);
  if (said == SKIP) {
    if (isIn) writeSized(cpu + GPR, size, load<u32>(cpu, EXIT_DATA));
    return stepped ? op + UOP : stepOverDeferred();
  }
  leave(said, isIn, false, false, 1 << size);
  setAnswer(SKIP);
  abandonCut();
  return said == LEAVE ? leaveRun(RESULT_LEFT) : enter();
}

/** IN; immediate -1 = port in DX. */
export function portIn(size: u32, immediate: i32): void {
  const port = portNumber(immediate);
  const bytes: u32 = 1 << size;
  if (!portCheck(port, bytes)) return;
  const said = exitPort(port, bytes, true, false, false);
  if (said == SKIP) writeSized(cpu + GPR, size, load<u32>(cpu, EXIT_DATA));
  else leave(said, true, false, false, bytes);
}
export function portOut(size: u32, immediate: i32): void {
  const port = portNumber(immediate);
  const bytes: u32 = 1 << size;
  if (!portCheck(port, bytes)) return;
  store<u64>(cpu, readSized(cpu + GPR, size), EXIT_DATA);
  const said = exitPort(port, bytes, false, false, false);
  if (said != SKIP) leave(said, false, false, false, bytes);
}
/** One element of INS or OUTS. False = the hypervisor did not finish it. */
export function portRead(port: u32, bytes: u32, rep: bool): bool {
  const said = exitPort(port, bytes, true, true, rep);
  if (said == SKIP) return true;
  leave(said, true, true, rep, bytes);
  return false;
}
export function portWrite(port: u32, bytes: u32, value: u64, rep: bool): bool {
  store<u64>(cpu, value, EXIT_DATA);
  const said = exitPort(port, bytes, false, true, rep);
  if (said == SKIP) return true;
  leave(said, false, true, rep, bytes);
  return false;
}

/**
 * Finish the port access that left run(): EXIT_DATA goes where IN or INS wants it, RIP moves on; nothing happens when the
 * caller has moved RIP meanwhile (as KVM does: completion only "if the linear RIP is unchanged").
 */
export function completeIo(): void {
  if (!pending) return;
  pending = false;
  if (load<u64>(cpu, RIP) != pendingRip) return;
  const size: u32 = 31 - clz<u32>(pendingBytes);
  const mask: u64 = ((<u64>1) << (pendingBytes << 3)) - 1;
  const data = load<u64>(cpu, EXIT_DATA) & mask;
  store<u64>(cpu, pendingNext, NEXT_RIP);
  if (pendingString) {
    if (pendingIn) writeAs(pendingLinear, pendingBytes, data, load<u32>(cpu, MMU));
    const back = (load<u64>(cpu, RFLAGS) & DF) != 0;
    const register = cpu + GPR + (pendingIn ? 7 * 8 : 6 * 8);
    const step: u64 = back ? 0 - <u64>pendingBytes : <u64>pendingBytes;
    writeSized(register, pendingAddressSize, readSized(register, pendingAddressSize) + step);
    if (pendingRep) {
      const count = readSized(cpu + GPR + 8, pendingAddressSize) - 1;
      writeSized(cpu + GPR + 8, pendingAddressSize, count);
      // More to do: RIP stays on the instruction, which is not over yet. The element counts as an instruction, so that a
      // budget holds for a guest whose every element leaves to the user.
      if (count) return chargeCount(1);
    }
  } else if (pendingIn) writeSized(cpu + GPR, size, data);
  stepOver(false);
}
