// Operand codes of the opcode tables: how an operand is addressed (a capital letter or a word) and what type it has (small
// letters), after SDM vol. 2, appendix A.2. A code is `method | type`; `Ev` is E | v. Where the SDM's letters say less than
// the decoder must know (memory form narrower than register form, …) the names below say how they differ.

import { TABLES } from '../state';
import { MAPS } from './insn';

// ---------------------------------------------------------------- types: low byte
/** No size: LEA's memory, INVLPG, FXSAVE's area (its size does not fit the record). */
export const none: u32 = 0;
export const b: u32 = 1;
export const w: u32 = 2;
export const d: u32 = 3;
export const q: u32 = 4;
/** 16, 32 or 64 bits by operand size. */
export const v: u32 = 5;
/** 16 or 32 bits: an operand size of 64 takes 32. */
export const z: u32 = 6;
/** 32 bits, or 64 with an operand size of 64. */
export const y: u32 = 7;
/** Far pointer in memory: offset by operand size and 16-bit selector. */
export const p: u32 = 8;
/** BOUND's pair of 16- or 32-bit limits. */
export const a: u32 = 9;
/** Pseudo-descriptor of SGDT and friends: 6 bytes, 10 in 64-bit mode (their rows are FORCE64). */
export const s: u32 = 10;
/** Extended real or packed BCD, 10 bytes. */
export const t: u32 = 11;
/** x87 environment, and the whole x87 state: short with a 16-bit operand size. */
export const e: u32 = 12;
export const f: u32 = 13;
/** 16 bytes. */
export const dq: u32 = 14;
/** 32 bytes. */
export const qq: u32 = 15;
export const TYPES: u32 = 16;

/** Bytes of a type by operand size: SIZES + type * 4 + log2 of the operand size. Stands after the opcode maps. */
// @ts-ignore: decorator
@inline export const SIZES: usize = TABLES + MAPS * 256 * 16;
export const SIZES_SIZE: usize = 64;

function size(type: u32, byte: u32, word: u32, double: u32, quad: u32): void {
  store<u32>(SIZES + type * 4, byte | (word << 8) | (double << 16) | (quad << 24));
}
export function initSizes(): void {
  size(none, 0, 0, 0, 0);
  size(b, 1, 1, 1, 1);
  size(w, 2, 2, 2, 2);
  size(d, 4, 4, 4, 4);
  size(q, 8, 8, 8, 8);
  size(v, 1, 2, 4, 8);
  size(z, 1, 2, 4, 4);
  size(y, 4, 4, 4, 8);
  size(p, 4, 4, 6, 10);
  size(a, 4, 4, 8, 8);
  size(s, 6, 6, 6, 10);
  size(t, 10, 10, 10, 10);
  size(e, 14, 14, 28, 28);
  size(f, 94, 94, 108, 108);
  size(dq, 16, 16, 16, 16);
  size(qq, 32, 32, 32, 32);
}

// ---------------------------------------------------------------- methods: high byte; first those without a ModRM byte
/** rAX, rCX, rDX. */
export const A: u32 = 1 << 8;
export const C: u32 = 2 << 8;
export const D: u32 = 3 << 8;
/** General register in the opcode's low three bits (SDM "Zv"; with REX.B). */
export const Z: u32 = 4 << 8;
/** Segment register named by the opcode: the type's place holds SEG_*. */
export const SEG: u32 = 5 << 8;
/** Immediate, zero-extended from 8 or 16 bits. */
export const I: u32 = 6 << 8;
/** Immediate, sign-extended to the operand size. */
export const IS: u32 = 7 << 8;
/** Second immediate. */
export const I2: u32 = 8 << 8;
/** Branch displacement. */
export const J: u32 = 9 << 8;
/** Far pointer in the instruction. */
export const P_FAR: u32 = 10 << 8;
/** Memory at an offset in the instruction, address-size wide. */
export const O: u32 = 11 << 8;
/** String source and target. */
export const X: u32 = 12 << 8;
export const Y: u32 = 13 << 8;
/** The constant 1. */
export const ONE: u32 = 14 << 8;
/** x87 stack top. */
export const ST0: u32 = (15 << 8) | 11;
/** XMM0, implied by BLENDVPS and friends. */
export const XMM0: u32 = (16 << 8) | 14;
/** XLAT's memory: base rBX, to which the core adds AL zero-extended (the record has no byte index). */
export const XLAT_TABLE: u32 = (17 << 8) | 1;
/** MASKMOVQ's memory, [rDI]; DS unless overridden. */
export const DI_MEMORY: u32 = 18 << 8;
/** General register, and XMM or YMM register, in VEX.vvvv (SDM "B" and "H"). */
export const B: u32 = 19 << 8;
export const H: u32 = 20 << 8;
/** XMM or YMM register in the upper half of an immediate byte (SDM "L"). */
export const L: u32 = 21 << 8;

