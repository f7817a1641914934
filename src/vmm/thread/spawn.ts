// Starting a thread, in Node and in a browser, and the port that it finds at its other end. No Node module is imported, so
// that the same files run in both and bundlers find nothing to replace.

import type { FromThread, ToThread } from './wire.js';

interface NodeWorker {
  on(event: 'message', listener: (message: FromThread) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'exit', listener: () => void): void;
  postMessage(message: ToThread): void;
  terminate(): Promise<unknown>;
  ref(): void;
  unref(): void;
}
interface NodePort {
  on(event: 'message', listener: (message: ToThread) => void): void;
  postMessage(message: FromThread): void;
  close(): void;
}
interface NodeThreads {
  readonly Worker: new (url: URL, options: { name: string }) => NodeWorker;
  readonly parentPort: NodePort | null;
}
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): NodeThreads | undefined;
}

function nodeThreads(): NodeThreads | undefined {
  return (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:worker_threads');
}

const NAME = 'doorbell vCPU';
/** Bundlers take a URL that is written out for a file to be shipped: the browser's below is one, Node's is not. */
const FILE = './worker.js';

/** A thread as its owner sees it. */
export interface Thread {
  post(message: ToThread): void;
  /** Whether it keeps a Node process alive. */
  keepAlive(on: boolean): void;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

/**
 * Starts it. `ended` is told once, with what went wrong or undefined; in a browser nobody tells of a thread that ends by
 * itself. `url` is the built worker.js, if it does not stand beside this file.
 */
export function spawn(
  url: URL | undefined,
  heard: (message: FromThread) => void,
  ended: (error: Error | undefined) => void,
): Thread {
  const node = nodeThreads();
  if (node !== undefined) {
    const worker = new node.Worker(url ?? new URL(FILE, import.meta.url), { name: NAME });
    worker.on('message', heard);
    worker.on('error', ended);
    worker.on('exit', () => ended(undefined));
    return {
      post: (message) => worker.postMessage(message),
      keepAlive: (on) => (on ? worker.ref() : worker.unref()),
      terminate: async () => void (await worker.terminate()),
    };
  }
  const worker =
    url === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'doorbell vCPU' })
      : new Worker(url, { type: 'module', name: NAME });
  worker.addEventListener('message', ({ data }: MessageEvent<FromThread>) => heard(data));
  worker.addEventListener('error', ({ message }) => ended(new Error(message || 'it cannot be loaded')));
  return {
    post: (message) => worker.postMessage(message),
    keepAlive: () => {},
    terminate: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}

/** The owner as the thread sees it. */
export interface Owner {
  listen(heard: (message: ToThread) => void): void;
  post(message: FromThread): void;
  /** Hear nothing more, and end. */
  close(): void;
}

interface WorkerScope {
  addEventListener(type: 'message', listener: (event: MessageEvent<ToThread>) => void): void;
  postMessage(message: FromThread): void;
  close(): void;
}

export function owner(): Owner {
  const port = nodeThreads()?.parentPort;
  if (port !== undefined && port !== null) {
    return {
      listen: (heard) => port.on('message', heard),
      post: (message) => port.postMessage(message),
      close: () => port.close(),
    };
  }
  const scope = globalThis as unknown as WorkerScope;
  return {
    listen: (heard) => scope.addEventListener('message', ({ data }) => heard(data)),
    post: (message) => scope.postMessage(message),
    close: () => scope.close(),
  };
}
