// Lazy flags. An arithmetic operation stores what it did (kind, result, operands; all sign-extended to 64 bits, so one
// set of formulas serves every size: sign extension keeps unsigned order too) and the six arithmetic flags are worked
// out only when somebody asks. A rotate or a carry-only instruction overlays CF and OF in the kind word and leaves the rest.

import { cpu, FLAG_A, FLAG_B, FLAG_KIND, FLAG_R, RFLAGS } from './state';

/** The flags stand in RFLAGS. */
export const EXPLICIT: u32 = 0;
/** CF = OF = AF = 0. */
export const LOGIC: u32 = 1;
export const ADDITION: u32 = 2;
/** Addition with a carry in. */
export const ADDITION_CARRY: u32 = 3;
export const SUBTRACTION: u32 = 4;
/** Subtraction with a borrow in. */
export const SUBTRACTION_BORROW: u32 = 5;
/** INC, DEC: CF is the one from before, in KIND_CF. */
export const INCREMENT: u32 = 6;
export const DECREMENT: u32 = 7;
/** Shifts, multiplication: CF in FLAG_A, OF in FLAG_B, AF = 0. */
export const CARRY_OVERFLOW: u32 = 8;

const KIND_MASK: u32 = 0xff;
const KIND_CF: u32 = 0x100;
/** CF and OF come from KIND_CF and KIND_OF, whatever the kind. */
const KIND_OVERLAY: u32 = 0x200;
const KIND_OF: u32 = 0x400;

export const CF: u32 = 1;
export const PF: u32 = 4;
export const AF: u32 = 0x10;
export const ZF: u32 = 0x40;
export const SF: u32 = 0x80;
export const TF: u32 = 0x100;
export const IF: u32 = 0x200;
export const DF: u32 = 0x400;
export const OF: u32 = 0x800;
export const IOPL: u32 = 0x3000;
export const NT: u32 = 0x4000;
export const RF: u32 = 0x10000;
export const VM: u32 = 0x20000;
export const AC: u32 = 0x40000;
export const VIF: u32 = 0x80000;
export const VIP: u32 = 0x100000;
export const ID: u32 = 0x200000;
export const ARITHMETIC: u32 = CF | PF | AF | ZF | SF | OF;
/** What POPF and IRET load at any privilege. */
export const FLAGS_ANYBODY: u32 = ARITHMETIC | TF | DF | NT;
/** Flags that exist; bit 1 reads as one, the others as zero (SDM vol. 1, 3.4.3). */
export const FLAGS_DEFINED: u32 = ARITHMETIC | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;
export const FLAGS_FIXED: u32 = 2;

// @ts-ignore: decorator
@inline export function setLazy(c: usize, kind: u32, a: i64, b: i64, r: i64): void {
  store<u32>(c, kind, FLAG_KIND);
  store<i64>(c, a, FLAG_A);
  store<i64>(c, b, FLAG_B);
  store<i64>(c, r, FLAG_R);
}
// @ts-ignore: decorator
@inline export function setLogic(c: usize, r: i64): void {
  store<u32>(c, LOGIC, FLAG_KIND);
  store<i64>(c, r, FLAG_R);
}
/** INC and DEC keep the old carry. */
// @ts-ignore: decorator
@inline export function setStep(c: usize, kind: u32, a: i64, r: i64): void {
  const carry = <u32>getCF();
  setLazy(c, kind | (carry << 8), a, 1, r);
}
/** CF and OF only; ZF SF PF AF stay. */
export function setCarryOverflow(carry: u32, overflow: u32): void {
  const kind = load<u32>(cpu, FLAG_KIND);
  if ((kind & KIND_MASK) == EXPLICIT) {
    const rest = load<u64>(cpu, RFLAGS) & ~(<u64>(CF | OF));
    store<u64>(cpu, rest | (carry ? CF : 0) | (overflow ? OF : 0), RFLAGS);
    return;
  }
  store<u32>(cpu, (kind & KIND_MASK) | KIND_OVERLAY | (carry ? KIND_CF : 0) | (overflow ? KIND_OF : 0), FLAG_KIND);
}
/** CF only. */
export function setCarry(carry: u32): void {
  setCarryOverflow(carry, <u32>getOF());
}

