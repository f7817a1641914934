// Passes strings, typed arrays and arrays to and from an AssemblyScript module through as-bind. as-bind's converters
// know the object layouts of AssemblyScript 0.19; these replace them for 0.28, where class ids and the run-time type
// information are others. Nothing here is for hot paths: a call costs ten times a bare one, and everything is copied.

import asBind, { type AsBindInstance, type Converter } from 'as-bind/dist/as-bind.cjs.js';

const STRING = '~lib/string/String';
const ARRAY_BUFFER = '~lib/arraybuffer/ArrayBuffer';

/** Bytes of payload, in the header just below every managed object. */
const OBJECT_SIZE = -4;
/** Class id, likewise. */
const OBJECT_ID = -8;
/** Typed arrays and Array<T> begin alike: buffer, first byte, length in bytes; Array<T> adds its length in elements. */
const VIEW_BUFFER = 0;
const VIEW_START = 4;
const VIEW_BYTES = 8;
const VIEW_SIZE = 12;
const ARRAY_LENGTH = 12;
const ARRAY_SIZE = 16;

/** Code units turned into a string at once: arguments of one call. */
const CHUNK = 8192;

interface Runtime {
  readonly memory: WebAssembly.Memory;
  readonly __new: (size: number, id: number) => number;
  readonly __pin: (object: number) => number;
  readonly __unpin: (object: number) => void;
}

type TypedArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
type ViewConstructor = new (
  buffer: ArrayBuffer,
  offset?: number,
  length?: number,
) => ArrayBufferView & {
  readonly length: number;
  slice(): ArrayBufferView;
  set(values: ArrayLike<never>): void;
};

const TYPED_ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Int64Array: BigInt64Array,
  Uint64Array: BigUint64Array,
  Float32Array,
  Float64Array,
};

