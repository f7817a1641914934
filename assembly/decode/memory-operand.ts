// The memory operand of a ModRM byte: SIB, displacement and default segment (SDM vol. 2, tables 2-1 to 2-3; REX: 2.2.1.3-6).

import { SEG_DS, SEG_SS } from '../state';
import { insn, BASE, INDEX, SCALE, DISPLACEMENT, SEGMENT, NO_REGISTER, REGISTER_RIP } from './insn';

const BX: u32 = 3;
const SP: u32 = 4;
const BP: u32 = 5;
const SI: u32 = 6;
const DI: u32 = 7;

/** Reads a displacement of `size` bytes (0, 1, 2, 4), sign-extended; 0 when the bytes end before it does, else the address after it. */
// @ts-ignore: decorator
@inline function displacement(record: usize, at: usize, end: usize, size: usize): usize {
  if (at + size > end) return 0;
  let value: i64 = 0;
  if (size == 1) value = load<i8>(at);
  else if (size == 4) value = load<i32>(at);
  else if (size == 2) value = load<i16>(at);
  store<i64>(record, value, DISPLACEMENT);
  return at + size;
}

/** 16-bit addressing: BX or BP, plus SI or DI. */
function memory16(record: usize, at: usize, end: usize, modrm: u32): usize {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  let base: u32 = rm < 2 || rm == 7 ? BX : rm == 2 || rm == 3 || rm == 6 ? BP : rm == 4 ? SI : DI;
  let size: usize = mod;
  if (rm == 6 && mod == 0) {
    base = NO_REGISTER;
    size = 2;
  }
  store<u8>(record, base, BASE);
  store<u8>(record, rm < 4 ? (rm & 1 ? DI : SI) : NO_REGISTER, INDEX);
  store<u8>(record, base == BP ? SEG_SS : SEG_DS, SEGMENT);
  return displacement(record, at, end, size);
}

/** Takes the memory operand behind a ModRM byte with mod < 3 apart. Returns the address after it, or 0 when the bytes end first. */
export function memoryOperand(at: usize, end: usize, modrm: u32, rex: u32, addressSize: u32, codeSize: u32): usize {
  const record = insn();
  if (addressSize == 1) return memory16(record, at, end, modrm);
  const mod = modrm >> 6;
  let base = modrm & 7;
  let size: usize = mod == 2 ? 4 : mod;
  let segment: usize = SEG_DS;
  if (base == SP) {
    if (at >= end) return 0;
    const sib: u32 = load<u8>(at++);
    base = sib & 7;
    const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    if (index != SP) {
      store<u8>(record, index, INDEX);
      store<u8>(record, sib >> 6, SCALE);
    }
    if (base == BP && mod == 0) {
      size = 4;
      base = NO_REGISTER;
    }
  } else if (base == BP && mod == 0) {
    size = 4;
    base = codeSize == 2 ? REGISTER_RIP : NO_REGISTER;
  }
  if (base < 8) {
    base |= (rex & 1) << 3; // base = 5 means "no base" before REX.B counts: R13 shares the special case
    if (base == SP || base == BP) segment = SEG_SS;
  }
  store<u8>(record, base, BASE);
  store<u8>(record, segment, SEGMENT);
  return displacement(record, at, end, size);
}
