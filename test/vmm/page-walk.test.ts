// vcpu.pageWalk(): the entries a walk reads are those that stand in guest memory, and lead where the guest says.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadInspector, Pc } from '../../src/index.js';

const IMAGE = readFileSync(new URL('../../guests/hello-long/hello-long.bin', import.meta.url));
const GUEST = 0;
const ADDRESS = 0x000f_ffff_ffff_f000n;

test.each(['ept', 'npt', 'shadow'] as const)('a 4-level walk under %s', async (paging) => {
  const pc = await Pc.create({ image: IMAGE, paging, memory: 16 << 20 });
  await pc.run({ maxInstructions: 1_000_000 });
  const walk = pc.vcpu.pageWalk(0x10_0123n);
  expect(walk.paging).toBe('4-level');
  expect(walk.gpa).toBe(0x10_0123n); // hello-long maps its memory one to one
  const view = new DataView(walk.records.buffer);
  let table = pc.vcpu.getSregs().cr3 & ADDRESS;
  let level = 4;
  let nested = 0;
  for (let at = 0; at < walk.records.length; at += 24) {
    if (view.getUint32(at, true) !== GUEST) {
      nested++;
      continue;
    }
    const address = view.getBigUint64(at + 8, true);
    const entry = view.getBigUint64(at + 16, true);
    expect(view.getUint32(at + 4, true)).toBe(level);
    expect(address).toBe(table + ((0x10_0123n >> BigInt(3 + 9 * level)) & 511n) * 8n);
    expect(entry).toBe(pc.vm.memory.readU64(address));
    table = entry & ADDRESS;
    level--;
  }
  expect(level).toBe(1); // a 2 MiB page ends the walk at the page directory
  expect(nested).toBe(9); // three levels of nested table (2 MiB pages) for each of the guest's three
  const text = (await loadInspector()).walk(walk.records, '4-level');
  expect(text.split('\n').filter((line) => line.startsWith('guest'))).toHaveLength(3);
  pc.close();
});