export function getCF(): bool {
  const kind = load<u32>(cpu, FLAG_KIND);
  if (kind & KIND_OVERLAY) return (kind & KIND_CF) != 0;
  switch (kind & KIND_MASK) {
    case EXPLICIT:
      return (load<u64>(cpu, RFLAGS) & CF) != 0;
    case ADDITION:
      return load<u64>(cpu, FLAG_R) < load<u64>(cpu, FLAG_A);
    case ADDITION_CARRY:
      return load<u64>(cpu, FLAG_R) <= load<u64>(cpu, FLAG_A);
    case SUBTRACTION:
      return load<u64>(cpu, FLAG_A) < load<u64>(cpu, FLAG_B);
    case SUBTRACTION_BORROW:
      return load<u64>(cpu, FLAG_A) <= load<u64>(cpu, FLAG_B);
    case INCREMENT:
    case DECREMENT:
      return (kind & KIND_CF) != 0;
    case CARRY_OVERFLOW:
      return load<u64>(cpu, FLAG_A) != 0;
    default:
      return false;
  }
}
export function getOF(): bool {
  const kind = load<u32>(cpu, FLAG_KIND);
  if (kind & KIND_OVERLAY) return (kind & KIND_OF) != 0;
  const a = load<i64>(cpu, FLAG_A);
  const b = load<i64>(cpu, FLAG_B);
  const r = load<i64>(cpu, FLAG_R);
  switch (kind & KIND_MASK) {
    case EXPLICIT:
      return (load<u64>(cpu, RFLAGS) & OF) != 0;
    case ADDITION:
    case ADDITION_CARRY:
    case INCREMENT:
      return ((r ^ a) & (r ^ b)) < 0;
    case SUBTRACTION:
    case SUBTRACTION_BORROW:
    case DECREMENT:
      return ((a ^ b) & (a ^ r)) < 0;
    case CARRY_OVERFLOW:
      return b != 0;
    default:
      return false;
  }
}
export function getAF(): bool {
  const kind = load<u32>(cpu, FLAG_KIND) & KIND_MASK;
  if (kind == EXPLICIT) return (load<u64>(cpu, RFLAGS) & AF) != 0;
  if (kind == LOGIC || kind == CARRY_OVERFLOW) return false;
  return ((load<u64>(cpu, FLAG_A) ^ load<u64>(cpu, FLAG_B) ^ load<u64>(cpu, FLAG_R)) & 0x10) != 0;
}
// @ts-ignore: decorator
@inline export function getZF(): bool {
  if (!(load<u32>(cpu, FLAG_KIND) & KIND_MASK)) return (load<u64>(cpu, RFLAGS) & ZF) != 0;
  return load<u64>(cpu, FLAG_R) == 0;
}
// @ts-ignore: decorator
@inline export function getSF(): bool {
  if (!(load<u32>(cpu, FLAG_KIND) & KIND_MASK)) return (load<u64>(cpu, RFLAGS) & SF) != 0;
  return load<i64>(cpu, FLAG_R) < 0;
}
// @ts-ignore: decorator
@inline export function getPF(): bool {
  if (!(load<u32>(cpu, FLAG_KIND) & KIND_MASK)) return (load<u64>(cpu, RFLAGS) & PF) != 0;
  return (popcnt<u32>(load<u8>(cpu, FLAG_R)) & 1) == 0;
}

/** Condition code 0…15 as in Jcc's low four opcode bits (SDM vol. 1, appendix B). */
export function condition(code: u32): bool {
  let met: bool;
  switch (code >> 1) {
    case 0:
      met = getOF();
      break;
    case 1:
      met = getCF();
      break;
    case 2:
      met = getZF();
      break;
    case 3:
      met = getCF() || getZF();
      break;
    case 4:
      met = getSF();
      break;
    case 5:
      met = getPF();
      break;
    case 6:
      met = getSF() != getOF();
      break;
    default:
      met = getZF() || getSF() != getOF();
      break;
  }
  return met != ((code & 1) != 0);
}

/** RFLAGS as a program sees it. */
export function getFlags(): u32 {
  const rest = <u32>load<u64>(cpu, RFLAGS);
  if (!(load<u32>(cpu, FLAG_KIND) & KIND_MASK)) return rest | FLAGS_FIXED;
  return (
    (rest & ~ARITHMETIC) |
    FLAGS_FIXED |
    (getCF() ? CF : 0) |
    (getPF() ? PF : 0) |
    (getAF() ? AF : 0) |
    (getZF() ? ZF : 0) |
    (getSF() ? SF : 0) |
    (getOF() ? OF : 0)
  );
}
/** The outcome of a floating-point comparison: ZF, PF, CF as given, OF, SF, AF clear. */
export function setCompared(flags: u32): void {
  store<u64>(cpu, (load<u64>(cpu, RFLAGS) & ~(<u64>ARITHMETIC)) | flags, RFLAGS);
  store<u32>(cpu, EXPLICIT, FLAG_KIND);
}
/** Store all of RFLAGS; reserved bits read back as the manual says. */
export function setFlags(value: u32): void {
  store<u64>(cpu, (value & FLAGS_DEFINED) | FLAGS_FIXED, RFLAGS);
  store<u32>(cpu, EXPLICIT, FLAG_KIND);
}
