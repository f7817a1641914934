// Instructions that access memory, for the property test: their bytes, and what KVM's rules (spec 2.9) say they do on the
// buses. The model knows nothing of the code under test.

/** One fragment of an access: a guest-physical address, 1 to 8 bytes, inside a page. */
export interface Fragment {
  addr: bigint;
  length: number;
}

/** What reaches somebody: a signal of the eventfd, or an exit to the user. */
export type Outcome =
  | { kind: 'signal'; registration: number }
  | { kind: 'read'; addr: bigint; length: number }
  | { kind: 'write'; addr: bigint; length: number; value: bigint };

export interface Registration {
  addr: bigint;
  len: number;
  datamatch: bigint | undefined;
  pv: boolean;
}

/** Where the guest's memory is, byte by byte. */
export interface World {
  translate(linear: bigint): bigint;
  /** A byte of RAM (read-only slots too), or undefined for what devices answer. */
  load(gpa: bigint): number | undefined;
  /** False if the address takes no stores: MMIO or read-only. */
  store(gpa: bigint, byte: number): boolean;
}

/** What a device read finds: some function of the address. */
export function deviceByte(gpa: bigint): number {
  return Number((gpa * 37n + 11n) & 0xffn);
}

export function deviceValue(gpa: bigint, length: number): bigint {
  let value = 0n;
  for (let at = length - 1; at >= 0; at--) value = (value << 8n) | BigInt(deviceByte(gpa + BigInt(at)));
  return value;
}

/** An instruction with its memory operand at RBX (or RDI, or below RSP) and its data in RAX. */
export interface Instruction {
  name: string;
  bytes: number[];
  size: number;
  /** How often, for REP. */
  count?: number;
  reads?: boolean;
  /** The value stored, of the old one and RAX; undefined = does not write. */
  writes?: (old: bigint, rax: bigint) => bigint;
}

export const INSTRUCTIONS: readonly Instruction[] = [
  // plain stores
  { name: 'mov [rbx], al', bytes: [0x88, 0x03], size: 1, writes: (_old, rax) => rax },
  { name: 'mov [rbx], ax', bytes: [0x66, 0x89, 0x03], size: 2, writes: (_old, rax) => rax },
  { name: 'mov [rbx], eax', bytes: [0x89, 0x03], size: 4, writes: (_old, rax) => rax },
  { name: 'mov [rbx], rax', bytes: [0x48, 0x89, 0x03], size: 8, writes: (_old, rax) => rax },
  { name: 'mov byte [rbx], 5', bytes: [0xc6, 0x03, 5], size: 1, writes: () => 5n },
  { name: 'mov word [rbx], 5', bytes: [0x66, 0xc7, 0x03, 5, 0], size: 2, writes: () => 5n },
  { name: 'mov dword [rbx], 5', bytes: [0xc7, 0x03, 5, 0, 0, 0], size: 4, writes: () => 5n },
  { name: 'mov qword [rbx], -1', bytes: [0x48, 0xc7, 0x03, 255, 255, 255, 255], size: 8, writes: () => -1n },
  { name: 'mov gs:[rbx + 0], eax', bytes: [0x65, 0x89, 0x43, 0x00], size: 4, writes: (_old, rax) => rax },
  // stores that are not MOV
  { name: 'movnti [rbx], eax', bytes: [0x0f, 0xc3, 0x03], size: 4, writes: (_old, rax) => rax },
  { name: 'setc [rbx]', bytes: [0x0f, 0x92, 0x03], size: 1, writes: () => 0n },
  { name: 'stosd', bytes: [0xab], size: 4, writes: (_old, rax) => rax },
  { name: 'push rax', bytes: [0x50], size: 8, writes: (_old, rax) => rax },
  { name: 'movbe [rbx], ax', bytes: [0x66, 0x0f, 0x38, 0xf1, 0x03], size: 2, writes: (_old, rax) => swap16(rax) },
  // REP
  { name: 'rep stosb', bytes: [0xf3, 0xaa], size: 1, count: 3, writes: (_old, rax) => rax },
  { name: 'rep stosw', bytes: [0x66, 0xf3, 0xab], size: 2, count: 3, writes: (_old, rax) => rax },
  { name: 'rep stosd', bytes: [0xf3, 0xab], size: 4, count: 3, writes: (_old, rax) => rax },
  { name: 'rep stosq', bytes: [0xf3, 0x48, 0xab], size: 8, count: 2, writes: (_old, rax) => rax },
  // read-modify-write
  { name: 'add [rbx], al', bytes: [0x00, 0x03], size: 1, reads: true, writes: (old, rax) => old + rax },
  { name: 'add [rbx], ax', bytes: [0x66, 0x01, 0x03], size: 2, reads: true, writes: (old, rax) => old + rax },
  { name: 'lock or [rbx], eax', bytes: [0xf0, 0x09, 0x03], size: 4, reads: true, writes: (old, rax) => old | rax },
  { name: 'xor [rbx], rax', bytes: [0x48, 0x31, 0x03], size: 8, reads: true, writes: (old, rax) => old ^ rax },
  { name: 'inc dword [rbx]', bytes: [0xff, 0x03], size: 4, reads: true, writes: (old) => old + 1n },
  { name: 'not word [rbx]', bytes: [0x66, 0xf7, 0x13], size: 2, reads: true, writes: (old) => ~old },
  { name: 'xchg [rbx], eax', bytes: [0x87, 0x03], size: 4, reads: true, writes: (_old, rax) => rax },
  { name: 'xadd [rbx], al', bytes: [0x0f, 0xc0, 0x03], size: 1, reads: true, writes: (old, rax) => old + rax },
  { name: 'bts dword [rbx], 4', bytes: [0x0f, 0xba, 0x2b, 4], size: 4, reads: true, writes: (old) => old | 16n },
  { name: 'shl byte [rbx], 1', bytes: [0xd0, 0x23], size: 1, reads: true, writes: (old) => old << 1n },
  // reads
  { name: 'mov al, [rbx]', bytes: [0x8a, 0x03], size: 1, reads: true },
  { name: 'mov rax, [rbx]', bytes: [0x48, 0x8b, 0x03], size: 8, reads: true },
  { name: 'movzx eax, word [rbx]', bytes: [0x0f, 0xb7, 0x03], size: 2, reads: true },
  { name: 'cmp [rbx], eax', bytes: [0x39, 0x03], size: 4, reads: true },
  { name: 'test byte [rbx], 1', bytes: [0xf6, 0x03, 1], size: 1, reads: true },
];

