// What CPUID says of a vCPU's own state, and what MSRs and XSETBV make of the features (SDM vol. 2, CPUID; vol. 1, 13.2-3).

import { expect, it } from 'vitest';
import { ExitReason } from '../../src/index.js';
import { longMode } from './guest.js';

const CPUID = [0x0f, 0xa2];
const XSETBV = [0x0f, 0x01, 0xd1];
const HLT = 0xf4;
/** MOV EAX, n; MOV ECX, m. */
const leaf = (eax: number, ecx = 0): number[] => [0xb8, eax, 0, 0, 0, 0xb9, ecx, 0, 0, 0];

async function after(code: number[], osxsave: boolean): Promise<{ rax: bigint; rbx: bigint; rcx: bigint }> {
  const { vcpu } = await longMode([...code, HLT]);
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cr4: sregs.cr4 | (osxsave ? 1n << 18n : 0n) });
  expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
  return vcpu.getRegs();
}

it('OSXSAVE repeats CR4.OSXSAVE', async () => {
  const bit = async (on: boolean): Promise<bigint> => ((await after([...leaf(1), ...CPUID], on)).rcx >> 27n) & 1n;
  expect([await bit(false), await bit(true)]).toEqual([0n, 1n]);
});

it('leaf DH tells the size of what XCR0 enables', async () => {
  // XSETBV with EDX:EAX = mask, then CPUID; CPUID changes EDX, so it comes first
  const size = async (mask: number): Promise<bigint> =>
    (await after([0x31, 0xd2, ...leaf(mask), ...XSETBV, ...leaf(0xd), ...CPUID], true)).rbx;
  expect([await size(1), await size(3), await size(7)]).toEqual([576n, 576n, 832n]);
});

it.each([
  ['without x87', 2],
  ['AVX without SSE', 5],
  ['what is not there', 0xf],
])('XSETBV refuses a mask %s: #GP', async (_what, mask) => {
  const { vcpu } = await longMode([0x31, 0xd2, ...leaf(mask), ...XSETBV, HLT]);
  const sregs = vcpu.getSregs();
  vcpu.setSregs({ ...sregs, cr4: sregs.cr4 | (1n << 18n) });
  // no IDT: an exception is a triple fault
  expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Shutdown);
  expect(vcpu.getXcr0()).toBe(1n);
});

it('CR4.OSXSAVE cannot be set without XSAVE, nor is IA32_XSS there without XSAVES', async () => {
  const setCr4 = [0x0f, 0x20, 0xe0, 0x0d, 0, 0, 4, 0, 0x0f, 0x22, 0xe0, HLT]; // mov rax, cr4; or eax, 1 << 18; mov cr4, rax
  const xss = [0xb9, 0xa0, 0x0d, 0, 0, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x30, 0x0f, 0x32, HLT]; // wrmsr(0xda0, 0); rdmsr
  const outcome = async (code: number[], cpu: object): Promise<ExitReason> => {
    const { vcpu } = await longMode(code, { cpu });
    return vcpu.run({ maxInstructions: 100 }).reason;
  };
  expect(await outcome(setCr4, { level: 'v3' })).toBe(ExitReason.Hlt);
  expect(await outcome(setCr4, { level: 'v2' })).toBe(ExitReason.Shutdown);
  expect(await outcome(xss, { level: 'v3' })).toBe(ExitReason.Hlt);
  expect(await outcome(xss, { features: ['-xsaves'] })).toBe(ExitReason.Shutdown);
});
