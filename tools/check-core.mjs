// Checks of the built core that no type checker makes: what the compiler, Node 20's engine and threads on one shared
// memory force on it. `node tools/check-core.mjs` prints one line a check; test/core/build.test.ts runs the same ones.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import binaryen from 'assemblyscript/binaryen';
import ts from 'typescript';
import { root } from './build.mjs';
import { coreFaults, unshare } from './wasm.mjs';

const PAGE = 65536;

/** @param {string} path relative to the project */
export async function readModule(path) {
  return new Uint8Array(await readFile(join(root, path)));
}

/**
 * What the disassembly of a module tells.
 * @param {Uint8Array} bytes
 */
export function disassemble(bytes) {
  const module = binaryen.readBinary(bytes);
  try {
    const text = module.emitText();
    const tables = [...text.matchAll(/\(br_table((?: \$\S+)+)/g)].map(
      ([, labels]) => labels.trim().split(' ').length - 1,
    );
    const limits = /\(import "env" "memory" \(memory \$\S+ (\d+) (\d+)( shared)?\)\)/.exec(text);
    return {
      /** Entries of the largest br_table, its default apart. */
      dispatch: Math.max(0, ...tables),
      /** Blocking waits: Node 20's baseline compiler clobbers locals that are live across one. */
      waits: [...text.matchAll(/memory\.atomic\.wait(?:32|64)/g)].length,
      minimumPages: Number(limits?.[1]),
      maximumPages: Number(limits?.[2]),
      shared: limits?.[3] !== undefined,
    };
  } finally {
    module.dispose();
  }
}

/** How many micro-operations the run loop's switch names: so many entries its br_table must have at least. */
export async function dispatchCases() {
  const directory = join(root, 'assembly/execute');
  let most = 0;
  for (const name of await readdir(directory)) {
    if (!name.endsWith('.ts')) continue;
    const source = ts.createSourceFile(name, await readFile(join(directory, name), 'utf8'), ts.ScriptTarget.Latest);
    /** @param {import('typescript').Node} node */
    const visit = (node) => {
      if (ts.isSwitchStatement(node)) {
        const labels = node.caseBlock.clauses
          .filter((clause) => ts.isCaseClause(clause))
          .map((clause) => clause.expression.getText(source))
          .filter((label) => label.startsWith('Uop.'));
        most = Math.max(most, new Set(labels).size);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return most;
}

/** Imports with which the core can be instantiated and looked at, but not run. @param {WebAssembly.Memory} memory */
function imports(memory) {
  const never = () => {
    throw new Error('the core called its host while it was instantiated');
  };
  return { env: { memory, exit: never, now: never } };
}

/**
 * The addresses that an instantiation writes on a memory that is in use already; there must be none.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ minimumPages: number, maximumPages: number, shared: boolean }} limits
 */
export function addressesWritten(bytes, { minimumPages, maximumPages, shared }) {
  const module = new WebAssembly.Module(bytes);
  const memory = new WebAssembly.Memory({ initial: minimumPages, maximum: maximumPages, shared });
  new WebAssembly.Instance(module, imports(memory)); // the first, as the memory's maker does
  const USED = 0xa5;
  const contents = Buffer.from(memory.buffer, 0, minimumPages * PAGE).fill(USED);
  new WebAssembly.Instance(module, imports(memory));
  /** @type {number[]} */
  const written = [];
  const page = Buffer.alloc(PAGE, USED);
  for (let at = 0; at < contents.length; at += PAGE) {
    if (contents.compare(page, 0, PAGE, at, at + PAGE) === 0) continue;
    for (let byte = at; byte < at + PAGE; byte++) if (contents[byte] !== USED) written.push(byte);
  }
  return written;
}

/**
 * The address from which memory is the hypervisor's, as the module says; undefined if it does not.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ minimumPages: number, maximumPages: number, shared: boolean }} limits
 */
export function memoryFree(bytes, { minimumPages, maximumPages, shared }) {
  const memory = new WebAssembly.Memory({ initial: minimumPages, maximum: maximumPages, shared });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports(memory));
  const global = exports.MEMORY_FREE;
  return global instanceof WebAssembly.Global ? Number(global.value) >>> 0 : undefined;
}

/**
 * All checks of the built core.
 * @returns {Promise<{ name: string, problem?: string }[]>}
 */
export async function checkCore() {
  const bytes = await readModule('build/core.wasm');
  const unshared = await readModule('build/core.unshared.wasm');
  const facts = disassemble(bytes);
  const cases = await dispatchCases();
  const written = addressesWritten(bytes, facts);
  const free = memoryFree(bytes, facts);
  /** @type {[string, string | false][]} */
  const results = [
    ['nothing in it is data, start-up code or a foreign import', coreFaults(bytes).join('; ')],
    [
      `the run loop's ${cases} cases are one br_table of ${facts.dispatch} entries`,
      (cases === 0 && 'no switch over Uop was found in assembly/execute') ||
        (facts.dispatch < cases && `a switch that large became a chain of comparisons`),
    ],
    [
      'no blocking wait instruction',
      facts.waits > 0 && `${facts.waits} memory.atomic.wait: wait in JavaScript instead`,
    ],
    [
      'a second instance leaves shared memory alone',
      written.length > 0 && `it writes ${written.length} bytes, the first at 0x${written[0].toString(16)}`,
    ],
    [
      `the layout fits into the memory it asks for (${facts.minimumPages} pages)`,
      (free === undefined && 'it does not export MEMORY_FREE') ||
        (Number(free) > facts.minimumPages * PAGE && `the hypervisor's part begins at 0x${Number(free).toString(16)}`),
    ],
    ['its memory is shared, with a maximum of 4 GiB', !(facts.shared && facts.maximumPages === 65536) && 'it is not'],
    [
      'build/core.unshared.wasm is the same module',
      Buffer.compare(unshared, unshare(bytes)) !== 0 && 'it was built from something else: build again',
    ],
  ];
  return results.map(([name, problem]) => (problem ? { name, problem } : { name }));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await checkCore();
  for (const { name, problem } of results) console.log(problem ? `FAILED ${name}: ${problem}` : `ok     ${name}`);
  process.exitCode = results.some(({ problem }) => problem) ? 1 : 0;
}
