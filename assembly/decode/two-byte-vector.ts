// Opcode map 1: 0F, MMX and SSE to SSE4.2 part (SDM vol. 2, tables groups 12-14).

import { Operation } from './operation';
import * as op from './operand-code';
import { row, branch, BY_REG, BY_FORM, MEMORY_FORM, REGISTER_FORM, NP, P66, PF3, PF2 } from './table';
import { variants, both, wide, packed, arithmetic, byW } from './vector-rows';

function floatMoves(t: usize): void {
  for (let store: u32 = 0; store < 2; store++) {
    let p = variants(t, 0x10 + store);
    move(p, NP, Operation.MOVUPS, op.Wdq, store);
    move(p, P66, Operation.MOVUPD, op.Wdq, store);
    move(p, PF3, Operation.MOVSS, op.Wd, store);
    move(p, PF2, Operation.MOVSD, op.Wq, store);
    p = variants(t, 0x28 + store);
    move(p, NP, Operation.MOVAPS, op.Wdq, store);
    move(p, P66, Operation.MOVAPD, op.Wdq, store);
  }
  const low = variants(t, 0x12);
  const lowForms = branch(low, NP, BY_FORM);
  row(lowForms, MEMORY_FORM, Operation.MOVLPS, 0, op.Vdq, op.Mq);
  row(lowForms, REGISTER_FORM, Operation.MOVHLPS, 0, op.Vdq, op.Udq);
  row(low, P66, Operation.MOVLPD, 0, op.Vdq, op.Mq);
  row(low, PF3, Operation.MOVSLDUP, 0, op.Vdq, op.Wdq);
  row(low, PF2, Operation.MOVDDUP, 0, op.Vdq, op.Wq);
  const lowStore = variants(t, 0x13);
  row(lowStore, NP, Operation.MOVLPS, 0, op.Mq, op.Vdq);
  row(lowStore, P66, Operation.MOVLPD, 0, op.Mq, op.Vdq);
  const high = variants(t, 0x16);
  const highForms = branch(high, NP, BY_FORM);
  row(highForms, MEMORY_FORM, Operation.MOVHPS, 0, op.Vdq, op.Mq);
  row(highForms, REGISTER_FORM, Operation.MOVLHPS, 0, op.Vdq, op.Udq);
  row(high, P66, Operation.MOVHPD, 0, op.Vdq, op.Mq);
  row(high, PF3, Operation.MOVSHDUP, 0, op.Vdq, op.Wdq);
  const highStore = variants(t, 0x17);
  row(highStore, NP, Operation.MOVHPS, 0, op.Mq, op.Vdq);
  row(highStore, P66, Operation.MOVHPD, 0, op.Mq, op.Vdq);
  const stream = variants(t, 0x2b);
  row(stream, NP, Operation.MOVNTPS, 0, op.Mdq, op.Vdq);
  row(stream, P66, Operation.MOVNTPD, 0, op.Mdq, op.Vdq);
}

function move(p: usize, prefix: u32, operation: u32, operand: u32, store: u32): void {
  if (store) row(p, prefix, operation, 0, operand, op.Vdq);
  else row(p, prefix, operation, 0, op.Vdq, operand);
}

function conversions(t: usize): void {
  let p = variants(t, 0x2a);
  row(p, NP, Operation.CVTPI2PS, 0, op.Vdq, op.Qq);
  row(p, P66, Operation.CVTPI2PD, 0, op.Vdq, op.Qq);
  row(p, PF3, Operation.CVTSI2SS, 0, op.Vdq, op.Ey);
  row(p, PF2, Operation.CVTSI2SD, 0, op.Vdq, op.Ey);
  p = variants(t, 0x2c);
  row(p, NP, Operation.CVTTPS2PI, 0, op.Pq, op.Wq);
  row(p, P66, Operation.CVTTPD2PI, 0, op.Pq, op.Wdq);
  row(p, PF3, Operation.CVTTSS2SI, 0, op.Gy, op.Wd);
  row(p, PF2, Operation.CVTTSD2SI, 0, op.Gy, op.Wq);
  p = variants(t, 0x2d);
  row(p, NP, Operation.CVTPS2PI, 0, op.Pq, op.Wq);
  row(p, P66, Operation.CVTPD2PI, 0, op.Pq, op.Wdq);
  row(p, PF3, Operation.CVTSS2SI, 0, op.Gy, op.Wd);
  row(p, PF2, Operation.CVTSD2SI, 0, op.Gy, op.Wq);
  p = variants(t, 0x5a);
  row(p, NP, Operation.CVTPS2PD, 0, op.Vdq, op.Wq);
  row(p, P66, Operation.CVTPD2PS, 0, op.Vdq, op.Wdq);
  row(p, PF3, Operation.CVTSS2SD, 0, op.Vdq, op.Wd);
  row(p, PF2, Operation.CVTSD2SS, 0, op.Vdq, op.Wq);
  p = variants(t, 0x5b);
  row(p, NP, Operation.CVTDQ2PS, 0, op.Vdq, op.Wdq);
  row(p, P66, Operation.CVTPS2DQ, 0, op.Vdq, op.Wdq);
  row(p, PF3, Operation.CVTTPS2DQ, 0, op.Vdq, op.Wdq);
  p = variants(t, 0xe6);
  row(p, P66, Operation.CVTTPD2DQ, 0, op.Vdq, op.Wdq);
  row(p, PF3, Operation.CVTDQ2PD, 0, op.Vdq, op.Wq);
  row(p, PF2, Operation.CVTPD2DQ, 0, op.Vdq, op.Wdq);
}