function swap16(value: bigint): bigint {
  return ((value & 0xffn) << 8n) | ((value >> 8n) & 0xffn);
}

/** The parts of an access of `size` bytes that different pages hold. */
function fragments(world: World, linear: bigint, size: number): Fragment[] {
  const first = Math.min(size, 4096 - Number(linear & 0xfffn));
  const parts = [{ addr: world.translate(linear), length: first }];
  if (first < size) parts.push({ addr: world.translate(linear + BigInt(first)), length: size - first });
  return parts;
}

/** Spec 2.9: which registration takes a write, if any. PvMmio only makes a kick cheaper: its length counts like any other's. */
function taker(registrations: readonly Registration[], { addr, length }: Fragment, value: bigint): number {
  return registrations.findIndex(
    (one) =>
      one.addr === addr &&
      (one.len === 0 || one.len === length) &&
      (one.datamatch === undefined || one.datamatch === value),
  );
}

/** All that one instruction does, in order. RAM of the world changes. */
export function expected(
  world: World,
  registrations: readonly Registration[],
  { size, count = 1, reads, writes }: Instruction,
  linear: bigint,
  rax: bigint,
): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let element = 0; element < count; element++) {
    const parts = fragments(world, linear + BigInt(element * size), size);
    let old = 0n;
    let shift = 0n;
    for (const { addr, length } of reads ? parts : []) {
      const inMemory = world.load(addr) !== undefined;
      if (!inMemory) outcomes.push({ kind: 'read', addr, length });
      for (let at = 0n; at < length; at++, shift += 8n) {
        old |= BigInt(inMemory ? world.load(addr + at)! : deviceByte(addr + at)) << shift;
      }
    }
    if (writes === undefined) continue;
    let rest = BigInt.asUintN(size * 8, writes(old, rax));
    const left: Outcome[] = [];
    for (const fragment of parts) {
      const { addr, length } = fragment;
      const value = BigInt.asUintN(length * 8, rest);
      rest >>= BigInt(length * 8);
      let stored = true;
      for (let at = 0n; at < length; at++) stored = world.store(addr + at, Number((value >> (at * 8n)) & 0xffn));
      if (stored) continue;
      const registration = taker(registrations, fragment, value);
      if (registration >= 0) outcomes.push({ kind: 'signal', registration });
      else left.push({ kind: 'write', addr, length, value });
    }
    outcomes.push(...left);
  }
  return outcomes;
}
