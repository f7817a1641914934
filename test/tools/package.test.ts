// What the packed library must and must not hold.

import { describe, expect, it } from 'vitest';
import { packageFaults } from '../../tools/check-package.mjs';

const COMPLETE = [
  'package.json',
  'README.md',
  'LICENSE',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'build/core.wasm',
  'build/core.unshared.wasm',
  'build/inspect.wasm',
];

describe('packageFaults', () => {
  it('accepts the library with its modules, declarations and guests', () => {
    expect(packageFaults([...COMPLETE, 'dist/vmm/vm.js', 'guests/vmexit/vmexit.bin'])).toEqual([]);
  });

  it.each(COMPLETE)('misses %s', (file) => {
    expect(packageFaults(COMPLETE.filter((each) => each !== file))).toEqual([`${file} is missing`]);
  });

  it.each([
    'test/vmm/vm.test.ts',
    'src/index.ts',
    'assembly/state.ts',
    'tools/build.mjs',
    'dist/.tsbuildinfo',
    'build/.stamp',
  ])('refuses %s', (file) => {
    expect(packageFaults([...COMPLETE, file])).toEqual([`${file} does not belong into it`]);
  });
});
