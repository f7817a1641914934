// fw_cfg: items by number and by name that a firmware reads from its virtual machine, byte by byte or by DMA (QEMU,
// docs/specs/fw_cfg.rst). Items are read only here: writing one is an error, as QEMU has it for items without a writer.

import type { IoDevice } from '../../bus/device.js';
import { DECLINED } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';
import type { GuestMemory } from '../../vmm/guest-memory.js';

export const FW_CFG_PORT = 0x510;
/** Selector, data, two ports of nothing, and the DMA address. */
export const FW_CFG_PORTS = 12;
const SELECTOR = 0;
const DATA = 1;
const DMA_HIGH = 4;
const DMA_LOW = 8;

/** Items with a number of their own. */
export const FwCfgItem = {
  Signature: 0x00,
  Id: 0x01,
  RamSize: 0x03,
  NoGraphic: 0x04,
  Cpus: 0x05,
  KernelAddress: 0x07,
  KernelSize: 0x08,
  BootMenu: 0x0e,
  MaxCpus: 0x0f,
  InitrdAddress: 0x0a,
  InitrdSize: 0x0b,
  Directory: 0x19,
} as const;
const FIRST_FILE = 0x20;
const MOST_FILES = 0x400;
const NAME_BYTES = 56;
const DIRECTORY_ENTRY = 64;

const SIGNATURE = [...'QEMU'].map((char) => char.charCodeAt(0));
/** Reads as "QEMU CFG" where the DMA address is written. */
const DMA_SIGNATURE_HIGH = 0x5145_4d55;
const DMA_SIGNATURE_LOW = 0x2043_4647;
/** Features: the ports, and DMA. */
const ID = 0x3;

/** A DMA request in memory: control, length, address, all big-endian. */
const REQUEST = 16;
const DmaControl = { Error: 0x1, Read: 0x2, Skip: 0x4, Select: 0x8, Write: 0x10 } as const;
/** Bytes a request moves in one go; what is behind an item reads as zeros, however long the guest says that is. */
const PIECE = 0x1_0000;
/** Zeros that one request gets behind an item at most: a length of 4 GiB is a mistake, and would hold the guest up. */
const MOST_ZEROS = 0x100_0000;

export interface FwCfgOptions {
  readonly memory: GuestMemory;
  /** Gives the items, when something asks for them first: ACPI tables take time, and most guests never ask. */
  readonly describe?: (fwCfg: FwCfg) => void;
}

export type FwCfgState = { selector: number; position: number; dmaHigh: number };

export class FwCfg implements IoDevice, Stateful {
  readonly name = 'fw-cfg';
  readonly #memory: GuestMemory;
  readonly #items = new Map<number, Uint8Array>();
  readonly #files: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  #selector = 0;
  #item: Uint8Array | undefined;
  #position = 0;
  #dmaHigh = 0;
  #fill: ((fwCfg: FwCfg) => void) | undefined;

  constructor({ memory, describe }: FwCfgOptions) {
    this.#memory = memory;
    this.setItem(FwCfgItem.Signature, Uint8Array.from(SIGNATURE));
    this.setItem(FwCfgItem.Id, Uint8Array.of(ID, 0, 0, 0));
    this.#describe();
    this.#select(0);
    this.#fill = describe;
  }

