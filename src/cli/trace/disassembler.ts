// Instructions by iced-x86: a decoder that is not the CPU's own, so that a trace does not repeat its mistakes.

import { Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax } from 'iced-x86';

export interface Disassembled {
  readonly text: string;
  readonly length: number;
  /** Addresses at which the guest can be after it, unless an event comes: undefined if that depends on more than the code. */
  readonly next: readonly bigint[] | undefined;
}

export class Disassembler {
  readonly #formatter = new Formatter(FormatterSyntax.Intel);

  constructor() {
    this.#formatter.hexPrefix = '0x';
    this.#formatter.hexSuffix = '';
    this.#formatter.uppercaseHex = false;
    this.#formatter.spaceAfterOperandSeparator = true;
  }

  /** Of the first instruction of `bytes`; `rip` is its offset in its code segment. */
  one(bytes: Uint8Array, rip: bigint, bits: 16 | 32 | 64): Disassembled {
    const decoder = new Decoder(bits, bytes, DecoderOptions.None);
    try {
      decoder.ip = rip;
      const instruction = decoder.decode();
      try {
        if (instruction.isInvalid) return { text: '(bad)', length: Math.min(1, bytes.length), next: undefined };
        const text = this.#formatter.format(instruction);
        const behind = instruction.nextIP;
        return {
          text,
          length: instruction.length,
          next: following(instruction.flowControl, behind, rip, () => instruction.nearBranchTarget),
        };
      } finally {
        instruction.free();
      }
    } finally {
      decoder.free();
    }
  }

  close(): void {
    this.#formatter.free();
  }
}

function following(
  flow: FlowControl,
  behind: bigint,
  here: bigint,
  target: () => bigint,
): readonly bigint[] | undefined {
  switch (flow) {
    case FlowControl.Next: // with REP also the same once more
      return [behind, here];
    case FlowControl.ConditionalBranch:
      return [behind, target()];
    case FlowControl.UnconditionalBranch:
    case FlowControl.Call:
      return target() === 0n ? undefined : [target()];
    default:
      return undefined;
  }
}
