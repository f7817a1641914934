// SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS. Expectations: SDM vol. 2, and AMD APM vol. 3 where the vendors differ.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AT, CS, GS, Guest, SEL, SP, SS, compileCore } from './machine.js';

let wasm: Uint8Array<ArrayBuffer>;
let guest: Guest;
beforeAll(async () => {
  wasm = await compileCore();
});
const RCX = 1;
const RDX = 2;
const R11 = 11;
beforeEach(() => {
  guest = new Guest(wasm);
  guest.set('MSR_STAR', 0x0063_0041_0000_9000n); // bits below 2 of the selectors are not used
  guest.set('MSR_LSTAR', 0xffff_8000_0000_1000n);
  guest.set('MSR_CSTAR', 0xffff_8000_0000_2000n);
  guest.set('MSR_SFMASK', 0x300);
  guest.set('MSR_SYSENTER_CS', 0x83);
  guest.set('MSR_SYSENTER_ESP', 0xffff_8000_0000_3000n);
  guest.set('MSR_SYSENTER_EIP', 0xffff_8000_0000_4000n);
});
const flat = (selector: number, rights: number): object => ({ base: 0n, limit: 0xffffffff, rights, selector });
function compatibility(): void {
  guest.long64(3);
  guest.setSegment(CS, SEL.CODE3, 0, 0xffffffff, 0xc0fb);
  guest.core.modeChanged();
}
const amd = (): void => guest.set('FEATURES', 0);
const run = (what: 'syscall' | 'sysenter' | 'swapgs'): unknown => {
  guest.core[what]();
  return guest.fault();
};

describe('SYSCALL', () => {
  test('64-bit mode', () => {
    guest.long64(3);
    guest.core.setFlags(0x10f46);
    expect(run('syscall')).toBe(null);
    expect([guest.gpr(RCX), guest.gpr(R11), guest.get('NEXT_RIP')]).toEqual([0x1236n, 0xf46n, 0xffff800000001000n]);
    expect([guest.segment(CS), guest.segment(SS)]).toEqual([flat(0x40, 0xa09b), flat(0x48, 0xc093)]);
    expect([guest.flags, guest.get32('CPL'), guest.gpr(SP)]).toEqual([0xc46, 0, BigInt(AT.STACK3)]);
  });
  test('compatibility mode: #UD on Intel, CSTAR on AMD', () => {
    compatibility();
    expect(run('syscall')).toEqual([6, null]);
    amd();
    expect(run('syscall')).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.segment(CS)]).toEqual([0xffff800000002000n, flat(0x40, 0xa09b)]);
  });
  test('legacy mode: #UD on Intel, EIP of STAR on AMD', () => {
    guest.protected32(3);
    guest.set('EFER', 1);
    guest.core.setFlags(0x202);
    expect(run('syscall')).toEqual([6, null]);
    amd();
    expect(run('syscall')).toBe(null);
    expect([guest.get('NEXT_RIP'), guest.segment(CS), guest.flags]).toEqual([0x9000n, flat(0x40, 0xc09b), 2]);
  });
  test('EFER.SCE clear: #UD', () => {
    guest.long64(3);
    guest.set('EFER', 0x500);
    expect(run('syscall')).toEqual([6, null]);
  });
});

describe('SYSRET', () => {
  const sysret = (size: number): unknown => {
    guest.core.sysret(size);
    return guest.fault();
  };
  beforeEach(() => {
    guest.long64();
    guest.set('GPR', 0x7fff_ffff_f000n, RCX);
    guest.set('GPR', 0xffff_ffffn, R11);
  });
  test('to 64-bit code', () => {
    expect(sysret(3)).toBe(null);
    expect([guest.segment(CS), guest.segment(SS)]).toEqual([flat(0x73, 0xa0fb), flat(0x6b, 0xc0f3)]);
    expect([guest.get('NEXT_RIP'), guest.flags, guest.get32('CPL')]).toEqual([0x7fff_ffff_f000n, 0x3c7fd7, 3]);
  });
  test('to compatibility code', () => {
    expect(sysret(2)).toBe(null);
    expect([guest.segment(CS), guest.get('NEXT_RIP')]).toEqual([flat(0x63, 0xc0fb), 0xffff_f000n]);
  });
  test('AMD keeps the cache of SS', () => {
    amd();
    guest.setSegment(SS, 0, 0x1000, 0x2000, 0x10000);
    expect(sysret(3)).toBe(null);
    expect(guest.segment(SS)).toEqual({ base: 0x1000n, limit: 0x2000, rights: 0x10060, selector: 0x6b });
  });
  test('RCX not canonical: Intel faults at level 0, AMD at the target', () => {
    guest.set('GPR', 0x8000_0000_0000n, RCX);
    expect([sysret(3), guest.get32('CPL')]).toEqual([[13, 0], 0]);
    amd();
    expect([sysret(3), guest.get32('CPL'), guest.get('NEXT_RIP')]).toEqual([null, 3, 0x8000_0000_0000n]);
  });
  test('level 3: #GP(0); compatibility mode on Intel: #UD', () => {
    guest.long64(3);
    expect(sysret(3)).toEqual([13, 0]);
    compatibility();
    expect(sysret(2)).toEqual([6, null]);
  });
});

