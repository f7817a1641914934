// Numbers as the listings print them.

/** Hexadecimal digits, at least `width` of them. */
export function digits(value: u64, width: i32): string {
  return value.toString(16).padStart(width, '0');
}

/** A number in running text: decimal below ten, where both read the same. */
export function number(value: u64): string {
  return value < 10 ? value.toString() : '0x' + value.toString(16);
}

/** The low `bytes` bytes of a value. */
export function truncate(value: u64, bytes: u32): u64 {
  return bytes >= 8 ? value : value & (((<u64>1) << (bytes * 8)) - 1);
}
