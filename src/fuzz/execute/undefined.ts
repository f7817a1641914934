// What the manuals leave undefined after an instruction: not compared, because processors differ there and no correct
// guest can tell. Flags are iced-x86's account of SDM vol. 2 ("Flags Affected"), corrected where they depend on values.

import { Code, Mnemonic, OpKind, Register, RegisterExt, RflagsBits, type Instruction } from 'iced-x86';
import { mnemonics } from './admission.js';
import { Case, DF, STATUS } from './layout.js';

const CF = 1;
const PF = 4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const RCX = 1;

/** C0, C1, C2, C3 in FSW. */
const C0 = 0x100;
const C1 = 0x200;
const C2 = 0x400;
const C3 = 0x4000;

export interface Undefined {
  /** Flags of RFLAGS that are not compared. */
  flags: number;
  /** Bit n: general-purpose register n is not compared. */
  registers: number;
  /** The data pages are not compared. */
  memory: boolean;
  /** Bits of FSW that are not compared. */
  fsw: number;
  /** x87 and vector registers are not compared. */
  fpu: boolean;
  /** Which of several faults comes first is not compared. */
  order: boolean;
  /** The processor does something else than the manual says. */
  excused: boolean;
}

const FLAG_OF: readonly (readonly [number, number])[] = [
  [RflagsBits.OF, OF],
  [RflagsBits.SF, SF],
  [RflagsBits.ZF, ZF],
  [RflagsBits.AF, AF],
  [RflagsBits.CF, CF],
  [RflagsBits.PF, PF],
  [RflagsBits.DF, DF],
];

/** Flags of iced's as bits of RFLAGS. */
function flagsOf(bits: number): number {
  let flags = 0;
  for (const [theirs, flag] of FLAG_OF) if ((bits & theirs) !== 0) flags |= flag;
  return flags;
}

/** Number of a general-purpose register of any width, or -1. */
function generalNumber(register: Register): number {
  if (!RegisterExt.isGPR(register)) return -1;
  return RegisterExt.number(RegisterExt.fullRegister(register));
}

/** Bytes of the operand 0. */
function operandSize(instruction: Instruction): number {
  if (instruction.op0Kind === OpKind.Register) return RegisterExt.size(instruction.op0Register);
  const [, bits] = /_rm(8|16|32|64)_/.exec(Code[instruction.code] ?? '') ?? [];
  return Number(bits ?? 64) / 8;
}

/** The count operand of a shift: an immediate, 1, or CL as the case has it. */
function countOf(instruction: Instruction, input: Uint8Array): number {
  const last = instruction.opCount - 1;
  if (instruction.opKind(last) === OpKind.Immediate8) return instruction.immediate8;
  return input[Case.registers + RCX * 8]!;
}

/** SDM vol. 2, "SAL/SAR/SHL/SHR": AF after a shift, OF but for a count of 1, CF for SHL and SHR beyond the operand. */
function shift(instruction: Instruction, input: Uint8Array, rotates: boolean, arithmetic: boolean): number {
  const size = operandSize(instruction);
  const count = countOf(instruction, input) & (size === 8 ? 63 : 31);
  if (count === 0) return 0;
  let flags = count === 1 ? 0 : OF;
  if (rotates) return flags;
  if (!arithmetic && count >= size * 8) flags |= CF;
  return flags | AF;
}

function destination(instruction: Instruction, what: Undefined): void {
  if (instruction.op0Kind === OpKind.Register) what.registers |= 1 << generalNumber(instruction.op0Register);
  else what.memory = true;
}

/** Of x87 instructions that say something by C0, C2 and C3. */
const CONDITIONS = mnemonics(
  'Fcom Fcomp Fcompp Fucom Fucomp Fucompp Ficom Ficomp Ftst Fxam Fprem Fprem1 Fninit Frstor Fldenv Fnsave Fnstenv Fcomi Fcomip Fucomi Fucomip Emms',
);
/** After which C1 is undefined, too. */
const NO_CONDITION = mnemonics('Fnop Fldcw Fnstcw Fnstsw Fnclex Ffree Ffreep Fstpnce Wait');
/** What loads or stores several things one by one: a fault in the middle may leave some of them behind. */
const PARTIAL = mnemonics(
  'Pusha Pushad Popa Popad Enter Fnsave Fnstenv Maskmovdqu Vmaskmovdqu Maskmovq Vmaskmovps Vmaskmovpd Vpmaskmovd Vpmaskmovq',
);

/** What accesses memory in two places, or memory and then a branch target: the manuals do not say which faults first. */
const ORDERED = mnemonics(
  'Movsb Movsw Movsd Movsq Cmpsb Cmpsw Cmpsd Cmpsq Push Pop Call Ret Enter Leave Jmp Bound Maskmovdqu Vmaskmovdqu Maskmovq ' +
    'Fnstenv Fldenv Fnsave Frstor Fbld Fbstp Pusha Pushad Popa Popad',
);

/** Its memory operand must be aligned (SDM vol. 2, table 2-21: type 4), which AMD's Zen does not ask for. */
const UNALIGNED = mnemonics('Sha1nexte Sha1msg1 Sha1msg2 Sha1rnds4 Sha256msg1 Sha256msg2 Sha256rnds2');

