// Opcode map 0: the one-byte opcodes (SDM vol. 2, table A-2), prefixes included.

import { Operation } from './operation';
import { MAP_ONE_BYTE, MAP_0F, PREFIX_LOCK, PREFIX_REP, PREFIX_REPNE, PREFIX_OPERAND, PREFIX_ADDRESS } from './insn';
import { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS } from '../state';
import * as op from './operand-code';
import {
  mapTable,
  row,
  special,
  branch,
  ROW_PREFIX,
  ROW_OVERRIDE,
  ROW_REX,
  ROW_ESCAPE,
  ROW_VEX,
  BY_FORM,
  BY_MODE,
  BY_PREFIX,
  BY_REX_B,
  LOCK,
  NO64,
  DEFAULT64,
  FORCE64,
  BYTE,
  IGNORE_W,
  LEGACY,
  LONG,
  MEMORY_FORM,
  REGISTER_FORM,
  NP,
  P66,
  PF3,
  PF2,
} from './table';
import { initOneByteGroups } from './groups';
import { initX87 } from './x87';

/** The six forms that the eight arithmetic operations share. */
function arithmetic(t: usize, opcode: u32, operation: u32, lock: u32): void {
  row(t, opcode, operation, lock, op.Eb, op.Gb);
  row(t, opcode + 1, operation, lock, op.Ev, op.Gv);
  row(t, opcode + 2, operation, 0, op.Gb, op.Eb);
  row(t, opcode + 3, operation, 0, op.Gv, op.Ev);
  row(t, opcode + 4, operation, 0, op.AL, op.Ibs);
  row(t, opcode + 5, operation, 0, op.Av, op.Iz);
}

function prefixes(t: usize): void {
  special(t, 0x26, ROW_OVERRIDE, <u32>SEG_ES);
  special(t, 0x2e, ROW_OVERRIDE, <u32>SEG_CS);
  special(t, 0x36, ROW_OVERRIDE, <u32>SEG_SS);
  special(t, 0x3e, ROW_OVERRIDE, <u32>SEG_DS);
  special(t, 0x64, ROW_OVERRIDE, <u32>SEG_FS);
  special(t, 0x65, ROW_OVERRIDE, <u32>SEG_GS);
  special(t, 0x66, ROW_PREFIX, PREFIX_OPERAND);
  special(t, 0x67, ROW_PREFIX, PREFIX_ADDRESS);
  special(t, 0xf0, ROW_PREFIX, PREFIX_LOCK);
  special(t, 0xf2, ROW_PREFIX, PREFIX_REPNE, PREFIX_REP);
  special(t, 0xf3, ROW_PREFIX, PREFIX_REP, PREFIX_REPNE);
  special(t, 0x0f, ROW_ESCAPE, MAP_0F);
  for (let i: u32 = 0x40; i < 0x50; i++) {
    const modes = branch(t, i, BY_MODE);
    row(modes, LEGACY, i < 0x48 ? Operation.INC : Operation.DEC, 0, op.Zv);
    special(modes, LONG, ROW_REX, 0);
  }
}

