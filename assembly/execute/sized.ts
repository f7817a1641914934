// Values in registers and temporaries, of a size that is known only when they are used.

/** Zero-extended value of 1 << size bytes. */
export function readSized(address: usize, size: u32): u64 {
  switch (size) {
    case 0:
      return load<u8>(address);
    case 1:
      return load<u16>(address);
    case 2:
      return load<u32>(address);
    default:
      return load<u64>(address);
  }
}
/** Write a register of 1 << size bytes; 32 bits clear the upper half. */
export function writeSized(address: usize, size: u32, value: u64): void {
  switch (size) {
    case 0:
      store<u8>(address, <u8>value);
      break;
    case 1:
      store<u16>(address, <u16>value);
      break;
    case 2:
      store<u64>(address, value & 0xffffffff);
      break;
    default:
      store<u64>(address, value);
  }
}
/** Sign-extended from 1 << size bytes. */
// @ts-ignore: decorator
@inline export function signed(value: u64, size: u32): i64 {
  const shift: u64 = 64 - (8 << size);
  return (<i64>(value << shift)) >> shift;
}
