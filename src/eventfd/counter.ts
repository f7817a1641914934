// The 64-bit saturating counter of an eventfd in shared 32-bit words, built so that a signal is one 32-bit atomic add.
//
// Protocol. The word COUNT has two modes:
//   small (COUNT >= 0)  the count is COUNT itself. Readers and writers are a compare-exchange on that one word, no lock.
//   big   (COUNT < 0)   the count is BASE + (COUNT & 0x7fffffff), cut at 2^64-1. BASE is a u64 in two words that only the
//                       holder of LOCK touches, so whoever needs the count takes LOCK; signals still only add to COUNT.
// A signal is Atomics.add(COUNT, 1) in both modes and never waits for a reader. The returned old value tells all that is
// rare: 0 is the edge that wakes sleepers; FOLD or more (or negative) means "fold into BASE before the word runs over".
// Every thread that sees it folds, so the word exceeds FOLD by at most the number of threads: it cannot overflow.
// Every change of COUNT other than a signal's add is a compare-exchange (or a subtraction under LOCK) and is the moment at
// which the whole operation takes effect; a signal that comes between makes it fail and try again. So no signal is lost or
// counted twice, whatever readers do. Saturation is applied when the sum is formed: a signal at 2^64-1 adds nothing.
//
// Sleepers announce themselves in SLEEPERS before they sleep on COUNT == 0, and the signal that makes the 0 -> 1 edge looks
// there after its add. Both orders are safe (sequentially consistent atomics): either the signal sees the sleeper and
// notifies, or the sleeper's Atomics.wait sees a count other than 0 and does not sleep. All sleepers are woken, since
// signals after the edge notify nobody. Writers that wait for room do the same with WRITERS and ROOM.
// LOCK is held for a few dozen instructions, only while the count is 2^30 or more, so spinning on it is right.

import { PollBit } from './flags.js';

/** Words of a counter's slot. The other words belong to context.ts; all start as zero. */
export const Slot = {
  Count: 0,
  Lock: 1,
  BaseLo: 2,
  BaseHi: 3,
  /** How many threads sleep on Count. */
  Sleepers: 4,
  /** How many writers wait for room, and the word they sleep on. */
  Writers: 5,
  Room: 6,
  Flags: 7,
  /** Contexts (one per thread) that use the slot; 0 is a free slot, -1 one being initialised. */
  Refs: 8,
  /** Open handles in all threads. */
  Handles: 9,
  /** 52-bit identity of the eventfd. */
  IdLo: 10,
  IdHi: 11,
  /** 1 while an irqfd is bound. */
  Bound: 12,
  /** How many there are who are called in their thread when it signals. */
  Heard: 13,
} as const;

/** One cache line per slot, so that two threads' counters never fight over one. */
export const SLOT_BYTES = 64;
export const SLOT_WORDS = SLOT_BYTES / 4;

/** 2^64-1: where signals saturate, and the one value nobody may write. */
export const COUNT_MAX = 0xffff_ffff_ffff_ffffn;

/** From this count on COUNT is folded into BASE: half of what the small part can hold, the rest is room for late threads. */
export const FOLD = 0x4000_0000;
const FOLD_BIG = BigInt(FOLD);
const BIG = -0x8000_0000;
const PENDING = 0x7fff_ffff;

/** What takeSmall() returns when the count is in big mode and takeBig() must be asked. */
export const ASK_BIG = -1;

function lock(words: Int32Array): void {
  while (Atomics.compareExchange(words, Slot.Lock, 0, 1) !== 0);
}

function unlock(words: Int32Array): void {
  Atomics.store(words, Slot.Lock, 0);
}

function loadBase(words: Int32Array): bigint {
  return (BigInt(words[Slot.BaseHi]! >>> 0) << 32n) | BigInt(words[Slot.BaseLo]! >>> 0);
}

function storeBase(words: Int32Array, value: bigint): void {
  words[Slot.BaseLo] = Number(value & 0xffff_ffffn);
  words[Slot.BaseHi] = Number(value >> 32n);
}

/** The count that COUNT word `word` stands for; the caller holds LOCK when it is negative. */
function total(words: Int32Array, word: number): bigint {
  if (word >= 0) return BigInt(word);
  const sum = loadBase(words) + BigInt(word & PENDING);
  return sum > COUNT_MAX ? COUNT_MAX : sum;
}

/** Sets the count of a slot nobody else uses yet. */
export function initialise(words: Int32Array, initval: number): void {
  storeBase(words, BigInt(initval));
  Atomics.store(words, Slot.Count, initval < FOLD ? initval : BIG);
}

