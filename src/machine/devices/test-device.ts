// What existing x86 test guests expect of a test machine: a port that remembers, interrupt lines to pull, memory that is a
// device's. Addresses and meanings are those of QEMU's pc-testdev, whose serial line and exit port the PC has in any case.

import type { RangeClaim } from '../../bus/claim.js';
import type { InterruptLine, IoDevice } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';
import type { Board, Device } from './device.js';
import type { DeviceType } from './option.js';

const SCRATCH_PORT = 0xe0;
const FLUSH_PORT = 0xe4;
const INTERRUPT_PORT = 0x2000;
const INTERRUPT_LINES = 24;
const MEMORY = 0xff00_0000;
const MEMORY_SIZE = 0x1_0000;

/** Bytes that are read as they were written, by any width. */
class Bytes implements IoDevice, Stateful {
  readonly bytes: Uint8Array;

  constructor(
    readonly name: string,
    size: number,
  ) {
    this.bytes = new Uint8Array(size);
  }

  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.bytes[offset + byte]! << (byte * 8);
    return value;
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.bytes[offset + byte] = value >>> (byte * 8);
  }

  save(): Uint8Array {
    return this.bytes.slice();
  }

  restore(bytes: Uint8Array): void {
    this.bytes.set(bytes);
  }
}

/** Each port is a line: it goes where the value written says, 0 or not 0. Reads give nothing. */
class InterruptPorts implements IoDevice, Stateful {
  readonly name = 'test-device interrupts';
  readonly #levels = new Uint8Array(INTERRUPT_LINES);

  constructor(readonly lines: InterruptLine) {}

  read(): number {
    return 0;
  }

  write(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#set(offset + byte, ((value >>> (byte * 8)) & 0xff) === 0 ? 0 : 1);
  }

  #set(gsi: number, level: 0 | 1): void {
    this.#levels[gsi] = level;
    this.lines.set(gsi, level);
  }

  /** Lets go of what is pulled. */
  reset(): void {
    for (const [gsi, level] of this.#levels.entries()) if (level !== 0) this.#set(gsi, 0);
  }

  save(): Uint8Array {
    return this.#levels.slice();
  }

  restore(levels: Uint8Array): void {
    this.#levels.set(levels);
  }
}

/**
 * Takes the address of a page whose translation shall be found anew. Tests use it to make a monitor fault a page in again;
 * what they see must not change, and here nothing has to be done for that.
 */
class FlushPort implements IoDevice {
  readonly name = 'test-device flush';

  read(): number {
    return 0;
  }

  write(): void {}
}

export class TestDevice implements Device {
  readonly name = 'test-device';
  readonly #board: Board;
  readonly #scratch = new Bytes('test-device scratch', 4);
  readonly #memory = new Bytes('test-device memory', MEMORY_SIZE);
  readonly #interrupts: InterruptPorts;
  readonly #ports: readonly RangeClaim[];
  readonly #memoryClaim: RangeClaim;

  constructor(board: Board) {
    const { pio, mmio } = board.vm;
    this.#board = board;
    this.#interrupts = new InterruptPorts(board.lines);
    this.#ports = [
      pio.claim({ addr: BigInt(SCRATCH_PORT), len: 4, device: this.#scratch }),
      pio.claim({ addr: BigInt(FLUSH_PORT), len: 4, device: new FlushPort() }),
      pio.claim({ addr: BigInt(INTERRUPT_PORT), len: INTERRUPT_LINES, device: this.#interrupts }),
    ];
    this.#memoryClaim = mmio.claim({ addr: BigInt(MEMORY), len: MEMORY_SIZE, device: this.#memory });
  }

  reset(): void {
    this.#scratch.bytes.fill(0);
    this.#memory.bytes.fill(0);
    this.#interrupts.reset();
  }

  close(): void {
    this.#interrupts.reset();
    for (const claim of this.#ports) this.#board.vm.pio.remove(claim);
    this.#board.vm.mmio.remove(this.#memoryClaim);
  }
}

export const testDeviceType: DeviceType = {
  name: 'test-device',
  options: {},
  create: (board) => new TestDevice(board),
};
