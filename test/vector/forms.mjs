// Every instruction form of family FLOAT: how it is encoded on fixed registers (for native.c) and what its operands are.

import { readFileSync } from 'node:fs';

/** Kinds of elements, as float.entry.ts numbers them. */
const TYPES = { half: 0, single: 1, double: 2, int: 3, long: 4 };
/** Bits of a shape, as float.entry.ts has them. */
export const SHAPE = {
  vex: 1,
  wide: 2,
  two: 4,
  mmxSource: 8,
  mmxResult: 16,
  registerSource: 32,
  registerResult: 64,
  flags: 128,
};

/**
 * @typedef {object} Form
 * @property {string} name mnemonic, encoding, immediate: unique
 * @property {string} operation name in operation.ts
 * @property {Uint8Array} bytes
 * @property {number} type of the elements
 * @property {number} order which operands go together
 * @property {number} shape bits of SHAPE
 * @property {number} elements how many matter in a register
 * @property {number} size log2 of the size of a general-purpose operand
 * @property {number} control the immediate
 */

const PREFIXES = [[], [0x66], [0xf3], [0xf2]];
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/**
 * ModRM names registers 0 and 2; VEX.vvvv register 1.
 * @param {{ prefix: number, map: number, opcode: number, w: number, shape: number, immediate: number | undefined }} spec
 */
function encode({ prefix, map, opcode, w, shape, immediate }) {
  const tail = [opcode, 0xc2, ...(immediate === undefined ? [] : [immediate])];
  if (!(shape & SHAPE.vex)) {
    const rex = w ? [0x48] : [];
    return new Uint8Array([...(PREFIXES[prefix] ?? []), ...rex, ...(MAPS[map] ?? []), ...tail]);
  }
  const source = shape & SHAPE.two ? 15 : 14; // inverted
  const third = (w << 7) | (source << 3) | (shape & SHAPE.wide ? 4 : 0) | prefix;
  return new Uint8Array([0xc4, 0xe0 | map, third, ...tail]);
}

/** @type {Form[]} */
const forms = [];

/**
 * How many elements of a register the result depends on.
 * @param {string} operation
 * @param {keyof typeof TYPES} type
 * @param {number} shape
 */
function elementsOf(operation, type, shape) {
  if (shape & (SHAPE.flags | SHAPE.registerSource | SHAPE.registerResult) || /S[SD]$/.test(operation)) return 1;
  const bytes = { half: 2, single: 4, double: 8, int: 4, long: 8 }[type];
  return (shape & SHAPE.wide ? 32 : 16) / bytes;
}

/**
 * @param {string} operation
 * @param {number} prefix
 * @param {number} map
 * @param {number} opcode
 * @param {keyof typeof TYPES} type
 * @param {{ order?: number, shape?: number, w?: number, legacy?: boolean, vex?: boolean, wide?: boolean, two?: boolean, immediates?: number[], vexImmediates?: number[] }} options
 */
function add(operation, prefix, map, opcode, type, options = {}) {
  const { order = options.two ? 4 : 0, w = 0, legacy = true, vex = true, wide = true, two = false } = options;
  const encodings = [
    ...(legacy ? [0] : []),
    ...(vex ? [SHAPE.vex] : []),
    ...(vex && wide ? [SHAPE.vex | SHAPE.wide] : []),
  ];
  for (const encoding of encodings) {
    const shape = encoding | (options.shape ?? 0) | (encoding && two ? SHAPE.two : 0);
    const immediates = (encoding && options.vexImmediates) || options.immediates || [undefined];
    for (const immediate of immediates) {
      const kind = encoding & SHAPE.wide ? 'VEX.256' : encoding ? 'VEX.128' : 'legacy';
      forms.push({
        name: `${operation} ${kind}${w ? '.W1' : ''}${immediate === undefined ? '' : ` ${immediate}`}`,
        operation,
        bytes: encode({ prefix, map, opcode, w, shape, immediate }),
        type: TYPES[type],
        order,
        shape,
        elements: elementsOf(operation, type, shape),
        size: w ? 3 : 2,
        control: immediate ?? 0,
      });
    }
  }
}
/** @param {number} count */
const upTo = (count) => Array.from({ length: count }, (_, i) => i);

