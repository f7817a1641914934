// VEX map 3: C4 with mmmmm = 3; the opcodes of 0F 3A, all with an immediate (SDM vol. 2, table A-5).

import { Operation } from './operation';
import { MAP_VEX_0F3A } from './insn';
import * as op from './operand-code';
import { mapTable, branch, BY_REX_W, P66, PF2 } from './table';
import { variants } from './vector-rows';
import { anyLength, both, byW, converting, only128, only256 } from './vex-rows';

/** One source. */
function unary(t: usize, opcode: u32, operation: u32): void {
  both(variants(t, opcode), P66, operation, op.Vdq, op.Wdq, op.Ib);
}
/** Two sources. */
function binary(t: usize, opcode: u32, operation: u32): void {
  both(variants(t, opcode), P66, operation, op.Vdq, op.Hdq, op.Wdq, op.Ib);
}
/** Two sources; one half of each is picked by the immediate. */
function halves(t: usize, opcode: u32, operation: u32): void {
  only256(byW(t, opcode, P66), 0, operation, op.Vqq, op.Hqq, op.Wqq, op.Ib);
}
function insertHalf(t: usize, opcode: u32, operation: u32): void {
  only256(byW(t, opcode, P66), 0, operation, op.Vqq, op.Hqq, op.Wdq, op.Ib);
}
function extractHalf(t: usize, opcode: u32, operation: u32): void {
  only256(byW(t, opcode, P66), 0, operation, op.Wdq, op.Vqq, op.Ib);
}
function blendByRegister(t: usize, opcode: u32, operation: u32): void {
  both(byW(t, opcode, P66), 0, operation, op.Vdq, op.Hdq, op.Wdq, op.Ldq);
}
function strings(t: usize, opcode: u32, operation: u32): void {
  only128(variants(t, opcode), P66, operation, op.Vdq, op.Wdq, op.Ib);
}

function rearranging(t: usize): void {
  only256(byW(t, 0x00, P66), 1, Operation.VPERMQ, op.Vqq, op.Wqq, op.Ib);
  only256(byW(t, 0x01, P66), 1, Operation.VPERMPD, op.Vqq, op.Wqq, op.Ib);
  both(byW(t, 0x02, P66), 0, Operation.VPBLENDD, op.Vdq, op.Hdq, op.Wdq, op.Ib);
  both(byW(t, 0x04, P66), 0, Operation.VPERMILPS, op.Vdq, op.Wdq, op.Ib);
  both(byW(t, 0x05, P66), 0, Operation.VPERMILPD, op.Vdq, op.Wdq, op.Ib);
  halves(t, 0x06, Operation.VPERM2F128);
  halves(t, 0x46, Operation.VPERM2I128);
  insertHalf(t, 0x18, Operation.VINSERTF128);
  insertHalf(t, 0x38, Operation.VINSERTI128);
  extractHalf(t, 0x19, Operation.VEXTRACTF128);
  extractHalf(t, 0x39, Operation.VEXTRACTI128);
  converting(byW(t, 0x1d, P66), 0, Operation.VCVTPS2PH, op.Wq, op.Vdq, op.Wdq, op.Vqq, op.Ib);
  blendByRegister(t, 0x4a, Operation.BLENDVPS);
  blendByRegister(t, 0x4b, Operation.BLENDVPD);
  blendByRegister(t, 0x4c, Operation.PBLENDVB);
}

/** To and from general registers; VEX.W chooses only in 64-bit mode. */
function elements(t: usize): void {
  only128(variants(t, 0x14), P66, Operation.PEXTRB, op.EyMb, op.Vdq, op.Ib);
  only128(variants(t, 0x15), P66, Operation.PEXTRW, op.EyMw, op.Vdq, op.Ib);
  const extract = branch(variants(t, 0x16), P66, BY_REX_W);
  only128(extract, 0, Operation.PEXTRD, op.Ey, op.Vdq, op.Ib);
  only128(extract, 1, Operation.PEXTRQ, op.Ey, op.Vdq, op.Ib);
  only128(variants(t, 0x17), P66, Operation.EXTRACTPS, op.EyMd, op.Vdq, op.Ib);
  only128(variants(t, 0x20), P66, Operation.PINSRB, op.Vdq, op.Hdq, op.EyMb, op.Ib);
  only128(variants(t, 0x21), P66, Operation.INSERTPS, op.Vdq, op.Hdq, op.Wd, op.Ib);
  const insert = branch(variants(t, 0x22), P66, BY_REX_W);
  only128(insert, 0, Operation.PINSRD, op.Vdq, op.Hdq, op.Ey, op.Ib);
  only128(insert, 1, Operation.PINSRQ, op.Vdq, op.Hdq, op.Ey, op.Ib);
}

export function initVex3a(): void {
  const t = mapTable(MAP_VEX_0F3A);
  rearranging(t);
  elements(t);
  unary(t, 0x08, Operation.ROUNDPS);
  unary(t, 0x09, Operation.ROUNDPD);
  anyLength(variants(t, 0x0a), P66, Operation.ROUNDSS, op.Vdq, op.Hdq, op.Wd, op.Ib);
  anyLength(variants(t, 0x0b), P66, Operation.ROUNDSD, op.Vdq, op.Hdq, op.Wq, op.Ib);
  binary(t, 0x0c, Operation.BLENDPS);
  binary(t, 0x0d, Operation.BLENDPD);
  binary(t, 0x0e, Operation.PBLENDW);
  binary(t, 0x0f, Operation.PALIGNR);
  binary(t, 0x40, Operation.DPPS);
  only128(variants(t, 0x41), P66, Operation.DPPD, op.Vdq, op.Hdq, op.Wdq, op.Ib);
  binary(t, 0x42, Operation.MPSADBW);
  only128(variants(t, 0x44), P66, Operation.PCLMULQDQ, op.Vdq, op.Hdq, op.Wdq, op.Ib);
  strings(t, 0x60, Operation.PCMPESTRM);
  strings(t, 0x61, Operation.PCMPESTRI);
  strings(t, 0x62, Operation.PCMPISTRM);
  strings(t, 0x63, Operation.PCMPISTRI);
  only128(variants(t, 0xdf), P66, Operation.AESKEYGENASSIST, op.Vdq, op.Wdq, op.Ib);
  only128(variants(t, 0xf0), PF2, Operation.RORX, op.Gy, op.Ey, op.Ib);
}
