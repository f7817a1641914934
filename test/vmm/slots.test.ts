// Memory slots: KVM_SET_USER_MEMORY_REGION's rules and errors, what the world outside the CPU sees of guest memory.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoreMemory } from '../../src/core/memory.js';
import { MemoryFlag, Vm } from '../../src/index.js';
import { RegionAllocator } from '../../src/vmm/region-allocator.js';
import { MIB } from './guest.js';

let vm: Vm;
beforeEach(async () => {
  vm = await Vm.create({ cpu: { physicalBits: 40 } });
});
afterEach(() => vm.close());

const errorOf = (action: () => void): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};
const set = (slot: number, guestPhysAddr: bigint, memorySize: number, flags = 0): string =>
  errorOf(() => vm.setMemoryRegion({ slot, guestPhysAddr, memorySize, flags }));

describe('setMemoryRegion', () => {
  it.each([
    ['unknown flags', 0, 0n, 4096, 4, 'EINVAL'],
    ['a size that is no multiple of 4096', 0, 0n, 4097, 0, 'EINVAL'],
    ['a misaligned address', 0, 0x800n, 4096, 0, 'EINVAL'],
    ['a slot number too large', 32764, 0n, 4096, 0, 'EINVAL'],
    ['the last slot number', 32763, 0n, 4096, 0, 'none'],
    ['an end beyond the physical-address width', 0, (1n << 40n) - 4096n, 8192, 0, 'EINVAL'],
    ['the last page of it', 0, (1n << 40n) - 4096n, 4096, 0, 'none'],
    ['deleting what does not exist', 5, 0n, 0, 0, 'EINVAL'],
    ['more than linear memory holds', 0, 0n, 5 * 2 ** 30, 0, 'ENOMEM'],
  ])('%s', (_what, slot, address, size, flags, expected) => {
    expect(set(slot, address, size, flags)).toBe(expected);
  });

  it('refuses overlaps, whichever slot comes first, and takes neighbours', () => {
    expect(set(0, 0x10000n, 0x4000)).toBe('none');
    expect(set(1, 0x13000n, 0x1000)).toBe('EEXIST');
    expect(set(1, 0xf000n, 0x2000)).toBe('EEXIST');
    expect(set(1, 0xf000n, 0x6000)).toBe('EEXIST');
    expect(set(1, 0x14000n, 0x1000)).toBe('none');
    expect(set(2, 0xf000n, 0x1000)).toBe('none');
  });

  it('moves a slot with its contents, and not onto another', () => {
    set(0, 0n, 0x2000);
    set(1, 0x8000n, 0x1000);
    vm.memory.writeU32(0x1000, 0xdead_beef);
    expect(set(0, 0x7000n, 0x2000)).toBe('EEXIST');
    expect(set(0, 0x4000n, 0x2000)).toBe('none');
    expect(vm.memory.readU32(0x5000)).toBe(0xdead_beef);
    expect(errorOf(() => vm.memory.readU32(0x1000))).toBe('EFAULT');
    // A slot may be moved onto its own old place in part.
    expect(set(0, 0x5000n, 0x2000)).toBe('none');
    expect(vm.memory.readU32(0x6000)).toBe(0xdead_beef);
  });

  it('changes flags, but neither the size nor ReadOnly', () => {
    set(0, 0n, 0x2000);
    expect(set(0, 0n, 0x3000)).toBe('EINVAL');
    expect(set(0, 0n, 0x2000, MemoryFlag.ReadOnly)).toBe('EINVAL');
    expect(set(0, 0n, 0x2000, MemoryFlag.LogDirtyPages)).toBe('none');
  });

  it('deletes a slot, and the next one there starts with zeros', () => {
    set(0, 0x20_0000n, 0x20_0000);
    vm.memory.fill(0x20_0000, 0xff, 0x20_0000);
    expect(set(0, 0x20_0000n, 0)).toBe('none');
    expect(errorOf(() => vm.memory.readU8(0x20_0000))).toBe('EFAULT');
    expect(set(7, 0x60_0000n, 0x20_0000)).toBe('none');
    expect(vm.memory.read(0x60_0000, 0x20_0000).every((byte) => byte === 0)).toBe(true);
  });

  it('uses the memory of deleted slots again', () => {
    // 4.5 GiB would not fit in 4 GiB.
    for (let round = 0; round < 18; round++) {
      expect(set(0, 0n, 256 * MIB)).toBe('none');
      expect(set(0, 0n, 0)).toBe('none');
    }
  });
});

