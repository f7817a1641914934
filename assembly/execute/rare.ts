// Instructions executed out of line: one switch from operation to function, and what happens around each: RIP made
// architectural before, the fault, the exit or the next micro-operation after.

import {
  cpu,
  CPL,
  CR0,
  CR4,
  emulating,
  FEATURE_FSGSBASE,
  FEATURE_INVPCID,
  FEATURE_RDTSCP,
  FEATURE_SMAP,
  FEATURES,
  GPR,
  is64,
  MSR_TSC_AUX,
  NEXT_RIP,
  raise,
  raised,
  raiseError,
  REQUEST,
  RFLAGS,
  RIP,
  LEAVE,
  SEG_FS,
  SEG_GS,
  SEG_SS,
  segment,
  SEGMENT_BASE,
  SKIP,
  T0,
  T1,
  T2,
} from '../state';
import { CR0_MP, CR0_TS, CR4_FSGSBASE } from '../control';
import { VECTOR_GP, VECTOR_MF, VECTOR_NM, VECTOR_UD } from '../vectors';
import { waitsForX87 } from '../x87/x87';
import {
  AUX,
  DISP,
  DST,
  HANDLER,
  IMM,
  LOOP_COUNT_ZERO,
  LOOP_EQUAL,
  LOOP_NOT_EQUAL,
  NUMBER,
  RARE_ADDRESS_SIZE,
  RARE_MEMORY,
  RARE_OPERATION,
  RARE_PREFIXES,
  RARE_REGISTER,
  RARE_SELECTOR,
  RARE_SIZE,
  SEG,
  SRC,
  TAKEN,
  Uop,
  UOP,
} from '../uop';
import { Operation } from '../decode/operation';
import { codeDropped, leaveDropped } from '../decode/block';
import { PREFIX_REP, PREFIX_REPNE, PREFIX_REX_W } from '../decode/insn';
import { pendingX87 } from './family';
import { read16, read8 } from '../paging/access';
import { isCanonical, linear } from '../segments/linear';
import { address } from './operand';
import {
  abandonCut,
  chargeCount,
  enter,
  fail,
  leavesLimit,
  leaveRun,
  proceed,
  RESULT_LEFT,
  settle,
  sync,
  trapByNewFlags,
} from './enter';
import { readSized, writeSized } from './sized';
import { AC, getCF, getZF } from '../flags';
import { aaa, aad, aam, aas, daa, das } from './decimal';
import {
  callNear,
  enterFrame,
  jumpNear,
  leaveFrame,
  pop,
  popAll,
  popFlags,
  popSegment,
  push,
  pushAll,
  pushFlags,
  pushSegment,
  returnNear,
} from './stack';
import { setNumber } from '../clock';
import { random } from './random';
import { string } from './string';
import { portImmediate, portIn, portOut } from './port';
import { bound, compareExchangePair, farPointer, loadFarPointer, movSegment } from './pointer';
import {
  clearTaskSwitched,
  cpuid,
  halt,
  hypercall,
  invalidate,
  invalidatePage,
  invalidatePcid,
  loadMachineStatus,
  loadTable,
  moveControl,
  moveDebug,
  readCounter,
  readTsc,
  rdmsr,
  storeTable,
  wrmsr,
  REASON_INVD,
  REASON_WBINVD,
} from './system';
import { adjustRpl, loadAccessRights, loadLimit, loadLocalTable, loadTask, storeSelector, verify } from './selector';
import { fxrstor, fxsave, ldmxcsr, stmxcsr, xgetbv, xrstor, xsave, xsetbv } from './save-state';
import { cli, int, int1, int3, into, iretInstruction, sti } from './interrupt';
import { farCall, farJump } from '../segments/far';
import { farReturn } from '../segments/return';
import { switched } from '../segments/task';
import { swapgs, syscall, sysenter, sysexit, sysret } from '../events/syscall';
import { setStackAccess } from '../paging/guest-walk';
import { modeChanged } from '../paging/tlb';

/** What the hypervisor answered to an exit made by the running instruction; SKIP when there was none. */
export let answer: i32 = 1; // SKIP, written out: the module must have no start function
export function setAnswer(value: i32): void {
  answer = value;
}

