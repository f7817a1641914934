// What float-digests.bin holds: a digest of the processor's results for PER_DIGEST cases of each form in each setting of MXCSR,
// 32 bits each, after one of the forms themselves.

import { FORMS } from './forms.mjs';

export const DIGESTS = new URL('float-digests.bin', import.meta.url);
export const PER_DIGEST = 32;

/**
 * The seed of a form's operands in a setting; `run` 0 is the recorded one.
 * @param {number} run
 * @param {number} form
 * @param {number} setting
 */
export function seedOf(run, form, setting) {
  return (BigInt(run) << 32n) + BigInt(form * 64 + setting);
}

/** @param {Uint8Array} bytes a multiple of four */
export function digest(bytes) {
  const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  let state = 0x9e3779b9;
  for (const word of words) {
    state = Math.imul(state ^ word, 0x85ebca6b);
    state ^= state >>> 15;
  }
  return state >>> 0;
}

/** Changes when forms do: the digests have to be recorded again then. */
export function formsDigest() {
  const text = FORMS.map(({ name, bytes, type, order }) => `${name} ${bytes.join(',')} ${type} ${order}`).join('\n');
  return digest(new Uint8Array([...new TextEncoder().encode(text), 0, 0, 0].slice(0, text.length & ~3)));
}
