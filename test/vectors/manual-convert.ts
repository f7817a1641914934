// Conversions between formats and to integers as the manual defines them (SDM vol. 1, 4.8.4, 4.9.1.1, 8.5.1.2 and 11.5).
import {
  DE,
  IE,
  PE,
  infinity,
  isNaN,
  quieted,
  round,
  roundTo,
  zero,
  type Control,
  type Format,
  type Result,
  type Round,
  type Value,
} from './manual-float.js';

/** To a signed integer of `bits` bits; the integer indefinite where it does not fit. */
export function toInteger(value: Value, bits: number, mode: Round): Result {
  const invalid = { bits: 1n << BigInt(bits - 1), flags: IE };
  if (value.kind !== 'number') return invalid;
  const { m, inexact, up } = roundTo(value, 0, mode);
  const signed = value.negative ? -m : m;
  if (BigInt.asIntN(bits, signed) !== signed) return invalid;
  return { bits: BigInt.asUintN(bits, signed), flags: inexact ? PE : 0, up };
}

export function fromInteger(format: Format, integer: bigint, control: Control): Result {
  if (integer === 0n) return { bits: zero(format, false), flags: 0 };
  const negative = integer < 0n;
  return round(format, { negative, m: negative ? -integer : integer, e: 0 }, control);
}

/** To another format. A NaN keeps the upper bits of its payload. */
export function convert(to: Format, from: Format, value: Value, control: Control): Result {
  if (isNaN(value)) {
    const flags = value.kind === 'signalling' ? IE : 0;
    const payload = quieted(from, value) & ((1n << BigInt(from.p - 1)) - 1n);
    const shift = to.p - from.p;
    const fraction = shift >= 0 ? payload << BigInt(shift) : payload >> BigInt(-shift);
    return { bits: infinity(to, value.negative) | fraction, flags };
  }
  if (value.kind === 'infinity') return { bits: infinity(to, value.negative), flags: 0 };
  if (value.m === 0n) return { bits: zero(to, value.negative), flags: 0 };
  const result = round(to, value, control);
  return { ...result, flags: result.flags | (value.denormal ? DE : 0) };
}

/** To an integer in the same format (ROUNDPS and its kind, FRNDINT); `quiet` leaves the precision exception out. */
export function integral(format: Format, value: Value, mode: Round, quiet: boolean): Result {
  if (isNaN(value)) return { bits: quieted(format, value), flags: value.kind === 'signalling' ? IE : 0 };
  if (value.kind === 'infinity' || value.m === 0n || value.e >= 0) return { bits: value.bits, flags: 0 };
  const { m, inexact, up } = roundTo(value, 0, mode);
  const flags = inexact && !quiet ? PE : 0;
  if (m === 0n) return { bits: zero(format, value.negative), flags, up };
  // No integer up to 2^p needs rounding again.
  return { bits: round(format, { negative: value.negative, m, e: 0 }, { mode, masks: 0x3f }).bits, flags, up };
}
