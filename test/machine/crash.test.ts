// What is told of a guest that ended badly: the last exception in words, the page walks, the code around.

import { describe, expect, it } from 'vitest';
import { ExitReason } from '../../src/index.js';
import { describeCrash, readCrash } from '../../src/machine/crash.js';
import { CODE, longMode } from '../vmm/guest.js';

const DEAD = 0x12_3456_7000n; // beyond what the test's tables map

describe('a page fault in long mode', () => {
  it('that ends in a triple fault, since the IDT is there too', async () => {
    const { vm, vcpu } = await longMode([
      ...[0x90, 0x90], //               nop; nop
      ...[0x88, 0x08], //               mov [rax], cl
      0xf4, //                          hlt
    ]);
    vcpu.setRegs({ ...vcpu.getRegs(), rax: DEAD });
    vcpu.setSregs({ ...vcpu.getSregs(), idt: { base: DEAD + 0x10_0000n, limit: 0xfff } });
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Shutdown);
    const crash = await readCrash(vm, vcpu, 'triple fault');
    // Its entry 8, #DF's, is 8 * 16 bytes on (SDM vol. 3, 6.14.1); a fetch of it is the supervisor's read: code 0 (4.7).
    const gate = DEAD + 0x10_0000n + 128n;
    expect(crash.exception).toEqual({ vector: 14, error: 0, address: gate });
    expect(crash.walks.map(({ linear }) => linear)).toEqual([BigInt(CODE) + 2n, gate]);
    expect(crash.walks.map(({ end }) => end)).toEqual(['mapped', 'absent']);
    const text = describeCrash(crash);
    expect(text).toContain(
      `the last exception: #PF, page fault, error code 0x0: a read by the supervisor at 0x${gate.toString(16).padStart(16, '0')}, no page is there`,
    );
    expect(text).toMatch(
      /^the page walk of 0x0000001234667080 \(4-level\):\n {2}PML4E 0 at 0x[0-9a-f]+: .*\n {2}PDPTE 72 at /m,
    );
    expect(text).toMatch(/^ {2}Stops at PDPTE 72: it is not present/m);
    expect(text).toMatch(/^> [0-9a-f]+ {2}88 08 +mov .*\n {2}[0-9a-f]+ {2}f4 +hlt$/m);
  });

  it('whose handlers cannot be found has its address in CR2', async () => {
    const { vm, vcpu } = await longMode([0x88, 0x08]); // mov [rax], cl
    vcpu.setRegs({ ...vcpu.getRegs(), rax: DEAD });
    vcpu.setSregs({ ...vcpu.getSregs(), idt: { base: 0n, limit: 0 } });
    expect(vcpu.run({ maxInstructions: 100 }).reason).toBe(ExitReason.Shutdown);
    const crash = await readCrash(vm, vcpu, 'triple fault');
    expect(crash.exception).toMatchObject({ vector: 13 }); // beyond the IDT's limit: #GP (SDM vol. 3, 6.14)
    expect(crash.sregs.cr2).toBe(DEAD);
    expect(crash.walks.map(({ linear }) => linear)).toEqual([BigInt(CODE), DEAD]);
  });
});

it('of a guest without an exception none is told', async () => {
  const { vm, vcpu } = await longMode([0xf4]); // hlt
  vcpu.run({ maxInstructions: 10 });
  const crash = await readCrash(vm, vcpu, 'stopped');
  expect(crash.exception).toBeUndefined();
  expect(describeCrash(crash)).not.toContain('exception');
});
