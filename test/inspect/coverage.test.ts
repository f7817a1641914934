// The coverage listing: every row of the opcode tables, with mnemonics that another decoder gives to the same opcodes.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadInspector, type CoverageRow } from '../../src/core/inspect.js';
import { root } from '../../tools/build.mjs';
import { operations } from '../../tools/make-names.mjs';
import { oracle } from './oracle.js';

let rows: CoverageRow[];
let names: string[];
let firstUnimplemented: number;
beforeAll(async () => {
  const inspector = await loadInspector();
  rows = inspector.coverage();
  const members = operations(await readFile(join(root, 'assembly/decode/operation.ts'), 'utf8'));
  names = members.map((_, operation) => inspector.operationName(operation));
  firstUnimplemented = members.indexOf('FIRST_UNIMPLEMENTED');
});

const find = (opcode: string) => rows.filter((row) => row.opcode === opcode);

describe('coverage', () => {
  it.each([
    // SDM vol. 2, tables; the operand codes are its letters.
    ['01', { opcode: '01', mnemonic: 'add', operands: 'Ev, Gv', implemented: true }],
    ['69', { opcode: '69', mnemonic: 'imul', operands: 'Gv, Ev, Isz', implemented: true }],
    [
      '0f c7 mem /1 rex.w0',
      { opcode: '0f c7 mem /1 rex.w0', mnemonic: 'cmpxchg8b', operands: 'Mq', implemented: true },
    ],
    ['0f a4', { opcode: '0f a4', mnemonic: 'shld', operands: 'Ev, Gv, Ib', implemented: true }],
    ['0f 58 np', { opcode: '0f 58 np', mnemonic: 'addps', operands: 'Vdq, Wdq', implemented: true }],
    [
      'vex 0f 58 np 256',
      { opcode: 'vex 0f 58 np 256', mnemonic: 'vaddps', operands: 'Vqq, Hqq, Wqq', implemented: true },
    ],
    [
      'vex 0f 38 92 p66 w1 128',
      { opcode: 'vex 0f 38 92 p66 w1 128', mnemonic: 'vgatherdpd', operands: 'Vdq, VMxq, Hdq', implemented: true },
    ],
    [
      'vex 0f 38 f3 /1 np 128',
      { opcode: 'vex 0f 38 f3 /1 np 128', mnemonic: 'blsr', operands: 'By, Ey', implemented: true },
    ],
    ['8e', { opcode: '8e', mnemonic: 'mov', operands: 'Sw, Ew', implemented: true }],
  ])('has %s', (opcode, row) => {
    expect(find(opcode)).toEqual([expect.objectContaining(row)]);
  });

  it('calls implemented what comes before FIRST_UNIMPLEMENTED, and lists every operation there is', () => {
    const known = new Set(names.slice(1, firstUnimplemented));
    const unknown = rows.filter(
      ({ opcode, mnemonic }) => !known.has(mnemonic) && !(opcode.startsWith('vex') && known.has(mnemonic.slice(1))),
    );
    expect(unknown.filter(({ implemented }) => implemented)).toEqual([]);
    const listed = new Set(rows.map(({ mnemonic }) => mnemonic));
    expect(names.filter((name, operation) => operation > 0 && name !== '' && !listed.has(name))).toEqual([]);
  });

  it('has no opcode twice', () => {
    const opcodes = rows.map(({ opcode }) => opcode);
    expect(new Set(opcodes).size).toBe(opcodes.length);
  });

  it('gives opcodes without conditions the mnemonics that the other decoder gives them', () => {
    const different: string[] = [];
    let compared = 0;
    for (const { opcode, mnemonic } of rows) {
      if (!/^([0-9a-f]{2} )*[0-9a-f]{2}$/.test(opcode)) continue;
      const bytes = Uint8Array.from([...Buffer.from(opcode.replaceAll(' ', ''), 'hex'), ...new Uint8Array(12)]);
      const text = (oracle(bytes, 0n, 64) ?? oracle(bytes, 0n, 32))?.text ?? '';
      compared++;
      // CBW and CWD are three instructions each, by operand size; SALC is not documented; 0F 1C was a reserved NOP before CLDEMOTE.
      if (['cbw', 'cwd', 'salc'].includes(mnemonic) || opcode === '0f 1c') continue;
      const sizes = mnemonic === 'jrcxz' ? /^jr?e?cxz / : new RegExp(`^${mnemonic.replace(/[()]/g, '\\$&')}`);
      if (!sizes.test(text)) different.push(`${opcode}: ${mnemonic}, not ${text}`);
    }
    expect(different).toEqual([]);
    expect(compared).toBeGreaterThan(300);
  });
});