function floatArithmetic(t: usize): void {
  packed(t, 0x14, Operation.UNPCKLPS, Operation.UNPCKLPD);
  packed(t, 0x15, Operation.UNPCKHPS, Operation.UNPCKHPD);
  for (let i: u32 = 0; i < 2; i++) {
    const p = variants(t, 0x2e + i);
    row(p, NP, Operation.UCOMISS + 2 * i, 0, op.Vdq, op.Wd); // UCOMISS UCOMISD COMISS COMISD
    row(p, P66, Operation.UCOMISD + 2 * i, 0, op.Vdq, op.Wq);
  }
  const mask = variants(t, 0x50);
  row(mask, NP, Operation.MOVMSKPS, 0, op.Gy, op.Udq);
  row(mask, P66, Operation.MOVMSKPD, 0, op.Gy, op.Udq);
  arithmetic(t, 0x51, Operation.SQRTPS);
  const root = variants(t, 0x52);
  row(root, NP, Operation.RSQRTPS, 0, op.Vdq, op.Wdq);
  row(root, PF3, Operation.RSQRTSS, 0, op.Vdq, op.Wd);
  const reciprocal = variants(t, 0x53);
  row(reciprocal, NP, Operation.RCPPS, 0, op.Vdq, op.Wdq);
  row(reciprocal, PF3, Operation.RCPSS, 0, op.Vdq, op.Wd);
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
  const shuffle = variants(t, 0xc6);
  row(shuffle, NP, Operation.SHUFPS, 0, op.Vdq, op.Wdq, op.Ib);
  row(shuffle, P66, Operation.SHUFPD, 0, op.Vdq, op.Wdq, op.Ib);
  horizontal(t, 0x7c, Operation.HADDPD, Operation.HADDPS);
  horizontal(t, 0x7d, Operation.HSUBPD, Operation.HSUBPS);
  horizontal(t, 0xd0, Operation.ADDSUBPD, Operation.ADDSUBPS);
}

function horizontal(t: usize, opcode: u32, double: u32, single: u32): void {
  const p = variants(t, opcode);
  row(p, P66, double, 0, op.Vdq, op.Wdq);
  row(p, PF2, single, 0, op.Vdq, op.Wdq);
}

/** The low half of the source interleaves: MMX reads 32 bits of memory, XMM 128. */
function interleave(t: usize, opcode: u32, operation: u32): void {
  const p = variants(t, opcode);
  row(p, NP, operation, 0, op.Pq, op.Qd);
  row(p, P66, operation, 0, op.Vdq, op.Wdq);
}

/** Shift by an immediate: groups 12, 13, 14. */
function shiftImmediate(group: usize, reg: u32, operation: u32): void {
  const p = variants(group, reg);
  row(p, NP, operation, 0, op.Nq, op.Ib);
  row(p, P66, operation, 0, op.Udq, op.Ib);
}

