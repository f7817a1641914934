// The text screen: registers against IBM's reference, and what is read off it against what was written to memory.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CODE_PAGE_437 } from '../../src/machine/devices/code-page-437.js';
import { VgaText } from '../../src/machine/devices/vga-text.js';
import { Snapshot } from '../../src/vmm/snapshot.js';
import { Pc } from '../../src/machine/pc.js';

/** The 32 KiB at B8000h, and a device that reads them. */
function screen(): { vga: VgaText; memory: Uint8Array; reads: number[]; set: (index: number, value: number) => void } {
  const memory = new Uint8Array(0x8000);
  const reads: number[] = [];
  const vga = new VgaText({
    memory: {
      readInto: (gpa, target) => {
        expect(gpa - 0xb_8000 + target.length).toBeLessThanOrEqual(0x8000);
        reads.push(target.length);
        target.set(memory.subarray(gpa - 0xb_8000, gpa - 0xb_8000 + target.length));
      },
    },
  });
  return { vga, memory, reads, set: (index, value) => vga.write(0, 2, index | (value << 8)) };
}

describe('registers', () => {
  it('25 of them keep what is written, by bytes or index and data at once', () => {
    const { vga, set } = screen();
    for (let index = 0; index < 25; index++) {
      if (index <= 7 || index === 0x11) continue;
      vga.write(0, 1, index);
      vga.write(1, 1, 0xa0 + index);
      expect([vga.read(0, 1), vga.read(1, 1), vga.read(0, 2)]).toEqual([
        index,
        0xa0 + index,
        index | ((0xa0 + index) << 8),
      ]);
      set(index, 0x55);
      expect(vga.read(1, 1)).toBe(0x55);
    }
    set(0x19, 1);
    expect(vga.read(1, 1)).toBe(0xff);
  });

  it('register 11h, bit 7, protects the first eight, less the line compare bit', () => {
    const { vga, set } = screen();
    const first = (): number[] =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((index) => {
        vga.write(0, 1, index);
        return vga.read(1, 1);
      });
    const bios = first();
    expect(bios).toEqual([0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f]);
    for (let index = 0; index < 8; index++) set(index, 0);
    expect(first()).toEqual([...bios.slice(0, 7), 0x0f]);
    set(0x11, 0x0e);
    for (let index = 0; index < 8; index++) set(index, index + 1);
    expect(first()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('the status port goes through display, blanking and vertical retrace', () => {
    const { vga } = screen();
    const seen = Array.from({ length: 12 }, () => vga.read(6, 1));
    expect(seen.filter((status) => (status & 8) !== 0)).toHaveLength(3);
    expect(seen.filter((status) => (status & 9) === 8)).toEqual([]);
    expect(seen.filter((status) => status === 0)).toHaveLength(6);
  });
});

describe('the screen', () => {
  it('is 25 lines of code page 437, and attributes', () => {
    const { vga, memory } = screen();
    expect([CODE_PAGE_437.length, new Set(CODE_PAGE_437).size]).toEqual([256, 255]); // codes 0 and 32 are both blank
    for (let cell = 0; cell < 2000; cell++) memory.set([cell & 0xff, cell % 251], cell * 2);
    const { lines, attributes } = vga.screen()!;
    expect(lines.map((line) => line.length)).toEqual(Array.from({ length: 25 }, () => 80));
    const all = lines.join('');
    expect(all.slice(0, 16)).toBe(' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼');
    expect(all.slice(0x20, 0x7f)).toBe(String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index)));
    expect([0x7f, 0x80, 0x9b, 0xb0, 0xc4, 0xcd, 0xdb, 0xe1, 0xfb, 0xfe].map((code) => all[256 + code]).join('')).toBe(
      '⌂Ç¢░─═█ß√■',
    );
    expect([...attributes]).toEqual(Array.from({ length: 2000 }, (_, cell) => cell % 251));
  });

  it('begins at the start address, and wraps at the end of the window', () => {
    const { vga, memory, set } = screen();
    memory.set([0x41, 0, 0x42, 0], 0); // AB
    memory.set([0x59, 0, 0x5a, 0], 0x7ffc); // YZ
    set(0x0c, 0x3f);
    set(0x0d, 0xfe);
    expect(vga.screen()!.lines[0]!.slice(0, 5)).toBe('YZAB ');
  });

  it('shows the cursor where it is, as long as it is on and within', () => {
    const { vga, set } = screen();
    expect(vga.screen()!.cursor).toEqual({ row: 0, column: 0, first: 13, last: 14 });
    const at = (cell: number): unknown => {
      set(0x0e, cell >> 8);
      set(0x0f, cell & 0xff);
      return vga.screen()!.cursor;
    };
    expect(at(1999)).toMatchObject({ row: 24, column: 79 });
    expect(at(2000)).toBeUndefined();
    set(0x0d, 80); // one line up
    expect(at(2000)).toMatchObject({ row: 24, column: 0 });
    expect(at(79)).toBeUndefined();
    expect(at(81)).toMatchObject({ row: 0, column: 1 });
    set(0x0a, 0x23);
    expect(vga.screen()!.cursor).toBeUndefined();
    set(0x0a, 0x03);
    expect(vga.screen()!.cursor).toMatchObject({ first: 3, last: 14 });
    set(0x0b, 2); // it ends before it begins
    expect(vga.screen()!.cursor).toBeUndefined();
  });

  it('says nothing while nothing changes, for one copy of 4,000 bytes a look', () => {
    const { vga, memory, reads, set } = screen();
    const { generation } = vga.screen()!;
    reads.length = 0;
    for (let look = 0; look < 5; look++) expect(vga.screen(generation)).toBeUndefined();
    expect(reads).toEqual([4000, 4000, 4000, 4000, 4000]);
    const changes = [
      () => (memory[0] = 0x41),
      () => (memory[3999] = 0x41),
      () => set(0x0f, 7),
      () => set(0x0a, 0),
      () => set(0x0a, 0x20),
    ];
    let known = generation;
    for (const change of changes) {
      change();
      const now = vga.screen(known)!;
      expect(now.generation).not.toBe(known);
      expect(vga.screen(now.generation)).toBeUndefined();
      expect(vga.screen(known)).toEqual(now); // somebody else looks
      known = now.generation;
    }
    set(0x0f, 9); // the cursor is off
    memory[4000] = 1; // not on the screen
    expect(vga.screen(known)).toBeUndefined();
  });

  it('is as it was after a restore, and as a BIOS leaves it after a reset', () => {
    const { vga, set } = screen();
    const fresh = vga.save();
    set(0x0f, 33);
    vga.read(6, 1);
    const then = vga.save();
    const copy = structuredClone(then);
    const next = [vga.read(6, 1), vga.read(6, 1), vga.read(6, 1)];
    vga.reset();
    expect(vga.save()).toEqual(fresh);
    vga.restore(then);
    expect(then).toEqual(copy);
    expect([vga.read(6, 1), vga.read(6, 1), vga.read(6, 1)]).toEqual(next);
    expect(vga.screen()!.cursor).toMatchObject({ column: 33 });
    set(0x0f, 1);
    expect(then).toEqual(copy);
  });
});

describe('guests/screen', () => {
  const kernel = readFileSync(new URL('../../guests/screen/screen.bin', import.meta.url));
  const create = async (cmdline = 'rounds=50'): Promise<{ pc: Pc; text: () => string }> => {
    let text = '';
    const serial = (bytes: Uint8Array): void => void (text += new TextDecoder().decode(bytes));
    return { pc: await Pc.create({ kernel, memory: 8 << 20, cmdline, serial }), text: () => text };
  };

  it('draws everything, and the drawing makes no exit', async () => {
    const { pc, text } = await create();
    const blank = pc.vga.screen()!;
    expect([blank.lines.join('').trim(), new Set(blank.attributes)]).toEqual(['', new Set([7])]);
    expect(await pc.run()).toMatchObject({ reason: 'debug-exit', status: 1 });
    expect(text()).toBe('screen done\n');
    const { lines, attributes, cursor } = pc.vga.screen()!;
    expect(lines[0]!.trim()).toBe('Doorbell: 80 by 25 characters of text, and no exit for drawing them');
    expect([...attributes.subarray(8, 24)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1]);
    expect(
      lines
        .slice(2, 10)
        .map((line) => line.slice(8, 40))
        .join(''),
    ).toBe(CODE_PAGE_437);
    const table = Array.from({ length: 256 }, (_, index) => attributes[(11 + (index >> 5)) * 80 + 8 + (index & 31)]);
    expect(table).toEqual(Array.from({ length: 256 }, (_, index) => index));
    expect(lines[20]!.trim()).toBe('count 50');
    expect(cursor).toEqual({ row: 20, column: 16, first: 0, last: 14 });
    // Reasons to leave: first touches of memory, ports. None for a byte on the screen but that of its page.
    const { EPT_VIOLATION, EPT_MISCONFIG, IO } = pc.vm.stats().exits;
    expect([EPT_MISCONFIG, EPT_VIOLATION!.count < 12]).toEqual([undefined, true]);
    expect(IO!.count).toBeGreaterThan(50 * 4);
    pc.close();
  });

  it('goes on after a restore with the cursor where it was, also in another machine', async () => {
    const { pc } = await create('');
    await pc.run({ maxInstructions: 19_000 });
    const snapshot = pc.snapshot();
    const then = pc.vga.screen()!;
    expect(then.lines[20]!.trim()).toMatch(/^count [1-9]/);
    await pc.run();
    expect(pc.vga.screen(then.generation)).toBeDefined();
    const end = pc.vga.screen()!;
    const other = await create('');
    for (const one of [pc, other.pc]) {
      one.restore(one === pc ? snapshot : Snapshot.fromBytes(snapshot.toBytes()));
      const { generation: _, ...rest } = one.vga.screen()!;
      expect(then).toMatchObject(rest);
      await one.run();
      expect(end).toMatchObject({ lines: one.vga.screen()!.lines, cursor: one.vga.screen()!.cursor });
    }
    for (const one of [pc, other.pc]) one.close();
  });
});

it('a kernel is told that the screen is no RAM of its own', async () => {
  const { memoryMap, objectionTo } = await import('../../src/machine/memory-map.js');
  const range = memoryMap(16 << 20).find(({ start, length }) => start <= 0xb_8000 && start + length > 0xb_ffff);
  expect(range?.usable).toBe(false);
  expect(objectionTo(0xb_8000, 0xb_9000, 16 << 20)).toMatch(/is not RAM on a PC/);
});
