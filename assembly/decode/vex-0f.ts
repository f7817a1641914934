// VEX map 1: C5, or C4 with mmmmm = 1; the opcodes of 0F (SDM vol. 2, tables A-3 and A-6). AVX, and AVX2's integers on 256 bits.

import { Operation } from './operation';
import { MAP_VEX_0F } from './insn';
import * as op from './operand-code';
import {
  mapTable,
  branch,
  BY_FORM,
  BY_REG,
  BY_REX_W,
  BY_VEX_L,
  MEMORY_FORM,
  REGISTER_FORM,
  NP,
  P66,
  PF3,
  PF2,
} from './table';
import { variants } from './vector-rows';
import { anyLength, arithmetic, both, converting, integers, only128, only256, packed, unary } from './vex-rows';

/** Loads of the opcode, stores of the one behind it. */
function move(t: usize, opcode: u32, prefix: u32, operation: u32): void {
  both(variants(t, opcode), prefix, operation, op.Vdq, op.Wdq);
  both(variants(t, opcode + 1), prefix, operation, op.Wdq, op.Vdq);
}

/** MOVSS and MOVSD between registers take the rest from a third one. */
function moveScalar(t: usize, prefix: u32, operation: u32, memory: u32): void {
  const load = branch(variants(t, 0x10), prefix, BY_FORM);
  anyLength(load, MEMORY_FORM, operation, op.Vdq, memory);
  anyLength(load, REGISTER_FORM, operation, op.Vdq, op.Hdq, op.Udq);
  const store = branch(variants(t, 0x11), prefix, BY_FORM);
  anyLength(store, MEMORY_FORM, operation, memory, op.Vdq);
  anyLength(store, REGISTER_FORM, operation, op.Udq, op.Hdq, op.Vdq);
}

/** MOVLPS and MOVHPS with their register form, MOVLPD and MOVHPD, and the stores behind them. */
function moveHalf(t: usize, opcode: u32, single: u32, betweenRegisters: u32, double: u32): void {
  const load = variants(t, opcode);
  const forms = branch(load, NP, BY_FORM);
  only128(forms, MEMORY_FORM, single, op.Vdq, op.Hdq, op.Mq);
  only128(forms, REGISTER_FORM, betweenRegisters, op.Vdq, op.Hdq, op.Udq);
  only128(load, P66, double, op.Vdq, op.Hdq, op.Mq);
  const store = variants(t, opcode + 1);
  only128(store, NP, single, op.Mq, op.Vdq);
  only128(store, P66, double, op.Mq, op.Vdq);
}

function floatMoves(t: usize): void {
  move(t, 0x10, NP, Operation.MOVUPS);
  move(t, 0x10, P66, Operation.MOVUPD);
  moveScalar(t, PF3, Operation.MOVSS, op.Md);
  moveScalar(t, PF2, Operation.MOVSD, op.Mq);
  moveHalf(t, 0x12, Operation.MOVLPS, Operation.MOVHLPS, Operation.MOVLPD);
  moveHalf(t, 0x16, Operation.MOVHPS, Operation.MOVLHPS, Operation.MOVHPD);
  both(variants(t, 0x12), PF3, Operation.MOVSLDUP, op.Vdq, op.Wdq);
  converting(variants(t, 0x12), PF2, Operation.MOVDDUP, op.Vdq, op.Wq, op.Vqq, op.Wqq);
  both(variants(t, 0x16), PF3, Operation.MOVSHDUP, op.Vdq, op.Wdq);
  move(t, 0x28, NP, Operation.MOVAPS);
  move(t, 0x28, P66, Operation.MOVAPD);
  both(variants(t, 0x2b), NP, Operation.MOVNTPS, op.Mdq, op.Vdq);
  both(variants(t, 0x2b), P66, Operation.MOVNTPD, op.Mdq, op.Vdq);
  both(variants(t, 0x50), NP, Operation.MOVMSKPS, op.Gy, op.Udq);
  both(variants(t, 0x50), P66, Operation.MOVMSKPD, op.Gy, op.Udq);
}