describe('SYSENTER and SYSEXIT', () => {
  test('protected mode', () => {
    guest.protected32(3);
    guest.core.setFlags(0x246);
    expect(run('sysenter')).toBe(null);
    expect([guest.segment(CS), guest.segment(SS)]).toEqual([flat(0x80, 0xc09b), flat(0x88, 0xc093)]);
    expect([guest.get('NEXT_RIP'), guest.gpr(SP), guest.flags, guest.get32('CPL')]).toEqual([
      0x4000n,
      0x3000n,
      0x46,
      0,
    ]);
    guest.set('GPR', 0xb000, RCX);
    guest.set('GPR', 0x5000, RDX);
    guest.core.sysexit(2);
    expect(guest.fault()).toBe(null);
    expect([guest.segment(CS), guest.segment(SS)]).toEqual([flat(0x93, 0xc0fb), flat(0x9b, 0xc0f3)]);
    expect([guest.get('NEXT_RIP'), guest.gpr(SP), guest.get32('CPL')]).toEqual([0x5000n, 0xb000n, 3]);
  });
  test('IA-32e mode: Intel only', () => {
    compatibility();
    expect(run('sysenter')).toBe(null);
    expect([guest.segment(CS), guest.get('NEXT_RIP'), guest.gpr(SP)]).toEqual([
      flat(0x80, 0xa09b),
      0xffff800000004000n,
      0xffff800000003000n,
    ]);
    guest.set('GPR', 0x8000_0000_0000n, RCX);
    guest.core.sysexit(3);
    expect(guest.fault()).toEqual([13, 0]);
    guest.set('GPR', 0x7fff_0000_0000n, RCX);
    guest.core.sysexit(3);
    expect(guest.fault()).toBe(null);
    expect([guest.segment(CS), guest.segment(SS), guest.gpr(SP)]).toEqual([
      flat(0xa3, 0xa0fb),
      flat(0xab, 0xc0f3),
      0x7fff_0000_0000n,
    ]);
    amd();
    expect(run('sysenter')).toEqual([6, null]);
    guest.core.sysexit(3);
    expect(guest.fault()).toEqual([6, null]);
  });
  test('#GP(0): real mode, no selector, SYSEXIT outside level 0', () => {
    expect(run('sysenter')).toEqual([13, 0]);
    guest.protected32(3);
    guest.core.sysexit(2);
    expect(guest.fault()).toEqual([13, 0]);
    guest.set('MSR_SYSENTER_CS', 3);
    expect(run('sysenter')).toEqual([13, 0]);
  });
});

test('SWAPGS exchanges the bases; level 3 #GP(0), outside 64-bit mode #UD', () => {
  guest.long64();
  guest.setSegment(GS, 0, 0x1111, 0, 0x10000);
  guest.set('MSR_KERNEL_GS_BASE', 0xffff_8000_0000_0000n);
  expect(run('swapgs')).toBe(null);
  expect([guest.segment(GS).base, guest.get('MSR_KERNEL_GS_BASE')]).toEqual([0xffff_8000_0000_0000n, 0x1111n]);
  guest.long64(3);
  expect(run('swapgs')).toEqual([13, 0]);
  guest.protected32();
  expect(run('swapgs')).toEqual([6, null]);
});
