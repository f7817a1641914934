// Compares our record of an instruction with iced-x86's.

import { Code, MemorySizeExt, OpKind, Register, type Instruction } from 'iced-x86';
import { featureNames } from './features.js';
import { expectation } from './iced-names.js';
import { OPERATIONS, operationNumber } from './operations.js';
import type { RawDecoder } from './raw-decoder.js';

const BYTE_REGISTERS = 'AL CL DL BL SPL BPL SIL DIL R8L R9L R10L R11L R12L R13L R14L R15L'.split(' ');
const HIGH_REGISTERS = 'AH CH DH BH'.split(' ');
const SEGMENTS = 'ES CS SS DS FS GS'.split(' ');

function registerNamed(name: string): number {
  const register = (Register as unknown as Record<string, number | undefined>)[name];
  if (register === undefined) throw new Error(`iced has no register ${name}`);
  return register;
}
const REGISTER_BYTE = BYTE_REGISTERS.map(registerNamed);
const REGISTER_HIGH = HIGH_REGISTERS.map(registerNamed);
const REGISTER_SEGMENT = SEGMENTS.map(registerNamed);

const XCHG = operationNumber('XCHG');
const NOP = operationNumber('NOP');
const SEG_SS = 2;
const SEG_DS = 3;
const SEG_FS = 4;

export type Comparison = (result: number, instruction: Instruction, codeSize: number) => string;

