// Reads the outer structure of a Wasm binary: which sections it has. Enough to prove that the core declares no data and
// runs nothing when it is instantiated, without loading a disassembler.

/** Section ids of the Wasm binary format (core specification, 5.5.2). */
export const Section = { custom: 0, import: 2, memory: 5, global: 6, start: 8, element: 9, code: 10, data: 11 };

/**
 * The sections of a module in the order of the file.
 * @param {Uint8Array} bytes
 * @returns {{ id: number, start: number, length: number }[]}
 */
export function sections(bytes) {
  const found = [];
  let position = 8; // magic and version
  while (position < bytes.length) {
    const id = bytes[position++];
    let length = 0;
    let shift = 0;
    let byte;
    do {
      if (position >= bytes.length) throw new Error(`the Wasm module ends inside the header of section ${id}`);
      byte = bytes[position++];
      length += (byte & 0x7f) * 2 ** shift; // LEB128
      shift += 7;
    } while (byte & 0x80);
    if (position + length > bytes.length) throw new Error(`section ${id} of the Wasm module is cut off`);
    found.push({ id, start: position, length });
    position += length;
  }
  return found;
}

/**
 * The same module for a memory that is not shared: one flag of the memory import differs, all code is the same (atomic
 * instructions are valid on unshared memory). A compiler run of its own would give these bytes too, half a minute later.
 * @param {Uint8Array<ArrayBuffer>} bytes a module that imports a shared memory
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function unshare(bytes) {
  const copy = bytes.slice();
  const imports = sections(bytes).find(({ id }) => id === Section.import);
  if (!imports) throw new Error('the module imports no memory');
  let position = imports.start;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++];
      value += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return value;
    }
  };
  const name = () => {
    const length = number();
    position += length;
  };
  const SHARED = 3; // limits with a maximum, shared
  const WITH_MAXIMUM = 1;
  for (let left = number(); left > 0; left--) {
    name(); // of the module
    name(); // of the field
    const kind = bytes[position++];
    if (kind === 2) {
      if (bytes[position] !== SHARED) throw new Error('the memory that the module imports is not shared');
      copy[position] = WITH_MAXIMUM;
      return copy;
    }
    if (kind === 0) {
      number(); // type of a function
    } else if (kind === 3) {
      position += 2; // type and mutability of a global
    } else {
      throw new Error(`the module imports something of kind ${kind}, which the core never does`);
    }
  }
  throw new Error('the module imports no memory');
}

/** What the core may ask of its host; everything else would tie the CPU to a device, a bus or the managed runtime. */
const IMPORTS = new Map([
  ['env.memory', 'memory'],
  ['env.exit', 'function'],
  ['env.now', 'function'],
]);

/**
 * Why a built core must not be shipped: one line a reason, none when all is well. Every worker instantiates the core on
 * one shared memory, so anything that an instantiation writes or runs would be written and run again by each of them.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {string[]}
 */
export function coreFaults(bytes) {
  const faults = [];
  for (const { id, start, length } of sections(bytes)) {
    if (id === Section.start) {
      faults.push(
        'it has a start function: a global of assembly/ does not begin with a plain number (a constant of another file is none)',
      );
    }
    if (id === Section.data && length > 0 && bytes[start] !== 0) {
      faults.push('it has data segments: assembly/ uses a string, an array, an object or another managed value');
    }
  }
  for (const { module, name, kind } of WebAssembly.Module.imports(new WebAssembly.Module(bytes))) {
    const full = `${module}.${name}`;
    if (full === 'env.abort') {
      faults.push('it imports env.abort: assembly/ uses assert, throw, a checked array access or a managed allocation');
    } else if (IMPORTS.get(full) !== kind) {
      faults.push(`it imports the ${kind} ${full}, which is not one of ${[...IMPORTS.keys()].join(', ')}`);
    }
  }
  return faults;
}
