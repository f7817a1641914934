// A module for bind.test.ts: takes and gives every kind of value that crosses through as-bind.

export function echoString(value: string): string {
  return value;
}
export function nothing(): string | null {
  return null;
}
export function joined(words: string[], separator: string): string {
  return words.join(separator);
}
export function split(text: string, separator: string): string[] {
  return text.split(separator);
}
export function churned(words: string[]): string {
  let text = '';
  for (let round = 0; round < 300; round++) text = words.join('-').toUpperCase();
  return text;
}

export function int8(v: Int8Array): Int8Array {
  return v.reverse();
}
export function uint8(v: Uint8Array): Uint8Array {
  return v.reverse();
}
export function uint8Clamped(v: Uint8ClampedArray): Uint8ClampedArray {
  return v.reverse();
}
export function int16(v: Int16Array): Int16Array {
  return v.reverse();
}
export function uint16(v: Uint16Array): Uint16Array {
  return v.reverse();
}
export function int32(v: Int32Array): Int32Array {
  return v.reverse();
}
export function uint32(v: Uint32Array): Uint32Array {
  return v.reverse();
}
export function int64(v: Int64Array): Int64Array {
  return v.reverse();
}
export function uint64(v: Uint64Array): Uint64Array {
  return v.reverse();
}
export function float32(v: Float32Array): Float32Array {
  return v.reverse();
}
export function float64(v: Float64Array): Float64Array {
  return v.reverse();
}
export function middle(v: Uint16Array): Uint16Array {
  return v.subarray(1, 3);
}
export function buffer(v: ArrayBuffer): ArrayBuffer {
  return v.slice(1);
}

export function sum(values: i32[]): i32 {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
export function doubled(values: f64[]): f64[] {
  for (let i = 0; i < values.length; i++) values[i] *= 2;
  return values;
}
export function wide(values: u64[]): u64[] {
  values.push(u64.MAX_VALUE);
  return values;
}
export function negated(values: bool[]): bool[] {
  for (let i = 0; i < values.length; i++) values[i] = !values[i];
  return values;
}
export function nested(): i32[][] {
  return [[1], [2]];
}
export function add64(a: u64, b: u64): u64 {
  return a + b;
}
