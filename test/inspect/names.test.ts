// Mnemonics: the file that holds them is what the enumeration of operations makes it, and numbers find them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadInspector } from '../../src/core/inspect.js';
import { root } from '../../tools/build.mjs';
import { makeNames, makeOperations, operations } from '../../tools/make-names.mjs';

describe('the names made of operation.ts', () => {
  it.each([
    ['assembly/decode/names.ts', makeNames],
    ['src/fuzz/decode/operations.ts', makeOperations],
  ])('%s is up to date', async (path, make) => {
    expect(await readFile(join(root, path), 'utf8')).toBe(await make());
  });

  it('is not made from an enumeration with gaps', () => {
    expect(operations('export const enum Operation { INVALID = 0, ADD, OR = 2 }')).toEqual(['INVALID', 'ADD', 'OR']);
    expect(() => operations('export const enum Operation { INVALID = 0, ADD = 7 }')).toThrow('gap');
    expect(() => operations('export const enum Other { A }')).toThrow('no enumeration');
  });
});

describe('operationName', () => {
  it('names operations by their number in operation.ts', async () => {
    const inspector = await loadInspector();
    const members = operations(await readFile(join(root, 'assembly/decode/operation.ts'), 'utf8'));
    const name = (member: string) => inspector.operationName(members.indexOf(member));
    expect(['ADD', 'CMP', 'XCHG', 'CMPXCHG16B', 'ADDPS', 'FCOMIP'].map(name)).toEqual([
      'add',
      'cmp',
      'xchg',
      'cmpxchg16b',
      'addps',
      'fcomip',
    ]);
    expect(inspector.operationName(0)).toBe('(bad)');
    expect(inspector.operationName(members.length)).toBe('(bad)');
    expect(inspector.operationName(65536 + members.indexOf('ADD'))).toBe('(bad)');
  });
});
