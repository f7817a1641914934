// Every x87 instruction with what a processor made of it: registers, tags, status word, EFLAGS, memory (generate/record.c).

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildX87, type X87Module } from './harness.js';

const records = gunzipSync(readFileSync(new URL('data/hardware.bin.gz', import.meta.url)));
let module: X87Module;
let size: number;
let at: number;
let bytes: Buffer;

beforeAll(async () => {
  module = await buildX87(records.length);
  size = module.RECORD.value;
  at = module.RECORDS.value;
  bytes = Buffer.from(module.memory.buffer);
  bytes.set(records, at);
});

const CODE = 0;
const FLAGS_OUT = 8;
const OUT = 120;
const STATUS = OUT + 4;
const REGISTERS = OUT + 28;
const C1 = 0x200;

/** F2XM1 FYL2X FPTAN FPATAN FYL2XP1 FSINCOS FSIN FCOS: processors differ in the last place. */
const TRANSCENDENTAL = new Set([0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff]);
const isTranscendental = (record: number): boolean =>
  bytes[record + CODE] === 0xd9 && TRANSCENDENTAL.has(bytes[record + CODE + 1]!);

/** A record as text, for messages: instruction, control word, and the state before or after. */
function picture(record: number): string {
  const image = (from: number): string => {
    const st = [0, 1, 2].map((i) => bytes.subarray(record + from + 28 + 10 * i, record + from + 38 + 10 * i));
    const word = (offset: number): string => bytes.readUInt16LE(record + from + offset).toString(16);
    return `fcw ${word(0)} fsw ${word(4)} tags ${word(8)} ${st.map((each) => Buffer.from(each).reverse().toString('hex')).join(' ')}`;
  };
  return `${bytes.toString('hex', record, record + 2)}: ${image(12)} → ${image(OUT)}, flags ${bytes.readUInt32LE(record + FLAGS_OUT).toString(16)}, memory ${bytes.toString('hex', record + 340, record + 356)}`;
}
/** An 80-bit number as a point on a line where neighbours are one apart. */
function line(address: number): bigint {
  const exponent = bytes.readUInt16LE(address + 8);
  const magnitude = (BigInt(exponent & 0x7fff) << 63n) + (bytes.readBigUInt64LE(address) & 0x7fff_ffff_ffff_ffffn);
  return exponent < 0x8000 ? magnitude : -magnitude;
}

describe('as recorded on a processor', () => {
  it('holds what the manual lists: every operation of the eight escapes', () => {
    const forms = new Set<number>();
    for (let i = 0; i < records.length; i += size) forms.add(records.readUInt16BE(i));
    expect(records.length % size).toBe(0);
    expect(forms.size).toBe(159);
    expect(records.length / size).toBe(159 * 24);
  });

  it('all but the transcendental instructions, bit by bit', () => {
    const count = records.length / size;
    const wrong: string[] = [];
    let compared = 0;
    for (let n = 0; n < count; n++) {
      const record = at + n * size;
      if (isTranscendental(record)) continue;
      compared++;
      if (module.check(n, n + 1) === n + 1) continue;
      wrong.push(`expected ${picture(record)}\n   found ${picture(module.OURS.value)}`);
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(151 * 24);
  });

  it('transcendental instructions: the same flags and tags, results at most one unit of the last place away', () => {
    const ours = module.OURS.value;
    let exact = 0;
    let compared = 0;
    for (let record = at; record < at + records.length; record += size) {
      if (!isTranscendental(record)) continue;
      compared++;
      module.run(record, ours);
      const status = bytes.readUInt16LE(record + STATUS) ^ bytes.readUInt16LE(ours + STATUS);
      expect(status & ~C1, picture(record)).toBe(0);
      expect(bytes.readUInt16LE(ours + OUT + 8), picture(record)).toBe(bytes.readUInt16LE(record + OUT + 8));
      let distance = 0n;
      for (let i = 0; i < 8; i++) {
        const off = line(ours + REGISTERS + 10 * i) - line(record + REGISTERS + 10 * i);
        if (off > distance || -off > distance) distance = off < 0n ? -off : off;
      }
      expect(distance, `${picture(record)}\nfound ${picture(ours)}`).toBeLessThanOrEqual(1n);
      if (distance === 0n) exact++;
    }
    expect(compared).toBe(8 * 24);
    // both are nearly always rounded correctly, so that a function that is one off everywhere cannot pass
    expect(exact / compared).toBeGreaterThan(0.9);
  });
});
