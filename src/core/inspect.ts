// The inspector: what people read of the CPU, from build/inspect.wasm, which is made of the core's own decoder and table
// sources. It has a memory of its own and never touches a running machine's.

import { AssetError, readAsset } from './asset.js';

/** Width of a code segment in bits. */
export type CodeBits = 16 | 32 | 64;

/** Format of a guest's page tables: 32-bit entries, PAE, or so many levels of 64-bit entries. */
export type PagingFormat = '32-bit' | 'pae' | '4-level' | '5-level';

/** One instruction of the opcode tables. */
export interface CoverageRow {
  /** What leads to it: opcode bytes, then conditions such as `/1`, `mem`, `p66`, `64-bit`, `rex.w1`. */
  readonly opcode: string;
  readonly mnemonic: string;
  /** Operand codes after SDM vol. 2, appendix A.2. */
  readonly operands: string;
  /** Whether the CPU runs it; if not, it raises #UD. */
  readonly implemented: boolean;
  /** The row's number in the tables, which the core's decoder tells too. */
  readonly row: number;
}

/** Reads machine code, opcode tables and page walks out to people. */
export interface Inspector {
  /**
   * Disassembles `bytes`, which stand at `address`, in Intel's syntax: address, bytes and text, one instruction a line,
   * at most `count` lines. A byte that begins no instruction is `(bad)`, one that the end cuts off `(incomplete)`.
   */
  listing(bytes: Uint8Array, address: bigint, bits: CodeBits, count?: number): string;
  /** Every instruction that the decoder knows. */
  coverage(): CoverageRow[];
  /** A page walk, one line a table entry, from the core's trace records (24 bytes each). */
  walk(records: Uint8Array, paging: PagingFormat): string;
  /** The mnemonic of an operation by its number, as in the core's counts of unimplemented instructions. */
  operationName(operation: number): string;
}

/** build/inspect.wasm is missing or is not what this library was built with. */
export class InspectorError extends Error {
  override readonly name = 'InspectorError';
}

const URL_OF_MODULE = new URL('../../build/inspect.wasm', import.meta.url);
const PAGING = { '32-bit': 2, pae: 3, '4-level': 4, '5-level': 5 } as const;

interface Bound {
  listing(bytes: Uint8Array, address: bigint, bits: number, count: number): string;
  coverage(): string[];
  walk(records: Uint8Array, paging: number): string;
  operationNames(): string[];
}

let loaded: Promise<Inspector> | undefined;

/**
 * The inspector, loaded once per process.
 * @throws InspectorError when the module is missing.
 */
export function loadInspector(): Promise<Inspector> {
  loaded ??= load();
  loaded.catch(() => (loaded = undefined));
  return loaded;
}

/** Instructions and bytes asked for at once: AssemblyScript's collector takes longer than linearly for long listings. */
const PART_LINES = 256;
const PART_BYTES = 4096;
/** The byte column of a line: address, two spaces, bytes. */
const BYTES_OF_LINE = /^[0-9a-f]+ {2}((?:[0-9a-f]{2} )+)/;

function listInParts(bound: Bound, bytes: Uint8Array, address: bigint, bits: CodeBits, count: number): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length && lines.length < count;) {
    const part = bytes.subarray(at, at + PART_BYTES);
    const most = Math.min(PART_LINES, count - lines.length);
    const text = bound.listing(part, BigInt.asUintN(64, address + BigInt(at)), bits, most);
    const got = text.split('\n');
    // an instruction that only the part's end cuts off begins the next part
    if (at + part.length < bytes.length && got.length > 1 && got.at(-1)!.endsWith('(incomplete)')) got.pop();
    for (const line of got) {
      lines.push(line);
      at += (BYTES_OF_LINE.exec(line)?.[1]?.length ?? 3) / 3;
    }
  }
  return lines.join('\n');
}

function missing(error: unknown): never {
  if (!(error instanceof AssetError)) throw error;
  const advice = URL_OF_MODULE.protocol === 'file:' ? '; make it with "npm run build"' : '';
  throw new InspectorError(`the inspector ${error.message}${advice}`, { cause: error });
}

async function load(): Promise<Inspector> {
  const { bind } = await import('./bind.js'); // with as-bind's runtime: only whoever inspects pays for it
  const bound = (await bind(await readAsset(URL_OF_MODULE).catch(missing))) as unknown as Bound;
  const names = bound.operationNames();
  return {
    listing: (bytes, address, bits, count = Infinity) => listInParts(bound, bytes, address, bits, count),
    coverage: () =>
      bound.coverage().map((line) => {
        const [opcode = '', mnemonic = '', operands = '', state, row] = line.split('\t');
        return { opcode, mnemonic, operands, implemented: state === 'implemented', row: Number(row) };
      }),
    walk: (records, paging) => bound.walk(records, PAGING[paging]),
    operationName: (operation) => names[operation] ?? '(bad)',
  };
}
