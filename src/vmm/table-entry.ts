// An entry of a page table, taken apart for people: whose it is, where it stands, what its bits mean and where it leads. The
// formats are those of SDM vol. 3, 4.3 to 4.5 and 29.3.2, and AMD APM vol. 2, 5.3; plain data, to be sent anywhere.

export type TableKind = 'guest' | 'ept' | 'npt' | 'shadow';
export type EntryName = 'PTE' | 'PDE' | 'PDPTE' | 'PML4E' | 'PML5E';

/** What an entry is good for. */
export type EntryMeaning =
  /** It leads to a further table. */
  | 'table'
  /** It maps a page. */
  | 'page'
  /** Nothing is there (of the hypervisor's: not yet, since the guest has not touched it). */
  | 'absent'
  /** The hypervisor's mark for what no memory slot covers: a device's, or nobody's. */
  | 'mmio'
  /** Bits are set that must not be: a page fault with RSVD. */
  | 'reserved';

export interface TableEntry {
  readonly table: TableKind;
  /** 1 for a page table, up to 5. */
  readonly level: number;
  readonly name: EntryName;
  /** Of the entry in its table. */
  readonly index: number;
  /** Guest-physical of a guest's entry; an offset in linear memory of one of the hypervisor's. */
  readonly address: bigint;
  /** Bytes: 4 with 32-bit paging, else 8. */
  readonly size: 4 | 8;
  readonly value: bigint;
  /** Names of the bits that are set, in the order of the bits; of EPT the rights, then the memory type. */
  readonly flags: readonly string[];
  readonly meaning: EntryMeaning;
  /** Where the next table or the page begins: as `address`, but a guest's is guest-physical, the hypervisor's linear memory. */
  readonly target: bigint | undefined;
  /** Bytes of the page that it maps. */
  readonly pageSize: number | undefined;
}

/** An entry that has been read, and what decides over its meaning. */
export interface RawEntry {
  table: TableKind;
  level: number;
  index: number;
  address: bigint;
  size: 4 | 8;
  value: bigint;
  /** Bits that must be clear, whatever the entry is. */
  reserved: bigint;
  /** PS makes it a page. */
  mayBePage: boolean;
  /** One of the four entries of PAE that the processor keeps: it has no rights, and nothing is ever marked in it. */
  pae?: boolean;
}

const NAMES: readonly EntryName[] = ['PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'];
const MEMORY_TYPES = ['UC', 'WC', 'type 2', 'type 3', 'WT', 'WP', 'WB', 'type 7'];
export const ADDRESS = 0x000f_ffff_ffff_f000n;
const P = 1n;
const PS = 0x80n;
const EPT_RIGHTS = 7n;
const EPT_MMIO = 6n;
const MMIO = 1n << 51n;
const NX = 1n << 63n;

export function describeEntry(raw: RawEntry): TableEntry {
  const { table, level, index, address, size, value } = raw;
  const large = level > 1 && (value & PS) !== 0n && raw.mayBePage;
  const isPage = level === 1 || large;
  const shift = BigInt(size === 4 ? (level === 1 ? 12 : 22) : 3 + 9 * level);
  const meaning = meaningOf(raw, isPage, shift);
  const common = { table, level, name: NAMES[level - 1]!, index, address, size, value, meaning };
  const flags = meaning === 'absent' ? [] : table === 'ept' ? eptFlags(raw, isPage) : flagsOf(raw, isPage, large);
  if (meaning === 'table') return { ...common, flags, target: wide(raw) & ADDRESS, pageSize: undefined };
  if (meaning !== 'page') return { ...common, flags, target: undefined, pageSize: undefined };
  const target = wide(raw) & ADDRESS & ~((1n << shift) - 1n);
  return { ...common, flags, target, pageSize: Number(1n << shift) };
}

/** The address of a 4 MiB page has bits 39:32 in the entry's bits 20:13 (SDM vol. 3, table 4-4). */
function wide({ size, level, value, mayBePage }: RawEntry): bigint {
  if (size === 8) return value;
  if (level === 1 || (value & PS) === 0n || !mayBePage) return value & 0xffff_ffffn;
  return ((value & 0x1f_e000n) << 19n) | (value & 0xffc0_0000n);
}

function meaningOf(raw: RawEntry, isPage: boolean, shift: bigint): EntryMeaning {
  const { table, value, reserved, size, level } = raw;
  if (table === 'ept') {
    if ((value & EPT_RIGHTS) === 0n) return 'absent';
    if ((value & EPT_RIGHTS) === EPT_MMIO) return 'mmio';
    return isPage ? 'page' : 'table';
  }
  if ((value & P) === 0n) return 'absent';
  if (table !== 'guest' && (value & MMIO) !== 0n) return 'mmio';
  let mustBeClear = reserved;
  if (size === 4) {
    // Bit 21 of a 4 MiB page's entry, and address bits that the processor lacks.
    if (isPage && level > 1) mustBeClear = ((reserved >> 19n) & 0x1f_e000n) | 0x20_0000n;
    else mustBeClear = 0n;
  } else if (isPage && level > 1)
    mustBeClear |= ((1n << shift) - 1n) & ~0x1fffn; // bit 12 is PAT
  else if (!isPage && level > 1 && raw.pae !== true) mustBeClear |= PS;
  if ((value & mustBeClear) !== 0n) return 'reserved';
  return isPage ? 'page' : 'table';
}

function flagsOf({ value, level, size, pae }: RawEntry, isPage: boolean, large: boolean): string[] {
  const bit = (number: number): boolean => (value & (1n << BigInt(number))) !== 0n;
  const names: [boolean, string][] =
    pae === true
      ? [
          [bit(0), 'P'],
          [bit(3), 'PWT'],
          [bit(4), 'PCD'],
        ]
      : [
          [bit(0), 'P'],
          [bit(1), 'W'],
          [bit(2), 'U'],
          [bit(3), 'PWT'],
          [bit(4), 'PCD'],
          [bit(5), 'A'],
          [isPage && bit(6), 'D'],
          [level > 1 && bit(7), 'PS'],
          [level === 1 && bit(7), 'PAT'],
          [isPage && bit(8), 'G'],
          [large && bit(12), 'PAT'],
          [size === 8 && (value & NX) !== 0n, 'NX'],
        ];
  return names.filter(([set]) => set).map(([, name]) => name);
}

function eptFlags({ value, level }: RawEntry, isPage: boolean): string[] {
  const bit = (number: number): boolean => (value & (1n << BigInt(number))) !== 0n;
  const marker = (value & EPT_RIGHTS) === EPT_MMIO;
  const names: [boolean, string][] = [
    [bit(0), 'R'],
    [bit(1), 'W'],
    [bit(2), 'X'],
    [!marker && isPage, MEMORY_TYPES[Number((value >> 3n) & 7n)]!],
    [!marker && level > 1 && bit(7), 'PS'],
    [!marker && bit(8), 'A'],
    [!marker && isPage && bit(9), 'D'],
  ];
  return names.filter(([set]) => set).map(([, name]) => name);
}
