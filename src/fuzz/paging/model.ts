// Address translation as the manuals tell it (Intel SDM vol. 3 chapters 4 and 29, AMD APM vol. 2 chapter 15.25), written
// for reading and not for speed: what assembly/paging is compared with. Nothing here is shared with it.

export type Format = 'none' | '32-bit' | 'PAE' | '4-level' | '5-level';

export interface Processor {
  format: Format;
  cr3: bigint;
  pdptes: readonly bigint[];
  pse: boolean;
  wp: boolean;
  nxe: boolean;
  smep: boolean;
  smap: boolean;
  pge: boolean;
  gbPages: boolean;
  physicalBits: number;
  nested: 'EPT' | 'NPT' | 'shadow';
  nestedRoot: bigint;
  /** EPTP bit 6. */
  eptFlags: boolean;
  shadowRoot: bigint;
}

export interface Request {
  linear: bigint;
  read: boolean;
  write: boolean;
  fetch: boolean;
  user: boolean;
  /** RFLAGS.AC lifts SMAP for this access. */
  ac: boolean;
  stack: boolean;
}

export type Outcome =
  | { kind: 'memory'; host: bigint; gpa: bigint | undefined }
  | { kind: 'exception'; vector: number; error: number; cr2: bigint | undefined }
  | { kind: 'exit'; reason: number; qualification: bigint; gpa: bigint | undefined; walk: boolean; mmio: boolean };

export interface Memory {
  read(address: bigint, bytes: 4 | 8): bigint;
  write(address: bigint, bytes: 4 | 8, value: bigint): void;
}

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;
const field = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
const flag = (condition: boolean, n: number): bigint => (condition ? 1n << BigInt(n) : 0n);

class Stop extends Error {
  constructor(readonly outcome: Outcome) {
    super(outcome.kind);
  }
}

/** Access rights of one step in a nested table. */
interface Rights {
  read: boolean;
  write: boolean;
  fetch: boolean;
}

/** Guest-physical to host. Throws Stop with the exit. */
function nested(cpu: Processor, memory: Memory, gpa: bigint, rights: Rights, table: boolean): bigint {
  return cpu.nested === 'NPT' ? npt(cpu, memory, gpa, rights, table) : ept(cpu, memory, gpa, rights, table);
}

/** SDM vol. 3, 29.3.2 and 29.3.3. */
function ept(cpu: Processor, memory: Memory, gpa: bigint, asked: Rights, table: boolean): bigint {
  // 29.3.5: with accessed and dirty flags, accesses to guest paging structures are writes; the exit has bits 0 and 1 set.
  const rights = table && cpu.eptFlags ? { read: true, write: true, fetch: false } : asked;
  let readable = true;
  let writable = true;
  let executable = true;
  const exit = (reason: number, qualification: bigint, mmio: boolean): Stop =>
    new Stop({ kind: 'exit', reason, qualification, gpa, walk: table, mmio });
  const violation = (): Stop =>
    exit(
      48,
      flag(rights.read, 0) |
        flag(rights.write, 1) |
        flag(rights.fetch, 2) |
        flag(readable, 3) |
        flag(writable, 4) |
        flag(executable, 5) |
        flag(true, 7) |
        flag(!table, 8),
      false,
    );
  const used: bigint[] = [];
  let structure = field(cpu.nestedRoot, 51, 12) << 12n;
  for (const [high, low] of [
    [47, 39],
    [38, 30],
    [29, 21],
    [20, 12],
  ] as const) {
    const at = structure + field(gpa, high, low) * 8n;
    const entry = memory.read(at, 8);
    readable &&= bit(entry, 0);
    writable &&= bit(entry, 1);
    executable &&= bit(entry, 2);
    if (field(entry, 2, 0) === 0n) throw violation();
    const maps = low === 12 || (low !== 39 && bit(entry, 7));
    let bad = field(entry, 2, 0) === 2n || field(entry, 2, 0) === 6n;
    bad ||= field(entry, 51, cpu.physicalBits) !== 0n;
    if (low === 39) bad ||= field(entry, 7, 3) !== 0n;
    else if (!maps) bad ||= field(entry, 6, 3) !== 0n;
    else {
      bad ||= [2n, 3n, 7n].includes(field(entry, 5, 3));
      if (low > 12) bad ||= field(entry, low - 1, 12) !== 0n;
    }
    if (bad) throw exit(49, 0n, field(entry, 2, 0) === 6n);
    used.push(at);
    structure = field(entry, 51, 12) << 12n;
    if (!maps) continue;
    if ((rights.read && !readable) || (rights.write && !writable) || (rights.fetch && !executable)) throw violation();
    if (cpu.eptFlags) {
      for (const each of used) memory.write(each, 8, memory.read(each, 8) | (1n << 8n));
      if (rights.write) memory.write(at, 8, memory.read(at, 8) | (1n << 9n));
    }
    return structure + field(gpa, low - 1, 0);
  }
  throw new Error('an EPT walk ends at level 1');
}

