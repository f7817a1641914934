// How the tests run: in Node, in processes of their own (a test may block its thread in Atomics.wait), two at a time
// because the smallest machine this has to pass on has two cores.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // real software has a configuration of its own
    exclude: ['test/real/**', '**/node_modules/**'],
    environment: 'node',
    globalSetup: ['tools/test-setup.mjs'],
    pool: 'forks',
    maxWorkers: 2,
    // against hangs only: a busy machine makes a test of ten seconds one of a minute
    testTimeout: 180_000,
    hookTimeout: 180_000,
    execArgv: ['--expose-gc'],
    // .ci/run adds these counts up.
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: '.ci/out/vitest.json' }]] : ['default'],
  },
});
