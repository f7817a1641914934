// What all drives on an IDE channel have in common: the task file, the data register, and an interrupt that waits to be seen.

import type { DeviceState } from '../../../bus/device-state.js';
import {
  COUNT,
  DEVICE,
  LBA_HIGH,
  LBA_LOW,
  LBA_MID,
  STATUS_BSY,
  STATUS_DRDY,
  STATUS_DRQ,
  STATUS_DSC,
  STATUS_ERR,
} from './registers.js';

/** The data register's direction. */
export const IDLE = 0;
export const IN = 1;
export const OUT = 2;
export type Direction = typeof IDLE | typeof IN | typeof OUT;

/** What a drive tells its channel. */
export interface DriveHost {
  /** `pending` has changed. */
  interruptChanged(): void;
  /** A DMA transfer can be made. */
  dmaRequested(): void;
}

/** The other end of a DMA transfer: memory, in pieces. Both return how many bytes went; fewer than asked if no more can. */
export interface DmaPort {
  store(bytes: Uint8Array): number;
  gather(into: Uint8Array): number;
}

export type DriveState = {
  current: Uint8Array;
  previous: Uint8Array;
  status: number;
  error: number;
  pending: boolean;
  direction: Direction;
  dma: Direction;
  at: number;
  data: Uint8Array;
  own: DeviceState;
};

export abstract class Drive {
  abstract readonly name: string;
  /** What was written to registers 1…6, and what they had before: the high half of 48-bit parameters (6.20). */
  readonly current = new Uint8Array(8);
  readonly previous = new Uint8Array(8);
  status = 0;
  error = 0;
  /** INTRQ, if the drive is selected and nIEN lets it. */
  pending = false;
  /** A DMA data phase waits for its other end. */
  dma: Direction = IDLE;
  /** What passes through the data register: `buffer` from `at` to `end`. */
  protected readonly buffer: Uint8Array;
  protected direction: Direction = IDLE;
  #at = 0;
  #end = 0;
  #host: DriveHost = { interruptChanged: () => {}, dmaRequested: () => {} };

  protected constructor(bufferSize: number) {
    this.buffer = new Uint8Array(bufferSize);
  }

  attach(host: DriveHost): void {
    this.#host = host;
  }

  /** Carries out a command; the drive is neither busy nor in a data phase. */
  abstract command(code: number): void;
  /** Puts the signature (volume 2, 9.12) into the task file and sets status. */
  protected abstract signature(): void;
  /** The data register has been read, or written, up to the end of the block. */
  protected abstract blockDone(): void;
  /** Moves what the DMA data phase has to move. */
  abstract transfer(port: DmaPort): void;

  /** Busy, as from the moment that SRST is set. */
  hold(): void {
    this.#forget();
    this.status = STATUS_BSY;
  }

  /** Power-on, or SRST let go: the diagnostics pass. */
  reset(): void {
    this.#forget();
    this.current.fill(0);
    this.previous.fill(0);
    this.diagnose();
  }

  /** EXECUTE DEVICE DIAGNOSTIC: 01h is "no error", device 1 passed or not present. */
  diagnose(): void {
    this.#forget();
    this.error = 0x01;
    this.signature();
  }

  #forget(): void {
    this.direction = IDLE;
    this.dma = IDLE;
    this.#at = 0;
    this.#end = 0;
    this.setPending(false);
  }

  protected setSignature(mid: number, high: number): void {
    const { current } = this;
    current[COUNT] = 1;
    current[LBA_LOW] = 1;
    current[LBA_MID] = mid;
    current[LBA_HIGH] = high;
    current[DEVICE] = 0;
  }

  writeRegister(register: number, value: number): void {
    this.previous[register] = this.current[register]!;
    this.current[register] = value;
  }

  setPending(pending: boolean): void {
    if (this.pending === pending) return;
    this.pending = pending;
    this.#host.interruptChanged();
  }

  /** The data register. What is read outside of a data phase is whatever the bus floats at. */
  readData(length: number): number {
    const at = this.#at;
    const end = this.#end;
    if (this.direction !== IN) return -1;
    const { buffer } = this;
    let value = buffer[at]!;
    if (length > 1 && at + 1 < end) value |= buffer[at + 1]! << 8;
    if (length > 2 && at + 2 < end) value |= buffer[at + 2]! << 16;
    if (length > 3 && at + 3 < end) value |= buffer[at + 3]! << 24;
    if (at + length < end) this.#at = at + length;
    else this.#endBlock();
    return value;
  }

  writeData(length: number, value: number): void {
    const at = this.#at;
    const end = this.#end;
    if (this.direction !== OUT) return;
    const { buffer } = this;
    buffer[at] = value;
    if (length > 1 && at + 1 < end) buffer[at + 1] = value >>> 8;
    if (length > 2 && at + 2 < end) buffer[at + 2] = value >>> 16;
    if (length > 3 && at + 3 < end) buffer[at + 3] = value >>> 24;
    if (at + length < end) this.#at = at + length;
    else this.#endBlock();
  }

  #endBlock(): void {
    this.#at = 0;
    this.blockDone();
  }

  /** Offers, or asks for, the first `length` bytes of the buffer. */
  protected startBlock(direction: typeof IN | typeof OUT, length: number): void {
    this.direction = direction;
    this.#at = 0;
    this.#end = length;
    this.status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
  }

  protected get blockLength(): number {
    return this.#end;
  }

  protected startDma(direction: typeof IN | typeof OUT): void {
    this.dma = direction;
    this.status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
    this.#host.dmaRequested();
  }

  /** The command is over. */
  protected finish(): void {
    this.#end = 0;
    this.direction = IDLE;
    this.dma = IDLE;
    this.status = STATUS_DRDY | STATUS_DSC;
    this.setPending(true);
  }

  /** The command has failed. */
  protected fail(error: number): void {
    this.finish();
    this.error = error;
    this.status |= STATUS_ERR;
  }

  /** A data phase ends without an interrupt: the host has read the last of it. */
  protected idle(): void {
    this.#end = 0;
    this.direction = IDLE;
    this.status = STATUS_DRDY | STATUS_DSC;
  }

  protected abstract saveOwn(): DeviceState;
  protected abstract restoreOwn(state: DeviceState): void;

  save(): DriveState {
    return {
      current: this.current.slice(),
      previous: this.previous.slice(),
      status: this.status,
      error: this.error,
      pending: this.pending,
      direction: this.direction,
      dma: this.dma,
      at: this.#at,
      data: this.buffer.slice(0, this.#end),
      own: this.saveOwn(),
    };
  }

  restore({ current, previous, status, error, pending, direction, dma, at, data, own }: DriveState): void {
    this.current.set(current);
    this.previous.set(previous);
    this.status = status;
    this.error = error;
    this.pending = pending;
    this.direction = direction;
    this.dma = dma;
    this.#at = at;
    this.#end = data.length;
    this.buffer.set(data);
    this.restoreOwn(own);
  }
}
