// A hard disk: the commands of ATA/ATAPI-7 that operating systems and firmware use, by PIO and by DMA. A command is over
// before the guest's next instruction, unless it has data to pass.

import { BlockError, restoreDisk, saveDisk, type BlockBackend } from '../../block/block-backend.js';
import type { DeviceState } from '../../../bus/device-state.js';
import { Drive, IN, OUT, type DmaPort } from './drive.js';
import { HEADS, identifyDevice, SECTORS_PER_TRACK } from './identify.js';
import {
  COUNT,
  DEVICE,
  DEVICE_LBA,
  ERROR,
  ERROR_ABRT,
  ERROR_IDNF,
  ERROR_UNC,
  LBA_HIGH,
  LBA_LOW,
  LBA_MID,
  SECTOR,
  STATUS_DRDY,
  STATUS_DSC,
} from './registers.js';

/** Sectors of a block of READ MULTIPLE at most. */
const MOST_MULTIPLE = 16;
/** Pieces in which DMA goes between disk and memory; never state, so one is enough for all drives. */
const dmaBuffer = new Uint8Array(128 * SECTOR);

/** What power modes CHECK POWER MODE tells apart. */
const STANDBY = 0x00;
const ACTIVE = 0xff;

/** Transfer modes as SET FEATURES 03h has them, high five bits and the most of the low three (6.49.3). */
const PIO_DEFAULT = 0x00;
const PIO_FLOW = 0x08;
const MULTIWORD = 0x20;
const ULTRA = 0x40;
const MOST_MODE = new Map([
  [PIO_DEFAULT, 1],
  [PIO_FLOW, 4],
  [MULTIWORD, 2],
  [ULTRA, 5],
]);

export interface AtaDiskOptions {
  backend: BlockBackend;
  /** 1 for the second drive of a channel. */
  number: 0 | 1;
  serial?: string;
  /** Told why the host could not do what the guest was told has failed: one line. */
  report?: (message: string) => void;
}

type AtaDiskState = {
  lba: number;
  remaining: number;
  perBlock: number;
  heads: number;
  sectorsPerTrack: number;
  multiple: number;
  transferMode: number;
  writeCache: boolean;
  lookAhead: boolean;
  power: number;
  disk: DeviceState;
};

export class AtaDisk extends Drive {
  readonly name = 'ide-disk';
  readonly #backend: BlockBackend;
  readonly #number: 0 | 1;
  readonly #serial: string;
  readonly #report: (message: string) => void;
  readonly #sectors: number;
  /** Next sector of the command under way, how many are left (the block in the buffer included), and sectors a block. */
  #lba = 0;
  #remaining = 0;
  #perBlock = 1;
  /** CHS translation. */
  #heads = HEADS;
  #sectorsPerTrack = SECTORS_PER_TRACK;
  #multiple = MOST_MULTIPLE;
  #transferMode = MULTIWORD | 2;
  #writeCache = true;
  #lookAhead = true;
  #power = ACTIVE;
  #reported = '';

