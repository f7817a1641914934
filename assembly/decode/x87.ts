// The x87 escapes D8-DF (SDM vol. 2, appendix A.5): eight memory forms by ModRM.reg each, and 64 register forms.
// Undocumented aliases (DC D0, DD C8, DE D0, DF C0-D8, D9 D8) are what every processor since the 8087 does with them.

import { Operation } from './operation';
import * as op from './operand-code';
import { row, branch, BY_FORM, BY_REG, BY_RM, MEMORY_FORM, REGISTER_FORM, MODRM } from './table';

/** The eight arithmetic operations in the encoding's order, from FADD or FIADD on. */
function arithmeticMemory(forms: usize, first: u32, operand: u32): void {
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  for (let i: u32 = 0; i < 8; i++) row(memory, i, first + i, 0, operand);
}

/** The operations of a row of eight register forms that name no register, by ModRM.rm. */
function alone(group: usize, rm: u32, operation: u32): void {
  row(group, rm, operation, MODRM);
}

function d8(t: usize): void {
  const forms = branch(t, 0xd8, BY_FORM);
  arithmeticMemory(forms, Operation.FADD, op.Md);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  for (let i: u32 = 0; i < 8; i++) row(registers, i, Operation.FADD + i, 0, op.ST0, op.STI);
}

