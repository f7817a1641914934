// pci-testdev: the device that virtual machine monitors time their kicks with. Six tests in two BARs, each an address to
// write to that is answered by the device itself, by an eventfd for any value, or by one for a single value. The register
// layout and the rules for counting are QEMU's (docs/specs/pci-testdev, kvm-ioeventfd-spec 6.4).

import type { IoDevice } from '../../../bus/device.js';
import { IoEventFdFlag, type IoEventFdArgs } from '../../../bus/ioeventfd.js';
import { EEXIST, EventFd } from '../../../eventfd/index.js';
import type { Board } from '../device.js';
import { numberOption, type DeviceType } from '../option.js';
import { PciDevice, type PciBar } from './pci-device.js';

const IDENTITY = { vendor: 0x1b36, device: 0x0005, revision: 0, classCode: 0x00_ff_00 };
const MEMORY_BAR = 0;
const IO_BAR = 1;
const MEMORY_SIZE = 4096;
const IO_SIZE = 256;

/** Header of the running test, at offset 0 of each BAR. Its other bytes: pad[2] at 2, three zeros behind the data. */
const TEST = 0;
const WIDTH = 1;
const OFFSET = 4;
const DATA = 8;
const COUNT = 12;
const NAME = 16;

const KINDS = ['no', 'wildcard', 'datamatch'] as const;
type Kind = (typeof KINDS)[number];
/** Where the tests of a BAR are kicked: one byte each from here, in the order of their numbers over both BARs. */
const FIRST_OFFSET = { [MEMORY_BAR]: 2048, [IO_BAR]: 128 } as const;
const TEST_WIDTH = 1;
const MATCHED_DATA = 0xfa;
const WILDCARD_DATA = 0xce;

/** Stands for the lowest free slot; there is no such slot. */
const ANY_SLOT = 32;

export interface PciTestdevOptions {
  /** Slot on bus 0; default the lowest free one. */
  slot?: number;
}

type TestdevState = {
  /** Number over both BARs. */
  running: number | null;
  counts: readonly number[];
};

interface Test {
  readonly bar: number;
  readonly kind: Kind;
  readonly offset: number;
  readonly data: number;
  readonly header: Uint8Array;
}

export class PciTestdev extends PciDevice {
  readonly name = 'pci-testdev';
  /** The running test's; the same for all, since only one runs. */
  readonly fd = new EventFd();
  readonly #vm: Board['vm'];
  readonly #tests: readonly Test[];
  #current: Test | undefined;
  #registered: (IoEventFdArgs & { flags: number }) | undefined;

  constructor(board: Board, { slot }: PciTestdevOptions = {}) {
    const registers = (bar: number): IoDevice => ({
      name: 'pci-testdev',
      read: (offset, length) => this.#read(offset, length),
      write: (offset, length, value) => this.#write(bar, offset, length, value),
    });
    super(board, IDENTITY, [
      { index: MEMORY_BAR, kind: 'memory', size: MEMORY_SIZE, registers: registers(MEMORY_BAR) },
      { index: IO_BAR, kind: 'io', size: IO_SIZE, registers: registers(IO_BAR) },
    ]);
    this.#vm = board.vm;
    this.#tests = [MEMORY_BAR, IO_BAR].flatMap((bar) => KINDS.map((kind, number) => makeTest(bar, kind, number)));
    try {
      board.pci.plug(this, slot ?? board.pci.freeSlot());
    } catch (error) {
      this.fd.close();
      throw error;
    }
  }

  /** Number of the running test, 0…5; undefined if none runs. */
  get runningTest(): number | undefined {
    return this.#current?.header[TEST];
  }

