// `--stats` while the guest runs: each second, what the last one was like. On a terminal that the guest prints to it has the
// bottom row, which is taken out of scrolling; on another terminal one line that is written over; elsewhere a line each time.

import type { Pc } from '../machine/pc.js';
import type { VmStats } from '../vmm/vm.js';
import { decodeFreeShare, percent } from './stats-report.js';

const SECOND = 1000;
const ESC = '\u001b';
const BELL = '\u0007';

export interface Moment {
  time: number;
  stats: VmStats;
  cpu: NodeJS.CpuUsage;
}

export class LiveStats {
  readonly #shown: boolean;
  readonly #begin = performance.now();
  readonly #cpu = process.cpuUsage();
  #pc: Pc | undefined;
  #last: Moment | undefined;
  #timer: NodeJS.Timeout | undefined;
  #share: number | undefined;
  /** The guest may be in the middle of a control sequence or of a character: nothing may come between. */
  #tail = '';
  #screen: StatusRow | undefined;

  /** Without `shown` nothing is printed: only the processor time is measured. */
  constructor(shown: boolean) {
    this.#shown = shown;
  }

  /** Goes on with this machine. */
  watch(pc: Pc): void {
    this.#pc = pc;
    this.#last = this.#now(pc);
    if (!this.#shown || this.#timer !== undefined) return;
    const { stderr, stdout } = process;
    if (stderr.isTTY) this.#screen = new StatusRow(stderr, stdout.isTTY);
    this.#timer = setInterval(() => this.#tick(), SECOND);
    this.#timer.unref();
  }

  /** What the guest has printed. */
  printed(bytes: Uint8Array): void {
    this.#tail = (this.#tail + Buffer.from(bytes.subarray(-64)).toString('latin1')).slice(-64);
  }

  /** Stops; returns the share of a host processor that the process has had. */
  close(): number {
    clearInterval(this.#timer);
    this.#screen?.close();
    this.#screen = undefined;
    this.#share ??= cpuTime(process.cpuUsage(this.#cpu)) / (performance.now() - this.#begin);
    return this.#share;
  }

  #now(pc: Pc): Moment {
    return { time: performance.now(), stats: pc.vm.stats(), cpu: process.cpuUsage() };
  }

  #tick(): void {
    const { stderr } = process;
    if (this.#pc === undefined || this.#last === undefined) return;
    if (this.#screen !== undefined && midSequence(this.#tail)) return;
    const now = this.#now(this.#pc);
    const line = `${((now.time - this.#begin) / 1000).toFixed(0)} s  ${liveLine(this.#last, now)}`;
    this.#last = now;
    if (this.#screen !== undefined) this.#screen.show(line);
    else stderr.write(`${line}\n`);
  }
}

const cpuTime = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/** MIPS, the host's processor, decode-free share, and exits per second by reason, the most frequent first. */
export function liveLine(before: Moment, now: Moment): string {
  const ms = Math.max(1, now.time - before.time);
  const exits: VmStats['exits'] = {};
  for (const [name, { count, decodes, walks, decodeFree, ns }] of Object.entries(now.stats.exits)) {
    const was = before.stats.exits[name];
    exits[name] = {
      count: count - (was?.count ?? 0),
      decodes: decodes - (was?.decodes ?? 0),
      walks: walks - (was?.walks ?? 0),
      decodeFree: decodeFree - (was?.decodeFree ?? 0),
      ns: ns - (was?.ns ?? 0),
    };
  }
  const mips = (now.stats.instructions - before.stats.instructions) / ms / 1000;
  const host = (cpuTime(now.cpu) - cpuTime(before.cpu)) / ms;
  const rates = Object.entries(exits)
    .filter(([, { count }]) => count > 0)
    .toSorted(([, a], [, b]) => b.count - a.count)
    .map(([name, { count }]) => `${name} ${Math.round((count * 1000) / ms).toLocaleString('en-US')}`);
  return [
    `${mips.toFixed(1)} MIPS`,
    `host ${percent(host)}`,
    ...(rates.length === 0
      ? ['no exits']
      : [`no decode ${percent(decodeFreeShare(exits))}`, `exits/s ${rates.join(', ')}`]),
  ].join('  ');
}

/** True if the text ends within an escape sequence (ECMA-48, 5.4: CSI, parameters, final) or a character of UTF-8. */
export function midSequence(latin1: string): boolean {
  const at = latin1.lastIndexOf(ESC);
  const sequence = latin1.slice(at + 1);
  if (at >= 0 && /^(?:[ -/]*|\[[0-?]*[ -/]*)$/.test(sequence)) return true;
  // a control string, such as a title, up to BEL or the escape of its ST
  if (at >= 0 && /^[\]PX^_]/.test(sequence) && !sequence.includes(BELL)) return true;
  return /(?:[\u00c0-\u00ff]|[\u00e0-\u00ff][\u0080-\u00bf]|[\u00f0-\u00f7][\u0080-\u00bf]{2})$/.test(latin1);
}

/** The row of the terminal that the figures stand in. */
class StatusRow {
  readonly #out: NodeJS.WriteStream;
  /** The guest prints on the same terminal: the row is its last one, and the rest scrolls above it. */
  readonly #shared: boolean;
  #rows = 0;
  readonly #close = (): void => this.close();

  constructor(out: NodeJS.WriteStream, shared: boolean) {
    this.#out = out;
    this.#shared = shared;
    process.on('exit', this.#close);
  }

  show(line: string): void {
    const columns = this.#out.columns || 80; // a terminal may say 0: it does not know
    const rows = this.#out.rows || 24;
    const text = line.slice(0, columns - 1);
    if (!this.#shared) {
      this.#out.write(`\r\u001b[K${text}`);
      this.#rows = 1;
      return;
    }
    // A line feed first makes sure that the cursor is not in the row that is taken away. DECSC, DECSTBM, DECRC (VT100).
    const make = this.#rows === rows ? '' : `\n\u001b[A\u001b7\u001b[1;${rows - 1}r\u001b8`;
    this.#rows = rows;
    this.#out.write(`${make}\u001b7\u001b[${rows};1H\u001b[7m\u001b[K${text}\u001b[m\u001b8`);
  }

  close(): void {
    process.off('exit', this.#close);
    if (this.#rows === 0) return;
    if (this.#shared) this.#out.write(`\u001b7\u001b[r\u001b[${this.#rows};1H\u001b[K\u001b8`);
    else this.#out.write('\r\u001b[K');
    this.#rows = 0;
  }
}