/** The rare part of a signal whose add returned `old` >= FOLD or < 0: keeps COUNT from running over. */
export function fold(words: Int32Array, old: number): void {
  if ((old & PENDING) < FOLD) return;
  lock(words);
  let word = Atomics.load(words, Slot.Count);
  while ((word & PENDING) >= FOLD) {
    const sum = total(words, word);
    const seen = Atomics.compareExchange(words, Slot.Count, word, BIG);
    if (seen === word) {
      storeBase(words, sum);
      break;
    }
    word = seen;
  }
  unlock(words);
}

/** Takes what a read takes: the count, or 1 of it for a semaphore. 0: nothing there. ASK_BIG: use takeBig(). */
export function takeSmall(words: Int32Array, semaphore: boolean): number {
  let word = Atomics.load(words, Slot.Count);
  while (word > 0) {
    const seen = Atomics.compareExchange(words, Slot.Count, word, semaphore ? word - 1 : 0);
    if (seen === word) {
      makeRoom(words);
      return semaphore ? 1 : word;
    }
    word = seen;
  }
  return word === 0 ? 0 : ASK_BIG;
}

/** takeSmall() for big mode; -1n when the mode has changed meanwhile and takeSmall() must be asked again. */
export function takeBig(words: Int32Array, semaphore: boolean): bigint {
  lock(words);
  let word = Atomics.load(words, Slot.Count);
  while (word < 0) {
    const count = total(words, word);
    const rest = semaphore ? count - 1n : 0n;
    const next = rest < FOLD_BIG ? Number(rest) : BIG;
    const seen = Atomics.compareExchange(words, Slot.Count, word, next);
    if (seen === word) {
      storeBase(words, rest);
      unlock(words);
      makeRoom(words);
      return semaphore ? 1n : count;
    }
    word = seen;
  }
  unlock(words);
  return -1n;
}

/** Adds `value` (0..2^64-2) if the count stays below 2^64-1; false, and nothing changed, if it would not. */
export function add(words: Int32Array, value: bigint): boolean {
  if (value < FOLD_BIG) {
    const step = Number(value);
    let word = Atomics.load(words, Slot.Count);
    while (word >= 0 && word + step < FOLD) {
      const seen = Atomics.compareExchange(words, Slot.Count, word, word + step);
      if (seen === word) {
        if (word === 0 && step !== 0) wakeSleepers(words);
        return true;
      }
      word = seen;
    }
  }
  lock(words);
  for (;;) {
    const word = Atomics.load(words, Slot.Count);
    const count = total(words, word);
    const fits = COUNT_MAX - count > value;
    if (fits) {
      const sum = count + value;
      const next = sum < FOLD_BIG ? Number(sum) : BIG;
      if (Atomics.compareExchange(words, Slot.Count, word, next) !== word) continue;
      storeBase(words, sum);
    }
    unlock(words);
    if (fits && word === 0) wakeSleepers(words);
    return fits;
  }
}

/** The count now. */
export function count(words: Int32Array): bigint {
  const word = Atomics.load(words, Slot.Count);
  if (word >= 0) return BigInt(word);
  lock(words);
  const now = total(words, Atomics.load(words, Slot.Count));
  unlock(words);
  return now;
}

/** Makes the count `value` in one step; sleepers and writers who wait are woken if they can go on. */
export function assign(words: Int32Array, value: bigint): void {
  lock(words);
  const next = value < FOLD_BIG ? Number(value) : BIG;
  for (;;) {
    const word = Atomics.load(words, Slot.Count);
    // A signal that comes between finds the old count, and is counted anew on the new one.
    if (Atomics.compareExchange(words, Slot.Count, word, next) !== word) continue;
    storeBase(words, value);
    break;
  }
  unlock(words);
  if (value !== 0n) wakeSleepers(words);
  makeRoom(words);
}

/** Readiness as poll(2) reports it: In above 0, Out below 2^64-2, Err at 2^64-1. */
export function readiness(words: Int32Array): number {
  const now = count(words);
  return (now > 0n ? PollBit.In : 0) | (now < COUNT_MAX - 1n ? PollBit.Out : 0) | (now === COUNT_MAX ? PollBit.Err : 0);
}

/** Wakes every thread that sleeps on the count; costs one load when there is none. */
export function wakeSleepers(words: Int32Array): void {
  if (Atomics.load(words, Slot.Sleepers) !== 0) Atomics.notify(words, Slot.Count);
}

function makeRoom(words: Int32Array): void {
  if (Atomics.load(words, Slot.Writers) === 0) return;
  Atomics.add(words, Slot.Room, 1);
  Atomics.notify(words, Slot.Room);
}
