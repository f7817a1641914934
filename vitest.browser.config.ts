// How the tests in real browsers run (`npm run test:browser`): one file after the other, because they share two browsers and
// two cores, and some of them measure.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    environment: 'node',
    globalSetup: ['test/browser/setup.ts'],
    setupFiles: ['test/browser/each-file.ts'],
    pool: 'forks',
    fileParallelism: false,
    isolate: false,
    // Tests time out only when they hang.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // .ci/run adds these counts up.
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: '.ci/out/browser.json' }]] : ['default'],
  },
});
