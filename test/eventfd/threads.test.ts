// EventFd between threads: nothing lost, nothing counted twice, nobody left asleep (spec 1.3, 1.4, 1.6).

import { afterAll, expect, it } from 'vitest';
import type { EventFdHandle } from '../../src/eventfd/index.js';
import { EventFd, EventFdFlag } from '../../src/eventfd/index.js';
import type { EventFdModule } from './threads.js';
import { Threads } from './threads.js';

const threads = new Threads();
afterAll(() => threads.close());

interface Job {
  handle: EventFdHandle;
  times: number;
}

const signal = ({ EventFd }: EventFdModule, { handle, times }: Job): number => {
  const fd = EventFd.from(handle);
  for (let i = 0; i < times; i++) fd.signal();
  fd.close();
  return times;
};

// Starting values: from 0, and from just below the places where the counter folds and where 32 bits end.
const starts = [0, 2 ** 30 - 1000, 2 ** 31 - 1000, 2 ** 32 - 1000];

it.each(starts)('every signal of three threads is read exactly once, from %s', async (start) => {
  const fd = new EventFd(start, EventFdFlag.Nonblock);
  const done = new EventFd(0);
  const drain = threads.run(
    ({ EventFd }, handles: { fd: EventFdHandle; done: EventFdHandle }) => {
      const [fd, done] = [EventFd.from(handles.fd), EventFd.from(handles.done)];
      let sum = 0n;
      while (done.count === 0n) sum += fd.tryRead() ?? 0n;
      return sum;
    },
    { fd: fd.handle, done: done.handle },
  );
  const job = { handle: fd.handle, times: 30_000 };
  await Promise.all([signal, signal, signal].map((body) => threads.run(body, job)));
  done.signal();
  const sum = (await drain) + (fd.tryRead() ?? 0n);
  expect(sum).toBe(BigInt(start) + 90_000n);
});

it.each(starts)('no signal of three threads is lost while nobody reads, from %s', async (start) => {
  const fd = new EventFd(start, EventFdFlag.Nonblock);
  const job = { handle: fd.handle, times: 30_000 };
  await Promise.all([signal, signal, signal].map((body) => threads.run(body, job)));
  expect(fd.read()).toBe(BigInt(start) + 90_000n);
});

it('every signal is exactly one permit of a semaphore, with two blocking readers', async () => {
  const fd = new EventFd(0, EventFdFlag.Semaphore);
  const read = ({ EventFd }: EventFdModule, { handle, times }: Job): number => {
    const fd = EventFd.from(handle);
    let taken = 0;
    while (taken < times) taken += Number(fd.read());
    return taken;
  };
  const job = { handle: fd.handle, times: 2_000 };
  const taken = await Promise.all([read, read, signal, signal].map((body) => threads.run(body, job)));
  expect(taken).toEqual([2_000, 2_000, 2_000, 2_000]);
  expect(fd.tryRead()).toBeUndefined();
});

it('two threads that answer each other never hang', async () => {
  const [ping, pong] = [new EventFd(), new EventFd()];
  const rounds = 1_000;
  const answer = threads.run(
    ({ EventFd }, data: { ping: EventFdHandle; pong: EventFdHandle; rounds: number }) => {
      const [ping, pong] = [EventFd.from(data.ping), EventFd.from(data.pong)];
      for (let i = 0; i < data.rounds; i++) {
        ping.read();
        pong.signal();
      }
      return true;
    },
    { ping: ping.handle, pong: pong.handle, rounds },
  );
  for (let i = 0; i < rounds; i++) {
    ping.signal();
    expect(await pong.waitAsync(15_000)).toBe(true);
    expect(pong.read()).toBe(1n);
  }
  expect(await answer).toBe(true);
});

it('a blocked writer goes on when a reader makes room', async () => {
  const fd = new EventFd(1);
  const wrote = threads.run(({ EventFd }, handle: EventFdHandle) => {
    EventFd.from(handle).write(2n ** 64n - 2n);
    return true;
  }, fd.handle);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(fd.count).toBe(1n);
  expect(fd.read()).toBe(1n);
  expect(await wrote).toBe(true);
  expect(fd.read()).toBe(2n ** 64n - 2n);
});

it('writers of large values and readers agree on the sum', async () => {
  const fd = new EventFd(0, EventFdFlag.Nonblock);
  const writer = ({ EventFd }: EventFdModule, { handle, times }: Job): bigint => {
    const fd = EventFd.from(handle);
    let sum = 0n;
    for (let i = 0; i < times; i++) {
      const value = i % 3 === 0 ? 2n ** 31n + BigInt(i) : BigInt(i);
      fd.write(value);
      sum += value;
    }
    return sum;
  };
  const reader = ({ EventFd }: EventFdModule, { handle, times }: Job): bigint => {
    const fd = EventFd.from(handle);
    let sum = 0n;
    for (let i = 0; i < times; i++) sum -= fd.tryRead() ?? 0n;
    return sum;
  };
  const job = { handle: fd.handle, times: 20_000 };
  const kicks = threads.run(signal, job);
  const sums = await Promise.all([writer, writer, reader].map((body) => threads.run(body, job)));
  const left = sums.reduce((total, sum) => total + sum, 0n) + BigInt(await kicks);
  expect(fd.tryRead() ?? 0n).toBe(left);
});

it('the slot of an eventfd is free only when no thread uses it', async () => {
  const fd = new EventFd(5, EventFdFlag.Nonblock);
  const { handle } = fd;
  const gate = new EventFd(0);
  const opened = new EventFd(0);
  const other = threads.run(
    ({ EventFd }, data: { handle: EventFdHandle; gate: EventFdHandle; opened: EventFdHandle }) => {
      const fd = EventFd.from(data.handle);
      EventFd.from(data.opened).signal();
      EventFd.from(data.gate).read();
      const count = fd.read();
      fd.close();
      return count;
    },
    { handle, gate: gate.handle, opened: opened.handle },
  );
  expect(await opened.waitAsync(15_000)).toBe(true);
  fd.close();
  const later = Array.from({ length: 200 }, () => new EventFd(1));
  expect(later.some((one) => one.handle.buffer === handle.buffer && one.handle.byteOffset === handle.byteOffset)).toBe(
    false,
  );
  gate.signal();
  expect(await other).toBe(5n);
  for (const one of later) one.close();
});
