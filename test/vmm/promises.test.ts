// The guest cannot break the host (DESIGN, promise 3): whatever bytes it runs and whatever its registers and tables hold, run()
// comes back with an exit, within its budget, without a trap in Wasm or an exception in JavaScript.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFd, ExitReason, MemoryFlag } from '../../src/index.js';
import { ALIAS, CODE, longMode, PAGE_TABLE, PAGING_MODES, realMode } from './guest.js';

const BUDGET = 3000;
/** Addresses where something is: code, tables, the ends of RAM and of slots, devices, the edges of what is canonical. */
const PLACES = [
  ...[0n, 0xffen, BigInt(CODE), 0x7ffcn, 0x8_0000n, PAGE_TABLE, 0xf_fffdn, 0x10_0000n, 0xfdff_ffffn],
  ...[
    0xfe00_0000n,
    0xffff_ffffn,
    ALIAS,
    ALIAS + 0xffen,
    0x7fff_ffff_fffcn,
    0xffff_8000_0000_0000n,
    -1n & (2n ** 64n - 1n),
  ],
];
const word = fc.oneof(fc.constantFrom(...PLACES), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
/** Bytes that begin much of what is interesting: prefixes, two-byte opcodes, strings, port I/O, far transfers, system. */
const byte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(
    0x0f,
    0x66,
    0x67,
    0xf0,
    0xf2,
    0xf3,
    0x48,
    0x41,
    0xa4,
    0xa5,
    0xab,
    0x6c,
    0x6e,
    0xcc,
    0xcd,
    0xcf,
    0xea,
    0xff,
  ),
);
const program = fc.array(byte, { minLength: 4, maxLength: 48 });

describe.each(PAGING_MODES)('under %s', (paging) => {
  it.each([
    ['real mode', realMode],
    ['long mode', longMode],
  ] as const)('random code in %s always comes back', { timeout: 60_000 }, async (_name, make) => {
    const { vm, vcpu } = await make([], { paging });
    const start = vcpu.getSregs();
    const fd = new EventFd();
    vm.setMemoryRegion({ slot: 1, guestPhysAddr: 0xfdf0_0000n, memorySize: 0x10_0000, flags: MemoryFlag.ReadOnly });
    vm.ioeventfd({ fd, addr: 0xfe00_0000n, len: 0 });
    vm.mmio.claim({ addr: 0xfe00_0000n, len: 0x800, device: { name: 'here', read: () => 0x5a, write: () => {} } });
    const clean = vm.memory.read(0, 2 ** 20);
    fc.assert(
      fc.property(
        program,
        fc.array(word, { minLength: 16, maxLength: 16 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 511 }), word), { maxLength: 6 }),
        (code, values, entries) => {
          vm.memory.write(0, clean);
          for (const [index, entry] of entries) vm.memory.writeU64(PAGE_TABLE + BigInt(index) * 8n, entry);
          vm.memory.write(CODE, Uint8Array.from(code));
          vcpu.reset();
          vcpu.setSregs(start);
          const [rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15] = values as [
            ...[bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint],
            ...[bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint],
          ];
          vcpu.setRegs({
            ...{ rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15 },
            ...{ rip: BigInt(CODE), rflags: values[0]! & 0xcd5n },
          });
          const before = vcpu.retired;
          for (let exits = 0; exits < 60; exits++) {
            const left = BUDGET - (vcpu.retired - before);
            const exit = vcpu.run({ maxInstructions: left });
            expect(vcpu.retired - before).toBeLessThanOrEqual(BUDGET);
            const { reason } = exit;
            if (reason === ExitReason.Budget || reason === ExitReason.Shutdown) break;
            if (reason === ExitReason.Mmio || reason === ExitReason.Io) exit.complete(exits);
          }
          expect(vm.mapped().tables).toBeLessThanOrEqual(1024);
        },
      ),
      { numRuns: 400 },
    );
  });
});
