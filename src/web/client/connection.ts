// One end of a connection between two threads that use each other's objects. Both ends are alike. An object goes across
// as its number here; the other end makes a proxy for it, and says when it has dropped that, so that nothing is kept.

import { EventFd } from '../../eventfd/index.js';
import { toError } from './errors.js';
import type { Remote } from './remote.js';
import { pack, unpack, type Marked, type Message, type Path, type Port } from './wire.js';

/** The number of what an end offers from the start. */
const ROOT = 0;

interface Exported {
  value: object;
  /** How often it has been sent and not yet been released. */
  times: number;
}
interface Imported {
  readonly id: number;
  received: number;
  proxy: WeakRef<object>;
}
interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The other end is gone: its worker failed or was ended. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}

export class Connection {
  readonly #port: Port;
  readonly #exports = new Map<number, Exported>();
  readonly #ids = new Map<object, number>();
  readonly #imports = new Map<number, Imported>();
  readonly #proxies = new WeakMap<object, number>();
  readonly #dropped = new FinalizationRegistry<Imported>((imported) => this.#drop(imported));
  readonly #signals = new Map<number, AbortController>();
  readonly #waiting = new Map<number, Waiting>();
  #serial = 0;
  #nextId = ROOT + 1;
  #ended: Error | undefined;

