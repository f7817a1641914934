// Vm.onExit(): what a listener is told of each exit, and that looking on changes nothing. Addresses, ports and data are those
// of the guests' instructions, beside each.

import { describe, expect, it } from 'vitest';
import { DeviceError, EventFd, ExitReason, type MmioExit, type TracedExit, type Vm } from '../../src/index.js';
import { drained, longMode, PAGING_MODES, realMode } from './guest.js';

const MMIO = 0xfe00_0000n;
const HLT = 0xf4;

function watch(vm: Vm): TracedExit[] {
  const seen: TracedExit[] = [];
  vm.onExit((exit) => seen.push(exit));
  return seen;
}

/** Those that say something about devices: which pages are mapped in when is the hypervisor's affair. */
const ofDevices = (seen: TracedExit[]): TracedExit[] =>
  seen.filter(({ accesses, cpuid }) => cpuid !== undefined || accesses.some(({ data }) => data !== undefined));

describe.each(PAGING_MODES)('exits under %s', (paging) => {
  it('ports: direction, width, data, and whether the bus or the user answers', async () => {
    const { vm, vcpu } = await realMode(
      [
        ...[0xb8, 0x34, 0x12], // 1000 mov ax, 0x1234
        ...[0xe7, 0x80], //       1003 out 0x80, ax
        ...[0xe4, 0x61], //       1005 in al, 0x61
        HLT, //                   1007
      ],
      { paging },
    );
    const device = { name: 'port', read: () => 0xab, write: () => {} };
    vm.pio.claim({ addr: 0x61n, len: 1, device });
    const seen = watch(vm);
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Io);
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
    const [out, input] = seen.filter(({ reason }) => reason === 'IO');
    expect(out).toMatchObject({ rip: 0x1003n, retired: 1, answer: 'leave', vcpu: 0, decodes: 0, cpuid: undefined });
    expect(out!.accesses).toEqual([{ space: 'port', direction: 'write', address: 0x80n, size: 2, data: 0x1234n }]);
    expect(input).toMatchObject({ rip: 0x1005n, retired: 2, answer: 'skip' });
    expect(input!.accesses).toEqual([{ space: 'port', direction: 'read', address: 0x61n, size: 1, data: 0xabn }]);
    expect(seen.at(-1)).toMatchObject({ reason: 'HLT', accesses: [], answer: 'leave' });
    for (const { duration } of seen) expect(duration).toBeGreaterThanOrEqual(0);
  });

  it('memory: what the emulator reads and writes', async () => {
    const { vm, vcpu } = await longMode(
      [
        ...[0xbb, 0x00, 0x00, 0x00, 0xfe], // mov ebx, 0xfe000000
        ...[0x8b, 0x43, 0x10], //             mov eax, [rbx + 0x10]
        ...[0x01, 0x43, 0x20], //             add [rbx + 0x20], eax
        HLT,
      ],
      { paging },
    );
    const values = new Map([
      [0x10, 0x1111],
      [0x20, 0x2222],
    ]);
    const device = {
      name: 'registers',
      read: (offset: number) => values.get(offset) ?? 0,
      write: (offset: number, _: number, value: number) => void values.set(offset, value),
    };
    vm.mmio.claim({ addr: MMIO, len: 0x1000, device });
    const seen = watch(vm);
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
    expect(values.get(0x20)).toBe(0x3333);
    const [load, add] = ofDevices(seen);
    expect(load!.accesses).toEqual([
      { space: 'memory', direction: 'read', address: MMIO + 0x10n, size: 4, data: 0x1111n },
    ]);
    expect(load).toMatchObject({ retired: 1, answer: 'resume' });
    expect(load!.decodes).toBeGreaterThanOrEqual(1); // more where pages that it reads have yet to be mapped in
    expect(add!.accesses).toEqual([
      { space: 'memory', direction: 'read', address: MMIO + 0x20n, size: 4, data: 0x2222n },
      { space: 'memory', direction: 'write', address: MMIO + 0x20n, size: 4, data: 0x3333n },
    ]);
    expect(add!.retired).toBe(2);
  });

  it('memory that nobody claims: a read waits for its data, a write has it', async () => {
    const code = [
      ...[0xbb, 0x00, 0x00, 0x00, 0xfe], // mov ebx, 0xfe000000
      ...[0x8b, 0x03], //                   mov eax, [rbx]
      ...[0x88, 0x43, 0x05], //             mov [rbx + 5], al
      HLT,
    ];
    const { vm, vcpu } = await longMode(code, { paging });
    const seen = watch(vm);
    const exit = vcpu.run({ maxInstructions: 100 });
    (exit as MmioExit).complete(0x77);
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Mmio);
    const left = seen.filter(({ answer }) => answer === 'leave');
    expect(left.map(({ accesses }) => accesses)).toEqual([
      [{ space: 'memory', direction: 'read', address: MMIO, size: 4, data: undefined }],
      [{ space: 'memory', direction: 'write', address: MMIO + 5n, size: 1, data: 0x77n }],
    ]);
  });

  it('a doorbell is rung without a decode, and as often as with nobody looking on', async () => {
    const { vm, vcpu } = await longMode(
      [
        ...[0xbb, 0x00, 0x00, 0x00, 0xfe], // mov ebx, 0xfe000000
        ...[0xb9, 0x64, 0x00, 0x00, 0x00], // mov ecx, 100
        ...[0x66, 0x89, 0x03], //             mov [rbx], ax
        ...[0xff, 0xc9], //                   dec ecx
        ...[0x75, 0xf9], //                   jnz the store
        HLT,
      ],
      { paging },
    );
    const fd = new EventFd(0);
    vm.ioeventfd({ addr: MMIO, len: 0, fd, flags: 0 });
    const seen = watch(vm);
    expect(vcpu.run({ maxInstructions: 1000 }).reason).toBe(ExitReason.Hlt);
    expect(drained(fd)).toBe(100n);
    const kicks = seen.filter(({ accesses, answer }) => answer === 'skip' && accesses[0]?.address === MMIO);
    expect(kicks.length).toBeGreaterThanOrEqual(99); // the first may find the page unmarked, and be emulated
    for (const { accesses, decodes, walks } of kicks) {
      expect(accesses).toEqual([{ space: 'memory', direction: 'write', address: MMIO, size: 2, data: undefined }]);
      expect([decodes, walks]).toEqual([0, 0]);
    }
    vm.onExit();
    const told = seen.length;
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });
    expect(vcpu.run({ maxInstructions: 1000 }).reason).toBe(ExitReason.Hlt);
    expect(drained(fd)).toBe(100n);
    expect(seen.length).toBe(told);
  });
});