/** MXCSR has a bit 17 on AMD's processors (APM vol. 1, MM), and not on Intel's. */
const MISALIGNED_MODE = mnemonics('Ldmxcsr Vldmxcsr');

/** How an instruction ended. */
export interface Ending {
  /** The exception on the processor, and on the core; 3: none. */
  readonly vector: number;
  readonly ours: number;
  /** ZF afterwards. */
  readonly zero: boolean;
}

/** A masked store of nothing: whether it faults is the processor's own affair (SDM vol. 2, MASKMOVDQU). */
const MASKED_STORES = mnemonics('Maskmovq Maskmovdqu Vmaskmovdqu');

const SS = 12;
const GP = 13;

/** Where processors, or their makers' manuals, are of two minds. */
function excused(instruction: Instruction, input: Uint8Array, ours: number, vector: number): boolean {
  const { mnemonic } = instruction;
  if (MASKED_STORES.has(mnemonic)) return ours === 3 && vector !== 3;
  if (ours === GP && vector !== GP && (UNALIGNED.has(mnemonic) || MISALIGNED_MODE.has(mnemonic))) return true;
  if (vector !== GP) return false;
  // an operand that is both unaligned and beyond the stack segment
  if (ours === SS) return true;
  // The linear address has to be canonical (SDM vol. 1, 3.3.7.1). AMD's Zen refuses some offsets that are not, although
  // FS's or GS's base makes a canonical address of them.
  return based(instruction) && !canonical(offsetOf(instruction, input));
}

const based = ({ memorySegment }: Instruction): boolean =>
  memorySegment === Register.FS || memorySegment === Register.GS;
const canonical = (address: bigint): boolean => BigInt.asUintN(64, BigInt.asIntN(48, address)) === address;

/** Offset of the memory operand in its segment, 64-bit addressing. */
function offsetOf(instruction: Instruction, input: Uint8Array): bigint {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const value = (register: Register): bigint => {
    const number = generalNumber(register);
    return number < 0 ? 0n : view.getBigUint64(Case.registers + number * 8, true);
  };
  const { memoryBase, memoryIndex, memoryIndexScale, memoryDisplacement } = instruction;
  return BigInt.asUintN(64, value(memoryBase) + value(memoryIndex) * BigInt(memoryIndexScale) + memoryDisplacement);
}

/** What is not compared of an instruction that has run on the case `input`. */
export function undefinedOf(instruction: Instruction, input: Uint8Array, { vector, ours, zero }: Ending): Undefined {
  const faulted = vector !== 3;
  const what: Undefined = {
    flags: flagsOf(instruction.rflagsUndefined),
    registers: 0,
    memory: false,
    fsw: 0,
    fpu: false,
    order: ORDERED.has(instruction.mnemonic),
    excused: excused(instruction, input, ours, vector),
  };
  switch (instruction.mnemonic) {
    case Mnemonic.Rol:
    case Mnemonic.Ror:
    case Mnemonic.Rcl:
    case Mnemonic.Rcr:
      what.flags = shift(instruction, input, true, false);
      break;
    case Mnemonic.Shl:
    case Mnemonic.Sal:
    case Mnemonic.Shr:
      what.flags = shift(instruction, input, false, false);
      break;
    case Mnemonic.Sar:
      what.flags = shift(instruction, input, false, true);
      break;
    case Mnemonic.Shld:
    case Mnemonic.Shrd: {
      // beyond a word's 16 bits everything is undefined, the destination too
      const size = operandSize(instruction);
      const count = countOf(instruction, input) & (size === 8 ? 63 : 31);
      what.flags = count === 0 ? 0 : count === 1 ? AF : OF | AF;
      if (count > size * 8) {
        what.flags = STATUS;
        destination(instruction, what);
      }
      break;
    }
    case Mnemonic.Bsf:
    case Mnemonic.Bsr:
      if (zero) destination(instruction, what);
      break;
    case Mnemonic.Bswap:
      if (operandSize(instruction) === 2) destination(instruction, what);
      break;
    case Mnemonic.Cmpsb:
    case Mnemonic.Cmpsw:
    case Mnemonic.Cmpsd:
    case Mnemonic.Cmpsq:
    case Mnemonic.Scasb:
    case Mnemonic.Scasw:
    case Mnemonic.Scasd:
    case Mnemonic.Scasq:
      // after a fault in the middle of a repetition processors show different elements' flags
      if (faulted) what.flags = STATUS;
      break;
    default:
      break;
  }
  if (faulted && PARTIAL.has(instruction.mnemonic)) {
    what.memory = true;
    what.registers = 0xffff;
    what.fpu = true;
  }
  const code = Code[instruction.code] ?? '';
  if (/^F[^X]|^Wait/.test(code) && !CONDITIONS.has(instruction.mnemonic)) {
    what.fsw = C0 | C2 | C3 | (NO_CONDITION.has(instruction.mnemonic) ? C1 : 0);
  }
  return what;
}