describe('dirty log', () => {
  it('is ENOENT for a slot without one', () => {
    set(0, 0n, 0x2000);
    expect(errorOf(() => vm.getDirtyLog(0))).toBe('ENOENT');
    expect(errorOf(() => vm.getDirtyLog(1))).toBe('ENOENT');
  });

  it('has whole 64-bit words, knows the pages written from outside, and starts anew', () => {
    set(0, 0x10000n, 65 * 4096, MemoryFlag.LogDirtyPages);
    vm.memory.write(0x10fff, Uint8Array.of(1, 2)); // pages 0 and 1
    vm.memory.writeU64(0x10000 + 64 * 4096, 1n);
    expect([...vm.getDirtyLog(0)]).toEqual([3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(vm.getDirtyLog(0).every((byte) => byte === 0)).toBe(true);
  });
});

describe('guest memory', () => {
  it('reads and writes across slots that touch', () => {
    set(0, 0x1000n, 0x1000);
    set(1, 0x2000n, 0x1000);
    vm.memory.write(0x1ffen, Uint8Array.of(1, 2, 3, 4));
    expect([...vm.memory.read(0x1ffen, 4)]).toEqual([1, 2, 3, 4]);
    expect(vm.memory.readU16(0x1ffe)).toBe(0x0201);
    expect(vm.memory.readU16(0x2000)).toBe(0x0403);
  });

  it('throws EFAULT with the first address that has no memory, and has written nothing', () => {
    set(0, 0x1000n, 0x1000);
    expect(() => vm.memory.write(0x1ffe, Uint8Array.of(9, 9, 9))).toThrow(
      /EFAULT.*0x2000, which no memory slot covers/,
    );
    expect(vm.memory.readU16(0x1ffe)).toBe(0);
    expect(() => vm.memory.read(0xfffn, 1)).toThrow(/0xfff/);
    expect(() => vm.memory.readU32(0x1ffd)).toThrow(/EFAULT.*leaves memory slot 0 at 0x2000/);
    expect(() => vm.memory.view(0x1000, 0x1001)).toThrow(/EFAULT/);
  });

  it('knows what slots cover', () => {
    set(0, 0x1000n, 0x1000);
    set(1, 0x2000n, 0x1000);
    set(2, 0x4000n, 0x1000);
    expect(vm.memory.covers(0x1000, 0x2000)).toBe(true);
    expect(vm.memory.covers(0x1000, 0x2001)).toBe(false);
    expect(vm.memory.covers(0xfff, 1)).toBe(false);
    expect(vm.memory.covers(0x4fff, 1)).toBe(true);
  });

  it('lets read-only slots be filled from outside', () => {
    set(0, 0xf_0000n, 0x1_0000, MemoryFlag.ReadOnly);
    vm.memory.write(0xf_fff0, Uint8Array.of(0xea));
    expect(vm.memory.readU8(0xf_fff0)).toBe(0xea);
  });

  it('gives views that are the memory itself', () => {
    set(0, 0n, 0x1000, MemoryFlag.LogDirtyPages);
    const view = vm.memory.view(0x10, 4);
    view[0] = 0x5a;
    expect(vm.memory.readU8(0x10)).toBe(0x5a);
    expect(vm.getDirtyLog(0)[0]).toBe(0);
    vm.memory.touched(0x10, 1);
    expect(vm.getDirtyLog(0)[0]).toBe(1);
  });
});

describe('RegionAllocator', () => {
  const make = (): RegionAllocator =>
    new RegionAllocator(new CoreMemory({ initialPages: 1, maximumPages: 256, shared: false }), 0x3000);

  it('keeps the residue modulo the alignment', () => {
    const regions = make();
    const host = regions.allocate(0x5000, 2 ** 20, 0x9000);
    expect(host % 2 ** 20).toBe(0x9000);
    expect(host).toBeGreaterThanOrEqual(0x3000);
  });

  it('fills holes that alignment made, joins neighbours and never gives a byte twice', () => {
    const regions = make();
    const a = regions.allocate(0x10000, 0x10000);
    const small = regions.allocate(0x1000, 0x1000);
    expect(small).toBeLessThan(a);
    const b = regions.allocate(0x10000, 0x10000);
    expect(b).toBe(a + 0x10000);
    regions.release(a, 0x10000);
    regions.release(b, 0x10000);
    // From behind the small one on, everything is one region again.
    expect(regions.allocate(0x20000, 0x1000)).toBe(small + 0x1000);
  });

  it('ends with ENOMEM at the limit', () => {
    const regions = make();
    regions.allocate(0xf0_0000, 0x1000);
    expect(() => regions.allocate(0x10_0000, 0x1000)).toThrow(/ENOMEM/);
  });
});
