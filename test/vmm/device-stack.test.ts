// A stack where a device is: every element is read or written once, in order, and the instruction ends. `doorbell fuzz --target
// guest` found a POPA that read on for ever.

import { describe, expect, it } from 'vitest';
import { ExitReason, MmioExit, Vm, type PagingMode, type Regs } from '../../src/index.js';

const STACK = 0xa71d_3c51;
const MODES: readonly PagingMode[] = ['ept', 'npt', 'shadow'];

interface Access {
  at: number;
  size: number;
  written?: number;
}

/** Runs one instruction of 32-bit code, then HLT. The n-th read gets n in each of its bytes. */
async function run(
  paging: PagingMode,
  code: number[],
  set: Partial<Regs>,
): Promise<{ regs: Regs; accesses: Access[] }> {
  const vm = await Vm.create({ memory: 2 ** 20, paging, clock: 'virtual' });
  try {
    vm.memory.write(0x1000n, Uint8Array.of(...code, 0xf4));
    const vcpu = vm.createVcpu();
    const sregs = vcpu.getSregs();
    const flat = { base: 0n, limit: 0xffff_ffff, g: 1, db: 1 };
    const [cs, ds, ss] = [sregs.cs, sregs.ds, sregs.ss].map((each) => ({ ...each, ...flat }));
    vcpu.setSregs({ ...sregs, cr0: 1n, cs: cs!, ds: ds!, ss: ss! });
    vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n, rsp: BigInt(STACK), ...set });
    const accesses: Access[] = [];
    let reads = 0;
    for (;;) {
      const exit = vcpu.run({ maxInstructions: 10 });
      if (exit.reason === ExitReason.Hlt) return { regs: vcpu.getRegs(), accesses };
      if (!(exit instanceof MmioExit) || accesses.length > 40) throw new Error(`exit ${exit.reason}`);
      const access = { at: Number(exit.physAddr), size: exit.length };
      if (exit.isWrite) accesses.push({ ...access, written: Number(exit.value) });
      else {
        accesses.push(access);
        exit.data.fill(++reads);
      }
    }
  } finally {
    vm.close();
  }
}

const from = (at: number, size: number, count: number): Access[] =>
  Array.from({ length: count }, (_, index) => ({ at: at + index * size, size }));

describe.each(MODES)('under %s', (paging) => {
  it('POPAD: eight reads; the fourth is thrown away (SDM vol. 2, POPA)', async () => {
    const { regs, accesses } = await run(paging, [0x61], {});
    expect(accesses).toEqual(from(STACK, 4, 8));
    expect(regs).toMatchObject({ rdi: 0x01010101n, rsi: 0x02020202n, rbp: 0x03030303n, rbx: 0x05050505n });
    expect(regs).toMatchObject({ rdx: 0x06060606n, rcx: 0x07070707n, rax: 0x08080808n, rsp: BigInt(STACK + 32) });
  });
  it('POPA: words, into the lower halves', async () => {
    const { regs, accesses } = await run(paging, [0x66, 0x61], { rax: 0x1234_5678n, rdi: 0x1234_5678n });
    expect(accesses).toEqual(from(STACK, 2, 8));
    expect(regs).toMatchObject({ rdi: 0x1234_0101n, rax: 0x1234_0808n, rsp: BigInt(STACK + 16) });
  });
  it('PUSHAD: eight writes downwards, ESP as it was', async () => {
    const { regs, accesses } = await run(paging, [0x60], {
      rax: 1n,
      rcx: 2n,
      rdx: 3n,
      rbx: 4n,
      rbp: 6n,
      rsi: 7n,
      rdi: 8n,
    });
    const values = [1, 2, 3, 4, STACK, 6, 7, 8];
    expect(accesses).toEqual(values.map((written, index) => ({ at: STACK - 4 * (index + 1), size: 4, written })));
    expect(regs.rsp).toBe(BigInt(STACK - 32));
  });
  it('ENTER 8, 3: the display of the outer frames, then its own', async () => {
    const frame = STACK + 0x100;
    const { regs, accesses } = await run(paging, [0xc8, 8, 0, 3], { rbp: BigInt(frame) });
    expect(accesses.filter(({ written }) => written === undefined)).toEqual([
      { at: frame - 4, size: 4 },
      { at: frame - 8, size: 4 },
    ]);
    expect(accesses.filter(({ written }) => written !== undefined)).toEqual(
      [frame, 0x01010101, 0x02020202, STACK - 4].map((written, index) => ({
        at: STACK - 4 * (index + 1),
        size: 4,
        written,
      })),
    );
    expect(regs).toMatchObject({ rbp: BigInt(STACK - 4), rsp: BigInt(STACK - 16 - 8) });
  });
  it('LEAVE', async () => {
    const { regs, accesses } = await run(paging, [0xc9], { rbp: BigInt(STACK + 0x40) });
    expect(accesses).toEqual([{ at: STACK + 0x40, size: 4 }]);
    expect(regs).toMatchObject({ rbp: 0x01010101n, rsp: BigInt(STACK + 0x44) });
  });
});