function d9(t: usize): void {
  const forms = branch(t, 0xd9, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  row(memory, 0, Operation.FLD, 0, op.Md);
  row(memory, 2, Operation.FST, 0, op.Md);
  row(memory, 3, Operation.FSTP, 0, op.Md);
  row(memory, 4, Operation.FLDENV, 0, op.Me);
  row(memory, 5, Operation.FLDCW, 0, op.Mw);
  row(memory, 6, Operation.FNSTENV, 0, op.Me);
  row(memory, 7, Operation.FNSTCW, 0, op.Mw);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  row(registers, 0, Operation.FLD, 0, op.STI);
  row(registers, 1, Operation.FXCH, 0, op.ST0, op.STI);
  alone(branch(registers, 2, BY_RM), 0, Operation.FNOP);
  row(registers, 3, Operation.FSTPNCE, 0, op.STI);
  const signs = branch(registers, 4, BY_RM);
  alone(signs, 0, Operation.FCHS);
  alone(signs, 1, Operation.FABS);
  alone(signs, 4, Operation.FTST);
  alone(signs, 5, Operation.FXAM);
  const constants = branch(registers, 5, BY_RM);
  for (let i: u32 = 0; i < 7; i++) alone(constants, i, Operation.FLD1 + i); // FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ
  const f0 = branch(registers, 6, BY_RM);
  const f8 = branch(registers, 7, BY_RM);
  for (let i: u32 = 0; i < 8; i++) {
    alone(f0, i, Operation.F2XM1 + i); // F2XM1 FYL2X FPTAN FPATAN FXTRACT FPREM1 FDECSTP FINCSTP
    alone(f8, i, Operation.FPREM + i); // FPREM FYL2XP1 FSQRT FSINCOS FRNDINT FSCALE FSIN FCOS
  }
}

function da(t: usize): void {
  const forms = branch(t, 0xda, BY_FORM);
  arithmeticMemory(forms, Operation.FIADD, op.Md);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  for (let i: u32 = 0; i < 4; i++) row(registers, i, Operation.FCMOVB + i, 0, op.ST0, op.STI); // B E BE U
  alone(branch(registers, 5, BY_RM), 1, Operation.FUCOMPP);
}

function db(t: usize): void {
  const forms = branch(t, 0xdb, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  for (let i: u32 = 0; i < 4; i++) row(memory, i, Operation.FILD + i, 0, op.Md); // FILD FISTTP FIST FISTP
  row(memory, 5, Operation.FLD, 0, op.Mt);
  row(memory, 7, Operation.FSTP, 0, op.Mt);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  for (let i: u32 = 0; i < 4; i++) row(registers, i, Operation.FCMOVNB + i, 0, op.ST0, op.STI); // NB NE NBE NU
  const control = branch(registers, 4, BY_RM);
  for (let i: u32 = 0; i < 5; i++) alone(control, i, Operation.FNENI + i); // FNENI FNDISI FNCLEX FNINIT FNSETPM
  row(registers, 5, Operation.FUCOMI, 0, op.ST0, op.STI);
  row(registers, 6, Operation.FCOMI, 0, op.ST0, op.STI);
}

function dc(t: usize): void {
  const forms = branch(t, 0xdc, BY_FORM);
  arithmeticMemory(forms, Operation.FADD, op.Mq);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  row(registers, 0, Operation.FADD, 0, op.STI, op.ST0);
  row(registers, 1, Operation.FMUL, 0, op.STI, op.ST0);
  row(registers, 2, Operation.FCOM, 0, op.ST0, op.STI);
  row(registers, 3, Operation.FCOMP, 0, op.ST0, op.STI);
  // Subtract and divide have their reversed forms exchanged against D8.
  row(registers, 4, Operation.FSUBR, 0, op.STI, op.ST0);
  row(registers, 5, Operation.FSUB, 0, op.STI, op.ST0);
  row(registers, 6, Operation.FDIVR, 0, op.STI, op.ST0);
  row(registers, 7, Operation.FDIV, 0, op.STI, op.ST0);
}

function dd(t: usize): void {
  const forms = branch(t, 0xdd, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  row(memory, 0, Operation.FLD, 0, op.Mq);
  row(memory, 1, Operation.FISTTP, 0, op.Mq);
  row(memory, 2, Operation.FST, 0, op.Mq);
  row(memory, 3, Operation.FSTP, 0, op.Mq);
  row(memory, 4, Operation.FRSTOR, 0, op.Mf);
  row(memory, 6, Operation.FNSAVE, 0, op.Mf);
  row(memory, 7, Operation.FNSTSW, 0, op.Mw);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  row(registers, 0, Operation.FFREE, 0, op.STI);
  row(registers, 1, Operation.FXCH, 0, op.ST0, op.STI);
  row(registers, 2, Operation.FST, 0, op.STI);
  row(registers, 3, Operation.FSTP, 0, op.STI);
  row(registers, 4, Operation.FUCOM, 0, op.ST0, op.STI);
  row(registers, 5, Operation.FUCOMP, 0, op.ST0, op.STI);
}

function de(t: usize): void {
  const forms = branch(t, 0xde, BY_FORM);
  arithmeticMemory(forms, Operation.FIADD, op.Mw);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  row(registers, 0, Operation.FADDP, 0, op.STI, op.ST0);
  row(registers, 1, Operation.FMULP, 0, op.STI, op.ST0);
  row(registers, 2, Operation.FCOMP, 0, op.ST0, op.STI);
  alone(branch(registers, 3, BY_RM), 1, Operation.FCOMPP);
  row(registers, 4, Operation.FSUBRP, 0, op.STI, op.ST0);
  row(registers, 5, Operation.FSUBP, 0, op.STI, op.ST0);
  row(registers, 6, Operation.FDIVRP, 0, op.STI, op.ST0);
  row(registers, 7, Operation.FDIVP, 0, op.STI, op.ST0);
}

function df(t: usize): void {
  const forms = branch(t, 0xdf, BY_FORM);
  const memory = branch(forms, MEMORY_FORM, BY_REG);
  for (let i: u32 = 0; i < 4; i++) row(memory, i, Operation.FILD + i, 0, op.Mw); // FILD FISTTP FIST FISTP
  row(memory, 4, Operation.FBLD, 0, op.Mt);
  row(memory, 5, Operation.FILD, 0, op.Mq);
  row(memory, 6, Operation.FBSTP, 0, op.Mt);
  row(memory, 7, Operation.FISTP, 0, op.Mq);
  const registers = branch(forms, REGISTER_FORM, BY_REG);
  row(registers, 0, Operation.FFREEP, 0, op.STI);
  row(registers, 1, Operation.FXCH, 0, op.ST0, op.STI);
  row(registers, 2, Operation.FSTP, 0, op.STI);
  row(registers, 3, Operation.FSTP, 0, op.STI);
  row(branch(registers, 4, BY_RM), 0, Operation.FNSTSW, MODRM, op.AX);
  row(registers, 5, Operation.FUCOMIP, 0, op.ST0, op.STI);
  row(registers, 6, Operation.FCOMIP, 0, op.ST0, op.STI);
}

export function initX87(t: usize): void {
  d8(t);
  d9(t);
  da(t);
  db(t);
  dc(t);
  dd(t);
  de(t);
  df(t);
}