/** Execute and go on with the next micro-operation. */
export function rare(op: usize): usize {
  sync(op);
  perform(op);
  if (raised) return fail(op);
  if (answer != SKIP) return answered(op);
  // what the hypervisor asked for at an exit comes before the next instruction
  if ((load<u32>(cpu, REQUEST) || codeDropped) && !emulating && isLast(op)) return ended(op);
  if (codeDropped) leaveDropped(op);
  return op + UOP;
}
/** Execute and look up where NEXT_RIP leads. */
export function rareEnd(op: usize): usize {
  sync(op);
  perform(op);
  if (raised) return taskSwitched ? arrive(op) : fail(op);
  if (answer != SKIP) return answered(op);
  return ended(op);
}
/** Nothing of the same instruction comes behind; a block's fallthrough has its last instruction's number. */
export function isLast(op: usize): bool {
  const next = op + UOP;
  if (load<u8>(next, NUMBER) != load<u8>(op, NUMBER)) return true;
  return load<u16>(next, HANDLER) == Uop.JMP && load<u8>(next, AUX) == 1;
}
export function ended(op: usize): usize {
  store<u64>(cpu, load<u64>(cpu, NEXT_RIP), RIP);
  chargeCount(1 + <i32>load<u8>(op, NUMBER));
  return proceed();
}
/** A task switch is complete, and what is raised is the new task's: RIP is its own already. */
function arrive(op: usize): usize {
  chargeCount(1 + <i32>load<u8>(op, NUMBER));
  setNumber(0);
  return settle(0);
}
/** The last far transfer was a task switch that completed. */
let taskSwitched: bool = false;

/** The hypervisor wants the state looked at again, or to leave. What came before in the block is charged. */
function answered(op: usize): usize {
  const said = answer;
  answer = SKIP;
  if (emulating) return 0;
  chargeCount(load<u8>(op, NUMBER));
  setNumber(0);
  abandonCut();
  return said == LEAVE ? leaveRun(RESULT_LEFT) : enter();
}

/** EA: linear address of a memory operand through its segment, cut to the address size. False = raised. */
export function effectiveAddress(op: usize): bool {
  let offset = address(op);
  const size = load<u8>(op, AUX);
  if (size == 1) offset &= 0xffff;
  else if (size == 2) offset &= 0xffffffff;
  const seg = <usize>load<u8>(op, SEG);
  if (is64()) {
    // no limits; only FS and GS have a base; an address that is not canonical faults when it is used
    if (seg >= SEG_FS) offset += load<u64>(segment(seg), SEGMENT_BASE);
    store<u64>(<usize>load<u16>(op, DST), offset);
    return true;
  }
  if (load<u32>(op, IMM) == 0) {
    store<u64>(<usize>load<u16>(op, DST), (load<u64>(segment(seg), SEGMENT_BASE) + offset) & 0xffffffff);
    return true;
  }
  const result = linear(seg, offset, load<u32>(op, IMM), load<u32>(op, IMM + 4));
  if (raised) {
    // an exception that x87 arithmetic has left pending comes before a fault of the next instruction's operand
    if (waitsForX87(op + UOP)) raise(VECTOR_MF);
    return false;
  }
  store<u64>(<usize>load<u16>(op, DST), result);
  return true;
}

/** LOOP, LOOPE, LOOPNE count rCX down (no flags); JRCXZ only looks. Width by address size. */
export function loopTaken(op: usize): bool {
  const which = (<u32>load<u8>(op, AUX)) & 15;
  const size = (<u32>load<u8>(op, AUX)) >> 4;
  const rcx = cpu + GPR + 8;
  if (which == LOOP_COUNT_ZERO) return readSized(rcx, size) == 0;
  const mask: u64 = size == 3 ? ~(<u64>0) : size == 2 ? 0xffffffff : 0xffff;
  const count = (readSized(rcx, size) - 1) & mask;
  const taken = count != 0 && (which == LOOP_EQUAL ? getZF() : which == LOOP_NOT_EQUAL ? !getZF() : true);
  // the branch will be refused: the instruction faults and has not counted
  const target = <usize>load<u32>(op, TAKEN);
  if (taken && load<u16>(target, HANDLER) == Uop.LINK && leavesLimit(target)) return true;
  writeSized(rcx, size, count);
  return taken;
}