function conversions(t: usize): void {
  let p = variants(t, 0x2a);
  anyLength(p, PF3, Operation.CVTSI2SS, op.Vdq, op.Hdq, op.Ey);
  anyLength(p, PF2, Operation.CVTSI2SD, op.Vdq, op.Hdq, op.Ey);
  p = variants(t, 0x2c);
  anyLength(p, PF3, Operation.CVTTSS2SI, op.Gy, op.Wd);
  anyLength(p, PF2, Operation.CVTTSD2SI, op.Gy, op.Wq);
  p = variants(t, 0x2d);
  anyLength(p, PF3, Operation.CVTSS2SI, op.Gy, op.Wd);
  anyLength(p, PF2, Operation.CVTSD2SI, op.Gy, op.Wq);
  p = variants(t, 0x5a);
  converting(p, NP, Operation.CVTPS2PD, op.Vdq, op.Wq, op.Vqq, op.Wdq);
  converting(p, P66, Operation.CVTPD2PS, op.Vdq, op.Wdq, op.Vdq, op.Wqq);
  anyLength(p, PF3, Operation.CVTSS2SD, op.Vdq, op.Hdq, op.Wd);
  anyLength(p, PF2, Operation.CVTSD2SS, op.Vdq, op.Hdq, op.Wq);
  p = variants(t, 0x5b);
  both(p, NP, Operation.CVTDQ2PS, op.Vdq, op.Wdq);
  both(p, P66, Operation.CVTPS2DQ, op.Vdq, op.Wdq);
  both(p, PF3, Operation.CVTTPS2DQ, op.Vdq, op.Wdq);
  p = variants(t, 0xe6);
  converting(p, P66, Operation.CVTTPD2DQ, op.Vdq, op.Wdq, op.Vdq, op.Wqq);
  converting(p, PF3, Operation.CVTDQ2PD, op.Vdq, op.Wq, op.Vqq, op.Wdq);
  converting(p, PF2, Operation.CVTPD2DQ, op.Vdq, op.Wdq, op.Vdq, op.Wqq);
}

function horizontal(t: usize, opcode: u32, double: u32, single: u32): void {
  const p = variants(t, opcode);
  both(p, P66, double, op.Vdq, op.Hdq, op.Wdq);
  both(p, PF2, single, op.Vdq, op.Hdq, op.Wdq);
}

function floatArithmetic(t: usize): void {
  packed(t, 0x14, Operation.UNPCKLPS, Operation.UNPCKLPD);
  packed(t, 0x15, Operation.UNPCKHPS, Operation.UNPCKHPD);
  for (let i: u32 = 0; i < 2; i++) {
    const p = variants(t, 0x2e + i);
    anyLength(p, NP, Operation.UCOMISS + 2 * i, op.Vdq, op.Wd); // UCOMISS UCOMISD COMISS COMISD
    anyLength(p, P66, Operation.UCOMISD + 2 * i, op.Vdq, op.Wq);
  }
  const root = variants(t, 0x51);
  both(root, NP, Operation.SQRTPS, op.Vdq, op.Wdq);
  both(root, P66, Operation.SQRTPD, op.Vdq, op.Wdq);
  anyLength(root, PF3, Operation.SQRTSS, op.Vdq, op.Hdq, op.Wd);
  anyLength(root, PF2, Operation.SQRTSD, op.Vdq, op.Hdq, op.Wq);
  const inverseRoot = variants(t, 0x52);
  both(inverseRoot, NP, Operation.RSQRTPS, op.Vdq, op.Wdq);
  anyLength(inverseRoot, PF3, Operation.RSQRTSS, op.Vdq, op.Hdq, op.Wd);
  const reciprocal = variants(t, 0x53);
  both(reciprocal, NP, Operation.RCPPS, op.Vdq, op.Wdq);
  anyLength(reciprocal, PF3, Operation.RCPSS, op.Vdq, op.Hdq, op.Wd);
  packed(t, 0x54, Operation.ANDPS, Operation.ANDPD);
  packed(t, 0x55, Operation.ANDNPS, Operation.ANDNPD);
  packed(t, 0x56, Operation.ORPS, Operation.ORPD);
  packed(t, 0x57, Operation.XORPS, Operation.XORPD);
  arithmetic(t, 0x58, Operation.ADDPS);
  arithmetic(t, 0x59, Operation.MULPS);
  arithmetic(t, 0x5c, Operation.SUBPS);
  arithmetic(t, 0x5d, Operation.MINPS);
  arithmetic(t, 0x5e, Operation.DIVPS);
  arithmetic(t, 0x5f, Operation.MAXPS);
  arithmetic(t, 0xc2, Operation.CMPPS, op.Ib);
  packed(t, 0xc6, Operation.SHUFPS, Operation.SHUFPD, op.Ib);
  horizontal(t, 0x7c, Operation.HADDPD, Operation.HADDPS);
  horizontal(t, 0x7d, Operation.HSUBPD, Operation.HSUBPS);
  horizontal(t, 0xd0, Operation.ADDSUBPD, Operation.ADDSUBPS);
}

