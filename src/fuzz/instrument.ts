// Puts coverage counters into a build of the core: the same code, and at every place where control can arrive - the start
// of a function, of a loop, of either arm of an `if`, behind a block or a conditional branch - one byte that says "was
// here". The bytes lie in linear memory where the hypervisor's part would begin, which moves up by one 64 KiB page.

/** A core with counters. */
export interface Instrumented {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many places there are. */
  readonly sites: number;
  /** Linear-memory address of a u32: how many of them have been reached. */
  readonly counter: number;
}

/** Bytes of linear memory that the counters take: a Wasm page, so that what follows stays aligned. */
export const COVERAGE_SIZE = 0x10000;
/** The first site's byte, behind the counter. */
const FIRST_SITE = 8;

const Section = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;

// Opcodes of the Wasm binary format (core specification, 5.4; threads and SIMD as there).
const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const CALL = 0x10;
const CALL_INDIRECT = 0x11;
const SELECT_TYPED = 0x1c;
const LOCAL_GET = 0x20;
const TABLE_SET = 0x26;
const I32_LOAD = 0x28;
const I32_LOAD8_U = 0x2d;
const I32_STORE = 0x36;
const I32_STORE8 = 0x3a;
const I64_STORE32 = 0x3e;
const MEMORY_SIZE = 0x3f;
const MEMORY_GROW = 0x40;
const I32_CONST = 0x41;
const I64_CONST = 0x42;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const I32_EQZ = 0x45;
const I32_ADD = 0x6a;
const REF_NULL = 0xd0;
const REF_FUNC = 0xd2;
const PREFIX_FC = 0xfc;
const PREFIX_SIMD = 0xfd;
const PREFIX_ATOMIC = 0xfe;
const VOID = 0x40;
const TYPE_I32 = 0x7f;
const TYPE_FUNCTION = 0x60;

/** Reads a module from front to back. */
class Reader {
  at: number;
  constructor(
    readonly bytes: Uint8Array,
    start = 0,
  ) {
    this.at = start;
  }
  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new RangeError('the Wasm module is cut off');
    return byte;
  }
  /** Unsigned LEB128 of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }
  /** Any LEB128, over which nothing needs to be known. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }
  skipMemoryArgument(): void {
    this.skipNumber();
    this.skipNumber();
  }
  name(): string {
    const length = this.number();
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return text;
  }
}

/** Collects bytes. */
class Writer {
  #bytes = new Uint8Array(4096);
  #length = 0;

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
  byte(...values: number[]): this {
    this.#room(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
    return this;
  }
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }
  number(value: number): this {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    return this.byte(rest);
  }
  /** `i32.const value`, for values below 2^31. */
  constant(value: number): this {
    this.byte(I32_CONST);
    let rest = value;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if (rest === 0 && low < 64) return this.byte(low);
      this.byte(low | 0x80);
    }
  }
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Steps over one instruction's immediates; its opcode has been read. */
function skipImmediates(reader: Reader, opcode: number): void {
  if (opcode >= I32_LOAD && opcode <= I64_STORE32) return reader.skipMemoryArgument();
  if (opcode >= LOCAL_GET && opcode <= TABLE_SET) return reader.skipNumber();
  switch (opcode) {
    case BLOCK:
    case LOOP:
    case IF:
    case BR:
    case BR_IF:
    case CALL:
    case I32_CONST:
    case I64_CONST:
    case MEMORY_SIZE:
    case MEMORY_GROW:
    case REF_NULL:
    case REF_FUNC:
      return reader.skipNumber();
    case CALL_INDIRECT:
      return reader.skipMemoryArgument();
    case BR_TABLE:
      for (let left = reader.number() + 1; left > 0; left--) reader.skipNumber();
      return;
    case SELECT_TYPED:
      for (let left = reader.number(); left > 0; left--) reader.byte();
      return;
    case F32_CONST:
      reader.at += 4;
      return;
    case F64_CONST:
      reader.at += 8;
      return;
    case PREFIX_FC: {
      const operation = reader.number();
      if (operation < 8) return;
      reader.skipNumber();
      if (operation === 8 || operation === 10 || operation === 12 || operation === 14) reader.skipNumber();
      return;
    }
    case PREFIX_SIMD: {
      const operation = reader.number();
      if (operation < 12 || operation === 92 || operation === 93) reader.skipMemoryArgument();
      else if (operation === 12 || operation === 13) reader.at += 16;
      else if (operation >= 21 && operation <= 34) reader.at += 1;
      else if (operation >= 84 && operation <= 91) {
        reader.skipMemoryArgument();
        reader.at += 1;
      }
      return;
    }
    case PREFIX_ATOMIC:
      if (reader.number() === 3) reader.at += 1;
      else reader.skipMemoryArgument();
      return;
    default:
      return;
  }
}

interface Part {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

function partsOf(bytes: Uint8Array): Part[] {
  const parts: Part[] = [];
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const length = reader.number();
    parts.push({ id, start: reader.at, end: reader.at + length });
    reader.at += length;
  }
  return parts;
}

