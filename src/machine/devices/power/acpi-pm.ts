// ACPI's fixed hardware (ACPI Specification 6.5, 4.8): power management events and control, the PM timer, and a block of
// general-purpose events, laid out as in Intel's PIIX4 (290562-001, 7.2). The PCI function that places it is piix4-pm.ts.

import type { InterruptLine, IoDevice } from '../../../bus/device.js';
import type { Stateful } from '../../../bus/device-state.js';
import type { Timer, TimeSource } from '../../../bus/time.js';
import { Oscillator } from '../clock/oscillator.js';

export const PM_PORTS = 0x40;
/** Where the blocks are that the FADT names, from PMBASE. */
export const PM1_EVENT_BLOCK = 0x00;
export const PM1_CONTROL_BLOCK = 0x04;
export const PM_TIMER_BLOCK = 0x08;
export const GPE0_BLOCK = 0x0c;
export const GPE0_BLOCK_LENGTH = 4;
export const PM_TIMER_FREQUENCY = 3_579_545;
export const SCI_GSI = 9;
/** What the DSDT's \_S5 names: PIIX4's "soft off". */
export const SLEEP_TYPE_S5 = 0;

const STATUS = 0x00;
const ENABLE = 0x02;
const CONTROL = 0x04;
const TIMER = 0x08;
const GPE_STATUS = 0x0c;
const GPE_ENABLE = 0x0e;

/** PM1 status and enable (4.8.4.1). */
const TIMER_EVENT = 0x0001;
const GLOBAL = 0x0020;
const POWER_BUTTON = 0x0100;
const SLEEP_BUTTON = 0x0200;
const RTC = 0x0400;
const ENABLE_BITS = TIMER_EVENT | GLOBAL | POWER_BUTTON | SLEEP_BUTTON | RTC;

/** PM1 control (4.8.4.2.1). */
const SCI_ENABLE = 0x0001;
const BUS_MASTER_RELOAD = 0x0002;
const SLEEP_TYPE_SHIFT = 10;
const SLEEP_TYPE = 0x1c00;
const SLEEP = 0x2000;

export interface AcpiPmOptions {
  lines: InterruptLine;
  time: TimeSource;
  /** The guest has gone to S5. */
  powerOff: () => void;
  /** Bits of the PM timer, which the FADT's TMR_VAL_EXT tells. */
  timerBits?: 24 | 32;
}

export type AcpiPmState = {
  status: number;
  enable: number;
  control: number;
  gpeStatus: number;
  gpeEnable: number;
  /** How often the timer's highest bit had changed when its status bit was last looked at. */
  changes: number;
  sci: boolean;
};

export class AcpiPm implements IoDevice, Stateful {
  readonly name = 'acpi-pm';
  readonly #lines: InterruptLine;
  readonly #time: TimeSource;
  readonly #powerOff: () => void;
  readonly #timer: Timer;
  readonly #clock = new Oscillator(PM_TIMER_FREQUENCY);
  readonly #timerMask: number;
  /** Ticks between two changes of the timer's highest bit. */
  readonly #halfRound: number;
  #status = 0;
  #enable = 0;
  #control = 0;
  #gpeStatus = 0;
  #gpeEnable = 0;
  #changes = 0;
  #sci = false;

  constructor({ lines, time, powerOff, timerBits = 24 }: AcpiPmOptions) {
    this.#lines = lines;
    this.#time = time;
    this.#powerOff = powerOff;
    this.#timerMask = timerBits === 24 ? 0xff_ffff : -1;
    this.#halfRound = 2 ** (timerBits - 1);
    this.#timer = time.timer(() => this.#update());
  }

  /** Whether the guest has taken power management over: events are SCIs, not what firmware handles in SMM. */
  get acpiMode(): boolean {
    return (this.#control & SCI_ENABLE) !== 0;
  }

  /** What the SMI command port does (smi-command.ts). */
  set acpiMode(on: boolean) {
    this.#control = on ? this.#control | SCI_ENABLE : this.#control & ~SCI_ENABLE;
    this.#update();
  }

  /** Pressed and let go: the guest is told, if it listens. */
  pressPowerButton(): void {
    this.#status |= POWER_BUTTON;
    this.#update();
  }

  pressSleepButton(): void {
    this.#status |= SLEEP_BUTTON;
    this.#update();
  }

  /** A general-purpose event, 0…15. */
  raiseGpe(event: number): void {
    this.#gpeStatus |= (1 << event) & 0xffff;
    this.#update();
  }

  #tick(): number {
    return this.#clock.ticks(this.#time.now());
  }

