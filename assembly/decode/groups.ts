// Opcodes extended by ModRM.reg (SDM vol. 2, table A-6): groups 1-5 and 11 of the one-byte map, 6-9, 15 and 16 of the 0F map.

import { Operation } from './operation';
import * as op from './operand-code';
import {
  row,
  branch,
  BY_REG,
  BY_RM,
  BY_FORM,
  BY_PREFIX,
  BY_REX_W,
  LOCK,
  NO64,
  NO16,
  ONLY64,
  DEFAULT64,
  FORCE64,
  MODRM,
  MEMORY_FORM,
  REGISTER_FORM,
  NP,
  P66,
  PF3,
} from './table';

function arithmeticImmediate(t: usize, opcode: u32, flags: u32, target: u32, immediate: u32): void {
  const group = branch(t, opcode, BY_REG);
  for (let i: u32 = 0; i < 8; i++) row(group, i, Operation.ADD + i, i == 7 ? flags : flags | LOCK, target, immediate);
}

function shift(t: usize, opcode: u32, target: u32, amount: u32): void {
  const group = branch(t, opcode, BY_REG);
  for (let i: u32 = 0; i < 8; i++) row(group, i, Operation.ROL + i, 0, target, amount);
}

function unary(t: usize, opcode: u32, target: u32, immediate: u32): void {
  const group = branch(t, opcode, BY_REG);
  row(group, 0, Operation.TEST, 0, target, immediate);
  row(group, 1, Operation.TEST, 0, target, immediate); // undocumented alias
  row(group, 2, Operation.NOT, LOCK, target);
  row(group, 3, Operation.NEG, LOCK, target);
  row(group, 4, Operation.MUL, 0, target);
  row(group, 5, Operation.IMUL, 0, target);
  row(group, 6, Operation.DIV, 0, target);
  row(group, 7, Operation.IDIV, 0, target);
}

export function initOneByteGroups(t: usize): void {
  arithmeticImmediate(t, 0x80, 0, op.Eb, op.Ibs);
  arithmeticImmediate(t, 0x81, 0, op.Ev, op.Iz);
  arithmeticImmediate(t, 0x82, NO64, op.Eb, op.Ibs);
  arithmeticImmediate(t, 0x83, 0, op.Ev, op.Ibs);
  shift(t, 0xc0, op.Eb, op.Ib);
  shift(t, 0xc1, op.Ev, op.Ib);
  shift(t, 0xd0, op.Eb, op.ONE);
  shift(t, 0xd1, op.Ev, op.ONE);
  shift(t, 0xd2, op.Eb, op.CL);
  shift(t, 0xd3, op.Ev, op.CL);
  // 8F with another /r is AMD's XOP; C6 F8 and C7 F8 are TSX: absent.
  row(branch(t, 0x8f, BY_REG), 0, Operation.POP, DEFAULT64, op.Ev);
  row(branch(t, 0xc6, BY_REG), 0, Operation.MOV, 0, op.Eb, op.Ib);
  row(branch(t, 0xc7, BY_REG), 0, Operation.MOV, 0, op.Ev, op.Iz);
  unary(t, 0xf6, op.Eb, op.Ibs);
  unary(t, 0xf7, op.Ev, op.Iz);
  const bytes = branch(t, 0xfe, BY_REG);
  row(bytes, 0, Operation.INC, LOCK, op.Eb);
  row(bytes, 1, Operation.DEC, LOCK, op.Eb);
  const words = branch(t, 0xff, BY_REG);
  row(words, 0, Operation.INC, LOCK, op.Ev);
  row(words, 1, Operation.DEC, LOCK, op.Ev);
  row(words, 2, Operation.CALL, FORCE64, op.Ev);
  row(words, 3, Operation.CALL_FAR, 0, op.Mp);
  row(words, 4, Operation.JMP, FORCE64, op.Ev);
  row(words, 5, Operation.JMP_FAR, 0, op.Mp);
  row(words, 6, Operation.PUSH, DEFAULT64, op.Ev);
}