/** APM vol. 2, 15.25.5 and 15.25.6: user accesses all; guest table walks are user writes. */
function npt(cpu: Processor, memory: Memory, gpa: bigint, asked: Rights, table: boolean): bigint {
  const rights = table ? { read: true, write: true, fetch: false } : asked;
  const where = table ? 1n << 33n : 1n << 32n;
  const result = longWalk(memory, {
    root: cpu.nestedRoot,
    top: 4,
    address: gpa,
    physicalBits: cpu.physicalBits,
    nx: true,
    gbPages: true,
    alsoReserved: 1n << 51n,
    locate: (address) => address,
    relocate: () => undefined,
    allowed: (page) => page.user && (!rights.write || page.writable) && !(rights.fetch && page.noExecute),
    write: rights.write,
  });
  if (result.ok) return result.page;
  const error = BigInt(result.cause) | flag(rights.write, 1) | flag(true, 2) | flag(rights.fetch, 4) | where;
  const mmio = (result.cause & 8) !== 0 && bit(result.entry, 51);
  throw new Stop({ kind: 'exit', reason: 0x400, qualification: error, gpa, walk: table, mmio });
}

interface Page {
  user: boolean;
  writable: boolean;
  noExecute: boolean;
}

interface LongWalk {
  root: bigint;
  /** 5, 4, or for PAE 2 (the PDPTE has been read). */
  top: number;
  address: bigint;
  physicalBits: number;
  nx: boolean;
  gbPages: boolean;
  alsoReserved: bigint;
  /** Host address of an entry, for reading, and again for writing. */
  locate(address: bigint): bigint;
  relocate(address: bigint): void;
  allowed(page: Page): boolean;
  write: boolean;
}

type WalkResult = { ok: true; page: bigint } | { ok: false; cause: number; entry: bigint };

/** Entries of 64 bits: SDM vol. 3, 4.4.2 and 4.5. */
function longWalk(memory: Memory, walk: LongWalk): WalkResult {
  const page: Page = { user: true, writable: true, noExecute: false };
  const used: { address: bigint; host: bigint }[] = [];
  let table = field(walk.root, 51, 12) << 12n;
  for (let level = walk.top; ; level--) {
    const low = 12 + 9 * (level - 1);
    const address = table + field(walk.address, low + 8, low) * 8n;
    const host = walk.locate(address);
    const entry = memory.read(host, 8);
    if (!bit(entry, 0)) return { ok: false, cause: 0, entry };
    const maps = level === 1 || (bit(entry, 7) && (level === 2 || (level === 3 && walk.gbPages)));
    let reserved = field(entry, 51, walk.physicalBits) !== 0n || (entry & walk.alsoReserved) !== 0n;
    reserved ||= bit(entry, 63) && !walk.nx;
    reserved ||= bit(entry, 7) && !maps;
    reserved ||= maps && level > 1 && field(entry, low - 1, 13) !== 0n;
    if (reserved) return { ok: false, cause: 9, entry };
    page.user &&= bit(entry, 2);
    page.writable &&= bit(entry, 1);
    page.noExecute ||= bit(entry, 63);
    used.push({ address, host });
    if (!maps) {
      table = field(entry, 51, 12) << 12n;
      continue;
    }
    if (!walk.allowed(page)) return { ok: false, cause: 1, entry };
    // The order of flag updates is the processor's own affair; ours goes from the page upwards.
    for (const [index, each] of used.reverse().entries()) {
      const old = memory.read(each.host, 8);
      const wanted = old | (1n << 5n) | flag(index === 0 && walk.write, 6);
      if (wanted === old) continue;
      walk.relocate(each.address);
      memory.write(each.host, 8, wanted);
    }
    return { ok: true, page: (field(entry, 51, low) << BigInt(low)) + field(walk.address, low - 1, 0) };
  }
}

/** SDM vol. 3, 4.6.1. */
function allowedBy(rules: { wp: boolean; smep: boolean; smap: boolean }, request: Request): (page: Page) => boolean {
  return (page) => {
    if (request.fetch && page.noExecute) return false;
    if (request.user) return page.user && (!request.write || page.writable);
    if (page.user && request.fetch && rules.smep) return false;
    if (page.user && !request.fetch && rules.smap && !request.ac) return false;
    return !request.write || page.writable || !rules.wp;
  };
}

/** SDM vol. 3, 4.7. */
function pageFault(cause: number, request: Request, reportsFetch: boolean): number {
  return cause | (request.write ? 2 : 0) | (request.user ? 4 : 0) | (request.fetch && reportsFetch ? 16 : 0);
}

