// VEX map 2: C4 with mmmmm = 2; the opcodes of 0F 38 (SDM vol. 2, tables group 17). AVX, AVX2, FMA, F16C, BMI.

import { Operation } from './operation';
import { MAP_VEX_0F38 } from './insn';
import * as op from './operand-code';
import { mapTable, branch, BY_FORM, BY_REG, BY_VEX_L, MEMORY_FORM, REGISTER_FORM, NP, P66, PF3, PF2 } from './table';
import { variants } from './vector-rows';
import { anyLength, both, byW, converting, integers, only128, only256, unary } from './vex-rows';

/** Only with VEX.W = 0. */
function integersW0(t: usize, opcode: u32, operation: u32): void {
  both(byW(t, opcode, P66), 0, operation, op.Vdq, op.Hdq, op.Wdq);
}

/** Elements get wider: 2, 4 or 8 times. */
function extend(t: usize, opcode: u32, operation: u32, times: u32): void {
  const narrow = times == 2 ? op.Wq : times == 4 ? op.Wd : op.Ww;
  const wide = times == 2 ? op.Wdq : times == 4 ? op.Wq : op.Wd;
  converting(variants(t, opcode), P66, operation, op.Vdq, narrow, op.Vqq, wide);
}

function fromSse(t: usize): void {
  for (let i: u32 = 0; i < 12; i++) integers(t, i, Operation.PSHUFB + i); // PSHUFB … PMULHRSW, in the encoding's order
  unary(t, 0x17, Operation.PTEST);
  unary(t, 0x1c, Operation.PABSB);
  unary(t, 0x1d, Operation.PABSW);
  unary(t, 0x1e, Operation.PABSD);
  for (let zero: u32 = 0; zero < 2; zero++) {
    const opcode: u32 = zero ? 0x30 : 0x20;
    const first: u32 = zero ? Operation.PMOVZXBW : Operation.PMOVSXBW; // BW BD BQ WD WQ DQ
    extend(t, opcode, first, 2);
    extend(t, opcode + 1, first + 1, 4);
    extend(t, opcode + 2, first + 2, 8);
    extend(t, opcode + 3, first + 3, 2);
    extend(t, opcode + 4, first + 4, 4);
    extend(t, opcode + 5, first + 5, 2);
  }
  integers(t, 0x28, Operation.PMULDQ);
  integers(t, 0x29, Operation.PCMPEQQ);
  both(variants(t, 0x2a), P66, Operation.MOVNTDQA, op.Vdq, op.Mdq);
  integers(t, 0x2b, Operation.PACKUSDW);
  for (let i: u32 = 0x37; i < 0x41; i++) integers(t, i, Operation.PCMPGTQ + (i - 0x37)); // PCMPGTQ PMIN* PMAX* PMULLD
  only128(variants(t, 0x41), P66, Operation.PHMINPOSUW, op.Vdq, op.Wdq);
  only128(variants(t, 0xdb), P66, Operation.AESIMC, op.Vdq, op.Wdq);
  for (let i: u32 = 0; i < 4; i++) {
    only128(variants(t, 0xdc + i), P66, Operation.AESENC + i, op.Vdq, op.Hdq, op.Wdq); // AESENC AESENCLAST AESDEC AESDECLAST
  }
}

/** From memory, or with AVX2 from a register. `narrow`: there is a 128-bit form. */
function broadcast(t: usize, opcode: u32, operation: u32, memory: u32, narrow: bool): void {
  const lengths = branch(byW(t, opcode, P66), 0, BY_VEX_L);
  for (let length: u32 = narrow ? 0 : 1; length < 2; length++) {
    const forms = branch(lengths, length, BY_FORM);
    anyLength(forms, MEMORY_FORM, operation, length ? op.Vqq : op.Vdq, memory);
    anyLength(forms, REGISTER_FORM, operation, length ? op.Vqq : op.Vdq, op.Udq);
  }
}

function rearranging(t: usize): void {
  integersW0(t, 0x0c, Operation.VPERMILPS);
  integersW0(t, 0x0d, Operation.VPERMILPD);
  both(byW(t, 0x0e, P66), 0, Operation.VTESTPS, op.Vdq, op.Wdq);
  both(byW(t, 0x0f, P66), 0, Operation.VTESTPD, op.Vdq, op.Wdq);
  converting(byW(t, 0x13, P66), 0, Operation.VCVTPH2PS, op.Vdq, op.Wq, op.Vqq, op.Wdq);
  only256(byW(t, 0x16, P66), 0, Operation.VPERMPS, op.Vqq, op.Hqq, op.Wqq);
  only256(byW(t, 0x36, P66), 0, Operation.VPERMD, op.Vqq, op.Hqq, op.Wqq);
  broadcast(t, 0x18, Operation.VBROADCASTSS, op.Md, true);
  broadcast(t, 0x19, Operation.VBROADCASTSD, op.Mq, false);
  only256(byW(t, 0x1a, P66), 0, Operation.VBROADCASTF128, op.Vqq, op.Mdq);
  only256(byW(t, 0x5a, P66), 0, Operation.VBROADCASTI128, op.Vqq, op.Mdq);
  both(byW(t, 0x58, P66), 0, Operation.VPBROADCASTD, op.Vdq, op.Wd);
  both(byW(t, 0x59, P66), 0, Operation.VPBROADCASTQ, op.Vdq, op.Wq);
  both(byW(t, 0x78, P66), 0, Operation.VPBROADCASTB, op.Vdq, op.Wb);
  both(byW(t, 0x79, P66), 0, Operation.VPBROADCASTW, op.Vdq, op.Ww);
  shift(t, 0x45, Operation.VPSRLVD, Operation.VPSRLVQ);
  integersW0(t, 0x46, Operation.VPSRAVD);
  shift(t, 0x47, Operation.VPSLLVD, Operation.VPSLLVQ);
}

