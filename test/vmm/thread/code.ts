// Hand-assembled real-mode code, and the state that it starts in.

import type { Vcpu, Vm } from '../../../src/index.js';

const CODE = 0x1000;
export const MMIO_BASE = 0xfe00_1000n;

/** 32-bit immediates, little-endian. */
export function dword(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

/** CS, ES and SS at 0, IP = SP = 0x1000, DS at the devices. */
export function place(vm: Vm, vcpu: Vcpu, code: readonly number[]): void {
  vm.memory.write(CODE, Uint8Array.from(code));
  const sregs = vcpu.getSregs();
  vcpu.setSregs({
    ...sregs,
    cs: { ...sregs.cs, base: 0n, selector: 0 },
    ds: { ...sregs.ds, base: MMIO_BASE },
  });
  vcpu.setRegs({ ...vcpu.getRegs(), rip: BigInt(CODE), rsp: BigInt(CODE), rflags: 2n });
}

/** mov ecx, count; l: mov [offset], ax; addr32 loop l; hlt */
export function kicks(count: number, offset: number): number[] {
  return [0x66, 0xb9, ...dword(count), 0xa3, offset, 0x00, 0x67, 0xe2, 0xfa, 0xf4];
}

/** l: mov [offset], ax; jmp l */
export function kicksForEver(offset: number): number[] {
  return [0xa3, offset, 0x00, 0xeb, 0xfb];
}

/** jmp $ */
export const SPIN = [0xeb, 0xfe];
