// What a driver does with an IDE channel, by ports.

import { IdeController, type IdeOptions } from '../../../src/machine/devices/ide/ide-controller.js';
import { TestBoard } from '../board.js';

export const SLOT = 1;
export const BUS_MASTER = 0xc000;
/** A megabyte of memory from here; below and above there is none that the tests use. */
export const RAM = 0x1000_0000;
export const RAM_SIZE = 0x10_0000;

export const BSY = 0x80;
export const DRDY = 0x40;
export const DRQ = 0x08;
export const ERR = 0x01;
export const IDLE = 0x50;
export const ABRT = 0x04;
export const IDNF = 0x10;
export const UNC = 0x40;

/** A board with the controller, its BAR placed and bus mastering on. */
export async function plugIn(options: IdeOptions): Promise<{ board: TestBoard; ide: IdeController; host: AtaHost }> {
  const board = await TestBoard.create();
  board.vm.setMemoryRegion({ slot: 7, guestPhysAddr: BigInt(RAM), memorySize: RAM_SIZE });
  const ide = new IdeController(board, options);
  board.pci.plug(ide, SLOT);
  board.writeConfig(SLOT, 0x20, BUS_MASTER);
  board.writeConfig(SLOT, 0x04, 5, 2);
  return { board, ide, host: new AtaHost(board) };
}

export interface Request {
  command: number;
  /** LBA of 28 or 48 bits. */
  lba?: number;
  count?: number;
  feature?: number;
  ext?: boolean;
  drive?: 0 | 1;
}

export class AtaHost {
  constructor(
    readonly board: TestBoard,
    readonly base = 0x1f0,
    readonly control = 0x3f6,
    readonly gsi = 14,
  ) {}

  get(register: number): number {
    return this.board.in(this.base + register, 1)!;
  }
  set(register: number, value: number): void {
    this.board.out(this.base + register, value, 1);
  }
  get status(): number {
    return this.get(7);
  }
  /** Reading status takes INTRQ back. */
  acknowledge(): void {
    this.get(7);
  }
  get alternate(): number {
    return this.board.in(this.control, 1)!;
  }
  setControl(value: number): void {
    this.board.out(this.control, value, 1);
  }
  get line(): number {
    return this.board.levels.get(this.gsi) ?? 0;
  }

  issue({ command, lba = 0, count = 1, feature = 0, ext = false, drive = 0 }: Request): void {
    this.set(6, 0x40 | (drive << 4) | (ext ? 0 : Math.floor(lba / 2 ** 24) & 15));
    const registers: [number, number][] = [
      [1, feature],
      [2, count],
      [3, lba],
      [4, Math.floor(lba / 2 ** 8)],
      [5, Math.floor(lba / 2 ** 16)],
    ];
    if (ext) {
      const high = [0, Math.floor(count / 256), 2 ** 24, 2 ** 32, 2 ** 40] as const;
      for (const [index, [register]] of registers.entries()) {
        const value = index < 2 ? high[index]! : Math.floor(lba / high[index]!);
        this.set(register, value & 0xff);
      }
    }
    for (const [register, value] of registers) this.set(register, value & 0xff);
    this.set(7, command);
  }

  readWords(bytes: number, width: 2 | 4 = 2): Uint8Array {
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += width) {
      const value = this.board.in(this.base, width)!;
      for (let byte = 0; byte < width; byte++) out[at + byte] = value >>> (byte * 8);
    }
    return out;
  }

  writeWords(bytes: Uint8Array, width: 2 | 4 = 2): void {
    for (let at = 0; at < bytes.length; at += width) {
      let value = 0;
      for (let byte = 0; byte < width; byte++) value |= bytes[at + byte]! << (byte * 8);
      this.board.out(this.base, value >>> 0, width);
    }
  }

  identify(drive: 0 | 1 = 0): Uint16Array {
    this.issue({ command: 0xec, drive });
    const bytes = this.readWords(512);
    return new Uint16Array(bytes.buffer);
  }

  /** A table of physical regions at `table`: [address, bytes] each, the last marked. */
  prds(table: number, regions: readonly (readonly [number, number])[]): void {
    for (const [index, [address, length]] of regions.entries()) {
      this.board.vm.memory.writeU32(table + index * 8, address);
      const last = index === regions.length - 1 ? 0x8000_0000 : 0;
      this.board.vm.memory.writeU32(table + index * 8 + 4, ((length & 0xffff) | last) >>> 0);
    }
    this.board.out(BUS_MASTER + 4, table);
  }
}
