// Writes invalid.inc: encodings of the floating-point and vector opcode space that mean nothing, for invalid.c. They are
// invalid for iced-x86, which knows the instructions of all makes and extensions, so that none of them is some other
// processor's instruction; the generator stops if this processor disagrees. Usage: node make-invalid.mjs
import { writeFileSync } from 'node:fs';
import { Decoder, DecoderError, DecoderOptions } from 'iced-x86';

/** Of each kind of encoding every one in 64-bit code, and one in this many otherwise. */
const SHARE = { 64: 1, 32: 4, 16: 8 };
const PREFIXES = [0, 0x66, 0xf3, 0xf2];
const ESCAPES = { '0F': [0x0f], '0F38': [0x0f, 0x38], '0F3A': [0x0f, 0x3a] };
const MAPS = Object.keys(ESCAPES);

let state = 0x1d0b;
/** The same numbers at every run. */
function choose(below) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 12) % below;
}

/** What iced-x86 calls invalid and this processor does not raise #UD for. */
function disputed(bytes) {
  const at = bytes.findIndex((byte) => ![0x66, 0xf0, 0xf2, 0xf3].includes(byte));
  const [first, second, third, fourth] = bytes.slice(at);
  // VMCALL with a prefix is given to the hypervisor this machine runs on; LOCK MOV CR0 is AMD's MOV CR8.
  if (first === 0x0f) return (second === 0x01 && third === 0xc1) || second === 0x20 || second === 0x22;
  // Mask registers (AVX-512) have three bits: this processor ignores the fourth of vvvv.
  const [map, last, opcode] = first === 0xc5 ? [1, second, third] : [second & 31, third, fourth];
  if (map === 1 && (last & 2) === 0 && (last & 0x78) !== 0x78) return opcode >= 0x41 && opcode <= 0x4b;
  // VPERMQ and VPERMPD run with W = 0 too.
  return map === 3 && (last & 0x87) === 5 && opcode < 2;
}

function decode(bits, bytes) {
  const decoder = new Decoder(bits, Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0, 0, 0]), DecoderOptions.None);
  const instruction = decoder.decode();
  const { lastError } = decoder;
  instruction.free();
  decoder.free();
  if (lastError === DecoderError.NoMoreBytes) throw new Error(`${bytes}: no more bytes`);
  return lastError === DecoderError.None;
}

/** Rows of an opcode: ModRM.reg with a memory operand, and with a register. */
const ROWS = [...Array(16).keys()].map((row) => (row < 8 ? row << 3 : 0xc1 | ((row & 7) << 3)));

/** Of 16 rows those that are invalid; where that is all of a kind, or all, one of them. */
function holes(valid) {
  if (valid.size === 0) return [ROWS[choose(16)]];
  const picked = [];
  for (const first of [0, 8]) {
    const invalid = ROWS.slice(first, first + 8).filter((row) => !valid.has(row));
    if (invalid.length === 8) picked.push(invalid[choose(8)]);
    else picked.push(...invalid);
  }
  return picked;
}

const tail = (map) => (map === '0F3A' ? [0] : []);
const legacy = (map, prefix, opcode, row) => [...(prefix ? [prefix] : []), ...ESCAPES[map], opcode, row, ...tail(map)];
function vex(map, pp, opcode, row, { l = 0, w = 0, vvvv = 15, mmmmm = MAPS.indexOf(map) + 1, short = false } = {}) {
  const last = (vvvv << 3) | (l << 2) | pp;
  return [...(short ? [0xc5, 0x80 | last] : [0xc4, 0xe0 | mmmmm, (w << 7) | last]), opcode, row, ...tail(map)];
}

