// Machine code as people read it, by iced-x86: of an independent decoder, so that a finding does not describe itself.

import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Address, bytes and text, one instruction a line, at most `count` of them. */
export function disassemble(bytes: Uint8Array, bits: number, address: bigint, count = Infinity): string {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  decoder.ip = address;
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const lines: string[] = [];
  while (decoder.canDecode && lines.length < count) {
    const at = decoder.position;
    const instruction = decoder.decode();
    const where = instruction.ip.toString(16).padStart(bits / 4, '0');
    const raw = hexOf(bytes.subarray(at, at + instruction.length));
    lines.push(`${where}  ${raw.padEnd(30)}  ${instruction.isInvalid ? '(bad)' : formatter.format(instruction)}`);
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return lines.join('\n');
}