/** By doublewords, or with VEX.W by quadwords. */
function shift(t: usize, opcode: u32, doubles: u32, quads: u32): void {
  const w = byW(t, opcode, P66);
  both(w, 0, doubles, op.Vdq, op.Hdq, op.Wdq);
  both(w, 1, quads, op.Vdq, op.Hdq, op.Wdq);
}

function masked(t: usize): void {
  for (let store: u32 = 0; store < 2; store++) {
    const first = store ? op.Mdq : op.Vdq;
    const third = store ? op.Vdq : op.Mdq;
    both(byW(t, 0x2c + 2 * store, P66), 0, Operation.VMASKMOVPS, first, op.Hdq, third);
    both(byW(t, 0x2d + 2 * store, P66), 0, Operation.VMASKMOVPD, first, op.Hdq, third);
    const integer = byW(t, 0x8c + 2 * store, P66);
    both(integer, 0, Operation.VPMASKMOVD, first, op.Hdq, third);
    both(integer, 1, Operation.VPMASKMOVQ, first, op.Hdq, third);
  }
}

/** Gathers by doublewords and, with VEX.W, quadwords, at doubleword indices (opcode) and quadword indices (opcode + 1). */
function gather(t: usize, opcode: u32, dd: u32, dq: u32, qd: u32, qq: u32): void {
  const byDouble = byW(t, opcode, P66);
  let lengths = branch(byDouble, 0, BY_VEX_L);
  anyLength(lengths, 0, dd, op.Vdq, op.VMXd, op.Hdq);
  anyLength(lengths, 1, dd, op.Vqq, op.VMYd, op.Hqq);
  lengths = branch(byDouble, 1, BY_VEX_L);
  anyLength(lengths, 0, dq, op.Vdq, op.VMXq, op.Hdq);
  anyLength(lengths, 1, dq, op.Vqq, op.VMXq, op.Hqq);
  const byQuad = byW(t, opcode + 1, P66);
  lengths = branch(byQuad, 0, BY_VEX_L);
  anyLength(lengths, 0, qd, op.Vdq, op.VMXd, op.Hdq);
  anyLength(lengths, 1, qd, op.Vdq, op.VMYd, op.Hdq);
  lengths = branch(byQuad, 1, BY_VEX_L);
  anyLength(lengths, 0, qq, op.Vdq, op.VMXq, op.Hdq);
  anyLength(lengths, 1, qq, op.Vqq, op.VMYq, op.Hqq);
}

/** One of the three orders of the operands: twenty operations from `first` on, in the encoding's order. */
function multiplyAdd(t: usize, opcode: u32, first: u32): void {
  let operation = first;
  for (let i: u32 = 0; i < 10; i++) {
    const w = byW(t, opcode + i, P66);
    // MADDSUB MSUBADD, then MADD, MSUB, NMADD, NMSUB, each followed by its scalar forms
    const scalar = i >= 2 && i & 1;
    for (let double: u32 = 0; double < 2; double++) {
      if (scalar) anyLength(w, double, operation, op.Vdq, op.Hdq, double ? op.Wq : op.Wd);
      else both(w, double, operation, op.Vdq, op.Hdq, op.Wdq);
      operation++;
    }
  }
}

function bits(t: usize): void {
  only128(variants(t, 0xf2), NP, Operation.ANDN, op.Gy, op.By, op.Ey);
  const group = branch(t, 0xf3, BY_REG);
  only128(variants(group, 1), NP, Operation.BLSR, op.By, op.Ey);
  only128(variants(group, 2), NP, Operation.BLSMSK, op.By, op.Ey);
  only128(variants(group, 3), NP, Operation.BLSI, op.By, op.Ey);
  let p = variants(t, 0xf5);
  only128(p, NP, Operation.BZHI, op.Gy, op.Ey, op.By);
  only128(p, PF3, Operation.PEXT, op.Gy, op.By, op.Ey);
  only128(p, PF2, Operation.PDEP, op.Gy, op.By, op.Ey);
  only128(variants(t, 0xf6), PF2, Operation.MULX, op.Gy, op.By, op.Ey);
  p = variants(t, 0xf7);
  only128(p, NP, Operation.BEXTR, op.Gy, op.Ey, op.By);
  only128(p, P66, Operation.SHLX, op.Gy, op.Ey, op.By);
  only128(p, PF3, Operation.SARX, op.Gy, op.Ey, op.By);
  only128(p, PF2, Operation.SHRX, op.Gy, op.Ey, op.By);
}

export function initVex38(): void {
  const t = mapTable(MAP_VEX_0F38);
  fromSse(t);
  rearranging(t);
  masked(t);
  gather(t, 0x90, Operation.VPGATHERDD, Operation.VPGATHERDQ, Operation.VPGATHERQD, Operation.VPGATHERQQ);
  gather(t, 0x92, Operation.VGATHERDPS, Operation.VGATHERDPD, Operation.VGATHERQPS, Operation.VGATHERQPD);
  multiplyAdd(t, 0x96, Operation.VFMADDSUB132PS);
  multiplyAdd(t, 0xa6, Operation.VFMADDSUB213PS);
  multiplyAdd(t, 0xb6, Operation.VFMADDSUB231PS);
  bits(t);
}
