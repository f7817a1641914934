// Writes assembly/decode/names.ts, the mnemonics of the operations, and src/fuzz/decode/operations.ts, their names for
// TypeScript, from the enumeration in assembly/decode/operation.ts. `--check` writes nothing and fails if a file is not
// what it would write.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { root } from './build.mjs';

/** The files that are written, and what makes their text. */
const files = [
  { path: 'assembly/decode/names.ts', make: makeNames },
  { path: 'src/fuzz/decode/operations.ts', make: makeOperations },
];

/** Operations whose mnemonic is not their own name in small letters. Of those with a condition or a size in the name it is the stem. */
const names = new Map(
  Object.entries({
    INVALID: '(bad)',
    FIRST_UNIMPLEMENTED: '',
    CMOVCC: 'cmov',
    SETCC: 'set',
    JCC: 'j',
    MOV_SEG: 'mov',
    MOV_CR: 'mov',
    MOV_DR: 'mov',
    PUSH_SEG: 'push',
    POP_SEG: 'pop',
    JMP_FAR: 'jmp far',
    CALL_FAR: 'call far',
    RET_FAR: 'retf',
    XLAT: 'xlatb',
    SAL: 'shl',
  }),
);

/**
 * Members of the enumeration `Operation`, in order of their values.
 * @param {string} text source of operation.ts
 * @returns {string[]}
 */
export function operations(text) {
  const source = ts.createSourceFile('operation.ts', text, ts.ScriptTarget.Latest);
  const found = source.statements.find((each) => ts.isEnumDeclaration(each) && each.name.text === 'Operation');
  if (!found || !ts.isEnumDeclaration(found)) throw new Error('operation.ts has no enumeration Operation');
  return found.members.map((member, index) => {
    const value = member.initializer?.getText(source);
    if (value !== undefined && Number(value) !== index) {
      throw new Error(
        `Operation.${member.name.getText(source)} = ${value} leaves a gap: mnemonics are listed by position`,
      );
    }
    return member.name.getText(source);
  });
}

/**
 * Items in rows that fit a line.
 * @param {string[]} items
 * @param {string} between
 */
function rowsOf(items, between) {
  const rows = [''];
  for (const item of items) {
    if (rows[rows.length - 1].length + item.length + 1 > 116) rows.push('');
    rows[rows.length - 1] += (rows[rows.length - 1] && between) + item;
  }
  return rows;
}

/** The text of operations.ts. */
export async function makeOperations() {
  const members = operations(await readFile(join(root, 'assembly/decode/operation.ts'), 'utf8'));
  return `// The operations' names by number. Written by tools/make-names.mjs from assembly/decode/operation.ts: change that, not this.

/** Operation names in order: the index is the operation's number. */
export const OPERATIONS: readonly string[] = (
${rowsOf(members, ' ')
  .map((row, index, rows) => `  '${row}${index + 1 < rows.length ? " ' +" : "'"}`)
  .join('\n')}
).split(' ');

/** The number of the operation called \`name\`; undefined if there is none. */
export function operationNumber(name: string): number | undefined {
  const index = OPERATIONS.indexOf(name);
  return index < 0 ? undefined : index;
}
`;
}

/** The text of names.ts. */
export async function makeNames() {
  const members = operations(await readFile(join(root, 'assembly/decode/operation.ts'), 'utf8'));
  const rows = rowsOf(
    members.map((member) => `'${names.get(member) ?? member.toLowerCase()}',`),
    ' ',
  );
  return `// Mnemonics of the operations, by Operation. Written by tools/make-names.mjs from operation.ts: change that, not this.

const NAMES: StaticArray<string> = [
${rows.map((row) => `  ${row}`).join('\n')}
];

/** How many operations there are. */
export const NAME_COUNT: u32 = ${members.length};

/** Intel's mnemonic, or the stem of one that a condition or a size completes; '(bad)' for what is no operation. */
export function name(operation: u16): string {
  return <u32>operation < NAME_COUNT ? unchecked(NAMES[operation]) : unchecked(NAMES[0]);
}
`;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { path, make } of files) {
    const file = join(root, path);
    const text = await make();
    if (!process.argv.includes('--check')) await writeFile(file, text);
    else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
      console.log(`${path} is not what operation.ts makes it: run node tools/make-names.mjs`);
      process.exitCode = 1;
    }
  }
}