function stackAndData(t: usize): void {
  row(t, 0x06, Operation.PUSH_SEG, NO64, op.ES);
  row(t, 0x07, Operation.POP_SEG, NO64, op.ES);
  row(t, 0x0e, Operation.PUSH_SEG, NO64, op.CS);
  row(t, 0x16, Operation.PUSH_SEG, NO64, op.SS);
  row(t, 0x17, Operation.POP_SEG, NO64, op.SS);
  row(t, 0x1e, Operation.PUSH_SEG, NO64, op.DS);
  row(t, 0x1f, Operation.POP_SEG, NO64, op.DS);
  for (let i: u32 = 0; i < 8; i++) {
    row(t, 0x50 + i, Operation.PUSH, DEFAULT64, op.Zv);
    row(t, 0x58 + i, Operation.POP, DEFAULT64, op.Zv);
    if (i) row(t, 0x90 + i, Operation.XCHG, 0, op.Zv, op.Av);
    row(t, 0xb0 + i, Operation.MOV, 0, op.Zb, op.Ib);
    row(t, 0xb8 + i, Operation.MOV, 0, op.Zv, op.Iv);
  }
  row(t, 0x60, Operation.PUSHA, NO64);
  row(t, 0x61, Operation.POPA, NO64);
  row(t, 0x68, Operation.PUSH, DEFAULT64, op.Iz);
  row(t, 0x69, Operation.IMUL, 0, op.Gv, op.Ev, op.Iz);
  row(t, 0x6a, Operation.PUSH, DEFAULT64, op.Ibs);
  row(t, 0x6b, Operation.IMUL, 0, op.Gv, op.Ev, op.Ibs);
  row(t, 0x84, Operation.TEST, 0, op.Eb, op.Gb);
  row(t, 0x85, Operation.TEST, 0, op.Ev, op.Gv);
  row(t, 0x86, Operation.XCHG, LOCK, op.Eb, op.Gb);
  row(t, 0x87, Operation.XCHG, LOCK, op.Ev, op.Gv);
  row(t, 0x88, Operation.MOV, 0, op.Eb, op.Gb);
  row(t, 0x89, Operation.MOV, 0, op.Ev, op.Gv);
  row(t, 0x8a, Operation.MOV, 0, op.Gb, op.Eb);
  row(t, 0x8b, Operation.MOV, 0, op.Gv, op.Ev);
  row(t, 0x8c, Operation.MOV_SEG, 0, op.EvMw, op.Sw);
  row(t, 0x8d, Operation.LEA, 0, op.Gv, op.Mn);
  row(t, 0x8e, Operation.MOV_SEG, 0, op.SwTarget, op.Ew);
  // 90 is XCHG rAX, rAX, which must not clear the upper half of RAX: a NOP. REX.B makes it a real exchange with r8, F3 or not.
  const exchange = branch(t, 0x90, BY_REX_B);
  const nop = branch(exchange, 0, BY_PREFIX);
  row(nop, NP, Operation.NOP);
  row(nop, P66, Operation.NOP);
  row(nop, PF3, Operation.PAUSE);
  row(nop, PF2, Operation.NOP);
  row(exchange, 1, Operation.XCHG, 0, op.Zv, op.Av);
  row(t, 0x98, Operation.CBW);
  row(t, 0x99, Operation.CWD);
  row(t, 0x9c, Operation.PUSHF, DEFAULT64);
  row(t, 0x9d, Operation.POPF, DEFAULT64);
  row(t, 0x9e, Operation.SAHF);
  row(t, 0x9f, Operation.LAHF);
  row(t, 0xa0, Operation.MOV, 0, op.AL, op.Ob);
  row(t, 0xa1, Operation.MOV, 0, op.Av, op.Ov);
  row(t, 0xa2, Operation.MOV, 0, op.Ob, op.AL);
  row(t, 0xa3, Operation.MOV, 0, op.Ov, op.Av);
  row(t, 0xa8, Operation.TEST, 0, op.AL, op.Ibs);
  row(t, 0xa9, Operation.TEST, 0, op.Av, op.Iz);
  row(t, 0xc8, Operation.ENTER, DEFAULT64, op.Iw, op.I2b);
  row(t, 0xc9, Operation.LEAVE, DEFAULT64);
  row(t, 0xd7, Operation.XLAT, BYTE, op.XLAT_TABLE);
  // With ModRM.mod = 3 outside 64-bit mode, and always in it, 62 begins EVEX encodings (#UD without AVX-512), the other two VEX.
  row(t, 0x62, Operation.BOUND, NO64, op.Gv, op.Ma);
  farPointerOrVex(t, 0xc4, Operation.LES, 3);
  farPointerOrVex(t, 0xc5, Operation.LDS, 2);
  const signed = branch(t, 0x63, BY_MODE);
  row(signed, LEGACY, Operation.ARPL, 0, op.Ew, op.Gw);
  row(signed, LONG, Operation.MOVSXD, 0, op.Gv, op.Ez);
}

function farPointerOrVex(t: usize, opcode: u32, operation: u32, length: u32): void {
  const modes = branch(t, opcode, BY_MODE);
  special(modes, LONG, ROW_VEX, length);
  const forms = branch(modes, LEGACY, BY_FORM);
  row(forms, MEMORY_FORM, operation, 0, op.Gv, op.Mp);
  special(forms, REGISTER_FORM, ROW_VEX, length);
}