function integerMoves(t: usize): void {
  let p = variants(t, 0x6e);
  byW(p, NP, Operation.MOVD, Operation.MOVQ, op.Pq, op.Ey);
  byW(p, P66, Operation.MOVD, Operation.MOVQ, op.Vdq, op.Ey);
  p = variants(t, 0x7e);
  byW(p, NP, Operation.MOVD, Operation.MOVQ, op.Ey, op.Pq);
  byW(p, P66, Operation.MOVD, Operation.MOVQ, op.Ey, op.Vdq);
  row(p, PF3, Operation.MOVQ, 0, op.Vdq, op.Wq);
  p = variants(t, 0x6f);
  row(p, NP, Operation.MOVQ, 0, op.Pq, op.Qq);
  row(p, P66, Operation.MOVDQA, 0, op.Vdq, op.Wdq);
  row(p, PF3, Operation.MOVDQU, 0, op.Vdq, op.Wdq);
  p = variants(t, 0x7f);
  row(p, NP, Operation.MOVQ, 0, op.Qq, op.Pq);
  row(p, P66, Operation.MOVDQA, 0, op.Wdq, op.Vdq);
  row(p, PF3, Operation.MOVDQU, 0, op.Wdq, op.Vdq);
  p = variants(t, 0x70);
  row(p, NP, Operation.PSHUFW, 0, op.Pq, op.Qq, op.Ib);
  row(p, P66, Operation.PSHUFD, 0, op.Vdq, op.Wdq, op.Ib);
  row(p, PF3, Operation.PSHUFHW, 0, op.Vdq, op.Wdq, op.Ib);
  row(p, PF2, Operation.PSHUFLW, 0, op.Vdq, op.Wdq, op.Ib);
  p = variants(t, 0xc4);
  row(p, NP, Operation.PINSRW, 0, op.Pq, op.EyMw, op.Ib);
  row(p, P66, Operation.PINSRW, 0, op.Vdq, op.EyMw, op.Ib);
  p = variants(t, 0xc5);
  row(p, NP, Operation.PEXTRW, 0, op.Gy, op.Nq, op.Ib);
  row(p, P66, Operation.PEXTRW, 0, op.Gy, op.Udq, op.Ib);
  p = variants(t, 0xd6);
  row(p, P66, Operation.MOVQ, 0, op.Wq, op.Vdq);
  row(p, PF3, Operation.MOVQ2DQ, 0, op.Vdq, op.Nq);
  row(p, PF2, Operation.MOVDQ2Q, 0, op.Pq, op.Udq);
  p = variants(t, 0xd7);
  row(p, NP, Operation.PMOVMSKB, 0, op.Gy, op.Nq);
  row(p, P66, Operation.PMOVMSKB, 0, op.Gy, op.Udq);
  p = variants(t, 0xe7);
  row(p, NP, Operation.MOVNTQ, 0, op.Mq, op.Pq);
  row(p, P66, Operation.MOVNTDQ, 0, op.Mdq, op.Vdq);
  row(variants(t, 0xf0), PF2, Operation.LDDQU, 0, op.Vdq, op.Mdq);
  p = variants(t, 0xf7);
  row(p, NP, Operation.MASKMOVQ, 0, op.DIq, op.Pq, op.Nq);
  row(p, P66, Operation.MASKMOVDQU, 0, op.DIdq, op.Vdq, op.Udq);
}

function integerArithmetic(t: usize): void {
  interleave(t, 0x60, Operation.PUNPCKLBW);
  interleave(t, 0x61, Operation.PUNPCKLWD);
  interleave(t, 0x62, Operation.PUNPCKLDQ);
  for (let i: u32 = 0x63; i < 0x6c; i++) both(t, i, Operation.PACKSSWB + (i - 0x63)); // … PCMPGTB-D PACKUSWB PUNPCKHBW-DQ PACKSSDW
  wide(t, 0x6c, Operation.PUNPCKLQDQ);
  wide(t, 0x6d, Operation.PUNPCKHQDQ);
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
  row(variants(quads, 3), P66, Operation.PSRLDQ, 0, op.Udq, op.Ib);
  shiftImmediate(quads, 6, Operation.PSLLQ);
  row(variants(quads, 7), P66, Operation.PSLLDQ, 0, op.Udq, op.Ib);
  both(t, 0x74, Operation.PCMPEQB);
  both(t, 0x75, Operation.PCMPEQW);
  both(t, 0x76, Operation.PCMPEQD);
  row(variants(t, 0x77), NP, Operation.EMMS);
  both(t, 0xd1, Operation.PSRLW);
  both(t, 0xd2, Operation.PSRLD);
  both(t, 0xd3, Operation.PSRLQ);
  both(t, 0xd4, Operation.PADDQ);
  both(t, 0xd5, Operation.PMULLW);
  for (let i: u32 = 0; i < 8; i++) {
    both(t, 0xd8 + i, Operation.PSUBUSB + i); // PSUBUSB PSUBUSW PMINUB PAND PADDUSB PADDUSW PMAXUB PANDN
    both(t, 0xe8 + i, Operation.PSUBSB + i); // PSUBSB PSUBSW PMINSW POR PADDSB PADDSW PMAXSW PXOR
  }
  both(t, 0xe0, Operation.PAVGB);
  both(t, 0xe1, Operation.PSRAW);
  both(t, 0xe2, Operation.PSRAD);
  both(t, 0xe3, Operation.PAVGW);
  both(t, 0xe4, Operation.PMULHUW);
  both(t, 0xe5, Operation.PMULHW);
  both(t, 0xf1, Operation.PSLLW);
  both(t, 0xf2, Operation.PSLLD);
  both(t, 0xf3, Operation.PSLLQ);
  both(t, 0xf4, Operation.PMULUDQ);
  both(t, 0xf5, Operation.PMADDWD);
  both(t, 0xf6, Operation.PSADBW);
  for (let i: u32 = 0; i < 7; i++) both(t, 0xf8 + i, Operation.PSUBB + i); // PSUBB-Q PADDB-D
}

export function initTwoByteVector(t: usize): void {
  floatMoves(t);
  conversions(t);
  floatArithmetic(t);
  integerMoves(t);
  integerArithmetic(t);
}