function guestTranslate(cpu: Processor, memory: Memory, request: Request): bigint {
  const locate = (address: bigint): bigint =>
    nested(cpu, memory, address, { read: true, write: false, fetch: false }, true);
  const relocate = (address: bigint): void => {
    nested(cpu, memory, address, { read: false, write: true, fetch: false }, true);
  };
  const reportsFetch = (cpu.nxe && cpu.format !== '32-bit') || cpu.smep;
  const fault = (cause: number): Stop =>
    new Stop({
      kind: 'exception',
      vector: 14,
      error: pageFault(cause, request, reportsFetch),
      cr2: request.linear,
    });
  const allowed = allowedBy(cpu, request);
  if (cpu.format === 'none') return request.linear;
  if (cpu.format === '32-bit') {
    const pdeAt = (field(cpu.cr3, 31, 12) << 12n) + field(request.linear, 31, 22) * 4n;
    const pdeHost = locate(pdeAt);
    const pde = memory.read(pdeHost, 4);
    if (!bit(pde, 0)) throw fault(0);
    const set = (address: bigint, host: bigint, dirty: boolean): void => {
      const old = memory.read(host, 4);
      const wanted = old | (1n << 5n) | flag(dirty, 6);
      if (wanted === old) return;
      relocate(address);
      memory.write(host, 4, wanted);
    };
    const rights = (entry: bigint): Page => ({ user: bit(entry, 2), writable: bit(entry, 1), noExecute: false });
    if (cpu.pse && bit(pde, 7)) {
      // Table 4-4: M is the smaller of 40 and MAXPHYADDR; bits (M-20):13 are address bits, 21:(M-19) reserved.
      const m = Math.min(40, cpu.physicalBits);
      if (field(pde, 21, m - 19) !== 0n) throw fault(9);
      if (!allowed(rights(pde))) throw fault(1);
      set(pdeAt, pdeHost, request.write);
      return (field(pde, 20, 13) << 32n) | (field(pde, 31, 22) << 22n) | field(request.linear, 21, 0);
    }
    const pteAt = (field(pde, 31, 12) << 12n) + field(request.linear, 21, 12) * 4n;
    const pteHost = locate(pteAt);
    const pte = memory.read(pteHost, 4);
    if (!bit(pte, 0)) throw fault(0);
    if (!allowed(rights(pde & pte))) throw fault(1);
    set(pteAt, pteHost, request.write);
    set(pdeAt, pdeHost, false);
    return (field(pte, 31, 12) << 12n) | field(request.linear, 11, 0);
  }
  let root = cpu.cr3;
  let top = cpu.format === '5-level' ? 5 : 4;
  let alsoReserved = 0n;
  if (cpu.format === 'PAE') {
    root = cpu.pdptes[Number(field(request.linear, 31, 30))] ?? 0n;
    if (!bit(root, 0)) throw fault(0);
    top = 2;
    alsoReserved = ((1n << 63n) - 1n) & ~((1n << 52n) - 1n); // tables 4-9 to 4-11: 62:M
  }
  const result = longWalk(memory, {
    root,
    top,
    address: request.linear,
    physicalBits: cpu.physicalBits,
    nx: cpu.nxe,
    gbPages: cpu.gbPages,
    alsoReserved,
    locate,
    relocate,
    allowed,
    write: request.write,
  });
  if (!result.ok) throw fault(result.cause);
  return result.page;
}

function shadowTranslate(cpu: Processor, memory: Memory, request: Request): Outcome {
  const paging = cpu.format !== 'none';
  const result = longWalk(memory, {
    root: cpu.shadowRoot,
    top: cpu.format === '5-level' ? 5 : 4,
    address: request.linear,
    physicalBits: cpu.physicalBits,
    nx: true,
    gbPages: true,
    alsoReserved: 1n << 51n,
    locate: (address) => address,
    relocate: () => undefined,
    allowed: allowedBy({ wp: true, smep: cpu.smep && paging, smap: cpu.smap && paging }, request),
    write: request.write,
  });
  if (result.ok) return { kind: 'memory', host: result.page, gpa: undefined };
  const mmio = (result.cause & 8) !== 0 && bit(result.entry, 51);
  const qualification = BigInt(pageFault(result.cause, request, true));
  const gpa = mmio ? (field(result.entry, 50, 12) << 12n) | field(request.linear, 11, 0) : undefined;
  return { kind: 'exit', reason: 0x4e, qualification, gpa, walk: false, mmio };
}

/** What the processor does for an access at `request.linear` (already 32 bits wide outside long mode); flags go to memory. */
export function translateByTheBook(cpu: Processor, memory: Memory, request: Request, software: boolean): Outcome {
  if (cpu.format === '4-level' || cpu.format === '5-level') {
    const top = cpu.format === '5-level' ? 56 : 47;
    const upper = field(request.linear, 63, top);
    if (upper !== 0n && upper !== (1n << BigInt(64 - top)) - 1n) {
      return { kind: 'exception', vector: request.stack && !request.fetch ? 12 : 13, error: 0, cr2: undefined };
    }
  }
  if (cpu.nested === 'shadow' && !software) return shadowTranslate(cpu, memory, request);
  try {
    const gpa = guestTranslate(cpu, memory, request);
    return { kind: 'memory', host: nested(cpu, memory, gpa, request, false), gpa };
  } catch (stop) {
    if (stop instanceof Stop) return stop.outcome;
    throw stop;
  }
}