  /** `root` is what this end offers; its members are the other end's `remote()`. */
  constructor(port: Port, root: object = {}) {
    this.#port = port;
    this.#exports.set(ROOT, { value: root, times: 1 });
    port.addEventListener('message', this.#take);
    port.start?.();
  }

  /** What the other end offers. */
  remote<T>(): Remote<T> {
    return this.#proxy(ROOT, []) as Remote<T>;
  }

  /** Ends it: what is under way and whatever comes is refused with DisconnectedError. */
  end(reason: string): void {
    this.#ended ??= new DisconnectedError(reason);
    this.#port.removeEventListener('message', this.#take);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#exports.clear();
    this.#ids.clear();
  }

  // ---------------------------------------------------------------- asking
  #ask(message: (serial: number) => Message): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const serial = ++this.#serial;
      this.#port.postMessage(message(serial)); // throws what cannot be cloned, before anybody waits
      this.#waiting.set(serial, { resolve, reject });
    });
  }

  /** Something of the other end: member `path` of its object. */
  #proxy(target: number, path: Path): object {
    const args = (given: unknown[]): unknown[] => given.map((each) => this.#pack(each));
    const member = new Map<string, object>();
    return new Proxy(function () {}, {
      get: (_, key) => {
        if (typeof key === 'symbol') return undefined;
        if (key === 'then') {
          if (path.length === 0) return undefined; // an object itself is no promise
          const value = this.#ask((serial) => ({ type: 'get', serial, target, path }));
          return value.then.bind(value);
        }
        let found = member.get(key);
        if (found === undefined) member.set(key, (found = this.#proxy(target, [...path, key])));
        return found;
      },
      apply: (_, __, given) => this.#ask((serial) => ({ type: 'call', serial, target, path, args: args(given) })),
      construct: (_, given) => this.#ask((serial) => ({ type: 'construct', serial, target, path, args: args(given) })),
      set: () => false,
      deleteProperty: () => false,
      has: () => false,
    });
  }

  /** A function of the other end. A callback's caller often does not wait: its failure is told where the function is. */
  #callback(target: number): object {
    return (...given: unknown[]) => {
      const args = given.map((each) => this.#pack(each));
      const result = this.#ask((serial) => ({ type: 'call', serial, target, path: [], args }));
      result.catch(() => {});
      return result;
    };
  }

  // ---------------------------------------------------------------- answering
  readonly #take = ({ data: message }: MessageEvent<Message>): void => {
    switch (message.type) {
      case 'done':
      case 'failed': {
        const waiting = this.#waiting.get(message.serial);
        this.#waiting.delete(message.serial);
        if (message.type === 'done') waiting?.resolve(this.#unpack(message.value));
        else waiting?.reject(this.#unpack(message.error));
        return;
      }
      case 'release':
        this.#release(message.id, message.times);
        return;
      case 'abort':
        this.#signals.get(message.id)?.abort();
        this.#signals.delete(message.id);
        return;
      default:
        void this.#answer(message);
    }
  };

  async #answer(message: Extract<Message, { path: Path }>): Promise<void> {
    const { serial } = message;
    try {
      const value = this.#pack(await this.#perform(message));
      this.#port.postMessage({ type: 'done', serial, value });
    } catch (error) {
      if (message.path.length === 0) console.error(error);
      const known = error instanceof Error ? error : new Error(String(error));
      this.#port.postMessage({ type: 'failed', serial, error: this.#pack(known) });
    }
  }

  #perform(message: Extract<Message, { path: Path }>): unknown {
    const { target, path } = message;
    let self: unknown;
    let value: unknown = this.#exports.get(target)?.value;
    for (const key of path) {
      self = value;
      value = (value as Record<string, unknown> | undefined)?.[key];
    }
    if (message.type === 'get') return value;
    if (typeof value !== 'function') throw new TypeError(`${path.join('.')} is not a function`);
    const args = message.args.map((each) => this.#unpack(each));
    if (message.type === 'construct') return Reflect.construct(value, args);
    return Reflect.apply(value, self, args);
  }

  // ---------------------------------------------------------------- references
  #pack(value: unknown): unknown {
    return pack(value, (each, byReference) => this.#mark(each, byReference));
  }

  #unpack(value: unknown): unknown {
    return unpack(value, (marked) => this.#resolve(marked));
  }

  #mark(value: object, byReference: boolean): Marked | undefined {
    const theirs = this.#proxies.get(value);
    if (theirs !== undefined) return { kind: 'yours', id: theirs };
    if (value instanceof Error) {
      return { kind: 'error', name: value.name, message: value.message, stack: value.stack };
    }
    if (value instanceof AbortSignal) return this.#markSignal(value);
    if (value instanceof EventFd && !value.closed && value.context.shared) {
      return { kind: 'eventfd', handle: value.handle };
    }
    if (!byReference) return undefined;
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#nextId++;
      this.#ids.set(value, id);
      this.#exports.set(id, { value, times: 0 });
    }
    this.#exports.get(id)!.times++;
    return { kind: 'theirs', id, callable: typeof value === 'function' };
  }

  #markSignal(signal: AbortSignal): Marked {
    const id = this.#nextId++;
    signal.addEventListener('abort', () => this.#port.postMessage({ type: 'abort', id }), { once: true });
    return { kind: 'signal', id, aborted: signal.aborted };
  }

  #resolve(marked: Marked): unknown {
    switch (marked.kind) {
      case 'yours':
        return this.#exports.get(marked.id)?.value;
      case 'theirs':
        return this.#import(marked.id, marked.callable);
      case 'error':
        return toError(marked);
      case 'eventfd':
        return EventFd.from(marked.handle);
      case 'signal': {
        const controller = new AbortController();
        if (marked.aborted) controller.abort();
        else this.#signals.set(marked.id, controller);
        return controller.signal;
      }
    }
  }

  #import(id: number, callable: boolean): object {
    const known = this.#imports.get(id);
    const alive = known?.proxy.deref();
    if (known !== undefined && alive !== undefined) {
      known.received++;
      return alive;
    }
    const proxy = callable ? this.#callback(id) : this.#proxy(id, []);
    const imported = { id, received: 1, proxy: new WeakRef(proxy) };
    this.#imports.set(id, imported);
    this.#proxies.set(proxy, id);
    this.#dropped.register(proxy, imported);
    return proxy;
  }

  #drop(imported: Imported): void {
    const { id, received } = imported;
    if (this.#imports.get(id) === imported) this.#imports.delete(id);
    if (this.#ended === undefined) this.#port.postMessage({ type: 'release', id, times: received });
  }

  #release(id: number, times: number): void {
    const exported = this.#exports.get(id);
    if (exported === undefined) return;
    exported.times -= times;
    if (exported.times > 0) return;
    this.#exports.delete(id);
    this.#ids.delete(exported.value);
  }

  /** How many objects of this end the other one holds; for tests. */
  get held(): number {
    return this.#exports.size - 1;
  }
}
