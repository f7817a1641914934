// Family X87: one micro-operation an instruction, which makes its own memory access.

import { cpu, FSW, raise, SEG_SS } from '../state';
import { HANDLER, SEG, Uop, V_OPERATION, X_BYTES, X_REGISTER, X_TO_REGISTER } from '../uop';
import { VECTOR_MF, VECTOR_UD } from '../vectors';
import { Operation } from '../decode/operation';
import { condition } from '../flags';
import { deliverZero } from '../float/extended/value';
import { notDenormal } from '../float/extended/convert';
import { setStackAccess } from '../paging/guest-walk';
import {
  arithmetic,
  arithmeticMemory,
  changeSign,
  extractTop,
  partialRemainder,
  root,
  roundInteger,
  scaleTop,
} from './arithmetic';
import { compareRegister, compareValue, examine } from './compare';
import {
  clearExceptions,
  initialize,
  loadControl,
  loadEnvironment,
  restore,
  save,
  storeControl,
  storeEnvironment,
  storeStatus,
  storeStatusAx,
} from './control';
import {
  exchange,
  loadConstant,
  loadDecimal,
  loadFloat,
  loadInteger,
  loadRegister,
  moveIf,
  readFloat,
  readInteger,
  storeDecimal,
  storeFloat,
  storeInteger,
  storeQuietly,
  storeRegister,
} from './move';
import { address, remember } from './operand';
import { C1, moveTop, popStack, setEmpty, setStatus, status, SUMMARY } from './registers';
import { ARCTANGENT, circular, circularPush, exponential, ofTwo, Y_LOG2_X, Y_LOG2_X_PLUS_1 } from './transcendental';

/** Executes a micro-operation of the family. False = raised, and nothing has changed. */
export function x87(op: usize): bool {
  const operation = <u32>load<u16>(op, V_OPERATION);
  if (load<u16>(cpu, FSW) & SUMMARY && waits(operation)) {
    raise(VECTOR_MF);
    return false;
  }
  if (!load<u8>(op, X_BYTES)) return register(op, operation);
  if (load<u8>(op, SEG) != SEG_SS) return memory(op, operation);
  // an operand relative to rSP or rBP: an address that is not canonical raises #SS
  setStackAccess(true);
  const done = memory(op, operation);
  setStackAccess(false);
  return done;
}

/** Whether this micro-operation is one of the family that will raise #MF for an exception that is pending. */
export function waitsForX87(op: usize): bool {
  if (load<u16>(op, HANDLER) != Uop.X87 || !(load<u16>(cpu, FSW) & SUMMARY)) return false;
  return waits(load<u16>(op, V_OPERATION));
}

/** The FN… instructions do not look for a pending exception. */
function waits(operation: u32): bool {
  switch (operation) {
    case Operation.FNSTENV:
    case Operation.FNSTCW:
    case Operation.FNENI:
    case Operation.FNDISI:
    case Operation.FNCLEX:
    case Operation.FNINIT:
    case Operation.FNSETPM:
    case Operation.FNSAVE:
    case Operation.FNSTSW:
      return false;
  }
  return true;
}

function memory(op: usize, operation: u32): bool {
  const bytes = <u32>load<u8>(op, X_BYTES);
  const at = address(op);
  switch (operation) {
    case Operation.FADD:
    case Operation.FMUL:
    case Operation.FSUB:
    case Operation.FSUBR:
    case Operation.FDIV:
    case Operation.FDIVR:
      if (!readFloat(at, bytes)) return false;
      arithmeticMemory(operation - Operation.FADD);
      break;
    case Operation.FIADD:
    case Operation.FIMUL:
    case Operation.FISUB:
    case Operation.FISUBR:
    case Operation.FIDIV:
    case Operation.FIDIVR:
      if (!readInteger(at, bytes)) return false;
      arithmeticMemory(operation - Operation.FIADD);
      break;
    case Operation.FCOM:
    case Operation.FCOMP:
      if (!readFloat(at, bytes)) return false;
      compareValue(operation - Operation.FCOM);
      break;
    case Operation.FICOM:
    case Operation.FICOMP:
      if (!readInteger(at, bytes)) return false;
      compareValue(operation - Operation.FICOM);
      break;
    case Operation.FLD:
      if (!loadFloat(at, bytes)) return false;
      break;
    case Operation.FILD:
      if (!loadInteger(at, bytes)) return false;
      break;
    case Operation.FBLD:
      if (!loadDecimal(at)) return false;
      break;
    case Operation.FST:
    case Operation.FSTP:
      if (!storeFloat(at, bytes, operation == Operation.FSTP)) return false;
      break;
    case Operation.FIST:
    case Operation.FISTP:
    case Operation.FISTTP:
      if (!storeInteger(at, bytes, operation == Operation.FISTTP, operation != Operation.FIST)) return false;
      break;
    case Operation.FBSTP:
      if (!storeDecimal(at)) return false;
      break;
    // control instructions leave the pointers to the last instruction alone
    case Operation.FLDENV:
      return loadEnvironment(at, bytes);
    case Operation.FLDCW:
      return loadControl(at);
    case Operation.FNSTENV:
      return storeEnvironment(at, bytes);
    case Operation.FNSTCW:
      return storeControl(at);
    case Operation.FRSTOR:
      return restore(at, bytes);
    case Operation.FNSAVE:
      return save(at, bytes);
    case Operation.FNSTSW:
      return storeStatus(at);
    default:
      raise(VECTOR_UD);
      return false;
  }
  remember(op);
  return true;
}

