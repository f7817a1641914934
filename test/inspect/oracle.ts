// Another decoder's disassembly in the inspector's conventions: iced-x86 in its Intel syntax, with what is a matter of
// taste (not of decoding) brought to one form.

import iced from 'iced-x86';
import type { CodeBits } from '../../src/core/inspect.js';

const { Code, CpuidFeature, Decoder, DecoderOptions, Formatter, FormatterSyntax, MemorySizeOptions } = iced;

const formatter = new Formatter(FormatterSyntax.Intel);
formatter.hexPrefix = '0x';
formatter.hexSuffix = '';
formatter.uppercaseHex = false;
formatter.smallHexNumbersInDecimal = true;
formatter.addLeadingZeroToHexNumbers = false;
formatter.branchLeadingZeros = false;
formatter.spaceAfterOperandSeparator = true;
formatter.ripRelativeAddresses = true;
formatter.showBranchSize = false;
formatter.usePseudoOps = false;
formatter.memorySizeOptions = MemorySizeOptions.Always;

export interface Disassembly {
  length: number;
  text: string;
  /** CPUID features that it needs, by iced's names. */
  features: string[];
}

/** The first instruction of `bytes`; undefined if it is none. */
export function oracle(bytes: Uint8Array, address: bigint, bits: CodeBits): Disassembly | undefined {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  try {
    decoder.ip = address;
    const instruction = decoder.decode();
    try {
      const text = formatter.format(instruction);
      if (text.endsWith('(bad)')) return undefined;
      const features = Array.from(instruction.cpuidFeatures(), (feature) => CpuidFeature[feature] as string);
      const isNop = [Code.Nopw, Code.Nopd, Code.Nopq].includes(instruction.code); // elsewhere XCHG rAX, rAX
      return { length: instruction.length, text: isNop ? 'nop' : normalise(text, bits), features };
    } finally {
      instruction.free();
    }
  } finally {
    decoder.free();
  }
}

const STRING = /^(.*?)\b((?:movs|cmps|stos|lods|scas|ins|outs)[bwdq]|xlat) (.*[[:](?:[re]?[sd]i|[re]?bx)\].*)$/;
const WIDTHS = { r: 64, e: 32, '': 16 } as const;

/** One form for what iced's Intel syntax and the inspector's write differently. */
function normalise(text: string, bits: CodeBits): string {
  // Operands of string instructions are implied, except what prefixes have changed.
  const string = /xmm/.test(text) ? null : STRING.exec(text);
  if (string) {
    const [, prefix = '', name = '', operands = ''] = string;
    const width = WIDTHS[(/\[([re]?)(?:[sd]i|bx)\]/.exec(operands)?.[1] ?? '') as keyof typeof WIDTHS];
    const segment = /([c-gs]s):\[[re]?(?:si|bx)\]/.exec(operands)?.[1];
    const shown = segment && segment !== 'ds' ? `${segment} ` : '';
    return `${prefix}${width === bits ? '' : `addr${width} `}${shown}${name === 'xlat' ? 'xlatb' : name}`;
  }
  text = text
    .replace(/^(bnd|xacquire|xrelease|notrack|hint-taken|hint-not-taken|rep|repne) (?!.*\b(ins|outs)[bwd]\b)/, '')
    .replace(/\bret far\b/, 'retf')
    .replace(/\b(call|jmp) far (\w+), (\w+)$/, '$1 far $3:$2')
    .replace(/^(lar|lsl) (\w+), (r\d+)d?$/, '$1 $2, $3w') // only 16 bits of the source count
    .replace(/^(lar|lsl) (\w+), [er]([a-d]x|[sd]i|[sb]p)$/, '$1 $2, $3')
    .replace(/^(nop [^,]*), \w+$/, '$1') // reserved NOPs: the register is not an operand
    .replace(/^(v?pcmpestr[im])64 /, '$1 ')
    .replace(/^prefetch_(exclusive|reserved) /, 'prefetch ')
    .replace(/^(p?blendv\w*|sha256rnds2) .*$/, '$&, xmm0') // an implied operand, shown
    .replace(/^(.*maskmov\w+ \w+, \w+), ([c-gs]s)$/, '$2 $1');
  if (bits === 64) text = text.replace(/^([sl][gi]dt) fword/, '$1 tbyte'); // limit and 64-bit base
  // The x87 stack top where it is implied.
  if (/^f(?!x|nop|wait|ence)/.test(text)) {
    text = text.replace('st(0)', 'st');
    if (text.includes('[')) text = text.replace(/ st, /, ' ').replace(/, st$/, '');
    text = text.replace(/^(fld) st, /, '$1 ').replace(/^(fstp(?:nce)?) (st\S*), st$/, '$1 $2');
  }
  return text;
}
