// What iced-x86's instruction codes mean in our names: operation, condition, and the sizes that only its names tell.

import { Code, CpuidFeature, EncodingKind, type Instruction } from 'iced-x86';
import { differenceFor, FEATURE_DIFFERENCES } from './differences.js';
import { featureName, NO_FEATURE } from './features.js';
import { operationNumber } from './operations.js';

export interface Expectation {
  /** Our operation; undefined = we must reject the instruction. */
  readonly operation: number | undefined;
  /** Condition code, or -1. */
  readonly condition: number;
  /** log2 of the operand size, or -1 where iced's name does not tell. */
  readonly operandSize: number;
  readonly addressSize: number;
  readonly isVex: boolean;
  /** VEX.L where the instruction is chosen by it, else -1. */
  readonly vexLength: number;
  /** The feature it needs, by the core's name. */
  readonly feature: string;
}
type Meaning = Pick<Expectation, 'operation' | 'condition' | 'operandSize' | 'addressSize'>;

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
const SIZE_LETTER: Record<string, number> = { b: 0, w: 1, d: 2, q: 3 };

/** By iced's first word, where upper-casing it does not give our name. */
const RENAMED: Record<string, string> = {
  Ud0: 'UD',
  Ud1: 'UD',
  Ud2: 'UD',
  Wait: 'FWAIT',
  Jrcxz: 'JRCXZ',
  Jecxz: 'JRCXZ',
  Jcxz: 'JRCXZ',
  Cwde: 'CBW',
  Cdqe: 'CBW',
  Cdq: 'CWD',
  Cqo: 'CWD',
  Xlat: 'XLAT',
  Sysretd: 'SYSRET',
  Sysretq: 'SYSRET',
  Sysexitd: 'SYSEXIT',
  Sysexitq: 'SYSEXIT',
  Reservednop: 'NOP',
  Fxsave64: 'FXSAVE',
  Fxrstor64: 'FXRSTOR',
  Xsave64: 'XSAVE',
  Xrstor64: 'XRSTOR',
  Xsaveopt64: 'XSAVEOPT',
  Xsavec64: 'XSAVEC',
  Xsaves64: 'XSAVES',
  Xrstors64: 'XRSTORS',
  Pcmpestrm64: 'PCMPESTRM',
  Pcmpestri64: 'PCMPESTRI',
};

const STRINGS = /^(Movs|Cmps|Stos|Lods|Scas|Ins|Outs)([bwdq])_(?!xmm)/;
const SIZED = /^(Pushf|Popf|Pusha|Popa|Push|Pop|Iret|Enter|Leave|Ret[nf]|Nop)([wdq])(_|$)/;
const RETURNS: Record<string, string> = { Retn: 'RET', Retf: 'RET_FAR' };
const PREFIXED: readonly (readonly [RegExp, string])[] = [
  [/^Prefetch/, 'PREFETCH'],
  [/^Monitor[wdq]$/, 'MONITOR'],
];
const CONVERSIONS: Record<string, number> = {
  Cbw: 1,
  Cwde: 2,
  Cdqe: 3,
  Cwd: 1,
  Cdq: 2,
  Cqo: 3,
  Sysretd: 2,
  Sysretq: 3,
  Sysexitd: 2,
  Sysexitq: 3,
};
const ADDRESS_REGISTER: Record<string, number> = { CX: 1, ECX: 2, RCX: 3 };
const ADDRESS_JUMP: Record<string, number> = { Jcxz: 1, Jecxz: 2, Jrcxz: 3 };

function operationNamed(name: string, code: string): number {
  const operation = operationNumber(name);
  if (operation === undefined)
    throw new Error(
      `iced's ${code} would be Operation.${name}, which does not exist: implement it or list it in differences.ts`,
    );
  return operation;
}

/** AVX's forms of SSE's instructions are the same operations as those. */
function vexOperation(word: string, code: string): number {
  const name = word.toUpperCase().replace(/^(VPCMPESTR[IM])64$/, '$1');
  return operationNumber(name) ?? operationNamed(name.replace(/^V/, ''), code);
}

