// REP INSW and REP INSD of a processor, out of a disk: 16 sectors from the third on, by READ MULTIPLE.

import { expect, it } from 'vitest';
import { MemoryDisk } from '../../../src/machine/block/index.js';
import { Pc } from '../../../src/machine/pc.js';

/** xor ax,ax; mov ds,ax; the task file: E0h, 16 sectors, LBA 2; C4h; status; rep ins to 2000:0000; 0 to port F4h; hlt. */
const PROGRAMS = {
  'rep insw':
    '31c08ed8bb0100baf601b0e0eebaf201b010ee42b002ee30c042ee42eebaf701b0c4eebd0100baf701ecbaf001b800208ec031fffcb90010f36d4d75e94b75c7b000e6f4f4',
  'rep insd':
    '31c08ed8bb0100baf601b0e0eebaf201b010ee42b002ee30c042ee42eebaf701b0c4eebd0100baf701ecbaf001b800208ec031fffcb90008f3666d4d75e84b75c6b000e6f4f4',
};

it.each(Object.entries(PROGRAMS))('%s', async (_name, program) => {
  const bytes = Uint8Array.from({ length: 20 * 512 }, (_, at) => (at * 3 + (at >> 9) * 5 + 1) & 0xff);
  const pc = await Pc.create({
    kernel: new Uint8Array(Buffer.from(program, 'hex')),
    memory: 4 << 20,
    disks: [{ backend: new MemoryDisk(bytes) }],
  });
  const result = await pc.run({ maxInstructions: 1_000_000 });
  expect([result.reason, result.value]).toEqual(['debug-exit', 0]);
  expect(Buffer.compare(pc.vm.memory.read(0x2_0000, 16 * 512), bytes.subarray(2 * 512, 18 * 512))).toBe(0);
  pc.close();
});
