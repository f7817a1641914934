// Prints `PASSED FAILED SKIPPED` from vitest's JSON report. A file that could not be loaded counts as one failure; a
// report without a single test that ran is an error.

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {{ status: string, message?: string, assertionResults: { status: string }[] }} FileResult
 * @param {{ testResults: FileResult[] }} report
 */
export function counts({ testResults }) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const file of testResults) {
    const before = failed;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') passed++;
      else if (status === 'failed') failed++;
      else skipped++;
    }
    if (file.status === 'failed' && failed === before) failed++;
  }
  if (passed + failed === 0) throw new Error('the test runner ran no test');
  return { passed, failed, skipped };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const { passed, failed, skipped } = counts(JSON.parse(await readFile(process.argv[2], 'utf8')));
    console.log(`${passed} ${failed} ${skipped}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
