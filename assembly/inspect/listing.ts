// The disassembly listing: address, bytes, mnemonic and operands of one instruction a line, read from the decoder's own
// record, so that what people read is what the CPU runs.

import { DECODE_MORE, OPERAND_COUNT, insn } from '../decode/insn';
import { decode } from '../decode/decoder';
import { hidesOperands, mnemonic } from './mnemonic';
import { operandText } from './operands';
import { digits, truncate } from './text';

/** Bytes shown on a line before the text begins: instructions are rarely longer. */
const BYTES_COLUMN: i32 = 8;

/** The text of the instruction in the record, which stands at `address`. */
function instructionText(address: u64, codeSize: u32): string {
  let text = mnemonic(codeSize);
  if (hidesOperands()) return text;
  let separator = ' ';
  for (let operand: u32 = 0; operand < load<u8>(insn(), OPERAND_COUNT); operand++) {
    const one = operandText(operand, address);
    if (!one.length) continue;
    text += separator + one;
    separator = ', ';
  }
  return text;
}

/**
 * Up to `count` lines from `bytes`, which stand at `address` in a code segment of `bits` (16, 32 or 64). A byte that
 * begins no instruction gets a line of its own, `(bad)`; one that the end cuts off ends the listing, `(incomplete)`.
 */
export function listingOf(bytes: Uint8Array, address: u64, bits: i32, count: i32): string {
  const codeSize: u32 = bits == 64 ? 2 : bits == 32 ? 1 : 0;
  const start = bytes.dataStart;
  const lines = new Array<string>();
  for (let at = 0; at < bytes.length && lines.length < count;) {
    const here = truncate(address + at, bits / 8);
    const result = decode(start + at, bytes.length - at, codeSize);
    let text: string;
    let length = result;
    if (result > 0) {
      text = instructionText(here, codeSize);
    } else if (result == DECODE_MORE) {
      text = '(incomplete)';
      length = bytes.length - at;
    } else {
      text = '(bad)';
      length = 1;
    }
    let hex = '';
    for (let byte = 0; byte < length; byte++) hex += digits(load<u8>(start + at + byte), 2) + ' ';
    lines.push(digits(here, bits / 4) + '  ' + hex.padEnd(BYTES_COLUMN * 3 + 1) + text);
    at += length;
  }
  return lines.join('\n');
}