  read(offset: number, length: number): number {
    let value = 0;
    for (let byte = 0; byte < length;) {
      const at = offset + byte;
      value |= (this.#readDword(at & ~3) >>> ((at & 3) * 8)) << (byte * 8);
      byte += 4 - (at & 3);
    }
    return value;
  }

  #readDword(offset: number): number {
    switch (offset) {
      case STATUS:
        this.#settle();
        return this.#status | (this.#enable << 16);
      case CONTROL:
        return this.#control;
      case TIMER:
        // The remainder keeps the product of a long uptime within 32 bits.
        return (this.#tick() % 0x1_0000_0000) & this.#timerMask;
      case GPE_STATUS:
        return this.#gpeStatus | (this.#gpeEnable << 16);
      default:
        return 0;
    }
  }

  /** Registers may be written in parts: each byte counts for its own bits. */
  write(offset: number, length: number, value: number): void {
    this.#settle();
    for (let byte = 0; byte < length; byte++) {
      const at = offset + byte;
      const shift = (at & 1) * 8;
      this.#writeByte(at & ~1, ((value >>> (byte * 8)) & 0xff) << shift, 0xff << shift);
    }
    this.#update();
  }

  /** `bits` in place of the register's under `mask`. Status bits are cleared by ones. */
  #writeByte(register: number, bits: number, mask: number): void {
    switch (register) {
      case STATUS:
        this.#status &= ~bits;
        break;
      case ENABLE:
        this.#enable = ((this.#enable & ~mask) | bits) & ENABLE_BITS;
        break;
      case CONTROL:
        this.#writeControl((this.#control & ~mask) | bits);
        break;
      case GPE_STATUS:
        this.#gpeStatus &= ~bits;
        break;
      case GPE_ENABLE:
        this.#gpeEnable = (this.#gpeEnable & ~mask) | bits;
        break;
      default:
    }
  }

  /** SLP_EN always reads as zero. No sleeping state but S5 exists: the others are not entered. */
  #writeControl(value: number): void {
    this.#control = value & (SCI_ENABLE | BUS_MASTER_RELOAD | SLEEP_TYPE);
    if ((value & SLEEP) !== 0 && (value & SLEEP_TYPE) >>> SLEEP_TYPE_SHIFT === SLEEP_TYPE_S5) this.#powerOff();
  }

  /** TMR_STS is set whenever the timer's highest bit changes (4.8.3.3). */
  #settle(): void {
    const changes = Math.floor(this.#tick() / this.#halfRound);
    if (changes === this.#changes) return;
    this.#changes = changes;
    this.#status |= TIMER_EVENT;
  }

  /** Sets the SCI, and the timer for when it has to come next by itself. */
  #update(): void {
    this.#settle();
    const events = (this.#status & this.#enable) | (this.#gpeStatus & this.#gpeEnable);
    const sci = this.acpiMode && events !== 0;
    if (sci !== this.#sci) {
      this.#sci = sci;
      this.#lines.set(SCI_GSI, sci ? 1 : 0);
    }
    this.#schedule();
  }

  #schedule(): void {
    const waits = this.acpiMode && (this.#enable & ~this.#status & TIMER_EVENT) !== 0;
    if (waits) this.#timer.set(this.#clock.nanoseconds((this.#changes + 1) * this.#halfRound));
    else this.#timer.cancel();
  }

  save(): AcpiPmState {
    return {
      status: this.#status,
      enable: this.#enable,
      control: this.#control,
      gpeStatus: this.#gpeStatus,
      gpeEnable: this.#gpeEnable,
      changes: this.#changes,
      sci: this.#sci,
    };
  }

  restore(state: AcpiPmState): void {
    this.#status = state.status;
    this.#enable = state.enable;
    this.#control = state.control;
    this.#gpeStatus = state.gpeStatus;
    this.#gpeEnable = state.gpeEnable;
    this.#changes = state.changes;
    this.#sci = state.sci;
    this.#schedule();
  }

  reset(): void {
    this.#status = 0;
    this.#enable = 0;
    this.#control = 0;
    this.#gpeStatus = 0;
    this.#gpeEnable = 0;
    this.#changes = Math.floor(this.#tick() / this.#halfRound);
    this.#update();
  }
}
