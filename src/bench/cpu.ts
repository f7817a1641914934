// Runs the C loops of guests/bench and counts the instructions they retire in a second of the host's time.

import { Pc } from '../machine/pc.js';
import { BenchError } from './bench-error.js';
import type { GuestFiles } from './host.js';
import type { LoopName } from './loops.js';
import { sampleOf } from './sample.js';
import type { CpuRow } from './result.js';

/** guests/bench/expected.json: checksums of the same C on a real processor. */
interface Expected {
  n1: string;
  defaultRepeats: number;
  default: string;
}

interface LoopRun {
  checksum: string;
  instructions: number;
  seconds: number;
}

export class CpuLoop {
  readonly #image: Uint8Array;
  readonly #expected: Expected;
  readonly #runs: LoopRun[] = [];

  private constructor(
    readonly name: LoopName,
    image: Uint8Array,
    expected: Expected,
  ) {
    this.#image = image;
    this.#expected = expected;
  }

  static async load(name: LoopName, guestFile: GuestFiles): Promise<CpuLoop> {
    const [image, text] = await Promise.all([guestFile(`bench/${name}.bin`), guestFile('bench/expected.json')]);
    const expected = JSON.parse(new TextDecoder().decode(text)) as Record<LoopName, Expected>;
    return new CpuLoop(name, image, expected[name]);
  }

  /** One repeat, unrecorded; throws BenchError if the checksum is not that of a real processor. */
  async check(): Promise<void> {
    const { checksum } = await this.#run(1);
    if (checksum === this.#expected.n1) return;
    throw new BenchError(`${this.name} computed ${checksum}; a real processor computes ${this.#expected.n1}`);
  }

  /** An unrecorded run as measure() makes it. */
  async warmUp(divisor: number): Promise<void> {
    await this.#run(this.#repeats(divisor));
  }

  /** A recorded run of the loop's usual length (some 300 million instructions) divided by `divisor`. */
  async measure(divisor: number): Promise<void> {
    const run = await this.#run(this.#repeats(divisor));
    const first = this.#runs[0];
    if (first !== undefined && first.checksum !== run.checksum) {
      throw new BenchError(`${this.name} computed ${run.checksum} after ${first.checksum}, from the same start`);
    }
    this.#runs.push(run);
  }

  #repeats(divisor: number): number {
    return Math.max(1, Math.round(this.#expected.defaultRepeats / divisor));
  }

  /** Whether there is something for result() to tell. */
  get measured(): boolean {
    return this.#runs.length > 0;
  }

  result(): CpuRow {
    const { min, median } = sampleOf(this.#runs.map(({ seconds, instructions }) => seconds / instructions));
    const [{ instructions }] = this.#runs as [LoopRun];
    return { name: this.name, mips: 1e-6 / min, medianMips: 1e-6 / median, instructions };
  }

  async #run(repeats: number): Promise<LoopRun> {
    let text = '';
    const pc = await Pc.create({
      kernel: this.#image,
      cmdline: `n=${repeats}`,
      memory: 32 * 2 ** 20,
      paging: 'ept',
      clock: 'virtual',
      serial: (bytes) => {
        text += String.fromCharCode(...bytes);
      },
    });
    const start = performance.now();
    await pc.run();
    const seconds = (performance.now() - start) / 1e3;
    const { instructions } = pc.vm.stats();
    pc.close();
    const [, checksum] = /^\S+ ([0-9a-f]{16})\n/.exec(text) ?? [];
    if (checksum === undefined)
      throw new BenchError(`the guest ${this.name} has printed no checksum: '${text.trim()}'`);
    return { checksum, instructions, seconds };
  }
}