/** Raise #GP(0) unless at privilege level 0. */
export function privileged(): bool {
  if (load<u32>(cpu, CPL) == 0) return true;
  raiseError(VECTOR_GP, 0);
  return false;
}

function perform(op: usize): void {
  answer = SKIP;
  taskSwitched = false;
  if (load<u8>(op, RARE_MEMORY) && load<u8>(op, SEG) == SEG_SS) {
    // an operand relative to rSP or rBP: an address that is not canonical raises #SS
    setStackAccess(true);
    dispatch(op);
    setStackAccess(false);
  } else dispatch(op);
}
function dispatch(op: usize): void {
  const operation = <u32>load<u16>(op, RARE_OPERATION);
  const size = <u32>load<u8>(op, RARE_SIZE);
  const destination = <usize>load<u16>(op, DST);
  const source = <usize>load<u32>(op, SRC);
  const memory = load<u64>(cpu, T0);
  const immediate = load<i32>(op, DISP);
  const register = <u32>load<u8>(op, RARE_REGISTER);
  switch (operation) {
    // ---- stack and near transfers
    case Operation.PUSH:
      return push(size, source == op + DISP ? <u64>(<i64>immediate) : readSized(source, size));
    case Operation.POP:
      return pop(size, destination, load<u8>(op, AUX));
    case Operation.PUSHA:
      return pushAll(size);
    case Operation.POPA:
      return popAll(size);
    case Operation.PUSHF:
      return pushFlags(size);
    case Operation.POPF:
      return popFlags(size);
    case Operation.PUSH_SEG:
      return pushSegment(size, register);
    case Operation.POP_SEG:
      return popSegment(size, register);
    case Operation.ENTER:
      return enterFrame(size, immediate & 0xffff, (<u32>load<u8>(op, 24)) & 31);
    case Operation.LEAVE:
      return leaveFrame(size);
    case Operation.CALL:
      return callNear(size, nearTarget(op, size, source, immediate));
    case Operation.JMP:
      return jumpNear(size, nearTarget(op, size, source, immediate));
    case Operation.RET:
      return returnNear(size, immediate);
    // ---- far transfers, interrupts, system calls
    case Operation.JMP_FAR:
    case Operation.CALL_FAR: {
      let selector: u32 = load<u16>(op, RARE_SELECTOR);
      let offset = <u64>(<u32>immediate);
      if (load<u8>(op, RARE_MEMORY)) {
        farPointer(memory, size);
        if (raised) return;
        offset = load<u64>(cpu, T1);
        selector = <u32>load<u64>(cpu, T2);
      }
      if (operation == Operation.JMP_FAR) farJump(selector, offset, size);
      else farCall(selector, offset, size);
      taskSwitched = switched;
      return;
    }
    case Operation.RET_FAR:
      return farReturn(size, (<u32>immediate) & 0xffff);
    case Operation.INT:
      return int((<u32>immediate) & 0xff);
    case Operation.INT3:
      return int3();
    case Operation.INT1:
      return int1();
    case Operation.INTO:
      return into();
    case Operation.IRET:
      iretInstruction(size);
      taskSwitched = switched;
      return;
    case Operation.SYSCALL:
      syscall();
      if (!raised) trapByNewFlags();
      return;
    case Operation.SYSRET:
      sysret(size);
      if (!raised) trapByNewFlags();
      return;
    case Operation.SYSENTER:
      return sysenter();
    case Operation.SYSEXIT:
      return sysexit(size);
    case Operation.SWAPGS:
      return swapgs();
    case Operation.BOUND:
      return bound(size, memory, source);
    case Operation.CLI:
      return cli();
    case Operation.STI:
      return sti();
    case Operation.CLAC:
    case Operation.STAC: {
      if (!(load<u64>(cpu, FEATURES) & FEATURE_SMAP) || load<u32>(cpu, CPL)) return raise(VECTOR_UD);
      const flags = load<u64>(cpu, RFLAGS);
      store<u64>(cpu, operation == Operation.STAC ? flags | AC : flags & ~(<u64>AC), RFLAGS);
      return modeChanged();
    }
    // ---- segments and pointers
    case Operation.MOV_SEG:
      return movSegment(register, load<u16>(source));
    case Operation.LES:
      return loadFarPointer(0, size, memory, destination);
    case Operation.LDS:
      return loadFarPointer(3, size, memory, destination);
    case Operation.LSS:
      return loadFarPointer(SEG_SS, size, memory, destination);
    case Operation.LFS:
      return loadFarPointer(SEG_FS, size, memory, destination);
    case Operation.LGS:
      return loadFarPointer(SEG_GS, size, memory, destination);
    case Operation.SGDT:
    case Operation.SIDT:
      return storeTable(operation == Operation.SIDT, memory);
    case Operation.LGDT:
    case Operation.LIDT:
      return loadTable(operation == Operation.LIDT, memory, size);
    case Operation.SLDT:
    case Operation.STR:
    case Operation.SMSW:
      return storeSelector(operation, size, destination);
    case Operation.LLDT:
      return loadLocalTable(selectorOf(op, memory, source));
    case Operation.LTR:
      return loadTask(selectorOf(op, memory, source));
    case Operation.LMSW:
      return loadMachineStatus(selectorOf(op, memory, source));
    case Operation.LAR:
      return loadAccessRights(size, selectorOf(op, memory, source), destination);
    case Operation.LSL:
      return loadLimit(size, selectorOf(op, memory, source), destination);
    case Operation.VERR:
    case Operation.VERW:
      return verify(selectorOf(op, memory, source), operation == Operation.VERW);
    case Operation.ARPL:
      return adjustRpl(load<u8>(op, RARE_MEMORY) != 0, memory, destination, source);
    case Operation.RDFSBASE:
    case Operation.RDGSBASE:
    case Operation.WRFSBASE:
    case Operation.WRGSBASE:
      return moveBase(operation, size, destination);
    // ---- the rest of the general-purpose instructions
    case Operation.XLAT: {
      const table = readSized(cpu + GPR + 24, load<u8>(op, RARE_ADDRESS_SIZE)) + load<u8>(cpu, GPR);
      return xlat(<usize>load<u8>(op, SEG), cut(table, load<u8>(op, RARE_ADDRESS_SIZE)));
    }
    case Operation.CMPXCHG8B:
    case Operation.CMPXCHG16B:
      return compareExchangePair(operation == Operation.CMPXCHG16B, memory);
    case Operation.DAA:
      return daa();
    case Operation.DAS:
      return das();
    case Operation.AAA:
      return aaa();
    case Operation.AAS:
      return aas();
    case Operation.AAM:
      return aam((<u32>immediate) & 0xff);
    case Operation.AAD:
      return aad((<u32>immediate) & 0xff);
    case Operation.SALC:
      return store<u8>(cpu, getCF() ? 0xff : 0, GPR);
    case Operation.MOVS:
    case Operation.CMPS:
    case Operation.STOS:
    case Operation.LODS:
    case Operation.SCAS:
    case Operation.INS:
    case Operation.OUTS:
      return string(
        operation,
        size,
        load<u8>(op, RARE_ADDRESS_SIZE),
        (<u32>load<u8>(op, RARE_PREFIXES)) & (PREFIX_REP | PREFIX_REPNE),
        load<u8>(op, SEG),
      );
    case Operation.IN:
      return portIn(size, portImmediate(op));
    case Operation.OUT:
      return portOut(size, portImmediate(op));
    // ---- system
    case Operation.HLT:
      return halt();
    case Operation.CPUID:
      return cpuid();
    case Operation.RDTSC:
      return readTsc(false);
    case Operation.RDTSCP:
      if (!(load<u64>(cpu, FEATURES) & FEATURE_RDTSCP)) return raise(VECTOR_UD);
      return readTsc(true);
    case Operation.RDPID:
      if (!(load<u64>(cpu, FEATURES) & FEATURE_RDTSCP)) return raise(VECTOR_UD);
      return store<u64>(destination, load<u64>(cpu, MSR_TSC_AUX));
    case Operation.RDRAND:
    case Operation.RDSEED:
      return random(destination, size);
    case Operation.RDPMC:
      return readCounter();
    case Operation.RDMSR:
      return rdmsr();
    case Operation.WRMSR:
      return wrmsr();
    case Operation.MOV_CR:
      return moveControl(load<u8>(op, AUX) != 0, register, load<u8>(op, AUX) ? source : destination);
    case Operation.MOV_DR:
      return moveDebug(load<u8>(op, AUX) != 0, register, load<u8>(op, AUX) ? source : destination);
    case Operation.CLTS:
      return clearTaskSwitched();
    case Operation.INVLPG:
      return invalidatePage(memory);
    case Operation.INVPCID:
      if (!(load<u64>(cpu, FEATURES) & FEATURE_INVPCID)) return raise(VECTOR_UD);
      return invalidatePcid(destination, memory);
    case Operation.INVD:
      return invalidate(REASON_INVD);
    case Operation.WBINVD:
      return invalidate(REASON_WBINVD);
    case Operation.XGETBV:
      return xgetbv();
    case Operation.XSETBV:
      return xsetbv();
    case Operation.FXSAVE:
      return fxsave(memory, wide(op));
    case Operation.FXRSTOR:
      return fxrstor(memory, wide(op));
    case Operation.XSAVE:
    case Operation.XSAVEOPT:
    case Operation.XSAVEC:
    case Operation.XSAVES:
      return xsave(operation, memory, wide(op));
    case Operation.XRSTOR:
    case Operation.XRSTORS:
      return xrstor(operation, memory, wide(op));
    case Operation.LDMXCSR:
      return ldmxcsr(memory);
    case Operation.STMXCSR:
      return stmxcsr(memory);
    case Operation.VMCALL:
    case Operation.VMMCALL:
      return hypercall();
    case Operation.FWAIT:
      // CR0.TS and CR0.MP together: #NM
      if ((load<u64>(cpu, CR0) & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) raise(VECTOR_NM);
      else pendingX87();
      return;
    default:
      return raise(VECTOR_UD);
  }
}

/** REX.W chooses the format of the state images. */
function wide(op: usize): bool {
  return ((<u32>load<u8>(op, RARE_PREFIXES)) & PREFIX_REX_W) != 0;
}
/** Where a near branch leads: relative to the next instruction, or the value of its operand; cut to the operand size. */
function nearTarget(op: usize, size: u32, source: usize, distance: i32): u64 {
  const target = load<u8>(op, AUX) ? load<u64>(cpu, NEXT_RIP) + <u64>(<i64>distance) : readSized(source, size);
  return cut(target, size);
}
// @ts-ignore: decorator
@inline function cut(value: u64, size: u32): u64 {
  return size == 3 ? value : size == 2 ? value & 0xffffffff : value & 0xffff;
}
/** A 16-bit selector operand, from memory or a register. */
function selectorOf(op: usize, memory: u64, source: usize): u32 {
  if (load<u8>(op, RARE_MEMORY)) return <u32>read16(memory);
  return load<u16>(source);
}
function xlat(seg: usize, offset: u64): void {
  const at = linear(seg, offset, 1, 1);
  if (raised) return;
  const value = read8(at);
  if (!raised) store<u8>(cpu, <u8>value, GPR);
}
function moveBase(operation: u32, size: u32, register: usize): void {
  if (!(load<u64>(cpu, FEATURES) & FEATURE_FSGSBASE) || !(load<u64>(cpu, CR4) & CR4_FSGSBASE) || !is64())
    return raise(VECTOR_UD);
  const fs = operation == Operation.RDFSBASE || operation == Operation.WRFSBASE;
  const base = segment(fs ? SEG_FS : SEG_GS) + SEGMENT_BASE;
  if (operation == Operation.RDFSBASE || operation == Operation.RDGSBASE)
    return writeSized(register, size, load<u64>(base));
  const value = readSized(register, size);
  if (!isCanonical(value)) return raiseError(VECTOR_GP, 0);
  store<u64>(base, value);
}
