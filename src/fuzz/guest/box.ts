// A PC that one image after the other is started in: what happened is told, and the machine is as new for the next, by
// a snapshot of it as it was after power-on.

import { createHash } from 'node:crypto';
import { readCrash, describeCrash } from '../../machine/crash.js';
import { loadImage, ImageError } from '../../machine/loaders/index.js';
import { ExitReason, Pc, type Exit, type PagingMode, type Snapshot } from '../../index.js';

/** Low memory, the images at one MiB, and something behind them. */
const RAM = 2 << 20;
/** IA32_TIME_STAMP_COUNTER. */
const MSR_TSC = 0x10;
/** What linear memory may grow by while guests run: page tables of the hypervisor's, and then they are used anew. */
const GROWTH = 64 << 20;
const DEVICES = ['pci-testdev', 'doorbells'] as const;
/** Exits to the user, and halts until a timer, that a run may make: halting costs no instructions. */
const MOST_EXITS = 1000;

/** What a guest has done. */
export interface Story {
  /** What was wrong with the machine itself, or undefined. */
  readonly wrong: string | undefined;
  /** Why it ended, and how many instructions it took. */
  readonly end: string;
  readonly retired: number;
  /** The exits to the user, in order; the last ones, if they are many. */
  readonly exits: readonly string[];
  /** All of the processor's state. */
  readonly state: string;
  readonly serial: Uint8Array;
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? each.toString(16) : each));

export class GuestBox {
  readonly pc: Pc;
  readonly #size: number;
  readonly #serial: Uint8Array[];
  readonly #clean: Snapshot;

  private constructor(pc: Pc, serial: Uint8Array[]) {
    this.pc = pc;
    this.#size = pc.vm.linear.size;
    this.#serial = serial;
    // as after power-on, with no image in it
    pc.vcpu.reset();
    pc.vcpu.setMsrs([{ index: MSR_TSC, data: 0n }]);
    pc.vm.memory.fill(0, 0, RAM);
    this.#clean = pc.snapshot();
  }

  /** `core`: an instrumented build, say. */
  static async create(paging: PagingMode, core?: Uint8Array): Promise<GuestBox> {
    const serial: Uint8Array[] = [];
    const pc = await Pc.create({
      kernel: Uint8Array.of(0xf4),
      memory: RAM,
      paging,
      clock: 'virtual',
      devices: DEVICES,
      serial: (bytes) => serial.push(bytes.slice()),
      ...(core === undefined ? {} : { core }),
    });
    return new GuestBox(pc, serial);
  }

