// The eventfd object against eventfd(2) as observed on Linux (spec section 1 and appendix A.5).

import { describe, expect, it, vi } from 'vitest';
import { EAGAIN, EBADF, EINVAL, ENOMEM, EventFd, EventFdFlag, EventFdPool } from '../../src/eventfd/index.js';
import { nestedSignalsDropped, PollBit } from '../../src/eventfd/index.js';

const M = 0xffff_ffff_ffff_ffffn;
const { Nonblock, Semaphore, Cloexec } = EventFdFlag;

function withCount(count: bigint, flags = 0): EventFd {
  const fd = new EventFd(0, Nonblock | flags);
  if (count > 0n) fd.write(count);
  return fd;
}

describe('creation', () => {
  it.each([0, Semaphore, Nonblock, Cloexec, Semaphore | Nonblock | Cloexec])('takes flags 0x%s', (flags) => {
    expect(new EventFd(3, flags).count).toBe(3n);
  });
  it.each([4, 2, 0x1000, 0x80_0004, -1])('refuses flags %s', (flags) => {
    expect(() => new EventFd(0, flags)).toThrow(EINVAL);
  });
  it('takes an initial value of 32 bits, zero-extended', () => {
    expect(new EventFd(0xffff_ffff).read()).toBe(4294967295n);
    expect(() => new EventFd(-1)).toThrow(EINVAL);
    expect(() => new EventFd(2 ** 32)).toThrow(EINVAL);
  });
});

describe('appendix A.5', () => {
  it('read of an empty one', () => {
    const fd = withCount(0n);
    expect(fd.poll()).toBe(4);
    expect(() => fd.read()).toThrow(EAGAIN);
    expect(fd.tryRead()).toBeUndefined();
    expect(fd.drain()).toBe(false);
  });
  it('writes at the edges', () => {
    const fd = withCount(0n);
    fd.write(0n);
    expect(fd.poll()).toBe(4);
    expect(() => fd.write(M)).toThrow(EINVAL);
    expect(() => fd.write(-1n)).toThrow(EINVAL);
    fd.write(M - 1n);
    expect(fd.poll()).toBe(1);
    expect(() => fd.write(1n)).toThrow(EAGAIN);
    fd.write(0n);
    expect(fd.read()).toBe(M - 1n);
    expect(fd.poll()).toBe(4);
  });
  it('2^64-3, then 1 more', () => {
    const fd = withCount(M - 2n);
    expect(fd.poll()).toBe(5);
    fd.write(1n);
    expect(fd.poll()).toBe(1);
  });
  it('semaphore: five reads of 1', () => {
    const fd = withCount(5n, Semaphore);
    expect([1, 2, 3, 4, 5].map(() => fd.read())).toEqual([1n, 1n, 1n, 1n, 1n]);
    expect(() => fd.read()).toThrow(EAGAIN);
  });
});

describe('signal', () => {
  it('saturates at 2^64-1, which poll shows as POLLERR', () => {
    const fd = withCount(M - 1n);
    fd.signal();
    fd.signal();
    expect(fd.count).toBe(M);
    expect(fd.poll()).toBe(9);
    expect(() => fd.write(1n)).toThrow(EAGAIN);
    expect(fd.read()).toBe(M);
    expect(fd.count).toBe(0n);
  });
  it('a saturated semaphore gives up one at a time from 2^64-1', () => {
    const fd = withCount(M - 1n, Semaphore);
    for (let i = 0; i < 5; i++) fd.signal();
    expect(fd.read()).toBe(1n);
    expect(fd.count).toBe(M - 1n);
  });
  it.each([2n ** 30n - 2n, 2n ** 31n - 2n, 2n ** 32n - 2n, 2n ** 53n - 2n])('carries across %s', (start) => {
    const fd = withCount(start);
    for (let i = 0; i < 4; i++) fd.signal();
    expect(fd.count).toBe(start + 4n);
    expect(fd.read()).toBe(start + 4n);
    fd.signal();
    expect(fd.read()).toBe(1n);
  });
  it('a semaphore counts down across the same places', () => {
    const fd = withCount(2n ** 30n + 1n, Semaphore);
    for (let i = 0; i < 4; i++) expect(fd.read()).toBe(1n);
    expect(fd.count).toBe(2n ** 30n - 3n);
  });
});

describe('subscribers', () => {
  it('are called by every signal and write, even of 0, of this thread, until they leave', () => {
    const fd = withCount(0n);
    const called = vi.fn<() => void>();
    const leave = fd.onSignal(called);
    fd.signal();
    fd.signal();
    fd.write(5n);
    fd.write(0n);
    expect(called).toHaveBeenCalledTimes(4);
    leave();
    leave();
    fd.signal();
    expect(called).toHaveBeenCalledTimes(4);
    expect(fd.read()).toBe(8n);
  });
  it('cannot signal: a nested signal is dropped, with one warning', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const [a, b] = [withCount(0n), withCount(0n)];
    a.onSignal(() => {
      b.signal();
      a.signal();
    });
    a.signal();
    a.signal();
    expect([a.count, b.count]).toEqual([2n, 0n]);
    expect(nestedSignalsDropped()).toBe(4);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
    b.signal();
    expect(b.count).toBe(1n);
  });
  it('may throw: the guard is lifted again', () => {
    const fd = withCount(0n);
    const leave = fd.onSignal(() => {
      throw new Error('mine');
    });
    expect(() => fd.signal()).toThrow('mine');
    leave();
    fd.signal();
    expect(fd.count).toBe(2n);
  });
});

