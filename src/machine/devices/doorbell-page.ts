// The doorbells that the guests `vmexit`, `promise` and `kicker` kick (guests/README.md): one page of MMIO and six ports, with
// every way of answering a kick beside each other. A seventh port tells `kicker` which of them is wanted.

import type { IoDevice } from '../../bus/device.js';
import type { Stateful } from '../../bus/device-state.js';
import type { RangeClaim } from '../../bus/claim.js';
import { IoEventFdFlag, type IoEventFdArgs } from '../../bus/ioeventfd.js';
import { EINVAL, EventFd } from '../../eventfd/index.js';
import type { Board, Device } from './device.js';
import { WANTED_KICKS, type WantedKick } from './kick.js';
import { numberOption, type DeviceType } from './option.js';

/** Default guest-physical address of the page and default first port. */
const PAGE = 0xfe00_1000;
const PORT = 0x7d0;
/** Width and, for the datamatch ones, value of a kick. */
const KICK_LENGTH = 2;
const KICK_VALUE = 0xfan;

/** Offsets in the page. */
const MMIO_NONE = 0x00;
const MMIO_WILDCARD = 0x10;
const MMIO_DATAMATCH = 0x20;
const PV = 0x30;
const HYPERCALL = 0x40;
/** Ports from the first. */
const PIO_NONE = 0;
const PIO_WILDCARD = 2;
const PIO_DATAMATCH = 4;
const WANTED = 6;

export interface DoorbellPageOptions {
  /** Guest-physical address, a multiple of 4096. */
  addr: number;
  /** First of the ports. */
  port: number;
}

/** A kick that a device's own write handler answers: what everything else is measured against. */
class KickCounter implements IoDevice, Stateful {
  count = 0;

  constructor(readonly name: string) {}

  read(): number {
    return -1;
  }

  write(): void {
    this.count++;
  }

  save(): number {
    return this.count;
  }

  restore(count: number): void {
    this.count = count;
  }
}

/** The register that says which kick is wanted. Writing it changes nothing: it is a switch, and the guest sees where it stands. */
class KickSwitch implements IoDevice, Stateful {
  readonly name = 'doorbells wanted';
  wanted: WantedKick = 'pv';

  read(): number {
    return WANTED_KICKS.indexOf(this.wanted);
  }

  write(): void {}

  save(): string {
    return this.wanted;
  }

  restore(wanted: WantedKick): void {
    this.wanted = wanted;
  }
}

type Binding = IoEventFdArgs & { flags: number };

/** The eventfds count the kicks. `mmioNone` and `pioNone` count them without one. */
export class DoorbellPage implements Device {
  readonly name = 'doorbells';
  readonly mmioWildcard = new EventFd();
  readonly mmioDatamatch = new EventFd();
  readonly pv = new EventFd();
  readonly hypercall = new EventFd();
  readonly pioWildcard = new EventFd();
  readonly pioDatamatch = new EventFd();
  readonly mmioNone = new KickCounter('doorbells mmio-none');
  readonly pioNone = new KickCounter('doorbells pio-none');
  readonly #board: Board;
  readonly #bound: Binding[] = [];
  readonly #switch = new KickSwitch();
  readonly #claims: readonly [RangeClaim, RangeClaim, RangeClaim];

  constructor(board: Board, { addr, port }: DoorbellPageOptions) {
    this.#board = board;
    const { DataMatch, Pio, PvMmio } = IoEventFdFlag;
    const at = (offset: number): bigint => BigInt(addr + offset);
    const ports = (offset: number): bigint => BigInt(port + offset);
    const len = KICK_LENGTH;
    const datamatch = KICK_VALUE;
    const bindings: Binding[] = [
      { fd: this.mmioWildcard, addr: at(MMIO_WILDCARD), len, flags: 0 },
      { fd: this.mmioDatamatch, addr: at(MMIO_DATAMATCH), len, flags: DataMatch, datamatch },
      { fd: this.pv, addr: at(PV), len, flags: PvMmio },
      { fd: this.hypercall, addr: at(HYPERCALL), len, flags: PvMmio },
      { fd: this.pioWildcard, addr: ports(PIO_WILDCARD), len, flags: Pio },
      { fd: this.pioDatamatch, addr: ports(PIO_DATAMATCH), len, flags: Pio | DataMatch, datamatch },
    ];
    this.#claims = [
      board.vm.mmio.claim({ addr: at(MMIO_NONE), len, device: this.mmioNone }),
      board.vm.pio.claim({ addr: ports(PIO_NONE), len, device: this.pioNone }),
      board.vm.pio.claim({ addr: ports(WANTED), len, device: this.#switch }),
    ];
    try {
      for (const binding of bindings) {
        board.vm.ioeventfd(binding);
        this.#bound.push(binding);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get #fds(): EventFd[] {
    return [this.mmioWildcard, this.mmioDatamatch, this.pv, this.hypercall, this.pioWildcard, this.pioDatamatch];
  }

  /** Which kick guests/kicker makes; it looks every few thousand kicks. At first 'pv'. */
  get wanted(): WantedKick {
    return this.#switch.wanted;
  }

  /** Asks guests/kicker for another kick. EINVAL for what is none. */
  want(kick: WantedKick): void {
    if (!WANTED_KICKS.includes(kick)) {
      throw new EINVAL(`doorbells: the kick must be one of ${WANTED_KICKS.join(', ')}, not ${JSON.stringify(kick)}`);
    }
    this.#switch.wanted = kick;
  }

  /** Forgets the kicks; the switch stays where it stands. */
  reset(): void {
    this.mmioNone.count = 0;
    this.pioNone.count = 0;
    for (const fd of this.#fds) fd.drain();
  }

  close(): void {
    const { vm } = this.#board;
    for (const binding of this.#bound) vm.ioeventfd({ ...binding, flags: binding.flags | IoEventFdFlag.Deassign });
    for (const fd of this.#fds) fd.close();
    vm.mmio.remove(this.#claims[0]);
    vm.pio.remove(this.#claims[1]);
    vm.pio.remove(this.#claims[2]);
  }
}

export const doorbellPageType: DeviceType = {
  name: 'doorbells',
  options: {
    addr: numberOption(PAGE, 0, 0xffff_f000, 4096),
    port: numberOption(PORT, 0, 0xfff0, 2),
  },
  create: (board, { addr, port }) => new DoorbellPage(board, { addr: addr!, port: port! }),
};