  /** Starts an image and runs it for `budget` instructions at most, in slices that `next` gives the sizes of. */
  run(image: Uint8Array, budget: number, next: () => number): Story {
    const { vcpu, vm } = this.pc;
    const exits: string[] = [];
    let end = 'budget';
    let wrong: string | undefined;
    let first = 0;
    let made = 0;
    try {
      this.pc.restore(this.#clean);
      this.#serial.length = 0;
      first = vcpu.retired;
      const target = { memory: vm.memory, vcpu, ram: RAM, cmdline: 'n=1', modules: [] };
      loadImage(image, target);
      for (let left = budget; left > 0 && end === 'budget';) {
        const before = vcpu.retired;
        const slice = Math.max(1, Math.min(left, next()));
        const exit = vcpu.run({ maxInstructions: slice });
        const used = vcpu.retired - before;
        left -= used;
        if (used > slice) wrong = `${used} instructions in a slice of ${slice}`;
        if (exit.reason === ExitReason.Budget) {
          if (used !== slice) wrong = `the budget of ${slice} was used up after ${used} instructions`;
        } else if (++made > MOST_EXITS) end = 'exits';
        else end = this.#answer(exit, exits) ?? end;
        if (wrong !== undefined) break;
      }
    } catch (error) {
      if (error instanceof ImageError) end = `no image: ${error.message}`;
      else wrong = `threw ${describeError(error)}`;
    }
    const grown = vm.linear.size - this.#size;
    if (grown > GROWTH) wrong ??= `linear memory has grown by ${grown} bytes`;
    return this.#story(wrong, end, vcpu.retired - first, exits);
  }

  /** Answers an exit as Pc does. Why the run is over, if it is. */
  #answer(exit: Exit, exits: string[]): string | undefined {
    if (exits.length > 200) exits.shift();
    switch (exit.reason) {
      case ExitReason.Io:
        exits.push(
          `${exit.direction} 0x${exit.port.toString(16)} ${exit.size} ${exit.direction === 'out' ? exit.value : ''}`,
        );
        if (exit.direction === 'in') exit.data.fill(0xff);
        return undefined;
      case ExitReason.Mmio:
        exits.push(
          `${exit.isWrite ? 'write' : 'read'} 0x${exit.physAddr.toString(16)} ${exit.length} ${exit.isWrite ? exit.value : ''}`,
        );
        if (!exit.isWrite) exit.data.fill(0xff);
        return undefined;
      case ExitReason.Hlt: {
        const open = this.pc.vcpu.interruptsEnabled;
        exits.push(`halt 0 0 ${this.pc.vm.clock.ticks()}`);
        return open && this.pc.vm.skipToTimer() ? undefined : 'halted';
      }
      case ExitReason.Shutdown:
        return 'triple fault';
      case ExitReason.Intr:
        return 'debug exit';
      case ExitReason.InternalError:
        return `internal error: ${exit.message}`;
      default:
        return `exit ${exit.reason}`;
    }
  }

  #story(wrong: string | undefined, end: string, retired: number, exits: readonly string[]): Story {
    const { vcpu } = this.pc;
    const fpu = createHash('sha1').update(vcpu.getFpu()).digest('hex');
    const state = text({
      regs: vcpu.getRegs(),
      sregs: vcpu.getSregs(),
      msrs: vcpu.getMsrs(),
      debug: vcpu.getDebugRegs(),
      fpu,
    });
    return { wrong, end, retired, exits, state, serial: Buffer.concat(this.#serial) };
  }

  readonly #ram = new Uint8Array(RAM);
  /** A copy of the guest's RAM, until the next one is made. */
  ram(): Uint8Array {
    this.pc.vm.memory.readInto(0, this.#ram);
    return this.#ram;
  }

  /** Registers and the instruction at RIP, for people. */
  async describe(message: string): Promise<string> {
    return describeCrash(await readCrash(this.pc.vm, this.pc.vcpu, message));
  }

  close(): void {
    this.pc.close();
  }
}

/** What was thrown and where from. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const where = /\n\s+at (.*)/.exec(error.stack ?? '')?.[1] ?? '';
  return `${error.name}: ${error.message.split('\n')[0]} (${where.replace(/file:.*\/(?=[^/]+$)/, '')})`;
}

/** What differs between two runs of one image, or undefined. */
export function differenceOf(one: Story, other: Story): string | undefined {
  if (one.end !== other.end) return `ended by ${one.end}, and by ${other.end}`;
  if (one.retired !== other.retired) return `${one.retired} instructions, and ${other.retired}`;
  if (text(one.exits) !== text(other.exits)) return 'the exits differ';
  if (Buffer.compare(one.serial, other.serial) !== 0) return 'the serial output differs';
  if (one.state === other.state) return undefined;
  const [a, b] = [JSON.parse(one.state), JSON.parse(other.state)] as [Record<string, unknown>, Record<string, unknown>];
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, each]) => flat(each, `${path}.${key}`))
      : [[path.slice(1), String(value)]];
  const theirs = new Map(flat(b, ''));
  const different = flat(a, '').filter(([name, value]) => theirs.get(name) !== value);
  return different
    .slice(0, 4)
    .map(([name, value]) => `${name} ${value}, and ${theirs.get(name)}`)
    .join('; ');
}
