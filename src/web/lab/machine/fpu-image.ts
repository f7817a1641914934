// The XSAVE image taken apart: x87, XMM and YMM registers (SDM vol. 1, 10.5.1 and 13.4).

import { hex } from '../../../machine/hex.js';

export interface X87Register {
  /** ST0 to ST7. */
  readonly name: string;
  /** 20 digits: sign and exponent, then the significand. */
  readonly hex: string;
  /** The number, rounded to what a double holds; `empty` if the tag word says so. */
  readonly value: string;
}

export interface VectorRegister {
  readonly name: string;
  /** 32 digits. */
  readonly low: string;
  /** The upper half of the YMM register. */
  readonly high: string;
}

export interface FpuImage {
  readonly control: number;
  readonly status: number;
  /** One bit for each of the eight physical registers: it is in use. */
  readonly tags: number;
  readonly mxcsr: number;
  readonly x87: readonly X87Register[];
  readonly vectors: readonly VectorRegister[];
}

const X87_AT = 32;
const XMM_AT = 160;
const YMM_AT = 576;
const REGISTERS = 16;
const BIAS = 16383;

export function readFpu(image: Uint8Array): FpuImage {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const status = view.getUint16(2, true);
  const tags = view.getUint8(4);
  const top = (status >> 11) & 7;
  const whole = (at: number): string => hex(view.getBigUint64(at + 8, true), 16) + hex(view.getBigUint64(at, true), 16);
  return {
    control: view.getUint16(0, true),
    status,
    tags,
    mxcsr: view.getUint32(24, true),
    x87: Array.from({ length: 8 }, (_, index) => {
      const significand = view.getBigUint64(X87_AT + index * 16, true);
      const head = view.getUint16(X87_AT + index * 16 + 8, true);
      const used = ((tags >> ((top + index) & 7)) & 1) !== 0;
      const value = used ? numberOf(head, significand) : 'empty';
      return { name: `ST${index}`, hex: hex(head, 4) + hex(significand, 16), value };
    }),
    vectors: Array.from({ length: REGISTERS }, (_, index) => ({
      name: `XMM${index}`,
      low: whole(XMM_AT + index * 16),
      high: whole(YMM_AT + index * 16),
    })),
  };
}

/** An 80-bit number in words or in decimal (SDM vol. 1, 4.2 and table 8-2). */
export function numberOf(head: number, significand: bigint): string {
  const sign = (head & 0x8000) !== 0 ? '-' : '';
  const exponent = head & 0x7fff;
  const integer = significand >> 63n;
  if (exponent === 0x7fff) {
    if (integer === 0n) return 'unsupported';
    const fraction = significand & ((1n << 63n) - 1n);
    if (fraction === 0n) return `${sign}infinity`;
    return fraction >> 62n !== 0n ? 'quiet NaN' : 'signalling NaN';
  }
  if (significand === 0n) return exponent === 0 ? `${sign}0` : 'unsupported';
  if (exponent !== 0 && integer === 0n) return 'unsupported';
  const power = Math.max(exponent, 1) - BIAS - 63;
  const mantissa = Number(significand);
  // In two steps: 2^power alone may be beyond a double where the product is not.
  const half = Math.trunc(power / 2);
  const value = mantissa * 2 ** half * 2 ** (power - half);
  if (value === 0 || !Number.isFinite(value)) return `${sign}beyond a double`;
  return `${sign}${value}`;
}
