// Code around RIP: lines read from memory through the guest's tables, and instructions found backwards.

import { afterEach, expect, it } from 'vitest';
import { loadInspector } from '../../src/core/inspect.js';
import { linesBefore, readListing } from '../../src/machine/disassembly.js';
import { Pc } from '../../src/machine/pc.js';

let open: Pc[] = [];
afterEach(() => {
  for (const pc of open) pc.close();
  open = [];
});

async function create(code: readonly number[]): Promise<Pc> {
  const pc = await Pc.create({ kernel: Uint8Array.from(code), memory: 1 << 20 });
  open.push(pc);
  return pc;
}

/** Real-mode code at 7C00h: mov ax, 1234h; mov bx, 5678h; add ax, bx; inc ax; hlt; jmp to itself. */
const CODE = [0xb8, 0x34, 0x12, 0xbb, 0x78, 0x56, 0x01, 0xd8, 0x40, 0xf4, 0xeb, 0xfe];

it('lists from where the guest goes on', async () => {
  const pc = await create(CODE);
  const { bits, rip, lines } = await pc.disassemble({ count: 6 });
  expect([bits, rip]).toEqual([16, 0x7c00n]);
  expect(lines.map(({ address, text }) => [address, text])).toEqual([
    [0x7c00n, 'mov ax, 0x1234'],
    [0x7c03n, 'mov bx, 0x5678'],
    [0x7c06n, 'add ax, bx'],
    [0x7c08n, 'inc ax'],
    [0x7c09n, 'hlt'],
    [0x7c0an, 'jmp 0x7c0a'],
  ]);
  expect([...lines[1]!.bytes]).toEqual([0xbb, 0x78, 0x56]);
});

it('finds the instructions before, and follows the guest', async () => {
  const pc = await create(CODE);
  await pc.run({ maxInstructions: 4 });
  const { rip, lines } = await pc.disassemble({ count: 2, before: 4 });
  expect(rip).toBe(0x7c09n);
  expect(lines.map(({ address }) => address)).toEqual([0x7c00n, 0x7c03n, 0x7c06n, 0x7c08n, 0x7c09n, 0x7c0an]);
});

it('looks at any address, and says where the guest is all the same', async () => {
  const pc = await create(CODE);
  const { rip, lines } = await pc.disassemble({ address: 0x7c06n, count: 1 });
  expect(rip).toBe(0x7c00n);
  expect(lines.map(({ text }) => text)).toEqual(['add ax, bx']);
});

it('lists nothing where there is no memory, and what is left of it at its end', async () => {
  const pc = await create(CODE);
  expect((await pc.disassemble({ address: 0x4000_0000n, count: 3, before: 3 })).lines).toEqual([]);
  pc.vm.memory.write(0xf_fffen, Uint8Array.of(0x90, 0xb8));
  const { lines } = await pc.disassemble({ address: 0xf_fffen, count: 3 });
  expect(lines.map(({ text }) => text)).toEqual(['nop', '(incomplete)']);
});

it('lists nothing before address 0', async () => {
  const pc = await create(CODE);
  const { lines } = await pc.disassemble({ address: 0n, count: 1, before: 5 });
  expect(lines.map(({ address }) => address)).toEqual([0n]);
});

it.each([{ count: -1 }, { before: 1.5 }, { count: 1e9 }])('refuses %o', async (options) => {
  const pc = await create(CODE);
  await expect(pc.disassemble(options)).rejects.toThrow(/^EINVAL: Pc\.disassemble: (count|before) must be/);
});

it('backwards, takes the way that most starts share, though others arrive too', async () => {
  const inspector = await loadInspector();
  // nop × 4; mov eax, 0C3C3C3C3h; add rax, rbx. From inside the immediate, RETs lead to the end as well.
  const bytes = Uint8Array.of(0x90, 0x90, 0x90, 0x90, 0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0x48, 0x01, 0xd8);
  const lines = linesBefore(inspector, bytes, 0x1000n, 64, 3);
  expect(lines.map(({ address, text }) => [address, text])).toEqual([
    [0x1003n, 'nop'],
    [0x1004n, 'mov eax, 0xc3c3c3c3'],
    [0x1009n, 'add rax, rbx'],
  ]);
});

it('backwards, finds nothing behind bytes that are no code', async () => {
  const inspector = await loadInspector();
  // 06h to 07h are no instructions in 64-bit mode (SDM vol. 2, appendix A, table A-2).
  expect(linesBefore(inspector, Uint8Array.of(0x90, 0x06, 0x07), 0n, 64, 2)).toEqual([]);
});

it('reads listings back', () => {
  expect(readListing('0000000000001000  f0 0f b1 0b              lock cmpxchg dword ptr [rbx], ecx\n')).toEqual([
    { address: 0x1000n, bytes: Uint8Array.of(0xf0, 0x0f, 0xb1, 0x0b), text: 'lock cmpxchg dword ptr [rbx], ecx' },
  ]);
});