it('CPUID and model-specific registers', async () => {
  const { vm, vcpu } = await longMode([
    ...[0x31, 0xc0], //                   xor eax, eax
    ...[0x31, 0xc9], //                   xor ecx, ecx
    ...[0x0f, 0xa2], //                   cpuid
    ...[0xb9, 0x00, 0x00, 0x56, 0x4b], // mov ecx, 0x4b560000
    ...[0xb8, 0x05, 0x00, 0x00, 0x00], // mov eax, 5
    ...[0x31, 0xd2], //                   xor edx, edx
    ...[0x0f, 0x30], //                   wrmsr
    ...[0x0f, 0x32], //                   rdmsr
    HLT,
  ]);
  vm.claimMsr(0x4b56_0000, { read: () => 0x9_0000_0001n, write: () => true });
  const seen = watch(vm);
  expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
  const told = ofDevices(seen);
  const [leaf, subleaf, , ebx, ecx, edx] = told[0]!.cpuid!;
  // "GenuineIntel" in EBX, EDX, ECX (SDM vol. 2, CPUID)
  expect([leaf, subleaf, ebx, edx, ecx]).toEqual([0, 0, 0x756e_6547, 0x4965_6e69, 0x6c65_746e]);
  const register = { space: 'msr', address: 0x4b56_0000n, size: 8 };
  expect(told[1]).toMatchObject({ reason: 'WRMSR', accesses: [{ ...register, direction: 'write', data: 5n }] });
  expect(told[2]).toMatchObject({
    reason: 'RDMSR',
    accesses: [{ ...register, direction: 'read', data: 0x9_0000_0001n }],
  });
});

it('what the listener throws comes out of run(), and the guest can go on', async () => {
  const { vm, vcpu } = await realMode([0xe6, 0x80, HLT]); // out 0x80, al; hlt
  let outs = 0;
  vm.pio.claim({ addr: 0x80n, len: 1, device: { name: 'port', read: () => 0, write: () => void outs++ } });
  vm.onExit(({ reason }) => {
    if (reason === 'IO') throw new Error('disk full');
  });
  expect(() => vcpu.run({ maxInstructions: 100 })).toThrow(DeviceError);
  vm.onExit();
  expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Hlt);
  expect(outs).toBeGreaterThan(0);
});
