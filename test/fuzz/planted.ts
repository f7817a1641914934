// Builds of the core with a bug planted in them: an exported function is replaced by one that calls the first and spoils
// its result. What a fuzz target says of such a core is known beforehand.

import { loadCoreBytes } from '../../src/core/module.js';

const Section = { import: 2, function: 3, export: 7, code: 10 } as const;
const FUNCTION = 0;

// Opcodes of the Wasm binary format (core specification, 5.4).
export const Wasm = {
  end: 0x0b,
  call: 0x10,
  get: 0x20,
  load8: 0x2d,
  const: 0x41,
  eq: 0x46,
  add: 0x6a,
  and: 0x71,
  or: 0x72,
  shl: 0x74,
  shr: 0x76,
} as const;

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
/** `i32.const value`; positive numbers only, whose LEB128 has a sign bit. */
export function constant(value: number): number[] {
  const bytes = leb(value);
  const last = bytes.pop()!;
  return [Wasm.const, ...bytes, ...((last & 0x40) === 0 ? [last] : [last | 0x80, 0])];
}

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  skip(): void {
    this.at += this.number();
  }
  rest(): Uint8Array {
    return this.bytes.subarray(this.at);
  }
}

/** The core with another function under an exported name; `body`: its code, given a call of the first. */
export function replaceExport(core: Uint8Array, name: string, body: (call: number[]) => number[]): Uint8Array {
  const sections: { id: number; bytes: Uint8Array }[] = [];
  const reader = new Reader(core);
  reader.at = 8;
  while (reader.at < core.length) {
    const id = core[reader.at++]!;
    const size = reader.number();
    sections.push({ id, bytes: core.subarray(reader.at, (reader.at += size)) });
  }
  const section = (id: number) => sections.find((each) => each.id === id)!;

  let imported = 0;
  const imports = new Reader(section(Section.import).bytes);
  for (let count = imports.number(); count > 0; count--) {
    imports.skip();
    imports.skip();
    const kind = imports.bytes[imports.at++];
    if (kind === FUNCTION) {
      imports.number();
      imported++;
    } else {
      // a memory: flags, least, most
      const flags = imports.number();
      imports.number();
      if ((flags & 1) !== 0) imports.number();
    }
  }
  const functions = new Reader(section(Section.function).bytes);
  const own = functions.number();
  const typesAt = functions.at;
  const types = Array.from({ length: own }, () => functions.number());

  const exports = new Reader(section(Section.export).bytes);
  let first = -1;
  for (let count = exports.number(); count > 0; count--) {
    const length = exports.number();
    const found = new TextDecoder().decode(exports.bytes.subarray(exports.at, exports.at + length));
    exports.at += length;
    const kind = exports.bytes[exports.at++];
    const before = exports.at;
    const index = exports.number();
    if (kind !== FUNCTION || found !== name) continue;
    first = index;
    const changed = [...exports.bytes.subarray(0, before), ...leb(imported + own), ...exports.rest()];
    section(Section.export).bytes = Uint8Array.from(changed);
  }
  if (first < imported) throw new Error(`the core exports no function ${name}`);
  const all = section(Section.function).bytes.subarray(typesAt);
  section(Section.function).bytes = Uint8Array.from([...leb(own + 1), ...all, ...leb(types[first - imported]!)]);
  const codes = new Reader(section(Section.code).bytes);
  codes.number();
  const code = [0, ...body([Wasm.call, ...leb(first)]), Wasm.end];
  section(Section.code).bytes = Buffer.concat([
    Uint8Array.from(leb(own + 1)),
    codes.rest(),
    Uint8Array.from([...leb(code.length), ...code]),
  ]);
  return Buffer.concat([
    core.subarray(0, 8),
    ...sections.flatMap(({ id, bytes }) => [Uint8Array.from([id, ...leb(bytes.length)]), bytes]),
  ]);
}

const parameters = (count: number): number[] => Array.from({ length: count }, (_, index) => [Wasm.get, index]).flat();

/** CBW, CWDE, CDQE are decoded one byte too long. */
export async function wrongDecoder(): Promise<Uint8Array> {
  return replaceExport(await loadCoreBytes(), 'decode', (call) => [
    ...[...parameters(3), ...call],
    ...[Wasm.get, 0, Wasm.load8, 0, 0, ...constant(0x98), Wasm.eq, Wasm.add],
  ]);
}

/** Accesses from user mode go to the next page. */
export async function wrongWalk(): Promise<Uint8Array> {
  return replaceExport(await loadCoreBytes(), 'walkFor', (call) => [
    ...[...parameters(7), ...call],
    ...[Wasm.get, 3, ...constant(1), Wasm.eq, ...constant(12), Wasm.shl, Wasm.add],
  ]);
}

/** An overflow carries. */
export async function wrongCarry(): Promise<Uint8Array> {
  return replaceExport(await loadCoreBytes(), 'getRflags', (call) => [
    ...call,
    ...[...call, ...constant(11), Wasm.shr, ...constant(1), Wasm.and, Wasm.or],
  ]);
}