function encodings(bits) {
  const forms = new Map();
  const add = (form, bytes) => {
    if (decode(bits, bytes) || disputed(bytes)) return;
    if (!forms.has(form)) forms.set(form, []);
    forms.get(form).push(bytes);
  };
  const validRows = (encode) => new Set(ROWS.filter((row) => decode(bits, encode(row))));

  for (let opcode = 0xd8; opcode < 0xe0; opcode++) {
    for (const row of [...ROWS.slice(0, 8), ...Array(64).keys()].map((row, i) => (i < 8 ? row : row | 0xc0)))
      add('#UD x87 [no such row]', [opcode, row]);
    for (const row of ROWS) if (choose(2)) add('#UD LOCK x87', [0xf0, opcode, row]);
  }
  for (const map of MAPS) {
    for (const prefix of PREFIXES) {
      const label = `${prefix ? `${prefix.toString(16).toUpperCase()} ` : ''}${map}`;
      for (let opcode = 0; opcode < 256; opcode++) {
        if (map === '0F' && (opcode === 0x38 || opcode === 0x3a)) continue;
        const encode = (row) => legacy(map, prefix, opcode, row);
        const valid = validRows(encode);
        for (const row of holes(valid)) add(`#UD ${label} [no such row]`, encode(row));
        const rows = [...valid];
        if (rows.length > 0) add(`#UD LOCK ${label}`, [0xf0, ...encode(rows[choose(rows.length)])]);
      }
    }
    for (const [pp, prefix] of PREFIXES.entries()) {
      const label = `VEX.${prefix ? `${prefix.toString(16).toUpperCase()}.` : ''}${map}`;
      for (let opcode = 0; opcode < 256; opcode++) vexOpcode(map, pp, label, opcode);
    }
  }
  for (let mmmmm = 0; mmmmm < 32; mmmmm++) {
    if (mmmmm > 0 && mmmmm < 4) continue;
    for (let n = 0; n < 3; n++) {
      const bytes = vex('0F', choose(4), choose(256), ROWS[choose(16)], { l: choose(2), w: choose(2), mmmmm });
      add('#UD VEX [reserved map]', bytes);
    }
  }
  return forms;

  function vexOpcode(map, pp, label, opcode) {
    const variants = [0, 1, 2, 3].map((n) => ({ l: n & 1, w: n >> 1 }));
    const valid = variants.map((variant) => validRows((row) => vex(map, pp, opcode, row, variant)));
    if (valid.every((rows) => rows.size === 0)) {
      const variant = { ...variants[choose(4)], vvvv: choose(2) ? 15 : choose(16) };
      add(`#UD ${label} [no such opcode]`, vex(map, pp, opcode, ROWS[choose(16)], variant));
      return;
    }
    variants.forEach((variant, n) => {
      const form = valid[n].size === 0 ? '[L or W]' : '[no such row]';
      for (const row of holes(valid[n])) add(`#UD ${label} ${form}`, vex(map, pp, opcode, row, variant));
    });
    variants.forEach((variant, n) => {
      const rows = [...valid[n]];
      // Any one where all are alike, else each digit.
      const some = rows.length >= 8 ? [rows[choose(rows.length)], rows.at(-1)] : rows;
      for (const row of some) {
        const vvvv = choose(15);
        const short = map === '0F' && variant.w === 0 && choose(2) === 1;
        add(`#UD ${label} [vvvv]`, vex(map, pp, opcode, row, { ...variant, vvvv, short }));
      }
      if (rows.length === 0) return;
      for (let i = 0; i < 2; i++) {
        const illegal = [0xf0, 0x66, 0xf2, 0xf3, 0x40 | choose(16)][choose(bits === 64 ? 5 : 4)];
        const name = illegal === 0xf0 ? 'LOCK' : illegal < 0x50 ? 'REX' : illegal.toString(16).toUpperCase();
        add(`#UD ${name} VEX`, [illegal, ...vex(map, pp, opcode, rows[choose(rows.length)], variant)]);
      }
    });
  }
}

const lines = [];
let total = 0;
for (const bits of [64, 32, 16]) {
  for (const [form, list] of encodings(bits)) {
    const kept = list.filter((_, i) => i % SHARE[bits] === 0);
    total += kept.length;
    const hex = kept.map((bytes) => Buffer.from(bytes).toString('hex'));
    const rows = [];
    for (let i = 0; i < hex.length; i += 12) rows.push(`  "${hex.slice(i, i + 12).join(' ')} "`);
    lines.push(`{${bits}, "${form}",\n${rows.join('\n')}},`);
  }
}
const text = `/* Written by make-invalid.mjs from what iced-x86 calls invalid; do not edit. Fields: invalid.c. */\n${lines.join('\n')}\n`;
writeFileSync(new URL('./invalid.inc', import.meta.url), text);
console.log(`${lines.length} forms, ${total} encodings`);
