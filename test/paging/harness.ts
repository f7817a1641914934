// Compiles test/paging/entry.ts and gives the tests a machine: memory, registers and page tables to fill by hand.

import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The block cache's part: remembers what it was told. */
const BLOCK_STUB = `
export let codeAddress: usize = 0;
export let codeSize: u32 = 0;
export let codeCalls: u32 = 0;
export function codeWritten(host: usize, size: u32): void { codeAddress = host; codeSize = size; codeCalls++; }
export function lookAgain(): void {}
`;

type Getter = { readonly value: number };
type Field = (typeof FIELDS)[number];
const FIELDS = [
  'MEMORY_FREE',
  'VCPUS',
  'ARENAS',
  'CODE_MAP',
  'CR0',
  'CR3',
  'CR4',
  'EFER',
  'RFLAGS',
  'FEATURES',
  'PHYSICAL_BITS',
  'NESTED',
  'NESTED_ROOT',
  'SHADOW_ROOT',
  'PDPTE',
  'SEGMENTS',
  'SEGMENT_SIZE',
  'SEGMENT_ATTRIBUTES',
  'MODE',
  'CPL',
  'MMU',
  'EPOCH',
  'TLB_NOW',
  'JUMP_KEY',
  'RAISED_VECTOR',
  'RAISED_ERROR',
  'RAISED_HAS_ERROR',
  'RAISED_CR2',
  'EXIT_REASON',
  'EXIT_INFO',
  'EXIT_QUALIFICATION',
  'EXIT_GPA',
  'EXIT_GLA',
  'EXIT_DATA',
  'COUNT_WALKS',
  'ARENA_READS',
  'ARENA_WRITES',
  'ARENA_JUMPS',
  'ARENA_SIZE',
  'ARENA_TLB',
  'TLB_SIZE',
  'TLB_READ',
  'TLB_WRITE',
  'raised',
  'lastMmio',
  'lastCode',
  'crossed',
  'readCount',
  'readNext',
  'writeCount',
  'walkTrace',
  'codeAddress',
  'codeSize',
  'codeCalls',
] as const;

export interface Core extends Record<Field, Getter> {
  readonly lastGpa: { readonly value: bigint };
  attach(index: number): void;
  setRaised(value: number): void;
  setEmulating(value: boolean): void;
  translate(linear: bigint, access: number, mmu: number, size: number): number;
  fetchPage(linear: bigint): number;
  probe(linear: bigint, size: number, access: number, mmu: number): number;
  readAs(linear: bigint, size: number, mmu: number): bigint;
  writeAs(linear: bigint, size: number, value: bigint, mmu: number): void;
  read8(linear: bigint): bigint;
  read16(linear: bigint): bigint;
  read32(linear: bigint): bigint;
  read64(linear: bigint): bigint;
  write8(linear: bigint, value: bigint): void;
  write16(linear: bigint, value: bigint): void;
  write32(linear: bigint, value: bigint): void;
  write64(linear: bigint, value: bigint): void;
  systemRead32(linear: bigint): bigint;
  systemWrite32(linear: bigint, value: bigint): void;
  flushAll(): void;
  flushNonGlobal(): void;
  flushPage(linear: bigint): void;
  dropWritable(hostPage: number): void;
  dropWritableIn(arena: number, hostPage: number): void;
  newEpoch(): void;
  init(): void;
  modeChanged(): void;
  loadPdptes(): number;
  loadPdptesFrom(cr3: bigint): number;
  setStackAccess(value: boolean): void;
  resetMmio(): void;
  rewindMmio(): void;
  setReadCount(count: number): void;
  setWalkTrace(buffer: number, records: number): void;
}

/** Values of state.ts that are the contract with the manuals or the hypervisor, spelled out here on purpose. */
export const Access = { READ: 1, WRITE: 2, EXEC: 4 } as const;
export const Mmu = { SUPERVISOR: 0, USER: 1, SUPERVISOR_AC: 2 } as const;
export const Nested = { SHADOW: 0, EPT: 1, NPT: 2 } as const;
export const Raised = { EXCEPTION: 1, EXIT: 2, NEED_READ: 3 } as const;

/** The core module's bytes, compiled in this process. */
export async function compileCore(): Promise<Uint8Array<ArrayBuffer>> {
  const written = new Map<string, Uint8Array>();
  const block = join('assembly', 'decode', 'block.ts');
  const { error, stderr } = await asc.main(
    [
      'test/paging/entry.ts',
      '--outFile',
      'core.wasm',
      '-O1',
      '--runtime',
      'stub',
      '--importMemory',
      '--sharedMemory',
      '--enable',
      'threads',
      '--enable',
      'simd',
      '--initialMemory',
      '1300',
      '--maximumMemory',
      '65536',
      '--noExportMemory',
      '--config',
      'none',
      '--use',
      'abort=',
    ],
    {
      readFile: (name, base) => {
        const path = join(base || ROOT, name);
        if (relative(ROOT, path) === block) return BLOCK_STUB;
        try {
          return readFileSync(path, 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => void written.set(name, contents as Uint8Array),
      listFiles: () => [],
    },
  );
  const wasm = written.get('core.wasm');
  if (error || !wasm) throw new Error(`test/paging/entry.ts does not compile: ${error?.message}\n${stderr.toString()}`);
  return new Uint8Array(wasm);
}

/** A vCPU on a memory of its own. Guest-physical 0 is at host address `ram` only if a test's tables say so. */
export class Machine {
  readonly memory = new WebAssembly.Memory({ initial: 1300, maximum: 65536, shared: true });
  readonly view = new DataView(this.memory.buffer);
  readonly core: Core;
  readonly cpu: number;
  readonly arena: number;
  /** First host address free for tests, page-aligned. */
  readonly free: number;

  constructor(wasm: Uint8Array<ArrayBuffer>) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), {
      env: { memory: this.memory, exit: () => 0, now: () => 0 },
    });
    this.core = instance.exports as unknown as Core;
    this.cpu = this.core.VCPUS.value;
    this.arena = this.core.ARENAS.value;
    this.free = (this.core.MEMORY_FREE.value + 0xfffff) & ~0xfffff;
    this.core.attach(0);
    this.set('PHYSICAL_BITS', 40n);
    this.core.init();
  }
  set(field: Field, value: bigint): void {
    this.view.setBigUint64(this.cpu + this.core[field].value, value, true);
  }
  set32(field: Field, value: number): void {
    this.view.setUint32(this.cpu + this.core[field].value, value, true);
  }
  get(field: Field): bigint {
    return this.view.getBigUint64(this.cpu + this.core[field].value, true);
  }
  get32(field: Field): number {
    return this.view.getUint32(this.cpu + this.core[field].value, true);
  }
  /** CS and SS attributes in VT-x access-rights format. */
  setAttributes(segment: number, attributes: number): void {
    const at = this.cpu + this.core.SEGMENTS.value + segment * this.core.SEGMENT_SIZE.value;
    this.view.setUint32(at + this.core.SEGMENT_ATTRIBUTES.value, attributes, true);
  }
  peek(host: number): bigint {
    return this.view.getBigUint64(host, true);
  }
  poke(host: number, value: bigint): void {
    this.view.setBigUint64(host, value, true);
  }
  clearRaised(): void {
    this.core.setRaised(0);
  }
}
