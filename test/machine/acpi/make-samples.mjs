// Compiles the ASL of samples.json with Intel's iasl and writes what it makes of it beside it: `node make-samples.mjs`.
// Debian: apt-get install acpica-tools. -oa: no optimizations, since these shorten names.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HEADER = 36;
const file = new URL('samples.json', import.meta.url);
const samples = JSON.parse(readFileSync(file, 'utf8'));
const directory = mkdtempSync(join(tmpdir(), 'aml-'));
try {
  for (const [name, sample] of Object.entries(samples)) {
    const source = `DefinitionBlock ("", "DSDT", 2, "DOORBL", "DOORBELL", 1)\n{\n${sample.asl.join('\n')}\n}\n`;
    writeFileSync(join(directory, 'sample.asl'), source);
    execFileSync('iasl', ['-oa', '-p', join(directory, 'sample'), join(directory, 'sample.asl')], { stdio: 'pipe' });
    sample.aml = readFileSync(join(directory, 'sample.aml')).subarray(HEADER).toString('hex');
    console.log(name, sample.aml);
  }
} finally {
  rmSync(directory, { recursive: true });
}
writeFileSync(file, `${JSON.stringify(samples, undefined, 2)}\n`);
