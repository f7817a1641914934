// `doorbell disasm`: a file of machine code, by the decoder that the CPU uses.

import { loadInspector, type CodeBits } from '../core/inspect.js';
import { Status } from './failure.js';
import { readInput } from './input-file.js';

export interface DisasmOptions {
  bits: '16' | '32' | '64';
  address?: bigint;
  count?: number;
}

/** SDM vol. 2, 2.3.11: no instruction is longer. */
const LONGEST = 15;

/** Prints the listing to standard output. */
export async function disasmCommand(file: string, { bits, address = 0n, count }: DisasmOptions): Promise<number> {
  const [inspector, bytes] = await Promise.all([loadInspector(), readInput('file', file)]);
  const enough = count === undefined ? bytes : bytes.subarray(0, count * LONGEST);
  const listing = inspector.listing(enough, address, Number(bits) as CodeBits, count);
  process.stdout.write(listing === '' || listing.endsWith('\n') ? listing : `${listing}\n`);
  return Status.Success;
}
