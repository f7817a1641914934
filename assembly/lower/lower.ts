// From a decoded instruction to micro-operations, and whether it ends its block.

import { ACCESS_READ, ACCESS_WRITE, cpu, SEG_SS, T1 } from '../state';
import {
  AUX,
  BSF,
  BSR,
  BT,
  BTC,
  BTR,
  BTS,
  HANDLER,
  LOOP_ALWAYS,
  LOOP_COUNT_ZERO,
  LOOP_EQUAL,
  LOOP_NOT_EQUAL,
  POPCNT,
  Uop,
} from '../uop';
import * as I from '../decode/insn';
import { Operation } from '../decode/operation';
import { emit, emitUndefined } from './emit';
import { kind, operand, operandSize } from './operand';
import { loadTo } from './address';
import { lowerCall, lowerJcc, lowerJmp, lowerLoop, lowerRet } from './branch';
import { lowerRare, lowerRareResult, lowerString } from './rare';
import {
  lowerArithmetic,
  lowerCrc32,
  lowerDoubleShift,
  lowerImul,
  lowerShift,
  lowerTest,
  lowerUnary,
  lowerWide,
} from './arithmetic';
import { lowerBit, lowerScan } from './bit';
import { lowerBmi, lowerCount } from './bmi';
import {
  lowerBswap,
  lowerMovSegment,
  lowerCmov,
  lowerExchange,
  lowerExtend,
  lowerLea,
  lowerMov,
  lowerMovbe,
  lowerSetcc,
  lowerXchg,
} from './move';
import { lowerLeave, lowerPop, lowerPush } from './stack';
import { isVex, lowerVector } from './vector';
import { claimed, sseAvailable, vexAvailable } from './available';
import { lowerX87 } from './x87';
import { FAMILY_GENERAL, FAMILY_X87, familyOf } from '../decode/family';

function savesState(operation: u32): bool {
  return (
    operation == Operation.FXSAVE ||
    (operation >= <u32>Operation.XSAVE && operation <= <u32>Operation.XSAVES && operation != Operation.XRSTOR)
  );
}