function stringsAndPorts(t: usize): void {
  row(t, 0x6c, Operation.INS, 0, op.Yb, op.DX);
  row(t, 0x6d, Operation.INS, IGNORE_W, op.Yz, op.DX);
  row(t, 0x6e, Operation.OUTS, BYTE, op.DX, op.Xb);
  row(t, 0x6f, Operation.OUTS, IGNORE_W, op.DX, op.Xz);
  row(t, 0xa4, Operation.MOVS, 0, op.Yb, op.Xb);
  row(t, 0xa5, Operation.MOVS, 0, op.Yv, op.Xv);
  row(t, 0xa6, Operation.CMPS, 0, op.Xb, op.Yb);
  row(t, 0xa7, Operation.CMPS, 0, op.Xv, op.Yv);
  row(t, 0xaa, Operation.STOS, 0, op.Yb, op.AL);
  row(t, 0xab, Operation.STOS, 0, op.Yv, op.Av);
  row(t, 0xac, Operation.LODS, 0, op.AL, op.Xb);
  row(t, 0xad, Operation.LODS, 0, op.Av, op.Xv);
  row(t, 0xae, Operation.SCAS, 0, op.AL, op.Yb);
  row(t, 0xaf, Operation.SCAS, 0, op.Av, op.Yv);
  row(t, 0xe4, Operation.IN, 0, op.AL, op.Ib);
  row(t, 0xe5, Operation.IN, IGNORE_W, op.Az, op.Ib);
  row(t, 0xe6, Operation.OUT, BYTE, op.Ib, op.AL);
  row(t, 0xe7, Operation.OUT, IGNORE_W, op.Ib, op.Az);
  row(t, 0xec, Operation.IN, 0, op.AL, op.DX);
  row(t, 0xed, Operation.IN, IGNORE_W, op.Az, op.DX);
  row(t, 0xee, Operation.OUT, BYTE, op.DX, op.AL);
  row(t, 0xef, Operation.OUT, IGNORE_W, op.DX, op.Az);
}

function controlFlow(t: usize): void {
  for (let i: u32 = 0x70; i < 0x80; i++) row(t, i, Operation.JCC, FORCE64, op.Jb);
  row(t, 0x9a, Operation.CALL_FAR, NO64, op.Ap);
  row(t, 0xc2, Operation.RET, FORCE64, op.Iw);
  row(t, 0xc3, Operation.RET, FORCE64);
  row(t, 0xca, Operation.RET_FAR, 0, op.Iw);
  row(t, 0xcb, Operation.RET_FAR);
  row(t, 0xcc, Operation.INT3);
  row(t, 0xcd, Operation.INT, 0, op.Ib);
  row(t, 0xce, Operation.INTO, NO64);
  row(t, 0xcf, Operation.IRET);
  row(t, 0xe0, Operation.LOOPNE, FORCE64, op.Jb);
  row(t, 0xe1, Operation.LOOPE, FORCE64, op.Jb);
  row(t, 0xe2, Operation.LOOP, FORCE64, op.Jb);
  row(t, 0xe3, Operation.JRCXZ, FORCE64, op.Jb);
  row(t, 0xe8, Operation.CALL, FORCE64, op.Jz);
  row(t, 0xe9, Operation.JMP, FORCE64, op.Jz);
  row(t, 0xea, Operation.JMP_FAR, NO64, op.Ap);
  row(t, 0xeb, Operation.JMP, FORCE64, op.Jb);
  row(t, 0xf1, Operation.INT1);
}

function flagsAndDecimal(t: usize): void {
  row(t, 0x27, Operation.DAA, NO64);
  row(t, 0x2f, Operation.DAS, NO64);
  row(t, 0x37, Operation.AAA, NO64);
  row(t, 0x3f, Operation.AAS, NO64);
  row(t, 0x9b, Operation.FWAIT);
  row(t, 0xd4, Operation.AAM, NO64, op.Ib);
  row(t, 0xd5, Operation.AAD, NO64, op.Ib);
  row(t, 0xd6, Operation.SALC, NO64);
  row(t, 0xf4, Operation.HLT);
  row(t, 0xf5, Operation.CMC);
  row(t, 0xf8, Operation.CLC);
  row(t, 0xf9, Operation.STC);
  row(t, 0xfa, Operation.CLI);
  row(t, 0xfb, Operation.STI);
  row(t, 0xfc, Operation.CLD);
  row(t, 0xfd, Operation.STD);
}

export function initOneByte(): void {
  const t = mapTable(MAP_ONE_BYTE);
  for (let i: u32 = 0; i < 8; i++) arithmetic(t, i * 8, Operation.ADD + i, i == 7 ? 0 : LOCK); // CMP writes nothing
  prefixes(t);
  stackAndData(t);
  stringsAndPorts(t);
  controlFlow(t);
  flagsAndDecimal(t);
  initOneByteGroups(t);
  initX87(t);
}