  /** Every access is carried out byte by byte. */
  #read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) value |= this.#readByte(offset + byte) << (byte * 8);
    return value;
  }

  /** The byte behind the header's end, the name's NUL, is not readable, and zero all the same. */
  #readByte(offset: number): number {
    const test = this.#current;
    if (test === undefined || offset + 1 >= test.header.length) return 0;
    if (test.kind !== 'no') this.fd.drain();
    return test.header[offset]!;
  }

  #write(bar: number, offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) this.#writeByte(bar, offset + byte, (value >>> (byte * 8)) & 0xff);
  }

  /** Only the wildcard test does not look at what is written. */
  #writeByte(bar: number, offset: number, value: number): void {
    if (offset === TEST) {
      this.#start(bar, value);
      return;
    }
    const test = this.#current;
    if (test === undefined || offset !== test.offset || test.bar !== bar) return;
    if (test.kind !== 'wildcard' && value !== test.data) return;
    const count = new DataView(test.header.buffer);
    count.setUint32(COUNT, count.getUint32(COUNT, true) + 1, true);
  }

  #start(bar: number, number: number): void {
    this.#stop();
    if (number >= KINDS.length) return;
    const test = this.#tests[bar * KINDS.length + number]!;
    this.#current = test;
    new DataView(test.header.buffer).setUint32(COUNT, 0, true);
    this.fd.drain();
    this.#register();
  }

  #stop(): void {
    this.#unregister();
    this.#current = undefined;
  }

  protected override saveOwn(): TestdevState {
    const test = this.#current;
    return { running: test === undefined ? null : this.#tests.indexOf(test), counts: this.#tests.map(countOf) };
  }

  /** The eventfd's own count comes back with its registration. */
  protected override restoreOwn({ running, counts }: TestdevState): void {
    for (const [index, { header }] of this.#tests.entries()) {
      new DataView(header.buffer).setUint32(COUNT, counts[index]!, true);
    }
    const test = running === null ? undefined : this.#tests[running];
    if (test === this.#current) return;
    this.#unregister();
    this.#current = test;
    this.#register();
  }

  /** Binds the eventfd where the BAR is now. A wildcard in memory takes any length: a doorbell. */
  #register(): void {
    const test = this.#current;
    const base = test === undefined ? undefined : this.addressOf(test.bar);
    if (test === undefined || base === undefined || test.kind === 'no') return;
    const io = test.bar === IO_BAR ? IoEventFdFlag.Pio : 0;
    const match = test.kind === 'datamatch' ? IoEventFdFlag.DataMatch : 0;
    const len = test.kind === 'wildcard' && test.bar === MEMORY_BAR ? 0 : TEST_WIDTH;
    const addr = base + BigInt(test.offset);
    const binding = { fd: this.fd, addr, len, flags: io | match, datamatch: BigInt(test.data) };
    try {
      this.#vm.ioeventfd(binding);
    } catch (error) {
      // A guest that puts two BARs on one another is told nothing: the second device answers its writes itself.
      if (error instanceof EEXIST) return;
      throw error;
    }
    this.#registered = binding;
  }

  #unregister(): void {
    const registered = this.#registered;
    if (registered === undefined) return;
    this.#registered = undefined;
    this.#vm.ioeventfd({ ...registered, flags: registered.flags | IoEventFdFlag.Deassign });
  }

  protected override barMoved(bar: PciBar): void {
    if (this.#current?.bar !== bar.index) return;
    this.#unregister();
    this.#register();
  }

  override reset(): void {
    this.#stop();
    super.reset();
  }

  override close(): void {
    super.close();
    this.fd.close();
  }
}

function countOf({ header }: Test): number {
  return new DataView(header.buffer).getUint32(COUNT, true);
}

/** The names are pci-testdev's: mmio-no-eventfd, portio-wildcard-eventfd and so on. */
function makeTest(bar: number, kind: Kind, number: number): Test {
  const name = new TextEncoder().encode(`${bar === IO_BAR ? 'portio' : 'mmio'}-${kind}-eventfd`);
  const index = bar * KINDS.length + number;
  const offset = FIRST_OFFSET[bar as keyof typeof FIRST_OFFSET] + index;
  const data = kind === 'wildcard' ? WILDCARD_DATA : MATCHED_DATA;
  const header = new Uint8Array(NAME + name.length + 1);
  header[TEST] = index;
  header[WIDTH] = TEST_WIDTH;
  new DataView(header.buffer).setUint32(OFFSET, offset, true);
  header[DATA] = data;
  header.set(name, NAME);
  return { bar, kind, offset, data, header };
}

export const pciTestdevType: DeviceType = {
  name: 'pci-testdev',
  options: { addr: numberOption(ANY_SLOT, 1, ANY_SLOT - 1) },
  create: (board, { addr }) => new PciTestdev(board, addr === ANY_SLOT ? {} : { slot: addr! }),
};
