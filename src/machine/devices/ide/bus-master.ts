// Bus-master DMA of one channel: Intel's 82371SB (PIIX3, order number 290550), 2.7 and 5.4.2, which follows "Programming
// Interface for Bus Master IDE Controller", revision 1.0. A guest describes memory in a table of physical regions (PRDs); of what
// it says nothing is believed: a region where no memory is ends the transfer with the error bit.

import type { GuestMemory } from '../../../vmm/guest-memory.js';
import { IDLE, IN, type DmaPort, type Drive } from './drive.js';

/** Registers, from the channel's first: BMIC, BMIS, BMIDTP. */
const COMMAND = 0;
const STATUS = 2;
const TABLE = 4;
export const BUS_MASTER_PORTS = 8;

const START = 0x01;
/** The bus master writes memory: data goes in. */
const TO_MEMORY = 0x08;

const ACTIVE = 0x01;
const ERROR = 0x02;
const INTERRUPT = 0x04;
/** Drive 0 and 1 can do DMA: bits that only software gives a meaning. */
const CAPABLE = 0x60;

const PRD_SIZE = 8;
const LAST = 0x8000_0000;
/** A table lies within 64 KiB (1.2 of the interface), which ends what a guest can keep the host busy with. */
const MOST_PRDS = 0x1_0000 / PRD_SIZE;

export interface BusMasterOptions {
  readonly memory: GuestMemory;
  /** The drive selected. */
  readonly drive: () => Drive | undefined;
  /** The command register's bus master enable. */
  readonly enabled: () => boolean;
}

export type BusMasterState = {
  command: number;
  status: number;
  table: number;
  next: number;
  taken: number;
  address: number;
  left: number;
  last: boolean;
};

export class BusMaster implements DmaPort {
  readonly #memory: GuestMemory;
  readonly #drive: () => Drive | undefined;
  readonly #enabled: () => boolean;
  readonly #prd = new Uint8Array(PRD_SIZE);
  readonly #view = new DataView(this.#prd.buffer);
  #command = 0;
  #status = 0;
  #table = 0;
  /** The next PRD's address, and how many have been taken. */
  #next = 0;
  #taken = 0;
  /** The rest of the region under way. */
  #address = 0;
  #left = 0;
  #last = false;

  constructor({ memory, drive, enabled }: BusMasterOptions) {
    this.#memory = memory;
    this.#drive = drive;
    this.#enabled = enabled;
  }

  readByte(register: number): number {
    if (register === COMMAND) return this.#command;
    if (register === STATUS) return this.#status;
    if (register >= TABLE) return (this.#table >>> ((register - TABLE) * 8)) & 0xff;
    return 0;
  }

  writeByte(register: number, value: number): void {
    if (register === COMMAND) this.#writeCommand(value);
    else if (register === STATUS) {
      const cleared = value & (ERROR | INTERRUPT);
      this.#status = (this.#status & (ACTIVE | ERROR | INTERRUPT) & ~cleared) | (value & CAPABLE);
    } else if (register >= TABLE) {
      const shift = (register - TABLE) * 8;
      this.#table = ((this.#table & ~(0xff << shift)) | (value << shift)) & ~3;
    }
  }

  #writeCommand(value: number): void {
    const before = this.#command;
    this.#command = value & (START | TO_MEMORY);
    if ((value & START) === 0) {
      this.#status &= ~ACTIVE;
      return;
    }
    if ((before & START) !== 0) return;
    this.#status |= ACTIVE;
    this.#next = this.#table >>> 0;
    this.#taken = 0;
    this.#left = 0;
    this.#last = false;
    this.run();
  }

  /** Moves data, if the engine is started and the selected drive has some; whichever came last calls. */
  run(): void {
    const drive = this.#drive();
    if (drive === undefined || drive.dma === IDLE || (this.#status & ACTIVE) === 0) return;
    // Engine and drive both wait for the other to move first.
    if ((drive.dma === IN) !== ((this.#command & TO_MEMORY) !== 0)) return;
    drive.transfer(this);
    if (this.#last && this.#left === 0) this.#status &= ~ACTIVE;
  }

  /** The drive's INTRQ has gone up. */
  interrupted(): void {
    this.#status |= INTERRUPT;
  }

  store(bytes: Uint8Array): number {
    for (let done = 0; done < bytes.length;) {
      if (this.#left === 0 && !this.#fetch()) return done;
      const count = Math.min(this.#left, bytes.length - done);
      if (!this.#memory.covers(this.#address, count)) return this.#fail(done);
      this.#memory.write(this.#address, bytes.subarray(done, done + count));
      done += this.#step(count);
    }
    return bytes.length;
  }

  gather(into: Uint8Array): number {
    for (let done = 0; done < into.length;) {
      if (this.#left === 0 && !this.#fetch()) return done;
      const count = Math.min(this.#left, into.length - done);
      if (!this.#memory.covers(this.#address, count)) return this.#fail(done);
      this.#memory.readInto(this.#address, into.subarray(done, done + count));
      done += this.#step(count);
    }
    return into.length;
  }

  #step(count: number): number {
    this.#address += count;
    this.#left -= count;
    return count;
  }

  #fail(done: number): number {
    this.#status = (this.#status | ERROR) & ~ACTIVE;
    return done;
  }

  /** The next region; false if there is none, or none that can be read. */
  #fetch(): boolean {
    if (this.#last) {
      this.#status &= ~ACTIVE;
      return false;
    }
    if (!this.#enabled() || this.#taken >= MOST_PRDS || !this.#memory.covers(this.#next, PRD_SIZE)) {
      this.#fail(0);
      return false;
    }
    this.#memory.readInto(this.#next, this.#prd);
    this.#next += PRD_SIZE;
    this.#taken++;
    this.#address = this.#view.getUint32(0, true) & ~1;
    this.#address >>>= 0;
    const word = this.#view.getUint32(4, true);
    this.#left = word & 0xfffe || 0x1_0000;
    this.#last = (word & LAST) !== 0;
    return true;
  }

  reset(): void {
    this.#command = 0;
    this.#status = 0;
    this.#table = 0;
    this.#left = 0;
    this.#last = false;
  }

  save(): BusMasterState {
    return {
      command: this.#command,
      status: this.#status,
      table: this.#table,
      next: this.#next,
      taken: this.#taken,
      address: this.#address,
      left: this.#left,
      last: this.#last,
    };
  }

  restore(state: BusMasterState): void {
    this.#command = state.command;
    this.#status = state.status;
    this.#table = state.table;
    this.#next = state.next;
    this.#taken = state.taken;
    this.#address = state.address;
    this.#left = state.left;
    this.#last = state.last;
  }
}
