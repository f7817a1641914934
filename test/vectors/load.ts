// Reads the instruction vectors: single instructions with the state before and after, recorded on hardware.
// README.md has the page layout a replayer builds and the file format.
import { readFileSync, readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { SLOT_DIFFERS, Slot, derive, FloatingPart, type Edits, type Recipe } from './fpu.js';
import { CODE_ENTRY, COMPARED_FLAGS, DATA_BASE, baseMemory } from './layout.js';
import { Class, type Draw } from './operands.js';
import { Prng } from './prng.js';
import { Reader, VectorFileError } from './reader.js';
import { SEG_CS, SEG_SS, Tables } from './segments.js';

export { CODE_BASE, CODE_ENTRY, CODE_SIZE, COMPARED_FLAGS, DATA_BASE, DATA_SIZE, baseMemory } from './layout.js';
export { VectorFileError } from './reader.js';

/** Bytes that differ from what was there before, `offset` from the base of the data pages. */
export interface Bytes {
  offset: number;
  bytes: Uint8Array;
}

/** An exception instead of completion. `cr2` is there for a page fault only. */
export interface Fault {
  vector: number;
  errorCode: number;
  cr2?: bigint;
}

export interface Vector {
  /** As in the manual, with the operand kind: `add r/m32, r32 [mem]`. */
  form: string;
  /** Number of the case in its form, from 0. */
  index: number;
  bytes: Uint8Array;
  /** rax rcx rdx rbx rsp rbp rsi rdi r8 … r15 */
  regsIn: BigUint64Array;
  /** RFLAGS; bit 1 and IF are always set. */
  flagsIn: number;
  /** What RIP holds: an offset in CS, which in 64-bit mode is the linear address. */
  rip: bigint;
  /** Linear address of the first instruction byte. */
  address: bigint;
  /** Of the groups about segments, and of all in 16- and 32-bit code. */
  segmented?: Segmented;
  /** Of the groups with floating-point and vector state. */
  floating?: FloatingPart;
  /** The data pages before. */
  memory: InitialMemory;
  expect: {
    regs: BigUint64Array;
    flags: number;
    /** RFLAGS bits to compare; the others are undefined in the manual, or no business of the instruction. */
    flagsMask: number;
    /** Bit n: compare register n. A register left out holds what the manual leaves undefined. */
    regsMask: number;
    /** Next instruction, branch target, or (faults) the instruction itself. */
    rip: bigint;
    /** Everything that changed in the data pages. */
    memory: Bytes[];
    fault?: Fault;
    /** Where `segmented` is there: the selectors afterwards. */
    segments?: Uint16Array;
  };
}

/** What a vector with segments has besides. In 16- and 32-bit code the registers' upper halves and R8 … R15 are zero. */
export interface Segmented {
  /** Size of the code in bits. */
  bits: 16 | 32 | 64;
  /** ES CS SS DS FS GS */
  segmentsIn: Uint16Array;
  /** One object for all vectors of a file. */
  tables: Tables;
}

/** What the data pages hold before the instruction. */
export class InitialMemory {
  readonly base = DATA_BASE;

  /** @param patches what this vector puts over `baseMemory()`, in this order */
  constructor(
    private readonly image: Uint8Array,
    readonly patches: Bytes[],
  ) {}

  /** The whole content; every reading makes a copy, so that a hundred thousand vectors do not hold 8 KiB each. */
  get bytes(): Uint8Array {
    const bytes = this.image.slice();
    for (const patch of this.patches) bytes.set(patch.bytes, patch.offset);
    return bytes;
  }
}

const DATA = new URL('./data/', import.meta.url);
const SUFFIX = '.bin.gz';
/** "DBV1", and what is added to its last character. */
const MAGIC = 0x31564244;
const WITH_SEGMENTS = 1;
const WITH_FLOATING = 2;
const RSP = 4;
/** The one exception here that is a trap: RIP stands behind INTO. */
const OVERFLOW = 4;
const enum Has {
  Rip = 1,
  Flags = 2,
  FlagsMask = 4,
  RegsMask = 8,
  Fault = 16,
  Stores = 32,
  Patches = 64,
  Regs = 128,
}

/** The second byte of HAS bits, in files with floating-point state. */
const enum HasFloating {
  Input = 1,
  FswMask = 2,
  Ignored = 4,
  /** Three bits. */
  Pointers = 8,
  Changed = 64,
  X87Ignored = 128,
}

/** What has changed in a floating-point state. */
const enum Changed {
  Vectors = 1,
  Mxcsr = 2,
  Words = 4,
  X87 = 8,
  Fip = 16,
  Fdp = 32,
  Fop = 64,
}

/** A form as its file names it. */
interface Form {
  name: string;
  floating?: { recipe: Recipe; agreement: number };
}

interface Streams {
  code: Reader;
  control: Reader;
  values: Reader;
}

/** Names of the groups, sorted. */
export function vectorGroups(): string[] {
  const files = readdirSync(DATA).filter((name) => name.endsWith(SUFFIX));
  return files.map((name) => name.slice(0, -SUFFIX.length)).sort();
}

/**
 * All vectors of one group, or of every group.
 * @throws {VectorFileError} if there is no such group, or its file is damaged
 */
export function* loadVectors(group?: string): Generator<Vector, void, undefined> {
  const groups = vectorGroups();
  if (group !== undefined && !groups.includes(group)) {
    throw new VectorFileError(`no vector group '${group}'; there are ${groups.join(', ')}`);
  }
  const base = baseMemory();
  for (const name of group === undefined ? groups : [group]) yield* loadFile(name, base);
}

/** One vector's instruction, for lists of what is covered. */
export interface RecordedInstruction {
  group: string;
  form: string;
  bytes: Uint8Array;
  /** Size of the code in bits. */
  bits: 16 | 32 | 64;
}

/** The instruction of every vector, in about two seconds; in the order of groups, forms and cases. */
export function* casesByInstruction(): Generator<RecordedInstruction, void, undefined> {
  for (const group of vectorGroups()) {
    for (const { form, bytes, segmented } of loadVectors(group))
      yield { group, form, bytes, bits: segmented?.bits ?? 64 };
  }
}

/** The data pages as the instruction must leave them. */
export function expectedMemory(vector: Vector): Uint8Array {
  const memory = vector.memory.bytes;
  for (const store of vector.expect.memory) memory.set(store.bytes, store.offset);
  return memory;
}

function* loadFile(group: string, base: Uint8Array): Generator<Vector, void, undefined> {
  const file = new Uint8Array(gunzipSync(readFileSync(new URL(group + SUFFIX, DATA))));
  const header = new DataView(file.buffer, file.byteOffset);
  const magic = file.length < 28 ? 0 : header.getUint32(0, true);
  const kind = (magic - MAGIC) / 0x100_0000;
  if (![0, 1, 2, 3].includes(kind)) {
    throw new VectorFileError(`${group}${SUFFIX} is no vector file: its first word is none of DBV1 to DBV4`);
  }
  let start = 28;
  let tables: Tables | undefined;
  if ((kind & WITH_SEGMENTS) !== 0) {
    const entries = header.getUint32(start, true);
    tables = new Tables(
      BigUint64Array.from({ length: entries }, (_, i) => header.getBigUint64(start + 4 + 8 * i, true)),
    );
    start += 4 + 8 * entries;
  }
  const part = (field: number, what: string): Reader => {
    const end = start + header.getUint32(4 * field, true);
    const reader = new Reader(file, start, end, `${group}${SUFFIX}, ${what}`);
    start = end;
    return reader;
  };
  const forms = part(3, 'forms');
  const streams: Streams = { code: part(4, 'code'), control: part(5, 'control'), values: part(6, 'values') };
  const ascii = new TextDecoder();
  while (!forms.atEnd) {
    const form: Form = { name: ascii.decode(forms.take(forms.byte())) };
    const cases = forms.varint();
    if ((kind & WITH_FLOATING) !== 0) {
      const recipe = { vector: forms.byte(), x87: forms.byte(), memory: forms.byte() };
      form.floating = { recipe, agreement: forms.byte() };
    }
    for (let index = 0; index < cases; index++) yield readCase(form, index, base, streams, tables);
  }
  if (!streams.code.atEnd || !streams.control.atEnd || !streams.values.atEnd) {
    throw new VectorFileError(`${group}${SUFFIX}: data is left over after the last case`);
  }
}

function readRegs(known: BigUint64Array, { control, values }: Streams): BigUint64Array {
  const regs = known.slice();
  const bytes = new Uint8Array(regs.buffer);
  const changed = control.varint();
  for (let i = 0; i < 16; i++) {
    if (((changed >>> i) & 1) === 0) continue;
    const width = control.byte();
    values.value(width & 15, bytes, 8 * i, (width & 16) !== 0);
  }
  return regs;
}

/** Patches that store no value are drawn: by `draw` from the class of the form's memory operands, if it has one. */
function readPatches(prng: Prng, { control, values }: Streams, draw?: Draw, kind = Class.None): Bytes[] {
  return Array.from({ length: control.varint() }, (_, i) => {
    const place = control.varint();
    if ((place & 1) !== 0) return { offset: place >>> 1, bytes: values.take(8) };
    const words = new Uint32Array(2);
    if (draw) draw.draw64(kind, i & 3, words, 0);
    else prng.edge64(words, 0);
    return { offset: place >>> 1, bytes: new Uint8Array(words.buffer) };
  });
}

function readStores({ control, values }: Streams): Bytes[] {
  return Array.from({ length: control.varint() }, () => {
    const offset = control.varint();
    return { offset, bytes: values.take(control.varint()) };
  });
}

function readRanges(control: Reader): Array<{ offset: number; length: number }> {
  return Array.from({ length: control.varint() }, () => ({ offset: control.varint(), length: control.varint() }));
}

function readFault(control: Reader): Fault {
  const fault: Fault = { vector: control.byte(), errorCode: control.varint() };
  if (fault.vector === 14) fault.cr2 = control.bigVarint();
  return fault;
}

/** Changes of floating-point state; `address` is that of the instruction. */
function readEdits({ control, values }: Streams, address: bigint): Edits {
  const edits: number[] = [];
  const scratch = new Uint8Array(8);
  const words = new Uint32Array(scratch.buffer);
  const value = (slot: Slot): void => {
    const width = control.byte();
    const differs = (width & 16) !== 0;
    scratch.fill(0);
    values.value(width & 15, scratch, 0, true);
    edits.push(slot | (differs ? SLOT_DIFFERS : 0), words[0]!, words[1]!);
  };
  const has = control.byte();
  const vectors = (has & Changed.Vectors) !== 0 ? control.varint() : 0;
  for (let n = 0; n < 16; n++) {
    if (((vectors >>> n) & 1) === 0) continue;
    const parts = control.byte();
    for (let i = 0; i < 4; i++) if (((parts >>> i) & 1) !== 0) value(4 * n + i);
  }
  if ((has & Changed.Mxcsr) !== 0) edits.push(Slot.Mxcsr | SLOT_DIFFERS, control.varint(), 0);
  if ((has & Changed.Words) !== 0) {
    edits.push(Slot.Fcw | SLOT_DIFFERS, control.varint(), 0);
    edits.push(Slot.Fsw | SLOT_DIFFERS, control.varint(), 0);
    edits.push(Slot.Tags | SLOT_DIFFERS, control.byte(), 0);
  }
  const x87 = (has & Changed.X87) !== 0 ? control.byte() : 0;
  for (let n = 0; n < 8; n++) {
    if (((x87 >>> n) & 1) === 0) continue;
    value(Slot.X87 + n);
    edits.push((Slot.Exponent + n) | SLOT_DIFFERS, control.varint(), 0);
  }
  const pointer = (slot: Slot, base: bigint): void => {
    const place = control.bigVarint() ^ base;
    edits.push(slot, Number(place & 0xffff_ffffn), Number(place >> 32n));
  };
  if ((has & Changed.Fip) !== 0) pointer(Slot.Fip, address);
  if ((has & Changed.Fdp) !== 0) pointer(Slot.Fdp, 0n);
  if ((has & Changed.Fop) !== 0) edits.push(Slot.Fop, control.varint(), 0);
  return Uint32Array.from(edits);
}

function readSegments(known: Uint16Array, { control, values }: Streams): Uint16Array {
  const segments = known.slice();
  const changed = control.byte();
  for (let i = 0; i < 6; i++) {
    if (((changed >>> i) & 1) !== 0) segments[i] = new DataView(values.take(2).buffer).getUint16(0, true);
  }
  return segments;
}

function readCase(
  { name: form, floating: of }: Form,
  index: number,
  base: Uint8Array,
  streams: Streams,
  tables?: Tables,
): Vector {
  const { code, control } = streams;
  const seed = Prng.seed(form, index);
  const prng = new Prng(seed);
  const derived = new BigUint64Array(16);
  const words = new Uint32Array(derived.buffer);
  for (let i = 0; i < 16; i++) prng.edge64(words, 2 * i);
  derived[RSP] = DATA_BASE + 0x1800n - BigInt((prng.next() & 0x3f) << 3);
  const r = prng.next();
  let flagsIn = 0x202 | (r & 0x8d5) | (((r >>> 16) & 7) === 0 ? 0x400 : 0);

  const length = control.byte();
  const has = control.byte();
  const hasFloating = of ? control.byte() : 0;
  const bytes = code.take(length);
  let segmented: Segmented | undefined;
  if (tables) {
    const segmentsIn = Uint16Array.from(control.take(6));
    segmented = { bits: tables.codeSize(segmentsIn[SEG_CS]!), segmentsIn, tables };
    if (segmented.bits !== 64) {
      const stack = tables.offset(segmentsIn[SEG_SS]!, derived[RSP]!);
      derived.forEach((value, i) => (derived[i] = i < 8 ? value & 0xffff_ffffn : 0n));
      derived[RSP] = stack;
    }
  }
  const address = (has & Has.Rip) !== 0 ? CODE_ENTRY + BigInt(control.signed()) : CODE_ENTRY;
  if ((has & Has.Flags) !== 0) flagsIn ^= control.varint();
  const regsIn = (has & Has.Regs) !== 0 ? readRegs(derived, streams) : derived;
  const patches =
    (has & Has.Patches) !== 0
      ? readPatches(prng, streams, of && derive(seed, of.recipe, new BigUint64Array(Slot.Count)), of?.recipe.memory)
      : [];
  const memory = new InitialMemory(base, patches);

  const flagsMask = (has & Has.FlagsMask) !== 0 ? control.varint() : COMPARED_FLAGS;
  const regsMask = (has & Has.RegsMask) !== 0 ? control.varint() : 0xffff;
  let floating: FloatingPart | undefined;
  if (of) {
    const given = (hasFloating & HasFloating.Input) !== 0 ? readEdits(streams, address) : undefined;
    const fswMask = (hasFloating & HasFloating.FswMask) !== 0 ? control.varint() : 0xffff;
    const registersIgnored = (hasFloating & HasFloating.X87Ignored) !== 0 ? control.byte() : 0;
    const ignored = (hasFloating & HasFloating.Ignored) !== 0 ? readRanges(control) : [];
    const pointers = (hasFloating >>> 3) & 7;
    const changed = (hasFloating & HasFloating.Changed) !== 0 ? readEdits(streams, address) : undefined;
    const masks = { fsw: fswMask, pointers, x87Ignored: registersIgnored, ignored };
    floating = new FloatingPart(seed, of.recipe, given, changed, of.agreement, masks);
  }
  const regs = readRegs(regsIn, streams);
  const flags = flagsIn ^ control.varint();
  const segments = segmented && readSegments(segmented.segmentsIn, streams);
  const stores = (has & Has.Stores) !== 0 ? readStores(streams) : [];
  const fault = (has & Has.Fault) !== 0 ? readFault(control) : undefined;
  let next = address;
  if (!fault) next += BigInt(length + control.signed());
  else if (fault.vector === OVERFLOW) next += BigInt(length);
  const rip = segmented ? tables!.offset(segmented.segmentsIn[SEG_CS]!, address) : address;
  const nextRip = segments ? tables!.offset(segments[SEG_CS]!, next) : next;
  const expect: Vector['expect'] = { regs, flags, flagsMask, regsMask, rip: nextRip, memory: stores };
  if (fault) expect.fault = fault;
  const vector: Vector = { form, index, bytes, regsIn, flagsIn, rip, address, memory, expect };
  if (floating) vector.floating = floating;
  if (segmented && segments) {
    vector.segmented = segmented;
    expect.segments = segments;
  }
  return vector;
}
