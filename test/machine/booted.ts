// Loads an image into a machine that was just switched on, for the loaders' tests.

import { expect } from 'vitest';
import { objectionTo } from '../../src/machine/memory-map.js';
import { loadImage, type BootTarget } from '../../src/machine/loaders/index.js';
import { MemoryFlag } from '../../src/vmm/memory-slot.js';
import type { Vcpu } from '../../src/vmm/vcpu.js';
import { Vm } from '../../src/vmm/vm.js';

export interface Booted {
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  readonly notes: readonly string[];
}

export function targetOf(vm: Vm, vcpu: Vcpu, options: Partial<BootTarget> = {}): BootTarget {
  return {
    memory: vm.memory,
    vcpu,
    ram: vm.options.memory,
    cmdline: '',
    modules: [],
    mapRom: (address, bytes) => {
      const region = { guestPhysAddr: BigInt(address), memorySize: bytes.length };
      vm.setMemoryRegion({ slot: 1, flags: MemoryFlag.ReadOnly, ...region });
      vm.memory.write(address, bytes);
    },
    ...options,
  };
}

export async function boot(image: Uint8Array, ram: number, options: Partial<BootTarget> = {}): Promise<Booted> {
  const vm = await Vm.create({ memory: ram });
  const vcpu = vm.createVcpu();
  const { notes } = loadImage(image, targetOf(vm, vcpu, options));
  return { vm, vcpu, notes };
}

/** The one clear error, on one line. */
export const imageError = (message: string | RegExp): unknown =>
  expect.objectContaining({
    name: 'ImageError',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });

export function readString(vm: Vm, address: number): string {
  let text = '';
  for (let at = address; vm.memory.readU8(at) !== 0; at++) text += String.fromCharCode(vm.memory.readU8(at));
  return text;
}

/** A target that checks each write: nothing may be loaded where a PC has no RAM for it. */
export function guarded(vm: Vm, vcpu: Vcpu, options: Partial<BootTarget> = {}): BootTarget {
  const check = (start: number, length: number): void => {
    expect(objectionTo(start, start + length, vm.options.memory)).toBe(undefined);
  };
  const memory = new Proxy(vm.memory, {
    get: (target, name) => {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      return (at: number, ...rest: unknown[]) => {
        if (name === 'write') check(at, (rest[0] as Uint8Array).length);
        else if (name === 'writeU64') check(at, 8);
        else if (String(name).startsWith('write')) throw new Error(`${String(name)} is not checked`);
        return (member as (...all: unknown[]) => unknown).call(target, at, ...rest);
      };
    },
  });
  return targetOf(vm, vcpu, { memory, ...options });
}

/** The ranges that E820, PVH and Multiboot tell of, by the chipset: RAM, EBDA to 1 MiB, ACPI tables, ECAM, APICs to ROM. */
export const mapFor = (ram: number): [start: number, length: number, type: number][] => [
  [0, 0x9_fc00, 1],
  [0x9_fc00, 0x6_0400, 2],
  [0x10_0000, ram - 0x12_0000, 1],
  [ram - 0x2_0000, 0x2_0000, 3],
  [0xb000_0000, 0x1000_0000, 2],
  [0xfec0_0000, 0x140_0000, 2],
];