/** Methods from here on need a ModRM byte. */
export const FIRST_MODRM: u32 = 22 << 8;
/** General register or memory. */
export const E: u32 = 22 << 8;
/** Like E, but the register form is operand-size wide whatever the type: destinations of MOV from a segment register, SLDT, STR, SMSW. */
export const EV: u32 = 23 << 8;
/** Like E, but the register form is 32 bits, or 64 with REX.W (PEXTRB, PINSRW, …). */
export const EY: u32 = 24 << 8;
/** General register in ModRM.reg. */
export const G: u32 = 25 << 8;
/** Memory only. */
export const M: u32 = 26 << 8;
/** General register in ModRM.rm only. */
export const R: u32 = 27 << 8;
/** Segment register in ModRM.reg, as source and as target (CS cannot be loaded). */
export const S: u32 = 28 << 8;
export const S_TARGET: u32 = 29 << 8;
/** Control and debug register in ModRM.reg; type as the register's partner (y in FORCE64 rows). */
export const CR: u32 = 30 << 8;
export const DR: u32 = 31 << 8;
/** x87 register in ModRM.rm. */
export const STI: u32 = (32 << 8) | 11;
/** MMX register in ModRM.reg; MMX register or memory; MMX register in ModRM.rm only. */
export const P: u32 = 33 << 8;
export const Q: u32 = 34 << 8;
export const N: u32 = 35 << 8;
/** XMM register in ModRM.reg; XMM register or memory; XMM register in ModRM.rm only. With a type of 32 bytes a YMM register. */
export const V: u32 = 36 << 8;
export const W: u32 = 37 << 8;
export const U: u32 = 38 << 8;
/** Memory addressed by an XMM or a YMM register as index: the type is that of one element (SDM vol. 2, 2.3.12). */
export const VMX: u32 = 39 << 8;
export const VMY: u32 = 40 << 8;

// ---------------------------------------------------------------- the codes that rows use
export const AL: u32 = A | b;
export const AX: u32 = A | w;
export const Av: u32 = A | v;
export const Az: u32 = A | z;
export const CL: u32 = C | b;
export const DX: u32 = D | w;
export const Zb: u32 = Z | b;
export const Zv: u32 = Z | v;
export const ES: u32 = SEG | 0;
export const CS: u32 = SEG | 1;
export const SS: u32 = SEG | 2;
export const DS: u32 = SEG | 3;
export const FS: u32 = SEG | 4;
export const GS: u32 = SEG | 5;

/** Ibs and Iz are sign-extended to the operand size, Ib and Iw are not extended, Iv is a whole operand. */
export const Ib: u32 = I | b;
export const Iw: u32 = I | w;
export const Ibs: u32 = IS | b;
export const Iz: u32 = IS | z;
export const Iv: u32 = IS | v;
export const I2b: u32 = I2 | b;
export const Jb: u32 = J | b;
export const Jz: u32 = J | z;
export const Ap: u32 = P_FAR | p;
export const Ob: u32 = O | b;
export const Ov: u32 = O | v;
export const Xb: u32 = X | b;
export const Xv: u32 = X | v;
export const Xz: u32 = X | z;
export const Yb: u32 = Y | b;
export const Yv: u32 = Y | v;
export const Yz: u32 = Y | z;

export const Eb: u32 = E | b;
export const Ew: u32 = E | w;
export const Ev: u32 = E | v;
export const Ey: u32 = E | y;
export const Ez: u32 = E | z;
export const EvMw: u32 = EV | w;
export const EyMb: u32 = EY | b;
export const EyMw: u32 = EY | w;
export const EyMd: u32 = EY | d;
export const Gb: u32 = G | b;
export const Gw: u32 = G | w;
export const Gv: u32 = G | v;
export const Gy: u32 = G | y;
export const Mn: u32 = M | none;
export const Mb: u32 = M | b;
export const Mw: u32 = M | w;
export const Md: u32 = M | d;
export const Mq: u32 = M | q;
export const Mv: u32 = M | v;
export const My: u32 = M | y;
export const Mp: u32 = M | p;
export const Ma: u32 = M | a;
export const Ms: u32 = M | s;
export const Mt: u32 = M | t;
export const Me: u32 = M | e;
export const Mf: u32 = M | f;
export const Mdq: u32 = M | dq;
export const Rv: u32 = R | v;
export const Ry: u32 = R | y;
export const Sw: u32 = S | w;
export const SwTarget: u32 = S_TARGET | w;
export const Cy: u32 = CR | y;
export const Dy: u32 = DR | y;

export const Pq: u32 = P | q;
export const Qd: u32 = Q | d;
export const Qq: u32 = Q | q;
export const Nq: u32 = N | q;
export const Vdq: u32 = V | dq;
export const Ww: u32 = W | w;
export const Wd: u32 = W | d;
export const Wq: u32 = W | q;
export const Wdq: u32 = W | dq;
export const Udq: u32 = U | dq;
export const Vqq: u32 = V | qq;
export const Wqq: u32 = W | qq;
export const Uqq: u32 = U | qq;
export const Mqq: u32 = M | qq;
export const Hdq: u32 = H | dq;
export const Hqq: u32 = H | qq;
export const Ldq: u32 = L | dq;
export const By: u32 = B | y;
export const VMXd: u32 = VMX | d;
export const VMXq: u32 = VMX | q;
export const VMYd: u32 = VMY | d;
export const VMYq: u32 = VMY | q;
export const Wb: u32 = W | b;
export const DIq: u32 = DI_MEMORY | q;
export const DIdq: u32 = DI_MEMORY | dq;
