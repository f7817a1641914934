// The types of the other thread's objects: the same methods and properties, each by promise.

/** Copied as they are. */
type Data =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | ArrayBufferLike
  | ArrayBufferView
  | Date
  | Error
  | readonly unknown[]
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>;

/** Names of an object's methods: what has some goes by reference. */
type Methods<T> = { [K in keyof T]-?: NonNullable<T[K]> extends (...args: never) => unknown ? K : never }[keyof T];

/** A value of the other thread as it arrives here. */
export type Received<T> = T extends Data
  ? T
  : T extends (...args: never) => unknown
    ? Remote<T>
    : [Methods<T>] extends [never]
      ? T
      : Remote<T>;

/** What may be given for a parameter: a value, or an object of the other thread that stands for one. */
type Given<T> = T extends Data | ((...args: never) => unknown) ? T : T | Remote<T>;
type Arguments<A> = { [K in keyof A]: Given<A[K]> };

type Callable<T> = T extends (...args: infer A) => infer R
  ? (...args: Arguments<A>) => Promise<Received<Awaited<R>>>
  : unknown;
type Constructible<T> = T extends new (...args: infer A) => infer R
  ? new (...args: Arguments<A>) => Promise<Received<R>>
  : unknown;

/**
 * An object of the other thread. Methods and properties of it return promises: of copies where the value is data, of further
 * `Remote`s where it has methods. What is awaited need not be awaited in between: `await pc.vm.stats()`.
 */
export type Remote<T> = Callable<T> &
  Constructible<T> & {
    readonly [K in keyof T as K extends 'prototype' ? never : K]: T[K] extends (...args: never) => unknown
      ? Remote<T[K]>
      : T[K] extends Data
        ? Promise<T[K]>
        : Remote<T[K]> & Promise<Received<T[K]>>;
  };
