// The loop of a fuzz target: make inputs, run them, keep what reaches something new, write down what is wrong.

import { Corpus, CorpusDirectory } from './corpus.js';
import { minimise } from './minimise.js';
import { Random } from './random.js';
import { writeReproducer } from './reproducer.js';
import type { Finding, Outcome, Target, TargetName } from './target.js';
import { Watchdog } from './watchdog.js';

export interface EngineOptions {
  /** How long: seconds, inputs, or both; whichever comes first. */
  readonly seconds?: number | undefined;
  readonly runs?: number | undefined;
  readonly seed: number;
  /** Where the corpus is read from and written to; none: it is kept in memory. */
  readonly corpus?: string | undefined;
  /** Where reproducers are written to. */
  readonly findings: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which a batch counts as one that never comes back; the process then ends. Default: a minute. */
  readonly patienceMs?: number | undefined;
  /** Called now and then, at least once a second. */
  readonly progress?: ((status: Status) => void) | undefined;
  /** Called for every new kind of finding, once its reproducer is written. */
  readonly found?: ((found: Found) => void) | undefined;
}

/** How a target is doing. */
export interface Status {
  readonly target: TargetName;
  readonly runs: number;
  readonly seconds: number;
  /** Inputs a second: since the last report, and in all. */
  readonly rate: number;
  readonly places: number;
  readonly features: number;
  readonly corpus: number;
  /** Kinds of findings. */
  readonly findings: number;
}

export interface Found {
  readonly target: TargetName;
  readonly kind: string;
  readonly summary: string;
  readonly path: string;
}

export interface Result extends Status {
  readonly found: readonly Found[];
  readonly notes: readonly string[];
}

/** Attempts to make a finding's input smaller. */
const ATTEMPTS = 4000;
/** Different bugs after which a target is given up: something is broken altogether. */
const MOST_FINDINGS = 50;
const REPORT_MS = 1000;

/** Whether an outcome shows the bug of this kind. */
const shows = (outcome: Outcome | undefined, kind: string): boolean => outcome?.finding?.kind === kind;

/** Runs inputs of a target. */
type Run = (inputs: readonly Uint8Array[]) => Promise<readonly Outcome[]>;

/** Makes a finding's input small, explains it, writes it down. */
export async function record(
  target: Target,
  input: Uint8Array,
  finding: Finding,
  directory: string,
  run: Run = async (inputs) => target.run(inputs),
): Promise<Found> {
  const small = await minimise(input, {
    shows: async (candidate) => shows((await run([candidate]))[0], finding.kind),
    simpler: target.simpler?.bind(target),
    attempts: ATTEMPTS,
  });
  const again = (await run([small.input]))[0]?.finding ?? finding;
  const explanation = await target.explain(small.input);
  const text = `${target.name}: ${again.summary}\n\n${explanation.text}`;
  const path = await writeReproducer(directory, { target: target.name, input: small.input }, { ...explanation, text });
  return { target: target.name, kind: finding.kind, summary: again.summary, path };
}

/** Runs a target until its time is up. */
export async function runTarget(target: Target, options: EngineOptions): Promise<Result> {
  const watchdog = new Watchdog(target.name, options.findings, options.patienceMs);
  try {
    return await loop(target, options, async (inputs) => {
      watchdog.begin(inputs);
      try {
        return await target.run(inputs);
      } finally {
        watchdog.end();
      }
    });
  } finally {
    await watchdog.close();
  }
}

async function loop(target: Target, options: EngineOptions, run: Run): Promise<Result> {
  const { seconds = Infinity, runs: most = Infinity, seed, signal, progress, found: tell } = options;
  const random = new Random(seed);
  const corpus = new Corpus();
  const directory = options.corpus === undefined ? undefined : new CorpusDirectory(options.corpus, target.name);
  const start = performance.now();
  const found = new Map<string, Found>();
  let runs = 0;
  let reported = start;
  let runsReported = 0;
  const status = (now: number): Status => ({
    target: target.name,
    runs,
    seconds: (now - start) / 1000,
    rate: now > reported ? ((runs - runsReported) * 1000) / (now - reported) : 0,
    places: target.coverage.places,
    features: target.coverage.features,
    corpus: corpus.size,
    findings: found.size,
  });

  const take = async (inputs: readonly Uint8Array[], save: boolean): Promise<void> => {
    const outcomes = await run(inputs);
    runs += inputs.length;
    for (const [index, { finding, fresh }] of outcomes.entries()) {
      const input = inputs[index]!;
      if (finding !== undefined) {
        if (found.has(finding.kind) || found.size >= MOST_FINDINGS) continue;
        const one = await record(target, input, finding, options.findings, run);
        found.set(finding.kind, one);
        tell?.(one);
      } else if (fresh) {
        corpus.add(input);
        if (save) await directory?.write(input);
      }
    }
  };
  const over = (): boolean =>
    signal?.aborted === true ||
    runs >= most ||
    performance.now() - start >= seconds * 1000 ||
    found.size >= MOST_FINDINGS;
  const report = async (): Promise<void> => {
    const now = performance.now();
    if (now - reported < REPORT_MS) return;
    progress?.(status(now));
    reported = now;
    runsReported = runs;
    // timers, signals and the terminal get their turn
    await new Promise((turn) => setImmediate(turn));
  };

  for (const [inputs, save] of [
    [(await directory?.read()) ?? [], false],
    [target.seeds(), true],
  ] as const) {
    for (let at = 0; at < inputs.length && !over(); at += target.batch) {
      await take(inputs.slice(at, at + target.batch), save);
      await report();
    }
  }
  while (!over()) {
    const count = Math.min(target.batch, most - runs);
    const inputs: Uint8Array[] = [];
    while (inputs.length < count) {
      const fresh = corpus.size === 0 || random.oneIn(8);
      inputs.push(fresh ? target.fresh(random) : target.mutate(random, corpus.pick(random), corpus.pick(random)));
    }
    await take(inputs, true);
    await report();
  }
  const now = performance.now();
  reported = start;
  runsReported = 0;
  const last = status(now);
  progress?.(last);
  return { ...last, found: [...found.values()], notes: target.notes?.() ?? [] };
}
