// A snapshot as bytes, to be kept or sent: a file that says what it is and for which Vm it is good.
//
//   0  "DOORSNAP"             8 bytes
//   8  version                u32, little-endian like everything
//  12  length of the header   u32
//  16  header                 JSON: everything but the bytes, for which it has {"$bytes": [offset, length]}
//      bytes                  from the next multiple of 8 on; offsets count from here, and are multiples of 8
//  -4  CRC-32                 of all that comes before (ISO 3309, as in PNG and gzip)

import type { DeviceState } from '../bus/index.js';
import { EINVAL } from '../eventfd/index.js';

const MAGIC = 'DOORSNAP';
export const FILE_VERSION = 1;
const FIXED = 16;
const CRC_SIZE = 4;

/** The bytes of a file with this contents. */
export function encodeFile(contents: DeviceState): Uint8Array {
  const blobs: Uint8Array[] = [];
  let size = 0;
  const plain = (value: DeviceState): unknown => {
    if (typeof value === 'bigint') return { $bigint: value.toString() };
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof Uint8Array) {
      const at = size;
      blobs.push(value);
      size = align(size + value.length);
      return { $bytes: [at, value.length] };
    }
    if (Array.isArray(value)) return (value as readonly DeviceState[]).map(plain);
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]));
  };
  const header = new TextEncoder().encode(JSON.stringify(plain(contents)));
  const start = align(FIXED + header.length);
  const bytes = new Uint8Array(start + size + CRC_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, FILE_VERSION, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, FIXED);
  let at = start;
  for (const blob of blobs) {
    bytes.set(blob, at);
    at = align(at + blob.length);
  }
  view.setUint32(bytes.length - CRC_SIZE, crc32(bytes.subarray(0, -CRC_SIZE)), true);
  return bytes;
}

/** What encodeFile() was given. Throws EINVAL saying why these bytes are no such file. */
export function decodeFile(bytes: Uint8Array): DeviceState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (bytes.length < FIXED + CRC_SIZE || magic !== MAGIC)
    throw new EINVAL('snapshot: these bytes are no snapshot: they do not begin with DOORSNAP');
  const version = view.getUint32(8, true);
  if (version !== FILE_VERSION) {
    throw new EINVAL(`snapshot: the file has version ${version}; this Doorbell reads version ${FILE_VERSION}`);
  }
  if (view.getUint32(bytes.length - CRC_SIZE, true) !== crc32(bytes.subarray(0, -CRC_SIZE))) {
    throw new EINVAL('snapshot: the file is damaged or incomplete: its checksum is not that of its contents');
  }
  const length = view.getUint32(12, true);
  const start = align(FIXED + length);
  const full = (value: unknown): DeviceState => {
    if (value === null || typeof value !== 'object') return value as DeviceState;
    if (Array.isArray(value)) return value.map(full);
    if ('$bigint' in value) return BigInt(value.$bigint as string);
    if ('$bytes' in value) {
      const [at, count] = value.$bytes as [number, number];
      return bytes.slice(start + at, start + at + count);
    }
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, full(field)]));
  };
  return full(JSON.parse(new TextDecoder().decode(bytes.subarray(FIXED, FIXED + length))));
}

function align(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

let table: Uint32Array | undefined;

function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) !== 0 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
    return value;
  });
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}
