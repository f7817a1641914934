// ACPI machine language: each function makes the bytes of one term (ACPI Specification 6.3, chapter 20), named as in ASL.

/** Encoded terms. */
export type Aml = readonly number[];

const ZERO = 0x00;
const ONE = 0x01;
const BYTE = 0x0a;
const WORD = 0x0b;
const DWORD = 0x0c;
const STRING = 0x0d;
const QWORD = 0x0e;
const EXTENDED = 0x5b;
const DUAL_NAME = 0x2e;
const MULTI_NAME = 0x2f;
/** A field's width, coded like a package length that does not count itself. */
const FIELD_BITS = 8;
const SEGMENT = /^[A-Z_][A-Z0-9_]{0,3}$/;

export const ARG0: Aml = [0x68];

/** `count` bytes of a number, the lowest first. */
export function little(value: number, count: number): number[] {
  const bytes = [];
  for (let byte = 0; byte < count; byte++) bytes.push(Math.floor(value / 2 ** (byte * 8)) & 0xff);
  return bytes;
}

export function ascii(text: string): number[] {
  return [...text].map((char) => char.charCodeAt(0));
}

/** A NameString: `\`, `^`s and segments of up to four characters with dots between them (20.2.2). */
export function name(text: string): Aml {
  const prefix = /^\\?\^*/.exec(text)![0];
  const rest = text.slice(prefix.length);
  const segments = rest === '' ? [] : rest.split('.');
  const bad = segments.find((segment) => !SEGMENT.test(segment));
  if (bad !== undefined) throw new RangeError(`AML: "${bad}" in "${text}" is no name segment`);
  const bytes = segments.flatMap((segment) => ascii(segment.padEnd(4, '_')));
  if (segments.length === 0) return [...ascii(prefix), ZERO];
  if (segments.length === 1) return [...ascii(prefix), ...bytes];
  if (segments.length === 2) return [...ascii(prefix), DUAL_NAME, ...bytes];
  return [...ascii(prefix), MULTI_NAME, segments.length, ...bytes];
}

/** A PkgLength that counts itself and `length` bytes behind it (20.2.4). */
export function packageLength(length: number): Aml {
  if (length + 1 < 1 << 6) return [length + 1];
  const size = [2, 3, 4].find((bytes) => length + bytes < 2 ** (4 + 8 * (bytes - 1)));
  if (size === undefined) throw new RangeError(`AML: a term of ${length} bytes is too long`);
  const total = length + size;
  return [((size - 1) << 6) | (total & 0xf), ...little(Math.floor(total / 16), size - 1)];
}

/** Terms one behind the other. Every PC builds its tables before it starts: concat() copies many times faster than flat() and spreading. */
export function joined(...parts: readonly Aml[]): Aml {
  return ([] as number[]).concat(...parts);
}

function packaged(opcode: Aml, ...parts: readonly Aml[]): Aml {
  const body = joined(...parts);
  return opcode.concat(packageLength(body.length), body);
}

/** The shortest encoding of an integer from 0. */
export function integer(value: number): Aml {
  if (value === 0) return [ZERO];
  if (value === 1) return [ONE];
  if (value < 0x100) return [BYTE, value];
  if (value < 0x1_0000) return [WORD, ...little(value, 2)];
  if (value < 0x1_0000_0000) return [DWORD, ...little(value, 4)];
  return [QWORD, ...little(value, 8)];
}

export function string(text: string): Aml {
  return [STRING, ...ascii(text), 0];
}

/** EisaId("PNP0A03"): three letters of five bits and four digits, in big-endian order (19.3.4). */
export function eisaId(text: string): Aml {
  if (!/^[A-Z]{3}[0-9A-F]{4}$/.test(text)) throw new RangeError(`AML: "${text}" is no EISA id`);
  const letters = ascii(text.slice(0, 3)).reduce((value, char) => (value << 5) | (char - 0x40), 0);
  const product = Number.parseInt(text.slice(3), 16);
  return [DWORD, letters >> 8, letters & 0xff, product >> 8, product & 0xff];
}

export function buffer(bytes: Aml): Aml {
  return packaged([0x11], integer(bytes.length), bytes);
}

export function package_(...elements: readonly Aml[]): Aml {
  return packaged([0x12], [elements.length], ...elements);
}

/** Name (object, value). */
export function named(path: string, value: Aml): Aml {
  return joined([0x08], name(path), value);
}

export function scope(path: string, ...terms: readonly Aml[]): Aml {
  return packaged([0x10], name(path), ...terms);
}

export function device(path: string, ...terms: readonly Aml[]): Aml {
  return packaged([EXTENDED, 0x82], name(path), ...terms);
}

export function method(path: string, args: number, ...terms: readonly Aml[]): Aml {
  return packaged([0x14], name(path), [args], ...terms);
}

/** As method(), but only one thread at a time: for methods that create named objects. */
export function serializedMethod(path: string, args: number, ...terms: readonly Aml[]): Aml {
  return packaged([0x14], name(path), [args | 8], ...terms);
}

export const Space = { SystemMemory: 0, SystemIo: 1, PciConfig: 2 } as const;

export function operationRegion(path: string, space: number, offset: number, length: number): Aml {
  return [EXTENDED, 0x80, ...name(path), space, ...integer(offset), ...integer(length)];
}

/** Field (region, ByteAcc, NoLock, Preserve) of fields of 8 bits each. */
export function byteField(region: string, ...fields: readonly string[]): Aml {
  const list = fields.flatMap((field) => [...name(field), FIELD_BITS]);
  return packaged([EXTENDED, 0x81], name(region), [1], list);
}

export function createDwordField(source: Aml, offset: number, field: string): Aml {
  return [0x8a, ...source, ...integer(offset), ...name(field)];
}

export function store(value: Aml, target: Aml): Aml {
  return [0x70, ...value, ...target];
}

/** And (a, b, target); without a target the result is only a value. */
export function and(a: Aml, b: Aml, target: Aml = [ZERO]): Aml {
  return [0x7b, ...a, ...b, ...target];
}

export function or(a: Aml, b: Aml, target: Aml = [ZERO]): Aml {
  return [0x7d, ...a, ...b, ...target];
}

export function if_(condition: Aml, ...terms: readonly Aml[]): Aml {
  return packaged([0xa0], condition, ...terms);
}

export function return_(value: Aml): Aml {
  return [0xa4, ...value];
}