/** Lower the instruction in the Insn record. True = it ends its block. */
export function lower(): bool {
  const i = I.insn();
  const operation = <u32>load<u16>(i, I.OPERATION);
  if (operation >= <u32>Operation.ADD && operation <= <u32>Operation.CMP) {
    lowerArithmetic(operation - Operation.ADD);
    return false;
  }
  if (operation >= <u32>Operation.ROL && operation <= <u32>Operation.SAR) {
    lowerShift(operation - Operation.ROL);
    return false;
  }
  const family = familyOf(operation);
  if (family != FAMILY_GENERAL) {
    if (family == FAMILY_X87) lowerX87(operation);
    else lowerVector(operation, family);
    return false;
  }
  if (!claimed()) {
    emitUndefined(operation);
    return true;
  }
  switch (operation) {
    case Operation.TEST:
      lowerTest();
      return false;
    case Operation.INC:
      lowerUnary(Uop.INC8);
      return false;
    case Operation.DEC:
      lowerUnary(Uop.DEC8);
      return false;
    case Operation.NEG:
      lowerUnary(Uop.NEG8);
      return false;
    case Operation.NOT:
      lowerUnary(Uop.NOT8);
      return false;
    case Operation.MUL:
      lowerWide(Uop.MULTIPLY, 0);
      return false;
    case Operation.IMUL:
      lowerImul();
      return false;
    case Operation.DIV:
      lowerWide(Uop.DIVIDE, 0);
      return false;
    case Operation.IDIV:
      lowerWide(Uop.DIVIDE, 1);
      return false;
    case Operation.SHLD:
      lowerDoubleShift(0);
      return false;
    case Operation.SHRD:
      lowerDoubleShift(1);
      return false;
    case Operation.BT:
      lowerBit(BT);
      return false;
    case Operation.BTS:
      lowerBit(BTS);
      return false;
    case Operation.BTR:
      lowerBit(BTR);
      return false;
    case Operation.BTC:
      lowerBit(BTC);
      return false;
    case Operation.BSF:
      lowerScan(BSF);
      return false;
    case Operation.BSR:
      lowerScan(BSR);
      return false;
    case Operation.POPCNT:
      lowerScan(POPCNT);
      return false;
    case Operation.LZCNT:
      lowerCount(true);
      return false;
    case Operation.TZCNT:
      lowerCount(false);
      return false;
    case Operation.ANDN:
    case Operation.BEXTR:
    case Operation.BLSR:
    case Operation.BLSMSK:
    case Operation.BLSI:
    case Operation.BZHI:
    case Operation.PDEP:
    case Operation.PEXT:
    case Operation.RORX:
    case Operation.SARX:
    case Operation.SHLX:
    case Operation.SHRX:
    case Operation.MULX:
    case Operation.ADCX:
    case Operation.ADOX:
      lowerBmi(operation);
      return false;
    case Operation.CRC32:
      lowerCrc32();
      return false;
    case Operation.MOV:
    case Operation.MOVNTI:
      lowerMov(true);
      return false;
    case Operation.MOVZX:
      lowerExtend(false);
      return false;
    case Operation.MOVSX:
    case Operation.MOVSXD:
      lowerExtend(true);
      return false;
    case Operation.MOVBE:
      lowerMovbe();
      return false;
    case Operation.LEA:
      lowerLea();
      return false;
    case Operation.XCHG:
      lowerXchg();
      return false;
    case Operation.XADD:
      lowerExchange(Uop.XADD);
      return false;
    case Operation.CMPXCHG:
      lowerExchange(Uop.CMPXCHG);
      return false;
    case Operation.CMPXCHG8B:
    case Operation.CMPXCHG16B:
      lowerRare(operation, false, ACCESS_READ | ACCESS_WRITE);
      return false;
    case Operation.BSWAP:
      lowerBswap();
      return false;
    case Operation.CMOVCC:
      lowerCmov();
      return false;
    case Operation.SETCC:
      lowerSetcc();
      return false;
    case Operation.MOV_SEG:
      return lowerMovSegment();
    case Operation.CBW:
      emit(operandSize() == 1 ? Uop.CBW : operandSize() == 2 ? Uop.CWDE : Uop.CDQE);
      return false;
    case Operation.CWD:
      emit(operandSize() == 1 ? Uop.CWD : operandSize() == 2 ? Uop.CDQ : Uop.CQO);
      return false;
    case Operation.PUSH:
      lowerPush();
      return false;
    case Operation.POP:
      lowerPop();
      return false;
    case Operation.LEAVE:
      lowerLeave();
      return false;
    case Operation.JCC:
      lowerJcc();
      return true;
    case Operation.JMP:
      lowerJmp();
      return true;
    case Operation.CALL:
      lowerCall();
      return true;
    case Operation.RET:
      lowerRet();
      return true;
    case Operation.JRCXZ:
      lowerLoop(LOOP_COUNT_ZERO);
      return true;
    case Operation.LOOP:
      lowerLoop(LOOP_ALWAYS);
      return true;
    case Operation.LOOPE:
      lowerLoop(LOOP_EQUAL);
      return true;
    case Operation.LOOPNE:
      lowerLoop(LOOP_NOT_EQUAL);
      return true;
    case Operation.CLC:
      emit(Uop.CLC);
      return false;
    case Operation.STC:
      emit(Uop.STC);
      return false;
    case Operation.CMC:
      emit(Uop.CMC);
      return false;
    case Operation.CLD:
      emit(Uop.CLD);
      return false;
    case Operation.STD:
      emit(Uop.STD);
      return false;
    case Operation.LAHF:
      emit(Uop.LAHF);
      return false;
    case Operation.SAHF:
      emit(Uop.SAHF);
      return false;
    case Operation.NOP:
    case Operation.PAUSE:
    case Operation.PREFETCH:
    case Operation.LFENCE:
    case Operation.MFENCE:
    case Operation.SFENCE:
      return false;
    case Operation.CLFLUSH:
      loadTo(cpu + T1, 0); // nothing to flush, but it faults as a byte load does (SDM vol. 2, CLFLUSH)
      return false;
    case Operation.FXSAVE:
    case Operation.FXRSTOR:
    case Operation.XSAVE:
    case Operation.XSAVEOPT:
    case Operation.XSAVEC:
    case Operation.XSAVES:
    case Operation.XRSTOR:
    case Operation.XRSTORS:
      lowerRare(operation, false, savesState(operation) ? ACCESS_WRITE : ACCESS_READ);
      return false;
    case Operation.LDMXCSR:
    case Operation.STMXCSR:
      if (isVex() ? vexAvailable() : sseAvailable())
        lowerRare(operation, false, operation == Operation.STMXCSR ? ACCESS_WRITE : ACCESS_READ);
      return false;
    case Operation.SLDT:
    case Operation.STR:
    case Operation.SMSW:
      lowerRareResult(operation, kind(0) == I.KIND_MEMORY ? 1 : operandSize());
      return false;
    case Operation.SGDT:
    case Operation.SIDT:
      lowerRare(operation, false, ACCESS_WRITE);
      return false;
    case Operation.ARPL:
      lowerRare(operation, false, ACCESS_READ | ACCESS_WRITE);
      return false;
    // these go on in the block: they change neither RIP, mode, mappings nor the interrupt window
    case Operation.DAA:
    case Operation.DAS:
    case Operation.AAA:
    case Operation.AAS:
    case Operation.AAM:
    case Operation.AAD:
    case Operation.SALC:
    case Operation.PUSHA:
    case Operation.POPA:
    case Operation.PUSHF:
    case Operation.PUSH_SEG:
    case Operation.ENTER:
    case Operation.BOUND:
    case Operation.LAR:
    case Operation.LSL:
    case Operation.VERR:
    case Operation.VERW:
    case Operation.RDTSC:
    case Operation.RDTSCP:
    case Operation.RDPMC:
    case Operation.CPUID:
    case Operation.RDMSR:
    case Operation.XGETBV:
    case Operation.VMCALL:
    case Operation.VMMCALL:
    case Operation.RDFSBASE:
    case Operation.RDGSBASE:
    case Operation.WRFSBASE:
    case Operation.WRGSBASE:
    case Operation.RDPID:
    case Operation.RDRAND:
    case Operation.RDSEED:
    case Operation.FWAIT:
    case Operation.CLI:
    case Operation.LES:
    case Operation.LDS:
    case Operation.LFS:
    case Operation.LGS:
      lowerRare(operation, false);
      return false;
    case Operation.IN:
    case Operation.OUT:
      store<u16>(lowerRare(operation, false), <u16>(operation == Operation.IN ? Uop.IN : Uop.OUT), HANDLER);
      return false;
    case Operation.MOV_CR:
    case Operation.MOV_DR: {
      const toRegister = kind(0) == I.KIND_REGISTER;
      const op = lowerRare(operation, !toRegister);
      store<u8>(op, toRegister ? 0 : 1, AUX);
      return !toRegister;
    }
    case Operation.POP_SEG: {
      const op = lowerRare(operation, load<u8>(operand(0), I.OPERAND_REGISTER) == SEG_SS);
      return load<u16>(op, HANDLER) == Uop.RARE_END;
    }
    case Operation.XLAT:
      lowerString(operation, Uop.RARE);
      return false;
    case Operation.MOVS:
    case Operation.CMPS:
    case Operation.STOS:
    case Operation.LODS:
    case Operation.SCAS:
    case Operation.INS:
    case Operation.OUTS:
      lowerString(operation, Uop.RARE_END);
      return true;
    case Operation.LSS:
    case Operation.POPF:
    case Operation.STI:
    case Operation.JMP_FAR:
    case Operation.CALL_FAR:
    case Operation.RET_FAR:
    case Operation.INT:
    case Operation.INT3:
    case Operation.INT1:
    case Operation.INTO:
    case Operation.IRET:
    case Operation.SYSCALL:
    case Operation.SYSRET:
    case Operation.SYSENTER:
    case Operation.SYSEXIT:
    case Operation.CLAC:
    case Operation.STAC:
    case Operation.HLT:
    case Operation.WRMSR:
    case Operation.CLTS:
    case Operation.LGDT:
    case Operation.LIDT:
    case Operation.LLDT:
    case Operation.LTR:
    case Operation.LMSW:
    case Operation.INVLPG:
    case Operation.INVPCID:
    case Operation.INVD:
    case Operation.WBINVD:
    case Operation.SWAPGS:
    case Operation.XSETBV:
      lowerRare(operation, true);
      return true;
    default:
      emitUndefined(operation);
      return true;
  }
}
