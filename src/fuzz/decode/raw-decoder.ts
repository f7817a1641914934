// The core's decoder, called directly: bytes in linear memory in, the record of assembly/decode/insn.ts out.

export interface RawDecoder {
  /** Decodes what stands at an address of linear memory; the length, or a DECODE_* result. */
  decode(bytes: number, available: number, codeSize: number): number;
  /** All of linear memory. */
  readonly bytes: Uint8Array;
  /** The record of the last decode. */
  readonly record: DataView;
  /** A constant of the module: an offset in the record, a kind, … */
  constant(name: string): number;
  /** Address of room for instructions. */
  readonly scratch: number;
}
