// Numbers in hexadecimal, as people read and type them.

/** With leading zeros. */
export function hex(value: bigint | number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** The digits in groups of four, the last one full. */
export function groups(digits: string): string[] {
  const first = digits.length % 4 || 4;
  const found = [digits.slice(0, first)];
  for (let at = first; at < digits.length; at += 4) found.push(digits.slice(at, at + 4));
  return found;
}

/** Bytes of a size that is a power of two or a sum of few: 4 KiB, 2 MiB, 1 GiB. */
export function sizeWords(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  if (bytes >= 2 ** 20) return `${bytes / 2 ** 20} MiB`;
  if (bytes >= 2 ** 10) return `${bytes / 2 ** 10} KiB`;
  return `${bytes} bytes`;
}

/** An address as it is typed: hexadecimal, with or without 0x, with spaces or underscores in it. Undefined if it is none of 64 bits. */
export function parseAddress(text: string): bigint | undefined {
  const digits = text.replace(/[\s_`']/g, '').replace(/^0x/i, '');
  return /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : undefined;
}
