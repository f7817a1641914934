// What two ends of a connection say to each other, and how values are put into it. Plain data goes as the structured clone
// has it; what cannot be copied goes by reference: functions and instances of classes (a Vm, a Vcpu, an exit …). In place of
// such a value stands a mark, at any depth of plain objects and arrays.

import type { EventFdHandle } from '../../eventfd/index.js';

/** An object or function of the sender, by its number there. */
interface Reference {
  kind: 'theirs';
  id: number;
  callable: boolean;
}
/** One that the receiver had given away, and gets back. */
interface Returned {
  kind: 'yours';
  id: number;
}
interface WireError {
  kind: 'error';
  name: string;
  message: string;
  stack: string | undefined;
}
interface WireSignal {
  kind: 'signal';
  id: number;
  aborted: boolean;
}
/** An eventfd in shared memory: both ends have the counter itself. */
interface WireEventFd {
  kind: 'eventfd';
  handle: EventFdHandle;
}
export type Marked = Reference | Returned | WireError | WireSignal | WireEventFd;

/** The property that a mark has and no other value may have. */
export const MARK = '$doorbell';
export interface Mark {
  [MARK]: Marked;
}

export type Path = readonly string[];

export type Message =
  | { type: 'call' | 'construct'; serial: number; target: number; path: Path; args: readonly unknown[] }
  | { type: 'get'; serial: number; target: number; path: Path }
  | { type: 'done'; serial: number; value: unknown }
  | { type: 'failed'; serial: number; error: unknown }
  /** The receiver's object has been forgotten as often as it was received. */
  | { type: 'release'; id: number; times: number }
  | { type: 'abort'; id: number };

/** What a MessagePort and a Worker have in common. */
export interface Port {
  postMessage(message: Message, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Message>) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent<Message>) => void): void;
  start?(): void;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether the structured clone copies it with all it is. */
function isData(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Date ||
    value instanceof RegExp ||
    value instanceof Blob ||
    (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) ||
    value instanceof WebAssembly.Module
  );
}

/** Puts marks where they are needed; `mark` makes them. Plain objects, arrays, maps and sets are copied on the way. */
export function pack(value: unknown, mark: (value: object, byReference: boolean) => Marked | undefined): unknown {
  const into = (each: unknown): unknown => pack(each, mark);
  if (typeof value === 'symbol') throw new TypeError('a symbol cannot be sent to the other thread');
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return value;
  const plain = typeof value === 'object' && (isPlain(value) || Array.isArray(value));
  const collection = value instanceof Map || value instanceof Set;
  const byReference = typeof value === 'function' || !(plain || collection || isData(value));
  const marked = mark(value, byReference);
  if (marked !== undefined) return { [MARK]: marked };
  if (Array.isArray(value)) return value.map(into);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [into(key), into(each)]));
  if (value instanceof Set) return new Set([...value].map(into));
  if (!plain) return value;
  if (MARK in value) throw new TypeError(`an object with a property ${MARK} cannot be sent to the other thread`);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, into(each)]));
}

/** Puts values where marks are. */
export function unpack(value: unknown, resolve: (marked: Marked) => unknown): unknown {
  const into = (each: unknown): unknown => unpack(each, resolve);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(into);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [into(key), into(each)]));
  if (value instanceof Set) return new Set([...value].map(into));
  if (!isPlain(value)) return value;
  if (MARK in value) return resolve((value as Mark)[MARK]);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, into(each)]));
}
