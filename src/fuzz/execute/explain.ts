// A case of the target `execute` for people: the instruction, the registers and memory before and after, on the core and
// on the processor.

import { disassemble } from '../disassembly.js';
import type { Explanation } from '../target.js';
import { littleEndian, nameOf, REGISTER_NAMES } from './compare.js';
import { baseData, Case, CODE_BASE, DATA_BASE, Flag, Fpu, PATCH_SIZE, Result, RESULT_SIZE, WAYS } from './layout.js';

/** What became of a case. */
export interface Run {
  readonly result: Uint8Array;
  /** The data pages afterwards. */
  readonly data: Uint8Array;
}

const quad = (bytes: Uint8Array, at: number): string => littleEndian(bytes, at, at + 8);

/** Rows of a table: name, before, after on the core, after on the processor; the last is marked if it differs. */
function row(name: string, before: string, ours: string, theirs: string | undefined): string {
  const mark = theirs !== undefined && theirs !== ours ? '  <--' : '';
  return `${name.padEnd(10)} ${before.padEnd(34)} ${ours.padEnd(34)} ${theirs ?? ''}${mark}`.trimEnd();
}

export function explainCase(input: Uint8Array, ours: Run, native: Run | undefined): Explanation {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const flags = view.getUint32(Case.flags, true);
  const mode32 = (flags & Flag.mode32) !== 0;
  const length = input[Case.length]!;
  const rip = BigInt(CODE_BASE + view.getUint16(Case.place, true));
  const code = input.subarray(Case.code, Case.code + length);
  const lines = [
    disassemble(code, mode32 ? 32 : 64, rip, 1),
    `${mode32 ? 32 : 64}-bit code at CPL 3, run by the core as '${WAYS[(flags >>> Flag.wayShift) & 3]}'`,
    '',
    row('', 'before', 'core', native === undefined ? undefined : 'processor').replace('  <--', ''),
  ];
  const after = (text: (bytes: Uint8Array) => string): [string, string | undefined] => [
    text(ours.result),
    native === undefined ? undefined : text(native.result),
  ];
  lines.push(
    row(
      'exception',
      '',
      ...after((bytes) => nameOf(new DataView(bytes.buffer, bytes.byteOffset).getUint32(Result.vector, true))),
    ),
  );
  lines.push(row('error code', '', ...after((bytes) => littleEndian(bytes, Result.error, Result.error + 4))));
  lines.push(row('cr2', '', ...after((bytes) => quad(bytes, Result.cr2))));
  lines.push(
    row(
      'rip',
      rip.toString(16).padStart(16, '0'),
      quad(ours.result, Result.rip),
      native === undefined ? undefined : ripOf(native.result),
    ),
  );
  lines.push(
    row(
      'rflags',
      littleEndian(input, Case.rflags, Case.rflags + 4),
      ...after((bytes) => littleEndian(bytes, Result.rflags, Result.rflags + 4)),
    ),
  );
  for (let n = 0; n < (mode32 ? 8 : 16); n++) {
    lines.push(row(REGISTER_NAMES[n]!, quad(input, Case.registers + n * 8), ...after((bytes) => quad(bytes, n * 8))));
  }
  if (!mode32) {
    lines.push(row('fs base', quad(input, Case.fsBase), ...after((bytes) => quad(bytes, Result.fsBase))));
    lines.push(row('gs base', quad(input, Case.gsBase), ...after((bytes) => quad(bytes, Result.gsBase))));
  }
  if ((flags & Flag.fpu) !== 0) {
    const part = (name: string, from: number, size: number): void => {
      const text = (bytes: Uint8Array, base: number): string => littleEndian(bytes, base + from, base + from + size);
      const before = text(input, Case.fpu);
      const [our, their] = after((bytes) => text(bytes, RESULT_SIZE));
      // what nothing happens to is no news
      if (before !== our || (their !== undefined && their !== our) || !/^0*$/.test(before))
        lines.push(row(name, before, our, their));
    };
    part('fcw', Fpu.fcw, 2);
    part('fsw', Fpu.fsw, 2);
    part('tags', Fpu.ftw, 1);
    part('mxcsr', Fpu.mxcsr, 4);
    for (let n = 0; n < 8; n++) part(`st${n}`, Fpu.st + n * 16, 10);
    for (let n = 0; n < 16; n++) part(`xmm${n}`, Fpu.xmm + n * 16, 16);
    for (let n = 0; n < 16; n++) part(`ymm${n} high`, Fpu.ymm + n * 16, 16);
  }
  lines.push('', ...memoryLines(input, view.getUint16(Case.patchPlace, true), ours.data, native?.data));
  return { text: lines.join('\n') };
}

function ripOf(result: Uint8Array): string {
  const view = new DataView(result.buffer, result.byteOffset, result.byteLength);
  const rip = view.getBigUint64(Result.rip, true);
  return (view.getUint32(Result.vector, true) === 3 ? rip - 1n : rip).toString(16).padStart(16, '0');
}

/** Memory by 16 bytes, where the instruction or the two of them changed it. */
function memoryLines(input: Uint8Array, place: number, ours: Uint8Array, theirs: Uint8Array | undefined): string[] {
  const before = baseData();
  for (let at = 0; at < PATCH_SIZE; at++) before[(place + at) % before.length] = input[Case.patch + at]!;
  const lines = [
    `memory before, from ${(DATA_BASE + place).toString(16)}: ${Buffer.from(input.subarray(Case.patch, Case.patch + PATCH_SIZE)).toString('hex')}`,
  ];
  for (let at = 0; at < before.length && lines.length < 12; at += 16) {
    const part = (data: Uint8Array): string => Buffer.from(data.subarray(at, at + 16)).toString('hex');
    const [was, our, their] = [part(before), part(ours), theirs === undefined ? undefined : part(theirs)];
    if (was !== our || (their !== undefined && their !== our))
      lines.push(row((DATA_BASE + at).toString(16), was, our, their));
  }
  return lines;
}