/** 0F 00 and 0F 01. */
function systemGroups(t: usize): void {
  const g6 = branch(t, 0x00, BY_REG);
  row(g6, 0, Operation.SLDT, 0, op.EvMw);
  row(g6, 1, Operation.STR, 0, op.EvMw);
  row(g6, 2, Operation.LLDT, 0, op.Ew);
  row(g6, 3, Operation.LTR, 0, op.Ew);
  row(g6, 4, Operation.VERR, 0, op.Ew);
  row(g6, 5, Operation.VERW, 0, op.Ew);

  const forms = branch(t, 0x01, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  row(memory, 0, Operation.SGDT, FORCE64, op.Ms);
  row(memory, 1, Operation.SIDT, FORCE64, op.Ms);
  row(memory, 2, Operation.LGDT, FORCE64, op.Ms);
  row(memory, 3, Operation.LIDT, FORCE64, op.Ms);
  row(memory, 4, Operation.SMSW, 0, op.EvMw);
  row(memory, 6, Operation.LMSW, 0, op.Ew);
  row(memory, 7, Operation.INVLPG, 0, op.Mn);
  // Each register form is an instruction of its own; the SDM gives most of them as "NP": no 66, F2 or F3.
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  const c0 = branch(registers, 0, BY_RM);
  plain(c0, 1, Operation.VMCALL);
  const c8 = branch(registers, 1, BY_RM);
  plain(c8, 0, Operation.MONITOR);
  plain(c8, 1, Operation.MWAIT);
  plain(c8, 2, Operation.CLAC);
  plain(c8, 3, Operation.STAC);
  const d0 = branch(registers, 2, BY_RM);
  plain(d0, 0, Operation.XGETBV);
  plain(d0, 1, Operation.XSETBV);
  const d8 = branch(registers, 3, BY_RM);
  row(d8, 1, Operation.VMMCALL, MODRM);
  row(registers, 4, Operation.SMSW, 0, op.EvMw);
  row(registers, 6, Operation.LMSW, 0, op.Ew);
  const f8 = branch(registers, 7, BY_RM);
  row(f8, 0, Operation.SWAPGS, MODRM | ONLY64);
  row(f8, 1, Operation.RDTSCP, MODRM);
}

/** An operation without operands that admits no mandatory prefix. */
function plain(t: usize, index: u32, operation: u32): void {
  row(branch(t, index, BY_PREFIX), NP, operation, MODRM);
}

function bitTests(t: usize): void {
  const g8 = branch(t, 0xba, BY_REG);
  row(g8, 4, Operation.BT, 0, op.Ev, op.Ib);
  row(g8, 5, Operation.BTS, LOCK, op.Ev, op.Ib);
  row(g8, 6, Operation.BTR, LOCK, op.Ev, op.Ib);
  row(g8, 7, Operation.BTC, LOCK, op.Ev, op.Ib);
}

/** 0F AE. */
function stateAndFences(t: usize): void {
  const forms = branch(t, 0xae, BY_FORM);
  const memory = branch(branch(forms, MEMORY_FORM, BY_PREFIX), NP, BY_REG);
  row(memory, 0, Operation.FXSAVE, 0, op.Mn);
  row(memory, 1, Operation.FXRSTOR, 0, op.Mn);
  row(memory, 2, Operation.LDMXCSR, 0, op.Md);
  row(memory, 3, Operation.STMXCSR, 0, op.Md);
  row(memory, 4, Operation.XSAVE, 0, op.Mn);
  row(memory, 5, Operation.XRSTOR, 0, op.Mn);
  row(memory, 6, Operation.XSAVEOPT, 0, op.Mn);
  row(memory, 7, Operation.CLFLUSH, 0, op.Mb);
  const registers = branch(forms, REGISTER_FORM, BY_PREFIX);
  const fences = branch(registers, NP, BY_REG);
  row(fences, 5, Operation.LFENCE, MODRM);
  row(fences, 6, Operation.MFENCE, MODRM);
  row(fences, 7, Operation.SFENCE, MODRM);
  const bases = branch(registers, PF3, BY_REG);
  row(bases, 0, Operation.RDFSBASE, ONLY64 | NO16, op.Ry);
  row(bases, 1, Operation.RDGSBASE, ONLY64 | NO16, op.Ry);
  row(bases, 2, Operation.WRFSBASE, ONLY64 | NO16, op.Ry);
  row(bases, 3, Operation.WRGSBASE, ONLY64 | NO16, op.Ry);
}

/** 0F C7. */
function group9(t: usize): void {
  const forms = branch(t, 0xc7, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  const exchange = branch(memory, 1, BY_REX_W);
  row(exchange, 0, Operation.CMPXCHG8B, LOCK, op.Mq);
  row(exchange, 1, Operation.CMPXCHG16B, LOCK, op.Mdq);
  row(branch(memory, 3, BY_PREFIX), NP, Operation.XRSTORS, 0, op.Mn);
  row(branch(memory, 4, BY_PREFIX), NP, Operation.XSAVEC, 0, op.Mn);
  row(branch(memory, 5, BY_PREFIX), NP, Operation.XSAVES, 0, op.Mn);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  const random = branch(registers, 6, BY_PREFIX);
  row(random, NP, Operation.RDRAND, 0, op.Rv);
  row(random, P66, Operation.RDRAND, 0, op.Rv);
  const seed = branch(registers, 7, BY_PREFIX);
  row(seed, NP, Operation.RDSEED, 0, op.Rv);
  row(seed, P66, Operation.RDSEED, 0, op.Rv);
  row(seed, PF3, Operation.RDPID, FORCE64, op.Ry);
}

/** Hints: a processor without the hint's meaning does nothing, after address decoding (SDM vol. 2, NOP, PREFETCHh; ENDBR is one). */
function hints(t: usize): void {
  const amd = branch(t, 0x0d, BY_FORM);
  row(amd, MEMORY_FORM, Operation.PREFETCH, 0, op.Mb);
  row(amd, REGISTER_FORM, Operation.NOP, 0, op.Ev);
  const fetch = branch(t, 0x18, BY_FORM);
  row(fetch, REGISTER_FORM, Operation.NOP, 0, op.Ev);
  const g16 = branch(fetch, MEMORY_FORM, BY_REG);
  for (let i: u32 = 0; i < 8; i++) {
    if (i < 4) row(g16, i, Operation.PREFETCH, 0, op.Mb);
    else row(g16, i, Operation.NOP, 0, op.Ev);
  }
  for (let i: u32 = 0x19; i < 0x20; i++) row(t, i, Operation.NOP, 0, op.Ev);
}

export function initTwoByteGroups(t: usize): void {
  systemGroups(t);
  bitTests(t);
  stateAndFences(t);
  group9(t);
  hints(t);
}
