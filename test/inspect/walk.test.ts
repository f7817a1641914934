// Page walks as text, from records made by hand after the entry formats of the manuals.

import { beforeAll, describe, expect, it } from 'vitest';
import { loadInspector, type Inspector } from '../../src/core/inspect.js';

let inspector: Inspector;
beforeAll(async () => {
  inspector = await loadInspector();
});

const GUEST = 0;
const EPT = 1;
const HOST = 2;

function records(...list: [space: number, level: number, address: bigint, entry: bigint][]): Uint8Array {
  const bytes = new Uint8Array(list.length * 24);
  const view = new DataView(bytes.buffer);
  list.forEach(([space, level, address, entry], index) => {
    view.setUint32(index * 24, space, true);
    view.setUint32(index * 24 + 4, level, true);
    view.setBigUint64(index * 24 + 8, address, true);
    view.setBigUint64(index * 24 + 16, entry, true);
  });
  return bytes;
}

describe('the guest’s tables', () => {
  it('show the flags of 4-level paging (SDM vol. 3, tables 4-15 to 4-20)', () => {
    const text = inspector.walk(
      records([GUEST, 4, 0x1ff8n, 0x2027n], [GUEST, 3, 0x2ff0n, 0x3023n], [GUEST, 2, 0x3000n, 0x8000_0000_0020_01e3n]),
      '4-level',
    );
    expect(text.split('\n')).toEqual([
      'guest PML4E @ 0x0000001ff8 = 0x0000000000002027  P W U A -> table 0x2000',
      'guest PDPTE @ 0x0000002ff0 = 0x0000000000003023  P W A -> table 0x3000',
      'guest PDE   @ 0x0000003000 = 0x80000000002001e3  P W A D PS G NX -> 2 MiB page 0x200000',
    ]);
  });

  it('show a 1 GiB page, a fifth level, cache attributes and what is not present', () => {
    const text = inspector.walk(
      records([GUEST, 5, 0n, 0x1019n], [GUEST, 3, 8n, 0x4000_0081n], [GUEST, 1, 16n, 0xfeen]),
      '5-level',
    );
    expect(text.split('\n').map((line) => line.replace(/ @ .*? {2}/, ' '))).toEqual([
      'guest PML5E P PWT PCD -> table 0x1000',
      'guest PDPTE P PS -> 1 GiB page 0x40000000',
      'guest PTE   not present',
    ]);
  });

  it('show 32-bit entries, with 4 MiB pages (SDM vol. 3, tables 4-4 to 4-6)', () => {
    const text = inspector.walk(
      records([GUEST, 2, 0x1c00n, 0x0040_00e7n], [GUEST, 2, 0x1004n, 0x5067n], [GUEST, 1, 0x5008n, 0xffff_f165n]),
      '32-bit',
    );
    expect(text.split('\n')).toEqual([
      'guest PDE   @ 0x0000001c00 = 0x004000e7  P W U A D PS -> 4 MiB page 0x400000',
      'guest PDE   @ 0x0000001004 = 0x00005067  P W U A -> table 0x5000',
      'guest PTE   @ 0x0000005008 = 0xfffff165  P U A D G -> 4 KiB page 0xfffff000',
    ]);
  });
});

describe('the hypervisor’s tables', () => {
  it('show EPT entries (SDM vol. 3, tables 29-1 to 29-7) and the MMIO marker', () => {
    const text = inspector.walk(
      records(
        [EPT, 4, 0x30_0000n, 0x30_1107n],
        [EPT, 2, 0x30_2000n, 0x4000_03b5n],
        [EPT, 1, 0x30_3000n, 6n],
        [EPT, 1, 0x30_3008n, 0n],
      ),
      '4-level',
    );
    expect(text.split('\n')).toEqual([
      'EPT PML4E   @ 0x0000300000 = 0x0000000000301107  RWX A -> table 0x301000',
      'EPT PDE     @ 0x0000302000 = 0x00000000400003b5  R-X A D WB -> 2 MiB page 0x40000000',
      'EPT PTE     @ 0x0000303000 = 0x0000000000000006  -WX MMIO',
      'EPT PTE     @ 0x0000303008 = 0x0000000000000000  not present',
    ]);
  });

  it('show NPT and shadow entries in the x86 format, 64 bits wide whatever the guest’s are', () => {
    const text = inspector.walk(records([HOST, 1, 0x40_0000n, 0x8_0000_00fe_0010n | (1n << 51n) | 7n]), '32-bit');
    expect(text).toMatch(/^host PTE {4}@ 0x0000400000 = 0x[0-9a-f]{16} {2}P W U PCD MMIO -> 4 KiB page 0x/);
  });

  it('leave out a record that is cut off', () => {
    expect(inspector.walk(records([GUEST, 1, 0n, 1n]).subarray(0, 23), 'pae')).toBe('');
  });
});