function register(op: usize, operation: u32): bool {
  const i = <u32>load<u8>(op, X_REGISTER);
  switch (operation) {
    case Operation.FADD:
    case Operation.FMUL:
    case Operation.FSUB:
    case Operation.FSUBR:
    case Operation.FDIV:
    case Operation.FDIVR:
      if (load<u8>(op, X_TO_REGISTER)) arithmetic(operation - Operation.FADD, i, 0, false);
      else arithmetic(operation - Operation.FADD, 0, i, false);
      break;
    case Operation.FADDP:
      arithmetic(0, i, 0, true);
      break;
    case Operation.FMULP:
      arithmetic(1, i, 0, true);
      break;
    case Operation.FSUBP:
      arithmetic(Operation.FSUB - Operation.FADD, i, 0, true);
      break;
    case Operation.FSUBRP:
      arithmetic(Operation.FSUBR - Operation.FADD, i, 0, true);
      break;
    case Operation.FDIVP:
      arithmetic(Operation.FDIV - Operation.FADD, i, 0, true);
      break;
    case Operation.FDIVRP:
      arithmetic(Operation.FDIVR - Operation.FADD, i, 0, true);
      break;
    case Operation.FCOM:
      compareRegister(i, false, 0, false);
      break;
    case Operation.FCOMP:
      compareRegister(i, false, 1, false);
      break;
    case Operation.FCOMPP:
      compareRegister(1, false, 2, false);
      break;
    case Operation.FUCOM:
      compareRegister(i, true, 0, false);
      break;
    case Operation.FUCOMP:
      compareRegister(i, true, 1, false);
      break;
    case Operation.FUCOMPP:
      compareRegister(1, true, 2, false);
      break;
    case Operation.FCOMI:
      compareRegister(i, false, 0, true);
      break;
    case Operation.FCOMIP:
      compareRegister(i, false, 1, true);
      break;
    case Operation.FUCOMI:
      compareRegister(i, true, 0, true);
      break;
    case Operation.FUCOMIP:
      compareRegister(i, true, 1, true);
      break;
    case Operation.FTST:
      notDenormal();
      deliverZero(0);
      compareValue(0);
      break;
    case Operation.FXAM:
      examine();
      break;
    case Operation.FLD:
      loadRegister(i);
      break;
    case Operation.FST:
      storeRegister(i, false);
      break;
    case Operation.FSTP:
      storeRegister(i, true);
      break;
    case Operation.FSTPNCE:
      storeQuietly(i);
      break;
    case Operation.FXCH:
      exchange(i);
      break;
    case Operation.FCMOVB:
    case Operation.FCMOVNB:
      moveIf(condition(2) == (operation == Operation.FCMOVB), i);
      break;
    case Operation.FCMOVE:
    case Operation.FCMOVNE:
      moveIf(condition(4) == (operation == Operation.FCMOVE), i);
      break;
    case Operation.FCMOVBE:
    case Operation.FCMOVNBE:
      moveIf(condition(6) == (operation == Operation.FCMOVBE), i);
      break;
    case Operation.FCMOVU:
    case Operation.FCMOVNU:
      moveIf(condition(10) == (operation == Operation.FCMOVU), i);
      break;
    case Operation.FCHS:
    case Operation.FABS:
      changeSign(operation == Operation.FABS);
      break;
    case Operation.FLD1:
    case Operation.FLDL2T:
    case Operation.FLDL2E:
    case Operation.FLDPI:
    case Operation.FLDLG2:
    case Operation.FLDLN2:
    case Operation.FLDZ:
      loadConstant(operation - Operation.FLD1);
      break;
    case Operation.F2XM1:
      exponential();
      break;
    case Operation.FYL2X:
      ofTwo(Y_LOG2_X);
      break;
    case Operation.FYL2XP1:
      ofTwo(Y_LOG2_X_PLUS_1);
      break;
    case Operation.FPATAN:
      ofTwo(ARCTANGENT);
      break;
    case Operation.FSIN:
    case Operation.FCOS:
      circular(operation == Operation.FCOS);
      break;
    case Operation.FSINCOS:
    case Operation.FPTAN:
      circularPush(operation == Operation.FPTAN);
      break;
    case Operation.FSQRT:
      root();
      break;
    case Operation.FRNDINT:
      roundInteger();
      break;
    case Operation.FSCALE:
      scaleTop();
      break;
    case Operation.FXTRACT:
      extractTop();
      break;
    case Operation.FPREM:
    case Operation.FPREM1:
      partialRemainder(operation == Operation.FPREM1);
      break;
    case Operation.FDECSTP:
    case Operation.FINCSTP:
      setStatus(status() & ~C1);
      moveTop(operation == Operation.FINCSTP ? 1 : 7);
      break;
    case Operation.FFREE:
      setEmpty(i);
      setStatus(status() & ~C1);
      break;
    case Operation.FFREEP:
      setEmpty(i);
      setStatus(status() & ~C1);
      popStack();
      break;
    case Operation.FNOP:
      break;
    // control instructions leave the pointers to the last instruction alone
    case Operation.FNENI:
    case Operation.FNDISI:
    case Operation.FNSETPM:
      return true;
    case Operation.FNCLEX:
      clearExceptions();
      return true;
    case Operation.FNINIT:
      initialize();
      return true;
    case Operation.FNSTSW:
      storeStatusAx();
      return true;
    default:
      raise(VECTOR_UD);
      return false;
  }
  remember(op);
  return true;
}
