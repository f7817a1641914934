// Runs functions on worker threads with src/eventfd at hand. Vitest does not transpile inside workers, so the folder is
// transpiled once into a temporary directory.

import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import type * as eventfd from '../../src/eventfd/index.js';

const SOURCES = new URL('../../src/eventfd/', import.meta.url);
const TIMEOUT_MS = 20_000;

export type EventFdModule = typeof eventfd;

export class Threads {
  private readonly directory = mkdtempSync(join(tmpdir(), 'doorbell-threads-'));
  private readonly workers = new Set<Worker>();

  constructor() {
    const to = join(this.directory, 'eventfd');
    mkdirSync(to);
    writeFileSync(join(this.directory, 'package.json'), '{"type":"module"}');
    for (const file of readdirSync(SOURCES)) {
      const source = readFileSync(new URL(file, SOURCES), 'utf8');
      const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
      const { outputText } = ts.transpileModule(source, { compilerOptions });
      writeFileSync(join(to, file.replace(/\.ts$/, '.js')), outputText);
    }
    writeFileSync(
      join(this.directory, 'main.js'),
      `import { parentPort, workerData } from 'node:worker_threads';
       import * as eventfd from './eventfd/index.js';
       const body = (0, eval)('(' + workerData.body + ')');
       parentPort.postMessage(await body(eventfd, workerData.data));
       parentPort.unref();`,
    );
  }

  /** Runs `body` (self-contained: it is sent as text) on a new thread; rejects if it throws or takes 20 s. */
  run<D, R>(body: (module: EventFdModule, data: D) => R | Promise<R>, data: D): Promise<R> {
    const worker = new Worker(join(this.directory, 'main.js'), { workerData: { body: body.toString(), data } });
    this.workers.add(worker);
    return new Promise<R>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the thread did not finish')), TIMEOUT_MS);
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        void worker.terminate();
        this.workers.delete(worker);
        then();
      };
      worker.once('message', (result: R) => settle(() => resolve(result)));
      worker.once('error', (error) => settle(() => reject(error)));
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => worker.terminate()));
    rmSync(this.directory, { recursive: true });
  }
}
