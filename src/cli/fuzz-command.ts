// `doorbell fuzz`: runs the fuzz targets, shows how they are doing, and runs reproducers again.

import { randomInt } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import {
  makeTarget,
  readReproducer,
  ReproducerError,
  runTarget,
  TARGET_NAMES,
  TargetUnavailable,
  type Found,
  type Result,
  type Status as TargetStatus,
  type Target,
  type TargetName,
} from '../fuzz/index.js';
import { CommandError, Status, UsageError } from './failure.js';

export interface FuzzOptions {
  target?: TargetName[];
  seconds?: number;
  runs?: number;
  corpus?: string;
  seed?: number;
  json?: boolean;
  replay?: string;
}

/** Seconds of a target when neither --seconds nor --runs is given. */
const SECONDS = 60;
/** Where reproducers go when there is no --corpus. */
const FINDINGS = 'doorbell-findings';

/** Returns Status.Found if anything was found. */
export async function fuzzCommand(options: FuzzOptions): Promise<number> {
  if (options.replay !== undefined) return replay(options.replay, options);
  return fuzz(options);
}

async function fuzz({ target, seconds, runs, corpus, seed, json }: FuzzOptions): Promise<number> {
  const names = target === undefined ? TARGET_NAMES : TARGET_NAMES.filter((name) => target.includes(name));
  if (corpus !== undefined) await makeDirectory(corpus);
  const first = seed ?? randomInt(2 ** 31);
  const screen = new Screen(json === true);
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once('SIGINT', onInterrupt);
  screen.line(`seed ${first}; the same seed and corpus give the same inputs again`);
  const results: Result[] = [];
  const skipped: { target: TargetName; reason: string }[] = [];
  try {
    for (const name of names) {
      if (stop.signal.aborted) break;
      const made = await open(name);
      if (typeof made === 'string') {
        skipped.push({ target: name, reason: made });
        screen.line(`${name}: skipped: ${made}`);
        continue;
      }
      try {
        const result = await runTarget(made, {
          seconds: seconds ?? (runs === undefined ? SECONDS : undefined),
          runs,
          seed: first,
          corpus,
          findings: corpus === undefined ? FINDINGS : `${corpus}/findings`,
          signal: stop.signal,
          progress: (status) => screen.progress(status),
          found: (found) => screen.found(found),
        });
        results.push(result);
        screen.done(result);
      } finally {
        await made.close();
      }
    }
  } finally {
    process.off('SIGINT', onInterrupt);
  }
  const found = results.flatMap((result) => result.found);
  if (json === true) {
    process.stdout.write(
      `${JSON.stringify({ seed: first, targets: results.map(summary), skipped, findings: found })}\n`,
    );
  }
  if (found.length > 0) return Status.Found;
  return stop.signal.aborted ? Status.Interrupted : Status.Success;
}

/** The target, or why it cannot be run here. */
async function open(name: TargetName): Promise<Target | string> {
  try {
    return await makeTarget(name);
  } catch (error) {
    if (error instanceof TargetUnavailable) return error.message;
    throw error;
  }
}

function summary({ target, runs, seconds, rate, places, features, corpus, findings, notes }: Result) {
  return { target, runs, seconds, rate, coverage: { places, features }, corpus, findings, notes };
}

async function replay(path: string, { target, json }: FuzzOptions): Promise<number> {
  if (target !== undefined && target.length > 1) throw new UsageError('--replay takes one --target at most');
  const reproducer = await readReproducer(path, target?.[0]).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof ReproducerError) throw new CommandError(`${path} is no reproducer: ${error.message}`);
    throw new CommandError(`${path} cannot be read: ${error.code ?? error.message}`);
  });
  const made = await open(reproducer.target);
  if (typeof made === 'string') throw new CommandError(`${reproducer.target} cannot be run here: ${made}`);
  try {
    const [outcome] = await made.run([reproducer.input]);
    const { text } = await made.explain(reproducer.input);
    const finding = outcome?.finding;
    if (json === true)
      process.stdout.write(`${JSON.stringify({ target: made.name, finding: finding ?? null, text })}\n`);
    else process.stdout.write(`${made.name}: ${finding?.summary ?? 'nothing is wrong'}\n\n${text.trimEnd()}\n`);
    return finding === undefined ? Status.Success : Status.Found;
  } finally {
    await made.close();
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if (!(await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`--corpus ${path} cannot be made: ${code ?? String(error)}`);
  }
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** One line that is written over on a terminal, a line every ten seconds elsewhere; with --json to standard error. */
class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  #shown = 0;

  constructor(json: boolean) {
    this.#out = json ? process.stderr : process.stdout;
    this.#live = this.#out.isTTY;
  }

  line(text: string): void {
    this.#out.write(`${this.#live ? '\r\u001b[K' : ''}${text}\n`);
  }

  progress(status: TargetStatus): void {
    if (this.#live) this.#out.write(`\r\u001b[K${describe(status)}`.slice(0, (this.#out.columns ?? 80) + 3));
    else if (status.seconds >= this.#shown + 10) {
      this.#shown = status.seconds;
      this.line(describe(status));
    }
  }

  found({ target, summary: what, path }: Found): void {
    this.line(`${target}: FOUND ${what}`);
    this.line(`  ${path}`);
  }

  done(result: Result): void {
    this.#shown = 0;
    this.line(describe(result));
    for (const note of result.notes) this.line(`  ${note}`);
  }
}

function describe({ target, seconds, runs, rate, places, features, corpus, findings }: TargetStatus): string {
  const coverage =
    places > 0 ? `${number(places)} places, ${number(features)} features` : `${number(features)} features`;
  return (
    `${target}: ${seconds.toFixed(0)} s, ${number(runs)} inputs, ${number(rate)}/s, coverage ${coverage}, ` +
    `corpus ${number(corpus)}, findings ${findings}`
  );
}