const ELEMENTS: Record<string, keyof typeof TYPED_ARRAYS> = {
  i8: 'Int8Array',
  u8: 'Uint8Array',
  bool: 'Uint8Array',
  i16: 'Int16Array',
  u16: 'Uint16Array',
  i32: 'Int32Array',
  isize: 'Int32Array',
  u32: 'Uint32Array',
  usize: 'Uint32Array',
  i64: 'Int64Array',
  u64: 'Uint64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** A value that a bound function was given and that its declared type cannot take. */
export class BindError extends TypeError {
  override readonly name = 'BindError';
}

function runtime(instance: AsBindInstance): Runtime {
  return instance.loadedModule.exports as unknown as Runtime;
}

function view(memory: WebAssembly.Memory): DataView {
  return new DataView(memory.buffer);
}

function readString({ memory }: Runtime, pointer: number): string {
  const bytes = view(memory).getUint32(pointer + OBJECT_SIZE, true);
  // Not by TextDecoder, which would replace what is no well-formed text (lone surrogates) and swallow a byte-order mark.
  const units = new Uint16Array(memory.buffer, pointer, bytes / 2);
  let text = '';
  for (let at = 0; at < units.length; at += CHUNK) text += String.fromCharCode(...units.subarray(at, at + CHUNK));
  return text;
}

function writeString(instance: AsBindInstance, text: string): number {
  const { memory, __new } = runtime(instance);
  const pointer = __new(text.length * 2, instance.getTypeId(STRING)) >>> 0;
  const units = new Uint16Array(memory.buffer, pointer, text.length);
  for (let index = 0; index < text.length; index++) units[index] = text.charCodeAt(index);
  return pointer;
}

const string: Converter = {
  ascToJs(instance, value) {
    const pointer = value >>> 0;
    if (pointer === 0) return null;
    const id = view(runtime(instance).memory).getUint32(pointer + OBJECT_ID, true);
    if (id !== instance.getTypeId(STRING)) throw new BindError(`object of class ${id} where a string was declared`);
    return readString(runtime(instance), pointer);
  },
  jsToAsc(instance, value: unknown) {
    if (value === null) return 0;
    if (typeof value !== 'string') throw new BindError(`a string is needed, not ${typeof value}`);
    return writeString(instance, value);
  },
};

/**
 * Makes a typed array, or with `elements` an Array<T> of that length, and has its buffer filled. The length is there
 * before the elements are: the collector finds them through it while the later ones are still being made.
 */
function makeView(
  instance: AsBindInstance,
  typeName: string,
  bytes: number,
  elements: number | undefined,
  fill: (buffer: number) => void,
): number {
  const { memory, __new, __pin, __unpin } = runtime(instance);
  const buffer = __pin(__new(bytes, instance.getTypeId(ARRAY_BUFFER))) >>> 0;
  const object = __pin(__new(elements === undefined ? VIEW_SIZE : ARRAY_SIZE, instance.getTypeId(typeName))) >>> 0;
  const data = view(memory);
  data.setUint32(object + VIEW_BUFFER, buffer, true);
  data.setUint32(object + VIEW_START, buffer, true);
  data.setUint32(object + VIEW_BYTES, bytes, true);
  if (elements !== undefined) data.setUint32(object + ARRAY_LENGTH, elements, true);
  try {
    fill(buffer);
  } finally {
    __unpin(object);
    __unpin(buffer);
  }
  return object;
}

function typedArray(Constructor: ViewConstructor & { readonly BYTES_PER_ELEMENT: number }): Converter {
  return {
    ascToJs(instance, value) {
      const pointer = value >>> 0;
      if (pointer === 0) return null;
      const { memory } = runtime(instance);
      const data = view(memory);
      const bytes = data.getUint32(pointer + VIEW_BYTES, true);
      // A copy: the collector may move on and the memory may grow as soon as the module is called again.
      return new Constructor(
        memory.buffer as ArrayBuffer,
        data.getUint32(pointer + VIEW_START, true),
        bytes / Constructor.BYTES_PER_ELEMENT,
      ).slice();
    },
    jsToAsc(instance, value: unknown, typeName) {
      if (value === null) return 0;
      if (!(value instanceof Constructor)) throw new BindError(`a ${Constructor.name} is needed`);
      return makeView(instance, typeName, value.byteLength, undefined, (buffer) => {
        new Constructor(runtime(instance).memory.buffer as ArrayBuffer, buffer, value.length).set(
          value as unknown as ArrayLike<never>,
        );
      });
    },
  };
}

const arrayBuffer: Converter = {
  ascToJs(instance, value) {
    const pointer = value >>> 0;
    if (pointer === 0) return null;
    const { memory } = runtime(instance);
    return memory.buffer.slice(pointer, pointer + view(memory).getUint32(pointer + OBJECT_SIZE, true));
  },
  jsToAsc(instance, value: unknown, typeName) {
    if (value === null) return 0;
    if (!(value instanceof ArrayBuffer)) throw new BindError('an ArrayBuffer is needed');
    const { memory, __new } = runtime(instance);
    const pointer = __new(value.byteLength, instance.getTypeId(typeName)) >>> 0;
    new Uint8Array(memory.buffer, pointer, value.byteLength).set(new Uint8Array(value));
    return pointer;
  },
};

/** Array<T> of numbers (bigint for 64 bits), booleans or strings. */
const array: Converter = {
  ascToJs(instance, value, typeName) {
    const pointer = value >>> 0;
    if (pointer === 0) return null;
    const { memory } = runtime(instance);
    const data = view(memory);
    const element = elementOf(typeName);
    const start = data.getUint32(pointer + VIEW_START, true);
    const length = data.getUint32(pointer + ARRAY_LENGTH, true);
    if (element === STRING) {
      return Array.from({ length }, (_, index) =>
        string.ascToJs(instance, data.getUint32(start + index * 4, true), STRING),
      );
    }
    const values = Array.from(
      new TYPED_ARRAYS[numeric(element)](memory.buffer as ArrayBuffer, start, length) as ArrayLike<number | bigint>,
    );
    return element === 'bool' ? values.map((each) => each !== 0) : values;
  },
  jsToAsc(instance, value: unknown, typeName) {
    if (value === null) return 0;
    if (!Array.isArray(value)) throw new BindError('an array is needed');
    const values: readonly unknown[] = value;
    const element = elementOf(typeName);
    const { memory } = runtime(instance);
    const width = element === STRING ? 4 : TYPED_ARRAYS[numeric(element)].BYTES_PER_ELEMENT;
    return makeView(instance, typeName, values.length * width, values.length, (buffer) => {
      if (element === STRING) {
        values.forEach((each, index) => {
          // Making a string may grow the memory: the view is taken anew for each.
          const text = string.jsToAsc(instance, each as never, STRING);
          view(memory).setUint32(buffer + index * 4, text, true);
        });
      } else {
        const target = new TYPED_ARRAYS[numeric(element)](memory.buffer as ArrayBuffer, buffer, values.length);
        (target as TypedArray).set(values as ArrayLike<number>);
      }
    });
  },
};

function elementOf(typeName: string): string {
  return typeName.slice('~lib/array/Array<'.length, -1);
}

function numeric(element: string): keyof typeof TYPED_ARRAYS {
  const name = ELEMENTS[element];
  if (!name) throw new BindError(`arrays of ${element} cannot cross between JavaScript and the module`);
  return name;
}

/** Numbers: the engine passes them, but it knows no unsigned ones. */
const NUMBERS: Record<string, (value: number | bigint) => unknown> = {
  void: (value) => value,
  bool: (value) => value !== 0,
  u32: (value) => (value as number) >>> 0,
  usize: (value) => (value as number) >>> 0,
  u64: (value) => BigInt.asUintN(64, value as bigint),
};
for (const name of Object.keys(ELEMENTS)) NUMBERS[name] ??= (value) => value;

// as-bind takes the first converter whose name or expression fits. Its own are all removed: they know other layouts, and
// its expression for numbers also takes arrays of some (`Array<bool>`).
const { converters } = asBind;
converters.clear();
for (const [name, fromModule] of Object.entries(NUMBERS)) {
  converters.set(name, { ascToJs: (_, value) => fromModule(value), jsToAsc: (_, value: unknown) => value as number });
}
converters.set(STRING, string);
converters.set(ARRAY_BUFFER, arrayBuffer);
for (const [name, Constructor] of Object.entries(TYPED_ARRAYS)) {
  converters.set(`~lib/typedarray/${name}`, typedArray(Constructor as never));
}
converters.set(/^~lib\/array\/Array<.+>$/, array);

/**
 * Instantiates a module that tools/as-bind-transform.mjs described.
 *
 * @returns its exported functions, taking and giving strings, typed arrays (copies), arrays, numbers and bigints.
 * @throws Error when the module was built without the transform or without --exportRuntime.
 */
export async function bind(bytes: BufferSource): Promise<Record<string, unknown>> {
  const { exports } = await asBind.instantiate(bytes, {});
  return exports;
}
