// The end of a kick lane's thread that asks for runs; lane-server.ts is the other.

import { BenchError } from './bench-error.js';
import type { LaneThread } from './host.js';
import type { KickRun, LaneRun } from './kick-lane.js';

export class KickThread {
  readonly #thread: LaneThread;
  readonly #name: string;
  #ended: Error | undefined;
  #settle: { resolve: (runs: KickRun[]) => void; reject: (error: Error) => void } | undefined;

  /** `name` is what the lane measures. */
  constructor(thread: LaneThread, name: string) {
    this.#thread = thread;
    this.#name = name;
    thread.listen(
      (answer) => {
        const settle = this.#settle;
        this.#settle = undefined;
        if ('runs' in answer) settle?.resolve(answer.runs);
        else settle?.reject(answer.measurement ? new BenchError(answer.failure) : new Error(answer.failure));
      },
      (error) => this.#end(error),
    );
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#settle?.reject(this.#ended);
  }

  /** One run; only one at a time. Rejects as KickLane.run() does, and when the thread ends. */
  run(request: LaneRun): Promise<KickRun[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#settle = { resolve, reject };
      this.#thread.request(request);
    });
  }

  async close(): Promise<void> {
    this.#end(new Error(`the thread that measures ${this.#name} has ended`));
    await this.#thread.close();
  }
}
