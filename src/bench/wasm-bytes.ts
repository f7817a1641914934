// Writes small Wasm modules by hand, for the baselines: the sections of the binary format (WebAssembly Core Specification,
// chapter 5) around instructions given as bytes.

/** Value types. */
export const I32 = 0x7f;
/** The type of a block that leaves nothing. */
export const EMPTY = 0x40;

/** Opcodes, by the names of the text format. */
export const Op = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i64Store: 0x37,
  i32Const: 0x41,
  i64Eqz: 0x50,
  i32Eqz: 0x45,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i64Add: 0x7c,
  i64Xor: 0x85,
  i64Rotl: 0x89,
  i64ExtendI32S: 0xac,
  i32WrapI64: 0xa7,
} as const;

/** An unsigned number in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}

/** A vector: its length, then its items. */
export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

/** A name. */
export function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  return [...unsigned(bytes.length), ...bytes];
}

export interface ModuleParts {
  /** Function types: parameters and results. */
  types: { params: number[]; results: number[] }[];
  /** Imported functions, each [module, name, index of its type]. */
  imports?: [string, string, number][];
  /** Pages of a memory of its own, exported as `memory`. */
  memoryPages?: number;
  /** The function, exported as `run`: index of its type, locals as [count, type], instructions without the final end. */
  run: { type: number; locals: [number, number][]; code: number[] };
}

/** The bytes of a module with one function. */
export function moduleBytes({ types, imports = [], memoryPages, run }: ModuleParts): Uint8Array<ArrayBuffer> {
  const section = (id: number, body: number[]): number[] => [id, ...unsigned(body.length), ...body];
  const locals = vector(run.locals.map(([count, type]) => [...unsigned(count), type]));
  const body = [...locals, ...run.code, Op.end];
  const exports = [[...name('run'), 0x00, ...unsigned(imports.length)]];
  if (memoryPages !== undefined) exports.push([...name('memory'), 0x02, 0x00]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(
      1,
      vector(
        types.map(({ params, results }) => [
          0x60,
          ...vector(params.map((type) => [type])),
          ...vector(results.map((type) => [type])),
        ]),
      ),
    ),
    ...(imports.length === 0
      ? []
      : section(
          2,
          vector(imports.map(([from, what, type]) => [...name(from), ...name(what), 0x00, ...unsigned(type)])),
        )),
    ...section(3, vector([unsigned(run.type)])),
    ...(memoryPages === undefined ? [] : section(5, vector([[0x00, ...unsigned(memoryPages)]]))),
    ...section(7, vector(exports)),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ]);
}
