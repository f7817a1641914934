// Bug classes of address translation and of code that changes (field-notes.md, E.3). Expected values: SDM vol. 3, chapter 4,
// 5.13 and 8.1.3. What the same guest sees on other machines is in test/oracle; random tables against a model in test/paging.

import { describe, expect, it } from 'vitest';
import type { Paging } from '../core/machine.js';
import {
  code,
  CODE,
  DATA,
  DEVICE,
  GP,
  machine,
  mapPage,
  PAGE_DIRECTORY,
  PAGE_TABLE,
  PF,
  PML4,
  RAX,
  RBX,
  RCX,
  run,
  STACK,
} from './processor.js';

const MODES: Paging[] = ['ept', 'npt', 'shadow'];
const LOAD = code(`mov rax, [rbx]`, '48 8b 03');
const STORE = code(`mov [rbx], rax`, '48 89 03');
const CALL = code(`call rbx`, 'ff d3');
const P = 1n;
const W = 2n;
const U = 4n;
const A = 0x20n;
const D = 0x40n;
const NX = 1n << 63n;
const pte = (linear: number): bigint => machine.read64(PAGE_TABLE + (linear >> 12) * 8);
const cr = (name: string, bits: bigint): void => machine.set(name, machine.get(name) | bits);

describe.each(MODES)('under %s', (paging) => {
  /** Runs with the data page mapped so, RBX at it; a RET is there. */
  function at(bytes: number[], flags: bigint, more: { user?: boolean; cr0?: bigint; cr4?: bigint; ac?: boolean } = {}) {
    return run(bytes, {
      paging,
      user: more.user ?? false,
      prepare: () => {
        machine.write(DATA, [0xc3]);
        // everything else is the kernel's, so that SMEP and SMAP let it run; at CPL 3 the code and its stack are the user's
        for (let page = 0; page < 0x80000; page += 0x1000) mapPage(page, BigInt(page) | P | W);
        if (more.user) for (const page of [CODE, STACK - 0x1000]) mapPage(page, BigInt(page) | P | W | U);
        mapPage(DATA, BigInt(DATA) | flags);
        machine.setReg(RBX, DATA);
        if (more.cr0 !== undefined) machine.set('CR0', more.cr0);
        if (more.cr4) cr('CR4', more.cr4);
        if (more.ac) machine.core.setRflags!(0x40002);
      },
    });
  }

  it('accessed and dirty: A by any access, D by a write alone, neither by one that is refused', () => {
    expect(at(LOAD, P | W).vector).toBeUndefined();
    expect(pte(DATA) & (A | D)).toBe(A);
    expect(machine.read64(PAGE_DIRECTORY) & A).toBe(A);
    expect(machine.read64(PML4) & A).toBe(A);
    expect(at(STORE, P | W).vector).toBeUndefined();
    expect(pte(DATA) & (A | D)).toBe(A | D);
    expect(at(STORE, P).vector).toBe(PF);
    expect(pte(DATA) & D).toBe(0n);
  });
  it('D is set by the first write after reads that filled the TLB', () => {
    const bytes = [...LOAD, ...code(`mov rcx, [0x4100]`, '48 8b 0c 25 00 41 00 00'), ...STORE];
    expect(at(bytes, P | W).vector).toBeUndefined();
    expect(machine.reg(RCX) & (A | D)).toBe(A);
    expect(pte(DATA) & (A | D)).toBe(A | D);
  });
  it('reserved bits: #PF with RSVD and P, whatever else the entry forbids', () => {
    for (const bit of [40n, 51n]) {
      expect(at(LOAD, P | W | U | (1n << bit))).toMatchObject({ vector: PF, error: 9n });
      expect(at(STORE, P | (1n << bit), { user: true })).toMatchObject({ vector: PF, error: 0xfn });
      expect(at(LOAD, 1n << bit)).toMatchObject({ vector: PF, error: 0n });
    }
    // bit 63 without EFER.NXE
    const outcome = run(LOAD, {
      paging,
      prepare: () => {
        mapPage(DATA, BigInt(DATA) | P | NX);
        machine.setReg(RBX, DATA);
        machine.set('EFER', 0x500);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, error: 9n });
  });
  it('NX, SMEP, SMAP, WP, U/S: who may do what (SDM vol. 3, 4.6)', () => {
    const SMEP = 0x10_0000n;
    const SMAP = 0x20_0000n;
    const NO_WP = 0x8000_0033n;
    expect(at(CALL, P | W | NX)).toMatchObject({ vector: PF, error: 0x11n });
    expect(at(CALL, P | W | U).vector).toBeUndefined();
    expect(at(CALL, P | W | U, { cr4: SMEP })).toMatchObject({ vector: PF, error: 0x11n });
    expect(at(CALL, P | W | U, { cr4: SMAP }).vector).toBeUndefined();
    expect(at(LOAD, P | W | U, { cr4: SMEP }).vector).toBeUndefined();
    expect(at(LOAD, P | W | U, { cr4: SMAP })).toMatchObject({ vector: PF, error: 1n });
    expect(at(STORE, P | W | U, { cr4: SMAP })).toMatchObject({ vector: PF, error: 3n });
    expect(at(LOAD, P | W | U, { cr4: SMAP, ac: true }).vector).toBeUndefined();
    expect(at(STORE, P)).toMatchObject({ vector: PF, error: 3n });
    expect(at(STORE, P, { cr0: NO_WP }).vector).toBeUndefined();
    expect(at(STORE, P | U, { cr0: NO_WP, user: true })).toMatchObject({ vector: PF, error: 7n });
    expect(at(LOAD, P | W, { user: true })).toMatchObject({ vector: PF, error: 5n });
    expect(at(CALL, P | W, { user: true })).toMatchObject({ vector: PF, error: 0x15n });
    expect(at(LOAD, P | W | U, { cr4: SMEP | SMAP, user: true }).vector).toBeUndefined();
  });
  it('TLB: what INVLPG drops is walked again; a right that was added needs none', () => {
    // Two reads with the entry made absent between them, by an alias that maps the page table.
    const stale = code(
      `mov rax, [rbx]; mov qword [0x4100], 0; invlpg [rbx]; mov rax, [rbx]`,
      '48 8b 03 48 c7 04 25 00 41 00 00 00 00 00 00 0f 01 3b 48 8b 03',
    );
    expect(at(stale, P | W)).toMatchObject({ vector: PF, error: 0n });
    const granted = code(
      `mov rax, [rbx]; or qword [0x4100], 2; mov [rbx], rax`,
      '48 8b 03 48 83 0c 25 00 41 00 00 02 48 89 03',
    );
    expect(at(granted, P).vector).toBeUndefined();
    const elsewhere = code(
      `mov rax, [rbx]; mov qword [0x4100], 0x21007; invlpg [rbx + 0x800]; mov rax, [rbx]`,
      '48 8b 03 48 c7 04 25 00 41 00 00 07 10 02 00 0f 01 bb 00 08 00 00 48 8b 03',
    );
    expect(
      run(elsewhere, {
        paging,
        prepare: () => {
          machine.write64(DATA, 1n);
          machine.write64(DATA + 0x1000, 2n);
          machine.setReg(RBX, DATA);
        },
      }).vector,
    ).toBeUndefined();
    expect(machine.reg(RAX)).toBe(2n);
  });
  it('PCID: bit 63 of CR3 keeps translations or not, but is no address bit; CR4.PCIDE wants PCID 0', () => {
    const PCIDE = 0x2_0000n;
    // Another table for the data page under PCID 5; back under PCID 0 with a flush, the first one counts again.
    const bytes = code(
      `mov rcx, cr3; mov rax, [rbx]; lea rdx, [rcx + 5]; mov cr3, rdx; mov qword [0x4100], 0x21007; mov cr3, rcx; mov rax, [rbx]`,
      '0f 20 d9 48 8b 03 48 8d 51 05 0f 22 da 48 c7 04 25 00 41 00 00 07 10 02 00 0f 22 d9 48 8b 03',
    );
    const outcome = run(bytes, {
      paging,
      prepare: () => {
        machine.write64(DATA, 1n);
        machine.write64(DATA + 0x1000, 2n);
        machine.setReg(RBX, DATA);
        cr('CR4', PCIDE);
      },
    });
    expect([outcome.vector, machine.reg(RAX)]).toEqual([undefined, 2n]);
    expect(
      run(code(`mov rcx, cr3; bts rcx, 63; mov cr3, rcx; mov rax, cr3`, '0f 20 d9 48 0f ba e9 3f 0f 22 d9 0f 20 d8'), {
        paging,
        prepare: () => cr('CR4', PCIDE),
      }).vector,
    ).toBeUndefined();
    expect(machine.reg(RAX)).toBe(BigInt(PML4));
    expect(
      run(
        code(
          `mov rcx, cr3; or ecx, 8; mov cr3, rcx; mov rcx, cr4; bts ecx, 17; mov cr4, rcx`,
          '0f 20 d9 83 c9 08 0f 22 d9 0f 20 e1 0f ba e9 11 0f 22 e1',
        ),
        { paging },
      ),
    ).toMatchObject({
      vector: GP,
      error: 0n,
    });
  });
  it('a fetch that runs into a missing page: CR2 is where the bytes are missing, RIP where the instruction begins', () => {
    const END = 0x3_1000;
    for (const [from, present] of [
      [END - 1, 1],
      [END - 3, 3],
      [END, 0],
    ] as const) {
      const outcome = run(code(`jmp rbx`, 'ff e3'), {
        paging,
        prepare: () => {
          machine.write(END - 3, [0x90, 0x90, 0xb8].slice(0, 3));
          if (present === 3) machine.write(END - 3, [0x48, 0xb8, 0x01]);
          mapPage(END, 0n);
          machine.setReg(RBX, from);
        },
      });
      expect(outcome).toMatchObject({ vector: PF, error: 0x10n, rip: BigInt(from) });
      expect(machine.get('CR2')).toBe(BigInt(END));
    }
  });
  it('a fetch that reaches a missing page only with bytes it does not need runs', () => {
    const END = 0x3_1000;
    const outcome = run(code(`jmp rbx`, 'ff e3'), {
      paging,
      prepare: () => {
        machine.write(END - 2, [0x90, 0xf4]);
        mapPage(END, 0n);
        machine.setReg(RBX, END - 2);
      },
    });
    expect(outcome.vector).toBeUndefined();
    expect(machine.get('RIP')).toBe(BigInt(END));
  });
  it('self-modifying code: a store to a later instruction of the same block counts at once', () => {
    // mov byte [target + 1], 7; target: mov ecx, 1 - one block, and the target is behind the store in it
    const next = code(`mov byte [0x10009], 7; mov ecx, 1`, 'c6 04 25 09 00 01 00 07 b9 01 00 00 00');
    expect(run(next, { paging }).vector).toBeUndefined();
    expect(machine.reg(RCX)).toBe(7n);
    // in a loop: the second time round the changed instruction is there, from a linked block
    const loop = code(
      `mov edx, 2; xor ecx, ecx; add ecx, 1; mov byte [0x10009], 0x10; dec edx; jnz 0x10007`,
      'ba 02 00 00 00 31 c9 83 c1 01 c6 04 25 09 00 01 00 10 ff ca 0f 85 ed ff ff ff',
    );
    expect(run(loop, { paging }).vector).toBeUndefined();
    expect(machine.reg(RCX)).toBe(0x11n);
    // and the instruction behind a REP STOSB
    const string = code(
      `mov edi, 0x1000f; mov ecx, 2; mov al, 0x90; cld; rep stosb; ud2`,
      'bf 0f 00 01 00 b9 02 00 00 00 b0 90 fc f3 aa 0f 0b',
    );
    expect(run(string, { paging }).vector).toBeUndefined();
  });
});

describe('PSE-36 and PAE', () => {
  it('PSE-36: bits 20:13 of a 4 MiB entry are address bits 39:32, bit 21 is reserved (SDM vol. 3, table 4-4)', () => {
    // The walk itself is asked, after a load has put the page of the directory into the EPT.
    run(code(`mov rax, [0x6000]`, '48 8b 04 25 00 60 00 00'));
    const walk = (entry: number): { found: bigint; error: number } => {
      machine.view.setUint32(machine.ram + 0x6000, entry >>> 0, true);
      machine.set('CR3', 0x6000);
      machine.set('CR4', 0x10); // PSE
      machine.set('EFER', 0);
      machine.set('CR0', 0x8001_0033);
      machine.segment(1, 8, 0, 0xffff_ffff, 0xc09b);
      machine.changed();
      machine.core.flushTlb!();
      const found = machine.core.guestWalk!(0x1234n, 1, 0) as unknown as bigint;
      const error = machine.get32('RAISED_ERROR');
      machine.core.setRaised!(0);
      return { found: BigInt.asUintN(64, found), error };
    };
    const address = ({ found }: { found: bigint }): bigint => found & 0xf_ffff_ffff_f000n;
    expect(address(walk(0x0040_0083))).toBe(0x40_1000n);
    expect(address(walk(0x0040_2083))).toBe(0x1_0040_1000n); // bit 13
    expect(address(walk(0x0048_6083))).toBe((0x43n << 32n) | 0x40_1000n); // bits 19, 14, 13
    expect(walk(0x0020_0083).found).toBe(0n);
    expect(walk(0x0020_0083).error).toBe(9);
  });
});

describe('Fragments of an MMIO access', () => {
  it('CVE-2026-31588: each part of a store carries its own bytes, whatever the size', () => {
    const written: [number, number, bigint][] = [];
    machine.mmioWrite = (gpa, length, data) => void written.push([gpa, length, BigInt.asUintN(length * 8, data)]);
    const store = (bytes: number[], address: number): [number, number, bigint][] => {
      written.length = 0;
      run(bytes, {
        prepare: () => {
          machine.setReg(RAX, 0x8877_6655_4433_2211n);
          machine.setReg(RBX, address);
        },
      });
      return written.map((entry) => [...entry]);
    };
    const all = (parts: [number, number, bigint][]): Map<number, bigint> =>
      new Map(
        parts.flatMap(([gpa, length, data]) =>
          Array.from({ length }, (_, index) => [gpa + index, (data >> BigInt(8 * index)) & 0xffn] as const),
        ),
      );
    for (const [bytes, size] of [
      [code(`mov [rbx], al`, '88 03'), 1],
      [code(`mov [rbx], ax`, '66 89 03'), 2],
      [code(`mov [rbx], eax`, '89 03'), 4],
      [code(`mov [rbx], rax`, '48 89 03'), 8],
    ] as const) {
      for (let before = 0; before <= size; before++) {
        const address = DEVICE + 0x1000 - before;
        const parts = all(store(bytes, address));
        expect(parts.size).toBe(size);
        for (let index = 0; index < size; index++)
          expect(parts.get(address + index), `${size} ${before}`).toBe(BigInt(0x11 * (index + 1)));
      }
    }
    machine.mmioWrite = () => {};
  });
  it('a load over two pages of devices puts the bytes together', () => {
    machine.mmioRead = (gpa, length) => {
      let data = 0n;
      for (let index = 0; index < length; index++) data |= BigInt((gpa + index) & 0xff) << BigInt(8 * index);
      return data;
    };
    for (let before = 0; before <= 8; before++) {
      const address = DEVICE + 0x1000 - before;
      expect(run(LOAD, { prepare: () => machine.setReg(RBX, address) }).vector).toBeUndefined();
      const bytes = Array.from({ length: 8 }, (_, index) => Number((machine.reg(RAX) >> BigInt(8 * index)) & 0xffn));
      expect(bytes).toEqual(Array.from({ length: 8 }, (_, index) => (address + index) & 0xff));
    }
    machine.mmioRead = () => 0n;
  });
  it('OUTSB and OUTSD by REP: each element with its own bytes', () => {
    const written: number[] = [];
    const prepare = (): void => {
      machine.write(DATA, [1, 2, 3, 4, 5, 6, 7, 8]);
      machine.setReg(6, DATA);
      machine.setReg(RCX, 2);
      machine.setReg(2, 0x80);
      machine.hook = ({ reason, lo }) => {
        if (reason !== 30 || lo !== 0x80) return undefined;
        written.push(Number(machine.get('EXIT_DATA')));
        return undefined;
      };
    };
    expect(run(code(`rep outsd`, 'f3 6f'), { prepare }).vector).toBeUndefined();
    expect(written).toEqual([0x0403_0201, 0x0807_0605]);
  });
});
