// Records what this machine's processor does with the forms of forms.ts: `node test/vector/packed/record.mjs` writes
// digests.txt (needs gcc and a processor with AVX2, AES, SHA and PCLMULQDQ). `… dump FORM CASE` prints one case,
// `… GROUPS CASES FILE` records more of them into a file of its own.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';

const here = import.meta.dirname;
const source = ts.transpile(readFileSync(join(here, 'forms.ts'), 'utf8'), {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2022,
});
const { FORMS } = /** @type {{ FORMS: string[] }} */ (
  await import(`data:text/javascript,${encodeURIComponent(source)}`)
);

const directory = mkdtempSync(join(tmpdir(), 'forms-'));
try {
  const code = FORMS.map((form, i) => `f${i}: ${form.replace(/\bI\b/, '0')}\n`).join('');
  const rows = FORMS.map((form, i) => `.quad f${i}\n.long f${i + 1} - f${i}, ${/\bI\b/.test(form) ? 1 : 0}\n`).join('');
  writeFileSync(
    join(directory, 'forms.inc'),
    `${code}f${FORMS.length}:\n.data\n.balign 16\n.globl forms\nforms:\n${rows}.globl formCount\nformCount: .long ${FORMS.length}\n.text\n`,
  );
  const program = join(directory, 'record');
  execFileSync('gcc', ['-O1', '-no-pie', `-Wa,-I${directory}`, '-o', program, join(here, 'record.c')], {
    stdio: 'inherit',
  });
  const [first, second, third] = process.argv.slice(2);
  if (first === 'dump') {
    process.stdout.write(execFileSync(program, ['dump', second, third]));
  } else {
    const { stdout, signal } = spawnSync(program, first ? [first, second] : [], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    const lines = stdout.trimEnd().split('\n');
    if (signal || lines.length !== FORMS.length) throw new Error(`${signal} near ${FORMS[lines.length]}`);
    writeFileSync(third ?? join(here, 'digests.txt'), FORMS.map((form, i) => `${form}: ${lines[i]}\n`).join(''));
  }
} finally {
  rmSync(directory, { recursive: true });
}