/**
 * PS, PD, SS, SD.
 * @param {string} stem
 * @param {number} opcode
 * @param {Parameters<typeof add>[5]} options
 */
function four(stem, opcode, options = {}) {
  add(`${stem}PS`, 0, 1, opcode, 'single', options);
  add(`${stem}PD`, 1, 1, opcode, 'double', options);
  const scalar = { order: options.two ? 4 : 0, ...options, wide: false, two: false };
  add(`${stem}SS`, 2, 1, opcode, 'single', scalar);
  add(`${stem}SD`, 3, 1, opcode, 'double', scalar);
}

four('SQRT', 0x51, { two: true });
four('ADD', 0x58);
four('MUL', 0x59);
four('SUB', 0x5c);
four('MIN', 0x5d);
four('DIV', 0x5e);
four('MAX', 0x5f);
four('CMP', 0xc2, { immediates: [...upTo(8), 0xff], vexImmediates: [...upTo(32), 0xe3] });
add('RSQRTPS', 0, 1, 0x52, 'single', { two: true });
add('RSQRTSS', 2, 1, 0x52, 'single', { order: 4, wide: false });
add('RCPPS', 0, 1, 0x53, 'single', { two: true });
add('RCPSS', 2, 1, 0x53, 'single', { order: 4, wide: false });
for (const [stem, opcode] of /** @type {[string, number][]} */ ([
  ['HADD', 0x7c],
  ['HSUB', 0x7d],
  ['ADDSUB', 0xd0],
])) {
  add(`${stem}PD`, 1, 1, opcode, 'double');
  add(`${stem}PS`, 3, 1, opcode, 'single');
}
add('DPPS', 1, 3, 0x40, 'single', { immediates: [0xff, 0xf1, 0x3a, 0x5f, 0xc4, 0x7e, 0x10, 0x8f, 0x0f] });
add('DPPD', 1, 3, 0x41, 'double', { wide: false, immediates: [0x33, 0x31, 0x12, 0x23, 0x03, 0xff] });
const rounding = [...upTo(16), 0xf1];
add('ROUNDPS', 1, 3, 0x08, 'single', { two: true, immediates: rounding });
add('ROUNDPD', 1, 3, 0x09, 'double', { two: true, immediates: rounding });
add('ROUNDSS', 1, 3, 0x0a, 'single', { order: 4, wide: false, immediates: rounding });
add('ROUNDSD', 1, 3, 0x0b, 'double', { order: 4, wide: false, immediates: rounding });
for (const [i, stem] of ['UCOMIS', 'COMIS'].entries()) {
  const options = { shape: SHAPE.flags, two: true, order: 0, wide: false };
  add(`${stem}S`, 0, 1, 0x2e + i, 'single', options);
  add(`${stem}D`, 1, 1, 0x2e + i, 'double', options);
}
// conversions
const toMmx = { shape: SHAPE.mmxResult, order: 4, vex: false };
add('CVTPI2PS', 0, 1, 0x2a, 'int', { shape: SHAPE.mmxSource, order: 4, vex: false });
add('CVTPI2PD', 1, 1, 0x2a, 'int', { shape: SHAPE.mmxSource, order: 4, vex: false });
add('CVTTPS2PI', 0, 1, 0x2c, 'single', toMmx);
add('CVTTPD2PI', 1, 1, 0x2c, 'double', toMmx);
add('CVTPS2PI', 0, 1, 0x2d, 'single', toMmx);
add('CVTPD2PI', 1, 1, 0x2d, 'double', toMmx);
for (const w of [0, 1]) {
  const from = { shape: SHAPE.registerSource, order: 4, wide: false, w };
  const to = { shape: SHAPE.registerResult, order: 4, wide: false, two: true, w };
  add('CVTSI2SS', 2, 1, 0x2a, w ? 'long' : 'int', from);
  add('CVTSI2SD', 3, 1, 0x2a, w ? 'long' : 'int', from);
  add('CVTTSS2SI', 2, 1, 0x2c, 'single', to);
  add('CVTTSD2SI', 3, 1, 0x2c, 'double', to);
  add('CVTSS2SI', 2, 1, 0x2d, 'single', to);
  add('CVTSD2SI', 3, 1, 0x2d, 'double', to);
}
add('CVTPS2PD', 0, 1, 0x5a, 'single', { two: true });
add('CVTPD2PS', 1, 1, 0x5a, 'double', { two: true });
add('CVTSS2SD', 2, 1, 0x5a, 'single', { order: 4, wide: false });
add('CVTSD2SS', 3, 1, 0x5a, 'double', { order: 4, wide: false });
add('CVTDQ2PS', 0, 1, 0x5b, 'int', { two: true });
add('CVTPS2DQ', 1, 1, 0x5b, 'single', { two: true });
add('CVTTPS2DQ', 2, 1, 0x5b, 'single', { two: true });
add('CVTTPD2DQ', 1, 1, 0xe6, 'double', { two: true });
add('CVTDQ2PD', 2, 1, 0xe6, 'int', { two: true });
add('CVTPD2DQ', 3, 1, 0xe6, 'double', { two: true });
add('VCVTPH2PS', 1, 2, 0x13, 'half', { two: true, legacy: false });
// FMA: opcodes 96-9F, A6-AF, B6-BF
for (const [i, order] of ['132', '213', '231'].entries()) {
  const kinds = ['FMADDSUB', 'FMSUBADD', 'FMADD', 'FMSUB', 'FNMADD', 'FNMSUB'];
  for (const [k, kind] of kinds.entries()) {
    const opcode = 0x90 + 16 * i + (k < 2 ? 6 + k : 8 + 2 * (k - 2));
    const options = { legacy: false, order: i + 1 };
    add(`V${kind}${order}PS`, 1, 2, opcode, 'single', options);
    add(`V${kind}${order}PD`, 1, 2, opcode, 'double', { ...options, w: 1 });
    if (k < 2) continue;
    add(`V${kind}${order}SS`, 1, 2, opcode + 1, 'single', { ...options, wide: false });
    add(`V${kind}${order}SD`, 1, 2, opcode + 1, 'double', { ...options, wide: false, w: 1 });
  }
}
for (const immediate of [...upTo(8), 0xf8]) {
  for (const wide of [0, SHAPE.wide]) {
    // ModRM.reg is the source here
    const shape = SHAPE.vex | SHAPE.two | wide;
    const bytes = encode({ prefix: 1, map: 3, opcode: 0x1d, w: 0, shape, immediate });
    bytes[4] = 0xd0;
    const name = `VCVTPS2PH VEX.${wide ? '256' : '128'} ${immediate}`;
    forms.push({
      name,
      operation: 'VCVTPS2PH',
      bytes,
      type: TYPES.single,
      order: 4,
      shape,
      elements: elementsOf('VCVTPS2PH', 'single', shape),
      size: 2,
      control: immediate,
    });
  }
}

export const FORMS = forms;

/** Numbers of operations by name, read from the source: the enumeration exists only while AssemblyScript compiles. */
export function operationNumbers() {
  const source = readFileSync(new URL('../../assembly/decode/operation.ts', import.meta.url), 'utf8');
  const body = /enum Operation \{([^}]*)\}/.exec(source)?.[1] ?? '';
  const names = body
    .replace(/\/\/.*$/gm, '')
    .split(',')
    .map((name) => name.trim().replace(/ = 0$/, ''))
    .filter((name) => name !== '');
  return new Map(names.map((name, i) => [name, i]));
}
