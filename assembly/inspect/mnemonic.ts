// The mnemonic of the decoded instruction with its prefixes: what the table's name leaves to the operand size, the
// address size, the condition or the ModRM byte is completed here.

import {
  ADDRESS_SIZE,
  CONDITION,
  HAS_MODRM,
  KIND_FAR,
  KIND_IMMEDIATE,
  KIND_RELATIVE,
  MAP,
  MAP_0F,
  MODRM,
  OPCODE,
  OPERAND_COUNT,
  OPERAND_KIND,
  OPERAND_SIZE,
  OPERANDS,
  OPERATION,
  PREFIX_ADDRESS,
  PREFIX_LOCK,
  PREFIX_OPERAND,
  PREFIX_REP,
  PREFIX_REPNE,
  PREFIX_REX_W,
  PREFIX_SEGMENT,
  PREFIXES,
  SEGMENT,
  VEX,
  VEX_NONE,
  insn,
} from '../decode/insn';
import { name } from '../decode/names';
import { Operation } from '../decode/operation';
import { segmentName } from './registers';

const CONDITIONS: StaticArray<string> = [
  'o',
  'no',
  'b',
  'ae',
  'e',
  'ne',
  'be',
  'a',
  's',
  'ns',
  'p',
  'np',
  'l',
  'ge',
  'le',
  'g',
];
const STRING_SIZES: StaticArray<string> = ['b', 'w', 'd', 'q'];
const FRAME_SIZES: StaticArray<string> = ['', '', 'd', 'q'];
const PREFETCHES: StaticArray<string> = ['nta', 't0', 't1', 't2'];

function isString(operation: u32): bool {
  return (
    operation == Operation.MOVS ||
    operation == Operation.CMPS ||
    operation == Operation.STOS ||
    operation == Operation.LODS ||
    operation == Operation.SCAS ||
    operation == Operation.INS ||
    operation == Operation.OUTS
  );
}

/** It has an operand whose segment can be overridden, and which is not shown. */
function readsString(operation: u32): bool {
  return (
    operation == Operation.MOVS ||
    operation == Operation.CMPS ||
    operation == Operation.LODS ||
    operation == Operation.OUTS ||
    operation == Operation.XLAT ||
    impliesMemory(operation)
  );
}

/** Its memory operand is at rDI and not shown. */
function impliesMemory(operation: u32): bool {
  return operation == Operation.MASKMOVQ || operation == Operation.MASKMOVDQU;
}

/** It saves or restores state, in another layout with REX.W. */
function savesState(operation: u32): bool {
  return (
    operation == Operation.FXSAVE ||
    operation == Operation.FXRSTOR ||
    operation == Operation.XSAVE ||
    operation == Operation.XRSTOR ||
    operation == Operation.XSAVEOPT ||
    operation == Operation.XSAVEC ||
    operation == Operation.XSAVES ||
    operation == Operation.XRSTORS
  );
}

/** Its operands are in registers that the mnemonic implies: they are not shown. */
export function hidesOperands(): bool {
  const operation: u32 = load<u16>(insn(), OPERATION);
  return isString(operation) || operation == Operation.XLAT;
}

/** Prefixes that no operand shows, each followed by a space. `codeSize` is 0, 1, 2 for 16, 32, 64 bits. */
function prefixText(operation: u32, codeSize: u32): string {
  const record = insn();
  const prefixes = load<u32>(record, PREFIXES);
  const kind: u32 = load<u8>(record, OPERAND_COUNT) ? load<u8>(record + OPERANDS, OPERAND_KIND) : 0;
  let text = '';
  if (prefixes & PREFIX_LOCK) text += 'lock ';
  if (isString(operation)) {
    const compares = operation == Operation.CMPS || operation == Operation.SCAS;
    if (prefixes & PREFIX_REPNE) text += 'repne ';
    else if (prefixes & PREFIX_REP) text += compares ? 'repe ' : 'rep ';
  }
  // An offset in the instruction itself does not tell how wide the address is.
  const absolute =
    operation == Operation.MOV && !load<u8>(record, HAS_MODRM) && (load<u8>(record, OPCODE) & 0xfc) == 0xa0;
  const loop = operation == Operation.LOOP || operation == Operation.LOOPE || operation == Operation.LOOPNE;
  if (prefixes & PREFIX_ADDRESS && (hidesOperands() || impliesMemory(operation) || loop || absolute)) {
    text += 'addr' + (8 << load<u8>(record, ADDRESS_SIZE)).toString() + ' ';
  }
  const size: u32 = load<u8>(record, OPERAND_SIZE);
  const silent =
    operation == Operation.RET ||
    operation == Operation.RET_FAR ||
    operation == Operation.PUSH_SEG ||
    operation == Operation.POP_SEG ||
    operation == Operation.ENTER ||
    operation == Operation.LEAVE ||
    kind == KIND_RELATIVE ||
    kind == KIND_FAR ||
    (operation == Operation.PUSH && kind == KIND_IMMEDIATE);
  if (silent && (codeSize < 2 || operation == Operation.RET_FAR || prefixes & PREFIX_OPERAND)) {
    const usual: u32 = codeSize == 0 ? 1 : codeSize == 1 || operation == Operation.RET_FAR ? 2 : 3;
    if (size != usual) text += 'data' + (8 << size).toString() + ' ';
  }
  if (readsString(operation) && prefixes & PREFIX_SEGMENT) text += segmentName(load<u8>(record, SEGMENT)) + ' ';
  return text;
}

