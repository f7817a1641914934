// How the tests on real software run (`npm run test:real`): one after the other, because they measure and share two cores. The
// software comes from Debian's packages the first time (tools/real/fetch.mjs).

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/real/**/*.test.ts'],
    environment: 'node',
    globalSetup: ['tools/test-setup.mjs'],
    pool: 'forks',
    fileParallelism: false,
    // Tests time out only when they hang.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // .ci/run adds these counts up.
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: '.ci/out/real.json' }]] : ['default'],
  },
});