  /** Throws BlockError for a disk without a sector. What a disk has behind its last whole sector is not reached. */
  constructor({ backend, number, serial = `DB${number + 1}`, report = () => {} }: AtaDiskOptions) {
    super(MOST_MULTIPLE * SECTOR);
    this.#backend = backend;
    this.#number = number;
    this.#serial = serial;
    this.#report = report;
    this.#sectors = Math.floor(backend.size / SECTOR);
    if (this.#sectors < 1) throw new BlockError(`disk ${backend.name}: ${backend.size} bytes are less than a sector`);
    this.reset();
  }

  override reset(): void {
    super.reset();
    this.#heads = HEADS;
    this.#sectorsPerTrack = SECTORS_PER_TRACK;
    this.#multiple = MOST_MULTIPLE;
    this.#remaining = 0;
    this.#power = ACTIVE;
  }

  protected override signature(): void {
    this.setSignature(0, 0);
    this.status = STATUS_DRDY | STATUS_DSC;
  }

  override command(code: number): void {
    this.error = 0;
    switch (code) {
      case 0x10: // RECALIBRATE, obsolete since ATA-4, and still sent
        this.finish();
        return;
      case 0x20: // READ SECTORS, with retries and without
      case 0x21:
        this.#readPio(false, 1);
        return;
      case 0x24: // READ SECTORS EXT
        this.#readPio(true, 1);
        return;
      case 0xc4: // READ MULTIPLE
        this.#readPio(false, this.#multiple);
        return;
      case 0x29: // READ MULTIPLE EXT
        this.#readPio(true, this.#multiple);
        return;
      case 0x30: // WRITE SECTORS
      case 0x31:
        this.#writePio(false, 1);
        return;
      case 0x34: // WRITE SECTORS EXT
        this.#writePio(true, 1);
        return;
      case 0xc5: // WRITE MULTIPLE
        this.#writePio(false, this.#multiple);
        return;
      case 0x39: // WRITE MULTIPLE EXT
        this.#writePio(true, this.#multiple);
        return;
      case 0xc8: // READ DMA
      case 0xc9:
        if (this.#locate(false)) this.startDma(IN);
        return;
      case 0x25: // READ DMA EXT
        if (this.#locate(true)) this.startDma(IN);
        return;
      case 0xca: // WRITE DMA
      case 0xcb:
        if (this.#locate(false) && this.#mayWrite()) this.startDma(OUT);
        return;
      case 0x35: // WRITE DMA EXT
        if (this.#locate(true) && this.#mayWrite()) this.startDma(OUT);
        return;
      case 0x40: // READ VERIFY SECTORS
      case 0x41:
        this.#verify(false);
        return;
      case 0x42: // READ VERIFY SECTORS EXT
        this.#verify(true);
        return;
      case 0x70: // SEEK
        this.current[COUNT] = 1;
        if (this.#locate(false)) this.finish();
        return;
      case 0x91: // INITIALIZE DEVICE PARAMETERS
        this.#setTranslation();
        return;
      case 0xc6: // SET MULTIPLE MODE
        this.#setMultiple();
        return;
      case 0xe7: // FLUSH CACHE
      case 0xea: // FLUSH CACHE EXT
        if (this.#attempt(ERROR_ABRT, () => this.#backend.flush())) this.finish();
        return;
      case 0xec: // IDENTIFY DEVICE
        this.#identify();
        return;
      case 0xef: // SET FEATURES
        this.#setFeatures();
        return;
      case 0x94: // STANDBY IMMEDIATE, STANDBY, SLEEP, each with its number before ATA-4
      case 0xe0:
      case 0x96:
      case 0xe2:
      case 0x99:
      case 0xe6:
        this.#power = STANDBY;
        this.finish();
        return;
      case 0x95: // IDLE IMMEDIATE, IDLE
      case 0xe1:
      case 0x97:
      case 0xe3:
        this.#power = ACTIVE;
        this.finish();
        return;
      case 0x98: // CHECK POWER MODE
      case 0xe5:
        this.current[COUNT] = this.#power;
        this.finish();
        return;
      default:
        this.fail(ERROR_ABRT);
    }
  }

  /** Takes address and count from the task file; if they leave the disk, the command fails with the first address that does. */
  #locate(ext: boolean): boolean {
    const { current, previous } = this;
    this.#power = ACTIVE;
    let count = current[COUNT]!;
    let lba: number;
    if (ext) {
      count = (previous[COUNT]! << 8) | count || 0x1_0000;
      const low = current[LBA_LOW]! | (current[LBA_MID]! << 8) | (current[LBA_HIGH]! << 16);
      const high = previous[LBA_LOW]! | (previous[LBA_MID]! << 8) | (previous[LBA_HIGH]! << 16);
      lba = high * 0x100_0000 + low;
    } else {
      count ||= 0x100;
      lba = this.#lba28();
    }
    this.#remaining = count;
    this.#lba = lba;
    if (lba >= 0 && lba + count <= this.#sectors) return true;
    if (lba >= 0) this.#showAddress(Math.max(lba, this.#sectors), ext);
    this.fail(ERROR_IDNF);
    return false;
  }

  /** By LBA or by cylinder, head and sector, as the device register says (6.2); -1 for what is no address. */
  #lba28(): number {
    const { current } = this;
    const head = current[DEVICE]! & 0x0f;
    const cylinder = current[LBA_MID]! | (current[LBA_HIGH]! << 8);
    const sector = current[LBA_LOW]!;
    if ((current[DEVICE]! & DEVICE_LBA) !== 0) return ((head << 24) | (cylinder << 8) | sector) >>> 0;
    if (sector === 0 || sector > this.#sectorsPerTrack || head >= this.#heads) return -1;
    return (cylinder * this.#heads + head) * this.#sectorsPerTrack + sector - 1;
  }

  /** The address of the first sector in error, where a 28-bit command has it, or a 48-bit one. */
  #showAddress(lba: number, ext: boolean): void {
    const { current, previous } = this;
    if (!ext && (current[DEVICE]! & DEVICE_LBA) === 0) return;
    current[LBA_LOW] = lba;
    current[LBA_MID] = lba >>> 8;
    current[LBA_HIGH] = lba >>> 16;
    const high = Math.floor(lba / 0x100_0000);
    if (!ext) {
      current[DEVICE] = (current[DEVICE]! & 0xf0) | (high & 0x0f);
      return;
    }
    previous[LBA_LOW] = high;
    previous[LBA_MID] = high >>> 8;
    previous[LBA_HIGH] = high >>> 16;
  }

  #readPio(ext: boolean, perBlock: number): void {
    if (perBlock === 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#perBlock = perBlock;
    if (this.#locate(ext)) this.#nextIn();
  }

  #nextIn(): void {
    const block = this.buffer.subarray(0, Math.min(this.#perBlock, this.#remaining) * SECTOR);
    if (!this.#load(block)) return;
    this.startBlock(IN, block.length);
    this.setPending(true);
  }

  #writePio(ext: boolean, perBlock: number): void {
    if (perBlock === 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#perBlock = perBlock;
    // The first block is asked for without an interrupt (volume 2, 11.6).
    if (this.#locate(ext) && this.#mayWrite()) this.#nextOut();
  }

  #nextOut(): void {
    this.startBlock(OUT, Math.min(this.#perBlock, this.#remaining) * SECTOR);
  }

  #mayWrite(): boolean {
    if (!this.#backend.readOnly) return true;
    this.fail(ERROR_ABRT);
    return false;
  }

  protected override blockDone(): void {
    const sectors = this.blockLength / SECTOR;
    if (this.direction === IN) {
      this.#advance(sectors);
      if (this.#remaining > 0) this.#nextIn();
      else this.idle();
      return;
    }
    if (!this.#store(this.buffer.subarray(0, this.blockLength))) return;
    this.#advance(sectors);
    if (this.#remaining === 0) {
      this.finish();
      return;
    }
    this.#nextOut();
    this.setPending(true);
  }

  #advance(sectors: number): void {
    this.#lba += sectors;
    this.#remaining -= sectors;
  }

  override transfer(port: DmaPort): void {
    const reads = this.dma === IN;
    while (this.#remaining > 0) {
      const piece = dmaBuffer.subarray(0, Math.min(this.#remaining * SECTOR, dmaBuffer.length));
      if (reads && !this.#load(piece)) return;
      const moved = reads ? port.store(piece) : port.gather(piece);
      const sectors = Math.floor(moved / SECTOR);
      if (!reads && !this.#store(piece.subarray(0, sectors * SECTOR))) return;
      this.#advance(sectors);
      // Memory has no more room, or no more to give: the drive waits, until it is reset or asked for anew.
      if (moved < piece.length) return;
    }
    this.finish();
  }

  #load(piece: Uint8Array): boolean {
    return this.#attempt(ERROR_UNC, () => this.#backend.read(this.#lba * SECTOR, piece));
  }

  #store(piece: Uint8Array): boolean {
    return this.#attempt(ERROR_ABRT, () => this.#backend.write(this.#lba * SECTOR, piece));
  }

  /** What the host cannot do is an error of the drive, and the user is told why. */
  #attempt(error: number, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (cause) {
      if (!(cause instanceof BlockError)) throw cause;
      // Once for each thing that is wrong: a guest tries again.
      if (cause.message !== this.#reported) this.#report(cause.message);
      this.#reported = cause.message;
      this.fail(error);
      return false;
    }
  }

  #verify(ext: boolean): void {
    if (!this.#locate(ext)) return;
    while (this.#remaining > 0) {
      const sectors = Math.min(this.#remaining, dmaBuffer.length / SECTOR);
      if (!this.#load(dmaBuffer.subarray(0, sectors * SECTOR))) return;
      this.#advance(sectors);
    }
    this.finish();
  }

  #identify(): void {
    identifyDevice(
      {
        sectors: this.#sectors,
        heads: this.#heads,
        sectorsPerTrack: this.#sectorsPerTrack,
        multiple: this.#multiple,
        mostMultiple: MOST_MULTIPLE,
        transferMode: this.#transferMode,
        writeCache: this.#writeCache,
        lookAhead: this.#lookAhead,
        number: this.#number,
        serial: this.#serial,
      },
      this.buffer,
    );
    this.#remaining = 1;
    this.startBlock(IN, SECTOR);
    this.setPending(true);
  }

  #setTranslation(): void {
    const sectors = this.current[COUNT]!;
    if (sectors === 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#sectorsPerTrack = sectors;
    this.#heads = (this.current[DEVICE]! & 0x0f) + 1;
    this.finish();
  }

  /** Powers of two, and 0 for off (6.51). */
  #setMultiple(): void {
    const count = this.current[COUNT]!;
    if (count > MOST_MULTIPLE || (count & (count - 1)) !== 0) {
      this.fail(ERROR_ABRT);
      return;
    }
    this.#multiple = count;
    this.finish();
  }

  #setFeatures(): void {
    switch (this.current[ERROR]!) {
      case 0x02:
        this.#writeCache = true;
        break;
      case 0x82:
        if (!this.#attempt(ERROR_ABRT, () => this.#backend.flush())) return;
        this.#writeCache = false;
        break;
      case 0x55:
        this.#lookAhead = false;
        break;
      case 0xaa:
        this.#lookAhead = true;
        break;
      case 0x03: {
        const mode = this.current[COUNT]!;
        if ((mode & 7) > (MOST_MODE.get(mode & 0xf8) ?? -1)) {
          this.fail(ERROR_ABRT);
          return;
        }
        // A PIO mode says how PIO is made, and leaves the DMA mode as it is.
        if (mode >= MULTIWORD) this.#transferMode = mode;
        break;
      }
      case 0x66: // keep settings over a soft reset, or do not: they are kept
      case 0xcc:
        break;
      default:
        this.fail(ERROR_ABRT);
        return;
    }
    this.finish();
  }

  protected override saveOwn(): AtaDiskState {
    return {
      lba: this.#lba,
      remaining: this.#remaining,
      perBlock: this.#perBlock,
      heads: this.#heads,
      sectorsPerTrack: this.#sectorsPerTrack,
      multiple: this.#multiple,
      transferMode: this.#transferMode,
      writeCache: this.#writeCache,
      lookAhead: this.#lookAhead,
      power: this.#power,
      disk: saveDisk(this.#backend),
    };
  }

  protected override restoreOwn(state: AtaDiskState): void {
    this.#lba = state.lba;
    this.#remaining = state.remaining;
    this.#perBlock = state.perBlock;
    this.#heads = state.heads;
    this.#sectorsPerTrack = state.sectorsPerTrack;
    this.#multiple = state.multiple;
    this.#transferMode = state.transferMode;
    this.#writeCache = state.writeCache;
    this.#lookAhead = state.lookAhead;
    this.#power = state.power;
    restoreDisk(this.#backend, state.disk);
  }
}
