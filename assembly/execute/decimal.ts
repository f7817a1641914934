// Decimal adjustment (SDM vol. 2, DAA DAS AAA AAS AAM AAD). Not in 64-bit mode.

import { cpu, GPR, raise } from '../state';
import { VECTOR_DE } from '../vectors';
import { AF, CF, getAF, getCF, getFlags, OF, PF, setFlags, SF, ZF } from '../flags';

/** SF, ZF and PF of a byte, the given carries; OF (undefined) is cleared. */
function byteFlags(value: u32, carry: bool, adjust: bool): void {
  let flags = getFlags() & ~(CF | PF | AF | ZF | SF | OF);
  if (carry) flags |= CF;
  if (adjust) flags |= AF;
  if (!(value & 0xff)) flags |= ZF;
  if (value & 0x80) flags |= SF;
  if (!(popcnt<u32>(value & 0xff) & 1)) flags |= PF;
  setFlags(flags);
}
export function daa(): void {
  const old = <u32>load<u8>(cpu, GPR);
  let al = old;
  const adjust = (al & 15) > 9 || getAF();
  const carry = old > 0x99 || getCF();
  if (adjust) al += 6;
  if (carry) al += 0x60;
  store<u8>(cpu, <u8>al, GPR);
  byteFlags(al, carry, adjust);
}
export function das(): void {
  const old = <u32>load<u8>(cpu, GPR);
  let al = old;
  const hadCarry = getCF();
  const adjust = (al & 15) > 9 || getAF();
  let carry = false;
  if (adjust) {
    carry = hadCarry || old < 6;
    al -= 6;
  }
  if (old > 0x99 || hadCarry) {
    al -= 0x60;
    carry = true;
  }
  store<u8>(cpu, <u8>al, GPR);
  byteFlags(al, carry, adjust);
}
function adjustAscii(add: bool): void {
  const ax = <u32>load<u16>(cpu, GPR);
  const adjust = (ax & 15) > 9 || getAF();
  let result = ax;
  if (adjust) result = add ? ax + 0x106 : ax - 0x106;
  result &= 0xff0f;
  store<u16>(cpu, <u16>result, GPR);
  byteFlags(result, adjust, adjust);
}
export function aaa(): void {
  adjustAscii(true);
}
export function aas(): void {
  adjustAscii(false);
}
export function aam(base: u32): void {
  if (!base) return raise(VECTOR_DE);
  const al = <u32>load<u8>(cpu, GPR);
  store<u8>(cpu, <u8>(al / base), GPR + 1);
  store<u8>(cpu, <u8>(al % base), GPR);
  byteFlags(al % base, false, false);
}
export function aad(base: u32): void {
  const al = (<u32>load<u8>(cpu, GPR) + <u32>load<u8>(cpu, GPR + 1) * base) & 0xff;
  store<u16>(cpu, <u16>al, GPR);
  byteFlags(al, false, false);
}