/**
 * The operation's name, with AVX's `v` before that of one that it shares with SSE. BMI's, in general registers, have none.
 */
export function mnemonicOf(operation: u32, vex: bool): string {
  const text = name(<u16>operation);
  if (
    !vex ||
    text.charCodeAt(0) == 0x76 /* v */ ||
    (operation >= <u32>Operation.ANDN && operation <= <u32>Operation.MULX)
  )
    return text;
  return 'v' + text;
}

/** Mnemonic and prefixes of the instruction in the record. */
export function mnemonic(codeSize: u32): string {
  const record = insn();
  const operation: u32 = load<u16>(record, OPERATION);
  const size: u32 = load<u8>(record, OPERAND_SIZE) & 3;
  const addressSize: u32 = load<u8>(record, ADDRESS_SIZE);
  const prefixes = load<u32>(record, PREFIXES);
  const reg: u32 = (load<u8>(record, MODRM) >> 3) & 7;
  const opcode: u32 = load<u8>(record, OPCODE);
  let text = mnemonicOf(operation, load<u8>(record, VEX) != VEX_NONE);
  if (operation == Operation.JCC || operation == Operation.SETCC || operation == Operation.CMOVCC) {
    text += unchecked(CONDITIONS[load<u8>(record, CONDITION) & 15]);
  } else if (isString(operation)) {
    text += unchecked(STRING_SIZES[size]);
  } else if (operation == Operation.CBW) {
    text = size == 1 ? 'cbw' : size == 2 ? 'cwde' : 'cdqe';
  } else if (operation == Operation.CWD) {
    text = size == 1 ? 'cwd' : size == 2 ? 'cdq' : 'cqo';
  } else if (operation == Operation.JRCXZ) {
    text = addressSize == 1 ? 'jcxz' : addressSize == 2 ? 'jecxz' : 'jrcxz';
  } else if (
    operation == Operation.PUSHA ||
    operation == Operation.POPA ||
    operation == Operation.PUSHF ||
    operation == Operation.POPF ||
    operation == Operation.IRET
  ) {
    text += unchecked(FRAME_SIZES[size]);
  } else if (operation == Operation.SYSRET || operation == Operation.SYSEXIT) {
    if (prefixes & PREFIX_REX_W) text += 'q';
  } else if (savesState(operation)) {
    if (prefixes & PREFIX_REX_W) text += '64';
  } else if (operation == Operation.UD) {
    text = opcode == 0x0b ? 'ud2' : opcode == 0xb9 ? 'ud1' : 'ud0';
  } else if (operation == Operation.PREFETCH) {
    if (opcode == 0x18) text += unchecked(PREFETCHES[reg & 3]);
    else if (reg == 1) text += 'w';
    else if (reg == 2) text += 'wt1';
  } else if (operation == Operation.NOP && load<u8>(record, MAP) == MAP_0F && opcode == 0x1e && prefixes & PREFIX_REP) {
    const modrm: u32 = load<u8>(record, MODRM);
    if (modrm == 0xfa) text = 'endbr64';
    else if (modrm == 0xfb) text = 'endbr32';
  }
  return prefixText(operation, codeSize) + text;
}
