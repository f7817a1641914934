// Random page tables: a small graph of pages in which walks go deep, through entries that are mostly good.

export const PAGE = 4096;
/** Guest-physical pages 0…15 lie in the first 16 pages of the region (scattered), nested or shadow tables in the rest. */
export const GUEST_PAGES = 16;
export const NESTED_PAGES = 8;
export const REGION = (GUEST_PAGES + NESTED_PAGES) * PAGE;
/** Slots of a table that are filled; linear addresses choose among them. */
export const SLOTS = [0, 1, 2, 511] as const;

/** What an integer stands for, so that shrinking an integer towards 0 shrinks towards a plain good entry. */
class Digits {
  constructor(private rest: number) {}
  next(base: number): number {
    const digit = this.rest % base;
    this.rest = Math.floor(this.rest / base);
    return digit;
  }
}
/** Entry seeds are below this. */
export const SEEDS = 2 ** 30;
const flag = (set: boolean, n: number): bigint => (set ? 1n << BigInt(n) : 0n);

/** An x86 entry of 64 bits; frames are in the region or at large-page boundaries. `frame` gives a 4 KiB frame's address. */
export function entry64(seed: number, frame: (n: number) => bigint): bigint {
  const d = new Digits(seed);
  const n = d.next(GUEST_PAGES);
  let entry = flag(d.next(24) !== 23, 0) | flag(d.next(6) !== 5, 1) | flag(d.next(4) !== 3, 2);
  entry |= flag(d.next(2) === 1, 5) | flag(d.next(2) === 1, 6) | flag(d.next(8) === 7, 63);
  const large = d.next(4) === 3;
  entry |= flag(d.next(3) === 2, 8);
  const special = d.next(24);
  const boundary = [0x0n, 0x200000n, 0x40000000n, 0x40200000n][n & 3] ?? 0n;
  entry |= large ? flag(true, 7) | boundary : frame(n);
  if (special === 23) entry |= 1n << 41n;
  if (special === 22) entry |= 1n << 13n;
  if (special === 21) entry |= 1n << BigInt(52 + (n % 11));
  if (special === 20) entry |= 1n << 51n;
  if (special === 19) entry |= 1n << 12n;
  return entry;
}

/** A 32-bit entry. */
export function entry32(seed: number): bigint {
  const d = new Digits(seed);
  const n = d.next(GUEST_PAGES);
  let entry = flag(d.next(24) !== 23, 0) | flag(d.next(6) !== 5, 1) | flag(d.next(4) !== 3, 2);
  entry |= flag(d.next(2) === 1, 5) | flag(d.next(2) === 1, 6) | flag(d.next(3) === 2, 8);
  const large = d.next(3) === 2;
  const special = d.next(12);
  entry |= large ? flag(true, 7) | (n & 1 ? 0x400000n : 0n) : BigInt(n) << 12n;
  if (large && special >= 8) entry |= 1n << BigInt([13, 17, 20, 21][special - 8] ?? 13);
  return entry;
}

/** An EPT entry for slot `slot` of a table of `level`; host addresses are those of the region, or out of the way. */
export function eptEntry(
  seed: number,
  level: number,
  slot: number,
  table: bigint,
  frame: bigint,
  region: bigint,
): bigint {
  const d = new Digits(seed);
  const special = d.next(40);
  let entry = 7n;
  if (special === 39) entry = 0n;
  else if (special === 38) entry = 6n;
  else if (special === 37) entry = 5n;
  else if (special === 36) entry = 4n;
  else if (special === 35) entry = 2n;
  else if (special === 34) entry = 3n;
  else if (special === 33) entry |= 1n << 46n;
  entry |= flag(d.next(2) === 1, 8) | flag(d.next(2) === 1, 9);
  const type = d.next(40);
  const large = d.next(3) === 2 && (level === 2 || (level === 3 && slot > 0));
  if (level === 1 || large) entry |= BigInt(type < 32 ? 6 : type - 32) << 3n;
  else if (type === 32) entry |= 1n << 4n;
  if (level === 1) return entry | frame;
  if (!large) return entry | table;
  const reserved = d.next(16) === 15 ? 1n << 13n : 0n;
  return entry | reserved | 0x80n | (level === 2 ? region : 0x40000000n);
}

/** NPT: the host's tables are trusted, so only their flags are wild and a table's entries never lead out of the region. */
export function nptEntry(
  seed: number,
  level: number,
  slot: number,
  next: bigint,
  frame: bigint,
  region: bigint,
): bigint {
  const random = entry64(seed, () => 0n);
  const keep = random & ~0x000ffffffffff080n;
  const marker = seed % 31 === 30 ? 1n << 51n : seed % 37 === 36 ? 1n << 47n : 0n;
  const user = seed % 5 === 0 ? keep : keep | 4n;
  if (level === 1) return user | marker | frame;
  if ((random & 0x80n) !== 0n && (level === 2 || (level === 3 && slot > 0))) {
    return user | marker | 0x80n | (seed % 29 === 28 ? 1n << 13n : 0n) | (level === 2 ? region : 0x40000000n);
  }
  return user | marker | next | (seed % 53 === 52 && level === 4 ? 0x80n : 0n);
}
