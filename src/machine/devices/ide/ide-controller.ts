// The IDE function of Intel's 82371SB (PIIX3, order number 290550; chapter 2.3 and 5.4): two channels at the PC's ports, and
// bus-master DMA at BAR 4. Interrupts are ISA's, IRQ 14 and 15, whatever PCI says.

import type { RangeClaim } from '../../../bus/claim.js';
import type { IoDevice } from '../../../bus/device.js';
import type { BlockBackend } from '../../block/block-backend.js';
import type { Board } from '../device.js';
import { PciDevice } from '../pci/pci-device.js';
import { AtaDisk } from './ata-disk.js';
import { BUS_MASTER_PORTS, BusMaster, type BusMasterState } from './bus-master.js';
import { Channel, type ChannelState } from './channel.js';

/** Where the PIIX3 has it: 00:01.1. */
export const IDE_SLOT = 1;
export const IDE_FUNCTION = 1;

/** Programming interface 80h: bus master, both channels at their fixed ports. */
const IDENTITY = { vendor: 0x8086, device: 0x7010, revision: 0, classCode: 0x01_01_80 };
const PCI_COMMAND = 0x04;
const COMMAND_MASTER = 0x04;
const BUS_MASTER_BAR = 4;

const CHANNELS = [
  { command: 0x1f0, control: 0x3f6, gsi: 14 },
  { command: 0x170, control: 0x376, gsi: 15 },
] as const;
const COMMAND_PORTS = 8;
const DRIVES = 2;
export const MOST_DISKS = CHANNELS.length * DRIVES;

/** IDETIM of both channels and SIDETIM: timings, which mean nothing here, and whether ports are decoded. */
const TIMING = 0x40;
const TIMING_BYTES = 5;
const DECODE = 0x80;

/** A disk of the machine, in the order of primary master and slave, secondary master and slave. */
export interface DiskOptions {
  readonly backend: BlockBackend;
  /** Up to 20 characters of ASCII; default DB1, DB2 and so on. */
  readonly serial?: string;
}

export interface IdeOptions {
  disks: readonly DiskOptions[];
  /** Told what the host could not read or write, when the guest has been told of an error: one line. */
  report?: (message: string) => void;
}

type IdeState = {
  timing: Uint8Array;
  channels: readonly ChannelState[];
  masters: readonly BusMasterState[];
};

export class IdeController extends PciDevice {
  readonly name = 'ide';
  readonly #board: Board;
  readonly #channels: readonly Channel[];
  readonly #masters: readonly BusMaster[];
  readonly #claims: readonly RangeClaim[];
  readonly #timing = new Uint8Array(8);

  /** The backends stay the caller's. Throws RangeError for more than four disks, BlockError for one without a sector. */
  constructor(board: Board, { disks, report }: IdeOptions) {
    const registers: IoDevice = {
      name: 'ide-bus-master',
      read: (offset, length) => this.#readMaster(offset, length),
      write: (offset, length, value) => this.#writeMaster(offset, length, value),
    };
    super(board, IDENTITY, [
      { index: BUS_MASTER_BAR, kind: 'io', size: CHANNELS.length * BUS_MASTER_PORTS, registers },
    ]);
    if (disks.length > MOST_DISKS) throw new RangeError(`IDE has room for ${MOST_DISKS} disks, not ${disks.length}`);
    this.#board = board;
    const drives = disks.map(
      ({ backend, serial = '' }, index) =>
        new AtaDisk({
          backend,
          number: (index % DRIVES) as 0 | 1,
          serial: serial || `DB${index + 1}`,
          ...(report !== undefined && { report }),
        }),
    );
    this.#channels = CHANNELS.map(
      ({ gsi }, index) =>
        new Channel({
          drives: [drives[index * DRIVES], drives[index * DRIVES + 1]],
          interrupt: (level) => {
            if (level === 1) this.#masters[index]!.interrupted();
            board.lines.set(gsi, level);
          },
          dmaRequested: () => this.#masters[index]!.run(),
          decoded: () => (this.#timing[index * 2 + 1]! & DECODE) !== 0,
        }),
    );
    this.#masters = this.#channels.map(
      (channel) =>
        new BusMaster({
          memory: board.vm.memory,
          drive: () => channel.drive,
          enabled: () => (this.readConfig(PCI_COMMAND, 2) & COMMAND_MASTER) !== 0,
        }),
    );
    const { pio } = board.vm;
    this.#claims = CHANNELS.flatMap(({ command, control }, index) => [
      pio.claim({ addr: BigInt(command), len: COMMAND_PORTS, device: this.#channels[index]!.command }),
      pio.claim({ addr: BigInt(control), len: 1, device: this.#channels[index]!.control }),
    ]);
    this.#decodePorts();
  }

  /** After reset the chip decodes no ports until a firmware says so. Kernels that are started without one expect that it has been. */
  #decodePorts(): void {
    this.#timing.fill(0);
    for (let index = 0; index < CHANNELS.length; index++) this.#timing[index * 2 + 1] = DECODE;
  }

  override readConfig(register: number, length: number): number {
    if (register < TIMING || register >= TIMING + this.#timing.length) return super.readConfig(register, length);
    let value = 0;
    for (let byte = length - 1; byte >= 0; byte--) value = (value << 8) | this.#timing[register - TIMING + byte]!;
    return value >>> 0;
  }

  override writeConfig(register: number, length: number, value: number): void {
    if (register < TIMING || register >= TIMING + this.#timing.length) {
      super.writeConfig(register, length, value);
      return;
    }
    for (let byte = 0; byte < length; byte++) {
      const at = register - TIMING + byte;
      if (at < TIMING_BYTES) this.#timing[at] = value >>> (byte * 8);
    }
  }

  #readMaster(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length; byte++) {
      const at = offset + byte;
      value |= this.#masters[at >>> 3]!.readByte(at & 7) << (byte * 8);
    }
    return value;
  }

  #writeMaster(offset: number, length: number, value: number): void {
    for (let byte = 0; byte < length; byte++) {
      const at = offset + byte;
      this.#masters[at >>> 3]!.writeByte(at & 7, (value >>> (byte * 8)) & 0xff);
    }
  }

  protected override saveOwn(): IdeState {
    return {
      timing: this.#timing.slice(),
      channels: this.#channels.map((channel) => channel.save()),
      masters: this.#masters.map((master) => master.save()),
    };
  }

  protected override restoreOwn({ timing, channels, masters }: IdeState): void {
    this.#timing.set(timing);
    for (const [index, channel] of this.#channels.entries()) channel.restore(channels[index]!);
    for (const [index, master] of this.#masters.entries()) master.restore(masters[index]!);
  }

  override reset(): void {
    this.#decodePorts();
    for (const master of this.#masters) master.reset();
    for (const channel of this.#channels) channel.reset();
    super.reset();
  }

  override close(): void {
    super.close();
    for (const claim of this.#claims) this.#board.vm.pio.remove(claim);
  }
}
