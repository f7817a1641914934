// What the decoder knows: one line for each instruction of the opcode tables, with what leads to it.

import * as op from '../decode/operand-code';
import { Operation } from '../decode/operation';
import {
  BY_FORM,
  BY_MODE,
  BY_PREFIX,
  BY_REG,
  BY_REX_B,
  BY_REX_W,
  BY_RM,
  BY_VEX_L,
  BY_VEX_W,
  ROW_LEAF,
  VEX_ENCODED,
  branchRow,
  branchWidth,
  mapRow,
  rowFlags,
  rowKind,
  rowNumber,
  rowOperand,
  rowOperandCount,
  rowOperation,
} from '../decode/table';
import { mnemonicOf } from './mnemonic';
import { digits } from './text';
import { segmentName } from './registers';

/** By MAP_*. */
const MAPS: StaticArray<string> = ['', '0f ', '0f 38 ', '0f 3a ', 'vex 0f ', 'vex 0f 38 ', 'vex 0f 3a '];
const FORMS: StaticArray<string> = ['mem', 'reg'];
const PREFIXES: StaticArray<string> = ['np', 'p66', 'pf3', 'pf2'];
const MODES: StaticArray<string> = ['legacy', '64-bit'];

/** Operand methods by the high byte of their code, as operand-code.ts names them. */
const METHODS: StaticArray<string> = [
  '',
  'rA',
  'rC',
  'rD',
  'Z',
  '',
  'I',
  'Is',
  'I',
  'J',
  'A',
  'O',
  'X',
  'Y',
  '1',
  'st',
  'xmm0',
  '[rbx]',
  '[rdi]',
  'B',
  'H',
  'L',
  'E',
  'E',
  'E',
  'G',
  'M',
  'R',
  'S',
  'S',
  'C',
  'D',
  'st(i)',
  'P',
  'Q',
  'N',
  'V',
  'W',
  'U',
  'VMx',
  'VMy',
];
const TYPES: StaticArray<string> = ['', 'b', 'w', 'd', 'q', 'v', 'z', 'y', 'p', 'a', 's', 't', 'e', 'f', 'dq', 'qq'];

function operandName(code: u32): string {
  const method = code & 0xff00;
  if (method == op.SEG) return segmentName(code & 0xff);
  const text = unchecked(METHODS[method >> 8]);
  if (method == op.ONE || method == op.ST0 || method == op.XMM0 || method == op.XLAT_TABLE || method == op.STI)
    return text;
  return text + unchecked(TYPES[code & 0xff]);
}

function operandNames(row: usize): string {
  let text = '';
  for (let operand: u32 = 0; operand < rowOperandCount(row); operand++) {
    if (operand) text += ', ';
    text += operandName(rowOperand(row, operand));
  }
  return text;
}

/** What the index-th row below a branch of this kind asks of the instruction. */
function branchName(kind: u32, index: u32): string {
  if (kind == BY_REG) return '/' + index.toString();
  if (kind == BY_RM) return 'rm' + index.toString();
  if (kind == BY_FORM) return unchecked(FORMS[index]);
  if (kind == BY_PREFIX) return unchecked(PREFIXES[index]);
  if (kind == BY_MODE) return unchecked(MODES[index]);
  if (kind == BY_REX_W) return 'rex.w' + index.toString();
  if (kind == BY_REX_B) return 'rex.b' + index.toString();
  if (kind == BY_VEX_L) return index ? '256' : '128';
  if (kind == BY_VEX_W) return 'w' + index.toString();
  return '?';
}

function collect(row: usize, path: string, lines: string[]): void {
  const kind = rowKind(row);
  const width = branchWidth(kind);
  for (let index: u32 = 0; index < width; index++) {
    collect(branchRow(row, index), path + ' ' + branchName(kind, index), lines);
  }
  if (kind != ROW_LEAF) return;
  const operation = rowOperation(row);
  if (operation == Operation.INVALID) return;
  const state = operation < <u32>Operation.FIRST_UNIMPLEMENTED ? 'implemented' : 'unimplemented';
  lines.push(
    path +
      '\t' +
      mnemonicOf(operation, (rowFlags(row) & VEX_ENCODED) != 0) +
      '\t' +
      operandNames(row) +
      '\t' +
      state +
      '\t' +
      rowNumber(row).toString(),
  );
}

/** One line an instruction of the tables, fields separated by tabs: opcode and conditions, mnemonic, operands, state, number of the row (as in the decoder's record). */
export function coverageLines(): string[] {
  const lines = new Array<string>();
  for (let map: u32 = 0; map < <u32>MAPS.length; map++) {
    for (let opcode: u32 = 0; opcode < 256; opcode++) {
      collect(mapRow(map, opcode), unchecked(MAPS[map]) + digits(opcode, 2), lines);
    }
  }
  return lines;
}