describe('handles', () => {
  it('dup and from give the same eventfd', () => {
    const fd = withCount(1n);
    const [twin, third] = [fd.dup(), EventFd.from(fd.handle)];
    twin.signal();
    third.signal();
    expect(fd.context).toBe(twin.context);
    expect(fd.context).toBe(third.context);
    fd.close();
    expect(twin.read()).toBe(3n);
    expect(fd.closed).toBe(true);
  });
  it('every method of a closed handle is EBADF', () => {
    const fd = withCount(1n);
    const { handle } = fd;
    fd.close();
    const uses = [() => fd.signal(), () => fd.write(1n), () => fd.read(), () => fd.tryRead(), () => fd.poll()];
    for (const use of [...uses, () => fd.dup(), () => fd.wait(0), () => fd.handle, () => fd.close()]) {
      expect(use).toThrow(EBADF);
    }
    expect(() => EventFd.from(handle)).toThrow(EBADF);
  });
  it('the last close hangs up on waiters, once', () => {
    const fd = withCount(0n);
    const wake = vi.fn<(events: number) => void>();
    fd.context.acquire();
    fd.context.subscribe({ wake });
    const twin = fd.dup();
    fd.close();
    expect(wake).not.toHaveBeenCalledWith(PollBit.Hup);
    twin.close();
    expect(wake.mock.lastCall).toEqual([PollBit.Hup]);
  });
  it('a registration keeps the eventfd alive and countable', () => {
    const fd = withCount(0n);
    const { context } = fd;
    context.acquire();
    fd.close();
    context.signal();
    expect(context.hungUp).toBe(true);
    expect(context.take()).toBe(1n);
    context.release();
  });
});

describe('pool', () => {
  it('places counters in given memory and reuses freed slots', () => {
    const buffer = new SharedArrayBuffer(4096);
    const pool = new EventFdPool({ buffer, byteOffset: 1024, byteLength: 128 });
    const [a, b] = [new EventFd(7, Nonblock, pool), new EventFd(9, Nonblock, pool)];
    expect([a.handle.byteOffset, b.handle.byteOffset]).toEqual([1024, 1088]);
    expect(() => new EventFd(0, 0, pool)).toThrow(ENOMEM);
    const stale = a.handle;
    a.close();
    const c = new EventFd(0, Nonblock, pool);
    expect(c.handle.byteOffset).toBe(1024);
    expect(() => EventFd.from(stale)).toThrow(EBADF);
    expect([b.count, c.count]).toEqual([9n, 0n]);
  });
  it('refuses regions that are not aligned, empty or outside', () => {
    const buffer = new SharedArrayBuffer(4096);
    for (const [byteOffset, byteLength] of [
      [4, 128],
      [0, 100],
      [0, 0],
      [4032, 128],
    ] as const) {
      expect(() => new EventFdPool({ buffer, byteOffset, byteLength })).toThrow(EINVAL);
    }
  });
  it('works in memory that is not shared, but for blocking and transfer', async () => {
    const fd = new EventFd(0, 0, new EventFdPool({ buffer: new ArrayBuffer(64) }));
    expect(fd.wait(0)).toBe(false);
    expect(() => fd.wait(10)).toThrow(expect.objectContaining({ code: 'EDEADLK' }));
    expect(() => fd.read()).toThrow(expect.objectContaining({ code: 'EDEADLK' }));
    expect(() => fd.handle).toThrow(expect.objectContaining({ code: 'EOPNOTSUPP' }));
    const readable = fd.waitAsync();
    fd.signal();
    expect(await readable).toBe(true);
    expect(fd.read()).toBe(1n);
    expect(await fd.waitAsync(1)).toBe(false);
    const closing = fd.waitAsync();
    const twin = fd.dup();
    fd.close();
    expect(await closing).toBe(false);
    expect(twin.count).toBe(0n);
  });
});

describe('waitAsync', () => {
  it('resolves on a signal, at a timeout, and when the handle is closed', async () => {
    const fd = withCount(0n);
    const readable = fd.waitAsync(10_000);
    fd.signal();
    expect(await readable).toBe(true);
    expect(await fd.waitAsync()).toBe(true);
    expect(fd.read()).toBe(1n);
    expect(await fd.waitAsync(1)).toBe(false);
    const twin = fd.dup();
    const closing = twin.waitAsync();
    twin.close();
    expect(await closing).toBe(false);
    expect(fd.wait(1)).toBe(false);
    fd.close();
  });
});