  /** Has all its items from here on. */
  #complete(): void {
    const fill = this.#fill;
    this.#fill = undefined;
    fill?.(this);
  }

  /** Gives an item that has a number its bytes. */
  setItem(number: number, bytes: Uint8Array): void {
    this.#complete();
    this.#items.set(number, bytes);
  }

  /** Adds a file, or replaces the one of that name. Throws RangeError if the name is too long or the directory full. */
  setFile(name: string, bytes: Uint8Array): void {
    this.#complete();
    const known = this.#files.findIndex((file) => file.name === name);
    if (!/^[\x21-\x7e]+$/.test(name) || name.length >= NAME_BYTES) {
      throw new RangeError(`fw_cfg: a file's name has up to ${NAME_BYTES - 1} printable characters, not "${name}"`);
    }
    if (known >= 0) this.#files[known] = { name, bytes };
    else if (this.#files.length < MOST_FILES) this.#files.push({ name, bytes });
    else throw new RangeError(`fw_cfg: no room for "${name}", there are ${MOST_FILES} files`);
    this.#describe();
  }

  /** The directory: files by name, each with its size and number in big-endian order. */
  #describe(): void {
    const files = this.#files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const bytes = new Uint8Array(4 + files.length * DIRECTORY_ENTRY);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, files.length);
    for (const [index, file] of files.entries()) {
      const at = 4 + index * DIRECTORY_ENTRY;
      view.setUint32(at, file.bytes.length);
      view.setUint16(at + 4, FIRST_FILE + index);
      bytes.set(new TextEncoder().encode(file.name), at + 8);
      this.#items.set(FIRST_FILE + index, file.bytes);
    }
    this.#items.set(FwCfgItem.Directory, bytes);
  }

  /** Bits 14 and 15 of a selector mean "write" and "of this architecture"; the former is nothing today. */
  #select(selector: number): void {
    if (selector !== FwCfgItem.Signature) this.#complete();
    this.#selector = selector;
    this.#item = this.#items.get(selector & 0xbfff);
    this.#position = 0;
  }

  read(offset: number, length: number): number {
    if (offset === SELECTOR && length === 2) return this.#selector;
    if (offset === DATA && length === 1) return this.#next();
    if (offset === DMA_HIGH && length === 4) return swap(DMA_SIGNATURE_HIGH);
    if (offset === DMA_LOW && length === 4) return swap(DMA_SIGNATURE_LOW);
    if (offset >= DMA_HIGH && offset < FW_CFG_PORTS) return this.#dmaByte(offset, length);
    return DECLINED;
  }

  /** A part of the signature, whose first byte is at the lowest port. */
  #dmaByte(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) {
      const at = offset - DMA_HIGH + byte;
      const word = at < 4 ? DMA_SIGNATURE_HIGH : DMA_SIGNATURE_LOW;
      value |= ((word >>> (24 - (at & 3) * 8)) & 0xff) << (byte * 8);
    }
    return value;
  }

  #next(): number {
    const item = this.#item;
    return item !== undefined && this.#position < item.length ? item[this.#position++]! : 0;
  }

  write(offset: number, length: number, value: number): void | typeof DECLINED {
    if (offset === SELECTOR && length === 2) this.#select(value);
    else if (offset === DMA_HIGH && length === 4) this.#dmaHigh = swap(value);
    else if (offset === DMA_LOW && length === 4) this.#start(this.#dmaHigh * 0x1_0000_0000 + swap(value));
    // Items cannot be written by the port; QEMU drops it too.
    else if (offset !== DATA || length !== 1) return DECLINED;
    return undefined;
  }

  /** Carries a request out. One that is not in memory cannot even be told that it is wrong. */
  #start(at: number): void {
    this.#dmaHigh = 0;
    if (!Number.isSafeInteger(at + REQUEST) || !this.#memory.covers(at, REQUEST)) return;
    const request = new DataView(this.#memory.read(at, REQUEST).buffer);
    const control = request.getUint32(0);
    const length = request.getUint32(4);
    const address = request.getUint32(8) * 0x1_0000_0000 + request.getUint32(12);
    if ((control & DmaControl.Select) !== 0) this.#select(control >>> 16);
    const failed = !this.#carryOut(control, address, length);
    const answer = new Uint8Array(4);
    new DataView(answer.buffer).setUint32(0, failed ? DmaControl.Error : 0);
    this.#memory.write(at, answer);
  }

  /** False if the request cannot be carried out; it may have been in part. */
  #carryOut(control: number, address: number, length: number): boolean {
    if ((control & DmaControl.Read) !== 0) return this.#transfer(address, length);
    if ((control & DmaControl.Write) !== 0) return false;
    if ((control & DmaControl.Skip) !== 0) this.#position += this.#left(length);
    return true;
  }

  /** How much of `length` bytes the item still has. */
  #left(length: number): number {
    return Math.min(length, Math.max(0, (this.#item?.length ?? 0) - this.#position));
  }

  #transfer(address: number, length: number): boolean {
    const left = this.#left(length);
    const zeros = length - left;
    if (zeros > MOST_ZEROS || !Number.isSafeInteger(address + length)) return false;
    if (!this.#memory.covers(address, length)) return false;
    if (left > 0) this.#memory.write(address, this.#item!.subarray(this.#position, this.#position + left));
    this.#position += left;
    for (let done = 0; done < zeros; done += PIECE) {
      this.#memory.fill(address + left + done, 0, Math.min(PIECE, zeros - done));
    }
    return true;
  }

  save(): FwCfgState {
    return { selector: this.#selector, position: this.#position, dmaHigh: this.#dmaHigh };
  }

  restore({ selector, position, dmaHigh }: FwCfgState): void {
    this.#select(selector);
    this.#position = position;
    this.#dmaHigh = dmaHigh;
  }

  reset(): void {
    this.#select(0);
    this.#dmaHigh = 0;
  }
}

/** The bytes of a dword in the other order. */
function swap(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
