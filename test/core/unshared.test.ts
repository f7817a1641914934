// The core for pages without cross-origin isolation: the same sources, a memory of its own kind, the same guests.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EventFd, IoEventFdFlag, Pc } from '../../src/index.js';

const core = readFileSync(new URL('../../build/core.unshared.wasm', import.meta.url));
const guest = (name: string): Uint8Array => readFileSync(new URL(`../../guests/${name}/${name}.bin`, import.meta.url));

test.each(['ept', 'npt', 'shadow'] as const)('smc runs on the unshared core under %s', async (paging) => {
  let text = '';
  const pc = await Pc.create({
    image: guest('smc'),
    core,
    paging,
    memory: 16 << 20,
    serial: (bytes) => (text += Buffer.from(bytes).toString('latin1')),
  });
  expect(pc.vm.memory.view(0, 1).buffer).toBeInstanceOf(ArrayBuffer);
  const { reason, value } = await pc.run({ timeoutMs: 20_000 });
  expect([reason, value]).toEqual(['debug-exit', 0]);
  expect(text).toMatch(/ ok$/m);
  expect(text).not.toContain('FAIL');
  pc.close();
});

test('kicks arrive, also after the memory has grown and every view has moved', async () => {
  const pc = await Pc.create({
    image: guest('vmexit'),
    core,
    memory: 16 << 20,
    cmdline: 'goal=10 raw pv pio-wildcard',
  });
  const [pv, pio] = [new EventFd(), new EventFd()];
  pc.vm.ioeventfd({ fd: pv, addr: 0xfe00_1030n, len: 2, flags: IoEventFdFlag.PvMmio });
  pc.vm.ioeventfd({ fd: pio, addr: 0x7d2n, len: 2, flags: IoEventFdFlag.Pio });
  expect(pc.vcpu.run({ maxInstructions: 500 }).reason).toBeDefined();
  pc.vm.setMemoryRegion({ slot: 7, guestPhysAddr: 0x1_0000_0000n, memorySize: 64 << 20 });
  expect((await pc.run({ timeoutMs: 20_000 })).reason).toBe('debug-exit');
  expect(pv.count).toBeGreaterThan(0n);
  expect(pio.count).toBeGreaterThan(0n);
  const row = pc.vm.stats().exits['EPT_MISCONFIG'];
  expect(row?.decodes).toBe(0);
  pc.close();
});