/** MOVD, and MOVQ with VEX.W in 64-bit mode. */
function moveGeneral(t: usize, opcode: u32, first: u32, second: u32): void {
  const w = branch(variants(t, opcode), P66, BY_REX_W);
  only128(w, 0, Operation.MOVD, first, second);
  only128(w, 1, Operation.MOVQ, first, second);
}

function integerMoves(t: usize): void {
  moveGeneral(t, 0x6e, op.Vdq, op.Ey);
  moveGeneral(t, 0x7e, op.Ey, op.Vdq);
  only128(variants(t, 0x7e), PF3, Operation.MOVQ, op.Vdq, op.Wq);
  only128(variants(t, 0xd6), P66, Operation.MOVQ, op.Wq, op.Vdq);
  let p = variants(t, 0x6f);
  both(p, P66, Operation.MOVDQA, op.Vdq, op.Wdq);
  both(p, PF3, Operation.MOVDQU, op.Vdq, op.Wdq);
  p = variants(t, 0x7f);
  both(p, P66, Operation.MOVDQA, op.Wdq, op.Vdq);
  both(p, PF3, Operation.MOVDQU, op.Wdq, op.Vdq);
  p = variants(t, 0x70);
  both(p, P66, Operation.PSHUFD, op.Vdq, op.Wdq, op.Ib);
  both(p, PF3, Operation.PSHUFHW, op.Vdq, op.Wdq, op.Ib);
  both(p, PF2, Operation.PSHUFLW, op.Vdq, op.Wdq, op.Ib);
  only128(variants(t, 0xc4), P66, Operation.PINSRW, op.Vdq, op.Hdq, op.EyMw, op.Ib);
  only128(variants(t, 0xc5), P66, Operation.PEXTRW, op.Gy, op.Udq, op.Ib);
  both(variants(t, 0xd7), P66, Operation.PMOVMSKB, op.Gy, op.Udq);
  both(variants(t, 0xe7), P66, Operation.MOVNTDQ, op.Mdq, op.Vdq);
  both(variants(t, 0xf0), PF2, Operation.LDDQU, op.Vdq, op.Mdq);
  only128(variants(t, 0xf7), P66, Operation.MASKMOVDQU, op.DIdq, op.Vdq, op.Udq);
}

/** Shift by an immediate: groups 12, 13, 14. The destination is VEX.vvvv. */
function shiftImmediate(group: usize, reg: u32, operation: u32): void {
  both(variants(group, reg), P66, operation, op.Hdq, op.Udq, op.Ib);
}
/** Shift by the low quadword of a register or of 128 bits of memory, whatever VEX.L. */
function shift(t: usize, opcode: u32, operation: u32): void {
  const lengths = branch(variants(t, opcode), P66, BY_VEX_L);
  anyLength(lengths, 0, operation, op.Vdq, op.Hdq, op.Wdq);
  anyLength(lengths, 1, operation, op.Vqq, op.Hqq, op.Wdq);
}