/** A function that says how the record (and decode()'s result) differs from iced's instruction; '' when it does not. */
export function comparison({ record, constant }: RawDecoder): Comparison {
  const at = Object.fromEntries(
    [
      'OPERATION',
      'LENGTH',
      'OPERAND_SIZE',
      'ADDRESS_SIZE',
      'SEGMENT',
      'CONDITION',
      'OPERAND_COUNT',
      'PREFIXES',
      'BASE',
      'INDEX',
      'SCALE',
      'REX',
      'DISPLACEMENT',
      'IMMEDIATE',
      'IMMEDIATE2',
      'VEX',
      'FEATURE',
      'OPERANDS',
      'OPERAND_STRIDE',
      'OPERAND_REGISTER',
      'OPERAND_BYTES',
      'OPERAND_FLAGS',
      'MAX_OPERANDS',
    ].map((name) => [name, constant(name)]),
  ) as Record<string, number>;
  const features = featureNames(constant);
  const field = (name: string): number => at[name] ?? NaN;
  const operationAt = field('OPERATION'),
    operandSizeAt = field('OPERAND_SIZE'),
    addressSizeAt = field('ADDRESS_SIZE');
  const segmentAt = field('SEGMENT'),
    conditionAt = field('CONDITION'),
    countAt = field('OPERAND_COUNT'),
    prefixesAt = field('PREFIXES');
  const baseAt = field('BASE'),
    indexAt = field('INDEX'),
    scaleAt = field('SCALE'),
    displacementAt = field('DISPLACEMENT');
  const immediateAt = field('IMMEDIATE'),
    immediate2At = field('IMMEDIATE2'),
    operandsAt = field('OPERANDS'),
    stride = field('OPERAND_STRIDE');
  const maxOperands = field('MAX_OPERANDS'),
    rexAt = field('REX'),
    vexAt = field('VEX'),
    featureAt = field('FEATURE');
  const VECTOR_INDEX = constant('OPERAND_VECTOR_INDEX');
  const HIGH = constant('OPERAND_HIGH');
  const IMPLICIT = constant('OPERAND_IMPLICIT');
  const K = Object.fromEntries(
    [
      'REGISTER',
      'MEMORY',
      'IMMEDIATE',
      'RELATIVE',
      'FAR',
      'SEGMENT',
      'CONTROL',
      'DEBUG',
      'STRING_SOURCE',
      'STRING_TARGET',
      'IMMEDIATE2',
      'X87',
      'MMX',
      'XMM',
      'ONE',
    ].map((name) => [constant(`KIND_${name}`), name]),
  ) as Record<number, string>;
  const NO_REGISTER = constant('NO_REGISTER');
  const REGISTER_RIP = constant('REGISTER_RIP');
  const MORE = constant('DECODE_MORE');
  const PREFIX_LOCK = constant('PREFIX_LOCK');

  const GENERAL = [registerNamed('AX'), registerNamed('EAX'), registerNamed('RAX')];

  function general(size: number, register: number, high: boolean): number {
    if (high) return size === 1 ? (REGISTER_HIGH[register] ?? -1) : -1;
    if (register > 15) return -1;
    if (size === 1) return REGISTER_BYTE[register] ?? -1;
    const first = GENERAL[Math.log2(size) - 1];
    return first === undefined ? -1 : first + register;
  }

  function vector(size: number, register: number): number {
    if (register > 15) return -1;
    return size === 16 ? Register.XMM0 + register : size === 32 ? Register.YMM0 + register : -1;
  }

  /** Expected bits of an immediate and the iced operand kinds they belong to. */
  function immediateBits(kind: OpKind): number {
    switch (kind) {
      case OpKind.Immediate8:
      case OpKind.Immediate8_2nd:
        return 8;
      case OpKind.Immediate16:
      case OpKind.Immediate8to16:
        return 16;
      case OpKind.Immediate32:
      case OpKind.Immediate8to32:
        return 32;
      case OpKind.Immediate64:
      case OpKind.Immediate8to64:
      case OpKind.Immediate32to64:
        return 64;
      default:
        return 0;
    }
  }

  /** `vectorIndex`: bytes of an index register that is a vector's, else 0. */
  function memory(instruction: Instruction, codeSize: number, vectorIndex: number): string {
    const addressSize = record.getUint8(addressSizeAt);
    const base = record.getUint8(baseAt);
    const index = record.getUint8(indexAt);
    const bits = 8 << addressSize;
    const ip = instruction.isIpRelMemoryOperand;
    if (ip !== (base === REGISTER_RIP)) return 'RIP-relative';
    let displacement = record.getBigInt64(displacementAt, true);
    if (ip) displacement += instruction.nextIP;
    else {
      const expectedBase = base === NO_REGISTER ? Register.None : general(1 << addressSize, base, false);
      if (instruction.memoryBase !== expectedBase) return `base ${base}, iced ${Register[instruction.memoryBase]}`;
    }
    if (instruction.code !== Code.Xlat_m8) {
      const expectedIndex =
        index === NO_REGISTER
          ? Register.None
          : vectorIndex
            ? vector(vectorIndex, index)
            : general(1 << addressSize, index, false);
      if (instruction.memoryIndex !== expectedIndex) return `index ${index}, iced ${Register[instruction.memoryIndex]}`;
      if (index !== NO_REGISTER && 1 << record.getUint8(scaleAt) !== instruction.memoryIndexScale)
        return `scale ${record.getUint8(scaleAt)}, iced ${instruction.memoryIndexScale}`;
    }
    if (BigInt.asUintN(bits, displacement) !== BigInt.asUintN(bits, instruction.memoryDisplacement))
      return `displacement ${displacement}, iced ${instruction.memoryDisplacement}`;
    return segment(instruction, codeSize, base === 4 || base === 5 ? SEG_SS : SEG_DS);
  }

  function segment(instruction: Instruction, codeSize: number, fallback: number): string {
    let expected = REGISTER_SEGMENT.indexOf(instruction.memorySegment);
    // In 64-bit mode iced shows CS, DS, ES and SS overrides, which have no effect (SDM vol. 1, 3.3.7.1).
    if (codeSize === 2 && expected < SEG_FS) expected = fallback;
    return record.getUint8(segmentAt) === expected
      ? ''
      : `segment ${record.getUint8(segmentAt)}, iced ${Register[instruction.memorySegment]}`;
  }

  function operand(instruction: Instruction, codeSize: number, i: number): string {
    const offset = operandsAt + i * stride;
    const kind = K[record.getUint8(offset)];
    const size = record.getUint8(offset + 1);
    const register = record.getUint8(offset + 2);
    const flags = record.getUint8(offset + 3);
    const icedKind = instruction.opKind(i);
    const wrongKind = `kind ${kind}, iced ${OpKind[icedKind]}`;
    const isRegister = (expected: number): string =>
      icedKind === OpKind.Register && instruction.opRegister(i) === expected
        ? ''
        : `${wrongKind}: ${size}:${register}/${flags}, iced ${icedKind === OpKind.Register ? Register[instruction.opRegister(i)] : ''}`;
    const wrongSize = (): string => {
      // FXSAVE's 512 bytes do not fit the record: no size.
      const expected = MemorySizeExt.size(instruction.memorySize);
      return (expected > 255 ? 0 : expected) === size ? '' : `memory size ${size}, iced ${expected}`;
    };
    switch (kind) {
      case 'REGISTER': {
        // A selector in a register: iced names the whole register by operand size, we the 16 bits that count.
        const name = Code[instruction.code] ?? '';
        const mismatch = isRegister(general(size, register, (flags & HIGH) !== 0));
        if (mismatch && size === 2 && /r(32|64)m16/.test(name))
          return isRegister(general(name.includes('r32m16') ? 4 : 8, register, false));
        return mismatch;
      }
      case 'SEGMENT':
        return isRegister(REGISTER_SEGMENT[register] ?? -1);
      case 'CONTROL':
        return isRegister(Register.CR0 + register);
      case 'DEBUG':
        return isRegister(Register.DR0 + register);
      case 'X87':
        return isRegister(Register.ST0 + register);
      case 'MMX':
        return isRegister(Register.MM0 + register);
      case 'XMM':
        return isRegister(vector(size, register));
      case 'MEMORY':
        if (icedKind === OpKind.Memory) {
          const mismatch = memory(instruction, codeSize, flags & VECTOR_INDEX ? register : 0);
          return mismatch || wrongSize();
        }
        if (icedKind === OpKind.MemorySegDI || icedKind === OpKind.MemorySegEDI || icedKind === OpKind.MemorySegRDI) {
          if (record.getUint8(baseAt) !== 7) return 'base is not rDI';
          if (record.getUint8(addressSizeAt) !== icedKind - OpKind.MemorySegDI + 1) return 'address size';
          return segment(instruction, codeSize, SEG_DS) || wrongSize();
        }
        return wrongKind;
      case 'STRING_SOURCE':
        if (icedKind < OpKind.MemorySegSI || icedKind > OpKind.MemorySegRSI) return wrongKind;
        if (record.getUint8(addressSizeAt) !== icedKind - OpKind.MemorySegSI + 1) return 'address size';
        return segment(instruction, codeSize, SEG_DS) || wrongSize();
      case 'STRING_TARGET':
        if (icedKind < OpKind.MemoryESDI || icedKind > OpKind.MemoryESRDI) return wrongKind;
        if (record.getUint8(addressSizeAt) !== icedKind - OpKind.MemoryESDI + 1) return 'address size';
        return wrongSize();
      case 'ONE':
        return icedKind === OpKind.Immediate8 && instruction.immediate8 === 1 ? '' : wrongKind;
      case 'IMMEDIATE': {
        const bits = immediateBits(icedKind);
        if (!bits) return wrongKind;
        if (bits !== size * 8) return `immediate size ${size}, iced ${OpKind[icedKind]}`;
        const value = record.getBigInt64(immediateAt, true);
        return BigInt.asUintN(bits, value) === BigInt.asUintN(bits, instruction.immediate(i))
          ? ''
          : `immediate ${value}, iced ${instruction.immediate(i)}`;
      }
      case 'IMMEDIATE2':
        return icedKind === OpKind.Immediate8_2nd && record.getUint32(immediate2At, true) === instruction.immediate8_2nd
          ? ''
          : wrongKind;
      case 'RELATIVE': {
        if (icedKind !== OpKind.NearBranch16 && icedKind !== OpKind.NearBranch32 && icedKind !== OpKind.NearBranch64)
          return wrongKind;
        const bits = icedKind === OpKind.NearBranch16 ? 16 : icedKind === OpKind.NearBranch32 ? 32 : 64;
        if (bits !== size * 8) return `branch size ${size}, iced ${bits}`;
        const target = instruction.nextIP + record.getBigInt64(immediateAt, true);
        return BigInt.asUintN(bits, target) === instruction.nearBranchTarget
          ? ''
          : `branch target ${target}, iced ${instruction.nearBranchTarget}`;
      }
      case 'FAR': {
        const wide = icedKind === OpKind.FarBranch32;
        if (!wide && icedKind !== OpKind.FarBranch16) return wrongKind;
        const offsetExpected = wide ? instruction.farBranch32 : instruction.farBranch16;
        if (size !== (wide ? 6 : 4)) return 'far pointer size';
        return Number(record.getBigInt64(immediateAt, true)) === offsetExpected &&
          record.getUint32(immediate2At, true) === instruction.farBranchSelector
          ? ''
          : 'far pointer';
      }
      default:
        return `unknown kind ${kind}`;
    }
  }

  function impliesXmm0(i: number): boolean {
    const offset = operandsAt + i * stride;
    return (
      K[record.getUint8(offset)] === 'XMM' &&
      record.getUint8(offset + 2) === 0 &&
      record.getUint8(offset + 3) === IMPLICIT
    );
  }

  return (result, instruction, codeSize) => {
    if (result === MORE) return 'asks for more than 15 bytes';
    if (instruction.isInvalid)
      return result > 0 ? `decoded as ${OPERATIONS[record.getUint16(operationAt, true)]}, invalid for iced` : '';
    const { operation, condition, operandSize, addressSize, isVex, vexLength, feature } = expectation(instruction);
    const name = Code[instruction.code];
    if (operation === undefined)
      return result > 0
        ? `decoded as ${OPERATIONS[record.getUint16(operationAt, true)]}, but ${name} is listed as rejected`
        : '';
    if (result <= 0) return `result ${result}, iced ${name}`;
    if (result !== instruction.length) return `length ${result}, iced ${instruction.length} ${name}`;
    const ours = record.getUint16(operationAt, true);
    if (instruction.code === Code.Pause && record.getUint8(rexAt) & 1)
      return ours === XCHG ? '' : 'F3 REX.B 90 exchanges with r8';
    if (ours !== operation) return `${OPERATIONS[ours]}, iced ${name}`;
    if (condition >= 0 && record.getUint8(conditionAt) !== condition)
      return `condition ${record.getUint8(conditionAt)}, iced ${name}`;
    if (operandSize >= 0 && record.getUint8(operandSizeAt) !== operandSize)
      return `operand size ${record.getUint8(operandSizeAt)}, iced ${name}`;
    if (addressSize >= 0 && record.getUint8(addressSizeAt) !== addressSize)
      return `address size ${record.getUint8(addressSizeAt)}, iced ${name}`;
    const vex = record.getUint8(vexAt);
    if (vex > 0 !== isVex || (vexLength >= 0 && vex !== vexLength + 1)) return `VEX ${vex}, iced ${name}`;
    if (features[record.getUint8(featureAt)] !== feature)
      return `feature ${features[record.getUint8(featureAt)]}, iced ${feature}: ${name}`;
    if (((record.getUint32(prefixesAt, true) & PREFIX_LOCK) !== 0) !== instruction.hasLockPrefix) return 'LOCK';
    let count = record.getUint8(countAt);
    // Hints: we name the address at most, iced also the register of reserved NOPs.
    if (operation === NOP) return '';
    // Iced does not list the XMM0 that BLENDVPS, PBLENDVB and SHA256RNDS2 imply.
    if (count === instruction.opCount + 1 && impliesXmm0(count - 1)) count--;
    if (count !== instruction.opCount) return `${count} operands, iced ${instruction.opCount} ${name}`;
    for (let i = 0; i < count; i++) {
      const mismatch = operand(instruction, codeSize, i);
      if (mismatch) return `operand ${i} of ${name}: ${mismatch}`;
    }
    for (let i = record.getUint8(countAt); i < maxOperands; i++) {
      if (record.getUint8(operandsAt + i * stride)) return `operand ${i} should be absent`;
    }
    return '';
  };
}
