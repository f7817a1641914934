// Writes docs/instructions.md: every form that the opcode tables have, whether the CPU executes it, how many recorded vectors
// it has and how many of them the built core passes. `--check` writes nothing and fails if the file is not what it would write.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { loadInspector } from '../dist/core/inspect.js';
import { RawCore } from '../dist/fuzz/raw-core.js';
import { root } from './build.mjs';

const file = join(root, 'docs/instructions.md');

/** @param {string} path a TypeScript module in the project */
async function load(path) {
  return (await runnerImport(join(root, path), { configFile: false, logLevel: 'error' })).module;
}

/** Opcode maps by what their opcodes begin with, the longest first. @type {[string, string][]} */
const MAPS = [
  ['vex 0f 3a', 'VEX, map 0F 3A'],
  ['vex 0f 38', 'VEX, map 0F 38'],
  ['vex 0f', 'VEX, map 0F'],
  ['0f 3a', 'Map 0F 3A'],
  ['0f 38', 'Map 0F 38'],
  ['0f', 'Map 0F'],
  ['', 'One-byte map'],
];

/**
 * How many vectors decode to each row of the tables, and how many of them pass when the instruction runs alone.
 * @returns {Promise<Map<number, { held: number, passed: number }>>}
 */
async function countVectors() {
  const { loadVectors, vectorGroups } = await load('test/vectors/load.ts');
  const { Replayer } = await load('test/vectors/replayer.ts');
  const core = await RawCore.load(4096, undefined, false);
  const decoder = core.decoder();
  const row = decoder.constant('ROW');
  const replayer = new Replayer(join(root, 'build/core.wasm'));
  const rows = new Map();
  for (const group of vectorGroups()) {
    for (const vector of loadVectors(group)) {
      const passes = replayer.check(vector).length === 0;
      decoder.bytes.fill(0, decoder.scratch, decoder.scratch + 16);
      decoder.bytes.set(vector.bytes.subarray(0, 16), decoder.scratch);
      const bits = vector.segmented?.bits ?? 64;
      const number =
        decoder.decode(decoder.scratch, 15, Math.log2(bits / 16)) > 0 ? decoder.record.getUint16(row, true) : -1;
      let count = rows.get(number);
      if (count === undefined) rows.set(number, (count = { held: 0, passed: 0 }));
      count.held++;
      if (passes) count.passed++;
    }
  }
  return rows;
}

async function makeCoverage() {
  const forms = (await loadInspector()).coverage();
  const vectors = await countVectors();
  const none = { held: 0, passed: 0 };
  const sections = new Map(MAPS.map(([, title]) => [title, /** @type {string[]} */ ([])]));
  for (const { opcode, mnemonic, operands, implemented, row } of forms) {
    const [, title] = /** @type {[string, string]} */ (
      MAPS.find(([start]) => opcode.startsWith(start) && (start === '' || opcode[start.length] === ' '))
    );
    const { held, passed } = vectors.get(row) ?? none;
    const state = !implemented ? '#UD' : held === 0 ? '' : passed === held ? 'pass' : `${held - passed} fail`;
    sections.get(title)?.push(`| ${opcode} | ${mnemonic} | ${operands} | ${held || ''} | ${state} |`);
  }
  const executed = forms.filter(({ implemented }) => implemented);
  const covered = executed.filter(({ row }) => vectors.has(row));
  const all = [...vectors.values()];
  const sum = (/** @type {'held' | 'passed'} */ what) =>
    all.reduce((total, each) => total + each[what], 0).toLocaleString('en-US');
  const invalid = vectors.get(-1) ?? none;
  return `# Instructions

Every form of the opcode tables (\`assembly/decode/\`), with the number of vectors recorded on a processor (\`test/vectors/\`) and
what the core makes of them. Written by \`node tools/make-coverage.mjs\` from the tables and a replay of all vectors.

${forms.length.toLocaleString('en-US')} forms, ${executed.length.toLocaleString('en-US')} executed, ${covered.length.toLocaleString('en-US')} of them with vectors: ${sum('held')} vectors, ${sum('passed')} pass. ${invalid.held.toLocaleString('en-US')} of
them are encodings that must raise #UD or #GP before there is a form.

Opcode: bytes and conditions (\`/1\` ModRM.reg, \`rm0\` ModRM.rm, \`mem\` and \`reg\` ModRM.mod, \`np p66 pf3 pf2\` mandatory prefix,
\`w1\` \`256\` VEX.W and L). Operands: codes of SDM vol. 2, appendix A.2. A form without vectors is privileged, transfers control
between segments or levels, reads a clock or a random number, or differs between makes; \`test/events\`, \`test/paging\`,
\`test/oracle\` and \`test/bugs\` are about those. \`#UD\`: decoded and counted by name, but not executed, as CPUID does not announce it.

${[...MAPS]
  .reverse()
  .map(
    ([, title]) =>
      `## ${title}\n\n| opcode | mnemonic | operands | vectors | result |\n| --- | --- | --- | --: | --- |\n${sections.get(title)?.join('\n')}\n`,
  )
  .join('\n')}`;
}

const text = await makeCoverage();
if (!process.argv.includes('--check')) {
  await writeFile(file, text);
} else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
  console.log('docs/instructions.md is not what the tables and the vectors make it: run node tools/make-coverage.mjs');
  process.exitCode = 1;
}
