// Opcode map 1: 0F, general-purpose and system part (SDM vol. 2, table A-3). MMX and SSE: two-byte-vector.ts.

import { Operation } from './operation';
import { MAP_0F, MAP_0F38, MAP_0F3A } from './insn';
import * as op from './operand-code';
import {
  mapTable,
  row,
  special,
  branch,
  ROW_ESCAPE,
  BY_PREFIX,
  LOCK,
  DEFAULT64,
  FORCE64,
  NO16,
  NP,
  PF3,
} from './table';
import { initTwoByteGroups } from './groups';
import { initTwoByteVector } from './two-byte-vector';

function system(t: usize): void {
  row(t, 0x02, Operation.LAR, 0, op.Gv, op.Ew);
  row(t, 0x03, Operation.LSL, 0, op.Gv, op.Ew);
  row(t, 0x05, Operation.SYSCALL);
  row(t, 0x06, Operation.CLTS);
  row(t, 0x07, Operation.SYSRET, NO16);
  row(t, 0x08, Operation.INVD);
  row(t, 0x09, Operation.WBINVD); // F3 is WBNOINVD where there is one, ignored where not
  // MOV to and from CR and DR: 64 bits in 64-bit mode, 32 outside, whatever the prefixes.
  row(t, 0x20, Operation.MOV_CR, FORCE64, op.Ry, op.Cy);
  row(t, 0x21, Operation.MOV_DR, FORCE64, op.Ry, op.Dy);
  row(t, 0x22, Operation.MOV_CR, FORCE64, op.Cy, op.Ry);
  row(t, 0x23, Operation.MOV_DR, FORCE64, op.Dy, op.Ry);
  row(t, 0x30, Operation.WRMSR);
  row(t, 0x31, Operation.RDTSC);
  row(t, 0x32, Operation.RDMSR);
  row(t, 0x33, Operation.RDPMC);
  row(t, 0x34, Operation.SYSENTER);
  row(t, 0x35, Operation.SYSEXIT, NO16);
  row(t, 0xa2, Operation.CPUID);
  row(t, 0xaa, Operation.RSM);
  // UD0 and UD1 have a ModRM byte (SDM vol. 2, UD): a page fault on it comes first.
  row(t, 0x0b, Operation.UD);
  row(t, 0xb9, Operation.UD, 0, op.Gv, op.Ev);
  row(t, 0xff, Operation.UD, 0, op.Gv, op.Ev);
}

function bits(t: usize): void {
  row(t, 0xa3, Operation.BT, 0, op.Ev, op.Gv);
  row(t, 0xab, Operation.BTS, LOCK, op.Ev, op.Gv);
  row(t, 0xb3, Operation.BTR, LOCK, op.Ev, op.Gv);
  row(t, 0xbb, Operation.BTC, LOCK, op.Ev, op.Gv);
  row(t, 0xa4, Operation.SHLD, 0, op.Ev, op.Gv, op.Ib);
  row(t, 0xa5, Operation.SHLD, 0, op.Ev, op.Gv, op.CL);
  row(t, 0xac, Operation.SHRD, 0, op.Ev, op.Gv, op.Ib);
  row(t, 0xad, Operation.SHRD, 0, op.Ev, op.Gv, op.CL);
  row(branch(t, 0xb8, BY_PREFIX), PF3, Operation.POPCNT, 0, op.Gv, op.Ev);
  scan(t, 0xbc, Operation.BSF, Operation.TZCNT);
  scan(t, 0xbd, Operation.BSR, Operation.LZCNT);
}

/**
 * A processor without LZCNT or TZCNT does not refuse them: it ignores their F3 and does BSR or BSF (SDM vol. 2, LZCNT).
 * So their rows need no feature, and the lowering takes the operation that the processor has.
 */
function scan(t: usize, opcode: u32, operation: u32, counting: u32): void {
  const prefixed = branch(t, opcode, BY_PREFIX);
  for (let i: u32 = 0; i < 4; i++) row(prefixed, i, i == PF3 ? counting : operation, 0, op.Gv, op.Ev);
}

function data(t: usize): void {
  row(t, 0xa0, Operation.PUSH_SEG, DEFAULT64, op.FS);
  row(t, 0xa1, Operation.POP_SEG, DEFAULT64, op.FS);
  row(t, 0xa8, Operation.PUSH_SEG, DEFAULT64, op.GS);
  row(t, 0xa9, Operation.POP_SEG, DEFAULT64, op.GS);
  row(t, 0xaf, Operation.IMUL, 0, op.Gv, op.Ev);
  row(t, 0xb0, Operation.CMPXCHG, LOCK, op.Eb, op.Gb);
  row(t, 0xb1, Operation.CMPXCHG, LOCK, op.Ev, op.Gv);
  row(t, 0xb2, Operation.LSS, 0, op.Gv, op.Mp);
  row(t, 0xb4, Operation.LFS, 0, op.Gv, op.Mp);
  row(t, 0xb5, Operation.LGS, 0, op.Gv, op.Mp);
  row(t, 0xb6, Operation.MOVZX, 0, op.Gv, op.Eb);
  row(t, 0xb7, Operation.MOVZX, 0, op.Gv, op.Ew);
  row(t, 0xbe, Operation.MOVSX, 0, op.Gv, op.Eb);
  row(t, 0xbf, Operation.MOVSX, 0, op.Gv, op.Ew);
  row(t, 0xc0, Operation.XADD, LOCK, op.Eb, op.Gb);
  row(t, 0xc1, Operation.XADD, LOCK, op.Ev, op.Gv);
  row(branch(t, 0xc3, BY_PREFIX), NP, Operation.MOVNTI, 0, op.My, op.Gy);
  for (let i: u32 = 0; i < 8; i++) row(t, 0xc8 + i, Operation.BSWAP, 0, op.Zv);
}

export function initTwoByte(): void {
  const t = mapTable(MAP_0F);
  special(t, 0x38, ROW_ESCAPE, MAP_0F38);
  special(t, 0x3a, ROW_ESCAPE, MAP_0F3A);
  for (let i: u32 = 0; i < 16; i++) {
    row(t, 0x40 + i, Operation.CMOVCC, 0, op.Gv, op.Ev);
    row(t, 0x80 + i, Operation.JCC, FORCE64, op.Jz);
    row(t, 0x90 + i, Operation.SETCC, 0, op.Eb);
  }
  system(t);
  bits(t);
  data(t);
  initTwoByteGroups(t);
  initTwoByteVector(t);
}