/** How many functions a module imports, and how many globals. */
function importCounts(reader: Reader): { functions: number; globals: number } {
  let functions = 0;
  let globals = 0;
  for (let left = reader.number(); left > 0; left--) {
    reader.name();
    reader.name();
    switch (reader.byte()) {
      case 0:
        functions++;
        reader.skipNumber();
        break;
      case 1:
        reader.byte();
        if ((reader.number() & 1) === 0) reader.skipNumber();
        else reader.skipMemoryArgument();
        break;
      case 2:
        if ((reader.number() & 1) === 0) reader.skipNumber();
        else reader.skipMemoryArgument();
        break;
      default:
        globals++;
        reader.at += 2;
    }
  }
  return { functions, globals };
}

/** The number of an exported global. */
function exportedGlobal(reader: Reader, wanted: string): number {
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.number();
    if (kind === 3 && name === wanted) return index;
  }
  throw new TypeError(`the module exports no global ${wanted}: it is no build of the core`);
}

/** Puts counters in. The bytes must be a build of the core, which exports where its own part of memory ends. */
export function instrument(bytes: Uint8Array): Instrumented {
  const parts = partsOf(bytes);
  const part = (id: number): Part => {
    const found = parts.find((each) => each.id === id);
    if (found === undefined) throw new TypeError(`the module has no section ${id}: it is no build of the core`);
    return found;
  };
  const imports = importCounts(new Reader(bytes, part(Section.import).start));
  const types = new Reader(bytes, part(Section.type).start).number();
  const functions = new Reader(bytes, part(Section.function).start).number();
  const freeIndex = exportedGlobal(new Reader(bytes, part(Section.export).start), 'MEMORY_FREE') - imports.globals;

  // the globals, up to the one that is changed
  const globals = new Reader(bytes, part(Section.global).start);
  const globalCount = globals.number();
  let valueAt = 0;
  for (let index = 0; index < globalCount; index++) {
    globals.at += 2;
    const start = globals.at;
    for (let opcode = globals.byte(); opcode !== END; opcode = globals.byte()) skipImmediates(globals, opcode);
    if (index === freeIndex) valueAt = start;
  }
  const value = new Reader(bytes, valueAt + 1);
  const map = value.number(); // below 2^31, so its signed form reads the same but for a seventh bit that is clear
  const helper = imports.functions + functions;
  const base = (map + COVERAGE_SIZE - 1) & ~(COVERAGE_SIZE - 1);

  let sites = 0;
  const site = (code: Writer): void => {
    const address = FIRST_SITE + sites++;
    code.byte(I32_CONST, 0, I32_LOAD8_U, 0).number(base + address);
    code.byte(I32_EQZ, IF, VOID).constant(address).byte(CALL).number(helper).byte(END);
  };

  const section = part(Section.code);
  const code = new Reader(bytes, section.start);
  const bodies = new Writer().number(code.number() + 1);
  for (let index = 0; index < functions; index++) {
    const size = code.number();
    const end = code.at + size;
    const start = code.at;
    for (let groups = code.number(); groups > 0; groups--) {
      code.skipNumber();
      code.byte();
    }
    const body = new Writer().raw(bytes.subarray(start, code.at));
    site(body);
    while (code.at < end) {
      const from = code.at;
      const opcode = code.byte();
      skipImmediates(code, opcode);
      body.raw(bytes.subarray(from, code.at));
      const arrives = opcode === LOOP || opcode === IF || opcode === ELSE || opcode === BR_IF || opcode === END;
      if (arrives && code.at < end) site(body);
    }
    bodies.number(body.bytes.length).raw(body.bytes);
  }
  if (sites + FIRST_SITE > COVERAGE_SIZE) throw new RangeError(`${sites} places are more than there is room for`);
  // the helper: byte = 1, and one more has been reached
  const help = new Writer().byte(0, LOCAL_GET, 0).constant(1).byte(I32_STORE8, 0).number(base);
  help.constant(0).constant(0).byte(I32_LOAD, 2).number(base).constant(1).byte(I32_ADD, I32_STORE, 2).number(base);
  help.byte(END);
  bodies.number(help.bytes.length).raw(help.bytes);

  const out = new Writer().raw(bytes.subarray(0, 8));
  for (const { id, start, end } of parts) {
    const content = new Writer();
    if (id === Section.code) content.raw(bodies.bytes);
    else if (id === Section.type || id === Section.function) {
      const old = new Reader(bytes, start);
      content.number(old.number() + 1).raw(bytes.subarray(old.at, end));
      if (id === Section.type) content.byte(TYPE_FUNCTION, 1, TYPE_I32, 0);
      else content.number(types);
    } else if (id === Section.global) {
      content.raw(bytes.subarray(start, valueAt)).constant(base + COVERAGE_SIZE);
      value.at = valueAt + 1;
      value.skipNumber();
      content.raw(bytes.subarray(value.at, end));
    } else content.raw(bytes.subarray(start, end));
    out.byte(id).number(content.bytes.length).raw(content.bytes);
  }
  return { bytes: out.bytes.slice(), sites, counter: base };
}
