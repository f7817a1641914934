// A machine for a page: the library in a worker, so that the guest never holds the page up.

import { Connection } from './connection.js';
import type { Offer } from './offer.js';
import type { Remote } from './remote.js';
import type { Port } from './wire.js';

/** The library as it is in the worker. */
export type RemoteLibrary = Remote<Offer>;

/** The page has shared memory: it is cross-origin isolated. Without, machines run the same, on memory of their worker alone. */
export function isolated(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false;
}

/** A thread for machines. Each `Client` has one; a page may have several. */
export class Client {
  /**
   * The same API as the library's, each call by promise:
   *
   *     const client = new Client();
   *     const pc = await client.doorbell.Pc.create({ kernel, serial: (bytes) => terminal.write(bytes) });
   *     const { reason } = await pc.run();
   */
  readonly doorbell: RemoteLibrary;
  readonly #worker: Worker;
  readonly #connection: Connection;

  constructor() {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'doorbell' });
    this.#connection = new Connection(this.#worker as Port);
    this.doorbell = this.#connection.remote<Offer>();
    this.#worker.addEventListener('error', (event) => {
      this.#connection.end(`the machine's thread has failed: ${event.message || 'it could not be started'}`);
    });
  }

  /** Ends the thread and every machine in it. */
  close(): void {
    this.#connection.end("the machine's thread has been closed");
    this.#worker.terminate();
  }
}