function meaning(code: string): Meaning {
  const [word = '', ...parts] = code.split('_');
  const rest = parts.join('_');
  const difference = differenceFor(code);
  if (difference !== undefined && difference.instead === undefined)
    return { operation: undefined, condition: -1, operandSize: -1, addressSize: -1 };
  if (word === 'VEX')
    return { operation: vexOperation(parts[0] ?? '', code), condition: -1, operandSize: -1, addressSize: -1 };
  let name =
    difference?.instead ?? RENAMED[word] ?? PREFIXED.find(([pattern]) => pattern.test(word))?.[1] ?? word.toUpperCase();
  let condition = -1;
  let operandSize = CONVERSIONS[word] ?? -1;
  let addressSize = ADDRESS_JUMP[word] ?? -1;
  const conditional = /^(J|Set|Cmov)([a-z]{1,2})$/.exec(word);
  const string = STRINGS.exec(code);
  const sized = SIZED.exec(code);
  if (conditional && CONDITIONS.includes(conditional[2] ?? '')) {
    condition = CONDITIONS.indexOf(conditional[2] ?? '');
    name = conditional[1] === 'J' ? 'JCC' : conditional[1] === 'Set' ? 'SETCC' : 'CMOVCC';
  } else if (string) {
    name = (string[1] ?? '').toUpperCase();
    operandSize = SIZE_LETTER[string[2] ?? ''] ?? -1;
  } else if (sized) {
    name = RETURNS[sized[1] ?? ''] ?? (sized[1] ?? '').toUpperCase();
    if (/^[C-G]S$|^SS$/.test(rest) || rest === 'ES') name += '_SEG';
    operandSize = name === 'NOP' ? -1 : (SIZE_LETTER[sized[2] ?? ''] ?? -1);
  } else if (word === 'Mov' && /Sreg/.test(rest)) name = 'MOV_SEG';
  else if (word === 'Mov' && /cr/.test(rest)) name = 'MOV_CR';
  else if (word === 'Mov' && /dr/.test(rest)) name = 'MOV_DR';
  else if ((word === 'Call' || word === 'Jmp') && /^(ptr|m)16/.test(rest)) {
    name = `${word.toUpperCase()}_FAR`;
    operandSize = rest.endsWith('64') ? 3 : rest.endsWith('32') ? 2 : 1;
  }
  const relative = /^rel(?:8|16|32)(?:_(16|32|64))?(?:_(CX|ECX|RCX))?$/.exec(rest);
  if (relative) {
    operandSize = Math.log2(Number(relative[1] ?? '16') / 8);
    if (relative[2]) addressSize = ADDRESS_REGISTER[relative[2]] ?? -1;
  }
  return { operation: operationNamed(name, code), condition, operandSize, addressSize };
}

function expectationOf(instruction: Instruction): Expectation {
  const name = Code[instruction.code] ?? `code ${instruction.code}`;
  const features = Array.from(instruction.cpuidFeatures(), (feature) => CpuidFeature[feature] ?? '');
  const form = instruction.opCode;
  const expected = {
    ...meaning(name),
    isVex: instruction.encoding === EncodingKind.VEX,
    vexLength: instruction.encoding === EncodingKind.VEX && !form.isLIG ? form.L : -1,
    feature: NO_FEATURE,
  };
  form.free();
  if (expected.operation === undefined) return expected;
  const other = FEATURE_DIFFERENCES.find(({ codes }) => codes.test(name));
  return { ...expected, feature: other?.feature ?? featureName(features) };
}

const cache = new Map<Code, Expectation>();
/** What we expect of an instruction of iced's. Throws for a name that nobody has thought about. */
export function expectation(instruction: Instruction): Expectation {
  let expected = cache.get(instruction.code);
  if (!expected) {
    expected = expectationOf(instruction);
    cache.set(instruction.code, expected);
  }
  return expected;
}