function shifts(t: usize): void {
  const words = branch(t, 0x71, BY_REG);
  shiftImmediate(words, 2, Operation.PSRLW);
  shiftImmediate(words, 4, Operation.PSRAW);
  shiftImmediate(words, 6, Operation.PSLLW);
  const doubles = branch(t, 0x72, BY_REG);
  shiftImmediate(doubles, 2, Operation.PSRLD);
  shiftImmediate(doubles, 4, Operation.PSRAD);
  shiftImmediate(doubles, 6, Operation.PSLLD);
  const quads = branch(t, 0x73, BY_REG);
  shiftImmediate(quads, 2, Operation.PSRLQ);
  shiftImmediate(quads, 3, Operation.PSRLDQ);
  shiftImmediate(quads, 6, Operation.PSLLQ);
  shiftImmediate(quads, 7, Operation.PSLLDQ);
  shift(t, 0xd1, Operation.PSRLW);
  shift(t, 0xd2, Operation.PSRLD);
  shift(t, 0xd3, Operation.PSRLQ);
  shift(t, 0xe1, Operation.PSRAW);
  shift(t, 0xe2, Operation.PSRAD);
  shift(t, 0xf1, Operation.PSLLW);
  shift(t, 0xf2, Operation.PSLLD);
  shift(t, 0xf3, Operation.PSLLQ);
}

function integerArithmetic(t: usize): void {
  for (let i: u32 = 0x60; i < 0x6c; i++) integers(t, i, Operation.PUNPCKLBW + (i - 0x60)); // … PACKSSWB PCMPGTB-D PACKUSWB PUNPCKHBW-DQ PACKSSDW
  integers(t, 0x6c, Operation.PUNPCKLQDQ);
  integers(t, 0x6d, Operation.PUNPCKHQDQ);
  for (let i: u32 = 0; i < 3; i++) integers(t, 0x74 + i, Operation.PCMPEQB + i);
  integers(t, 0xd4, Operation.PADDQ);
  integers(t, 0xd5, Operation.PMULLW);
  for (let i: u32 = 0; i < 8; i++) {
    integers(t, 0xd8 + i, Operation.PSUBUSB + i); // PSUBUSB PSUBUSW PMINUB PAND PADDUSB PADDUSW PMAXUB PANDN
    integers(t, 0xe8 + i, Operation.PSUBSB + i); // PSUBSB PSUBSW PMINSW POR PADDSB PADDSW PMAXSW PXOR
  }
  integers(t, 0xe0, Operation.PAVGB);
  integers(t, 0xe3, Operation.PAVGW);
  integers(t, 0xe4, Operation.PMULHUW);
  integers(t, 0xe5, Operation.PMULHW);
  integers(t, 0xf4, Operation.PMULUDQ);
  integers(t, 0xf5, Operation.PMADDWD);
  integers(t, 0xf6, Operation.PSADBW);
  for (let i: u32 = 0; i < 7; i++) integers(t, 0xf8 + i, Operation.PSUBB + i); // PSUBB-Q PADDB-D
}

export function initVex0f(): void {
  const t = mapTable(MAP_VEX_0F);
  floatMoves(t);
  conversions(t);
  floatArithmetic(t);
  integerMoves(t);
  shifts(t);
  integerArithmetic(t);
  const zero = branch(variants(t, 0x77), NP, BY_VEX_L);
  anyLength(zero, 0, Operation.VZEROUPPER);
  anyLength(zero, 1, Operation.VZEROALL);
  const control = branch(t, 0xae, BY_REG);
  only128(variants(control, 2), NP, Operation.LDMXCSR, op.Md);
  only128(variants(control, 3), NP, Operation.STMXCSR, op.Md);
}
