// Bug classes of integer instructions (field-notes.md, E.3). Expected values are worked out from SDM vol. 2.

import { describe, expect, it } from 'vitest';
import {
  AF,
  ARITHMETIC,
  CF,
  code,
  CODE,
  DATA,
  DE,
  machine,
  mapPage,
  OF,
  PF,
  PF_FLAG,
  RAX,
  RBX,
  RCX,
  RDI,
  RDX,
  rflags,
  RSI,
  RSP,
  run,
  setFlags,
  SF,
  ZF,
} from './processor.js';

/** RAX, RCX and the arithmetic flags after the code, which begins with these. */
function after(bytes: number[], rax: bigint, rcx: bigint, flags = 0n): { rax: bigint; rcx: bigint; flags: bigint } {
  const outcome = run(bytes, {
    prepare: () => {
      machine.setReg(RAX, rax);
      machine.setReg(RCX, rcx);
      setFlags(flags);
    },
  });
  expect(outcome.vector).toBeUndefined();
  return { rax: machine.reg(RAX), rcx: machine.reg(RCX), flags: rflags() & ARITHMETIC };
}

describe('POPCNT: source and destination (qemu-wasm#52)', () => {
  it('counts the source into the destination; a 32-bit one clears the upper half; flags but ZF are clear', () => {
    expect(after(code(`popcnt eax, ecx`, 'f3 0f b8 c1'), 0xffff_ffff_ffff_ffffn, 0xf0n, ARITHMETIC)).toEqual({
      rax: 4n,
      rcx: 0xf0n,
      flags: 0n,
    });
    expect(after(code(`popcnt rcx, rax`, 'f3 48 0f b8 c8'), 0x8000_0000_0000_0001n, 7n)).toMatchObject({
      rax: 0x8000_0000_0000_0001n,
      rcx: 2n,
    });
    expect(after(code(`popcnt cx, ax`, '66 f3 0f b8 c8'), 0n, 0xaaaa_ffffn)).toMatchObject({
      rcx: 0xaaaa_0000n,
      flags: ZF,
    });
  });
});

describe('BSF, BSR with a zero source', () => {
  it('set ZF and leave the destination, all 64 bits of it in the 32-bit form (APM vol. 3; Intel processors too)', () => {
    for (const bytes of [
      code(`bsf rax, rcx`, '48 0f bc c1'),
      code(`bsr rax, rcx`, '48 0f bd c1'),
      code(`bsf eax, ecx`, '0f bc c1'),
      code(`bsr eax, ecx`, '0f bd c1'),
      code(`bsf ax, cx`, '66 0f bc c1'),
    ]) {
      const { rax, flags } = after(bytes, 0x1234_5678_9abc_def0n, 0n);
      expect([rax, flags & ZF]).toEqual([0x1234_5678_9abc_def0n, ZF]);
    }
    expect(after(code(`bsf eax, ecx`, '0f bc c1'), 0n, 0x8000_0000_0000_0010n)).toMatchObject({ rax: 4n });
    expect(after(code(`bsr rax, rcx`, '48 0f bd c1'), 0n, 0x8000_0000_0000_0010n)).toMatchObject({ rax: 63n });
  });
});

describe('Shifts and rotates', () => {
  it.each([
    ['shl', code(`shl eax, cl`, 'd3 e0')],
    ['shr', code(`shr eax, cl`, 'd3 e8')],
    ['sar', code(`sar eax, cl`, 'd3 f8')],
    ['rol', code(`rol eax, cl`, 'd3 c0')],
    ['ror', code(`ror eax, cl`, 'd3 c8')],
    ['rcl', code(`rcl eax, cl`, 'd3 d0')],
    ['rcr', code(`rcr eax, cl`, 'd3 d8')],
    ['shld', code(`shld eax, edx, cl`, '0f a5 d0')],
    ['shrd', code(`shrd eax, edx, cl`, '0f ad d0')],
  ])('%s by 0 keeps every flag, and still clears the upper half of a 32-bit register', (_, bytes) => {
    for (const count of [0n, 32n, 64n]) {
      for (const flags of [0n, ARITHMETIC]) {
        expect(after(bytes, 0xffff_ffff_8000_0001n, count, flags)).toEqual({ rax: 0x8000_0001n, rcx: count, flags });
      }
    }
  });
  it('RCL and RCR rotate 9 bits or 17: the count is modulo 9 or 17 after it is modulo 32', () => {
    for (let count = 0; count < 32; count++) {
      for (const [bits, left, right] of [
        [8, code(`rcl al, cl`, 'd2 d0'), code(`rcr al, cl`, 'd2 d8')],
        [16, code(`rcl ax, cl`, '66 d3 d0'), code(`rcr ax, cl`, '66 d3 d8')],
      ] as const) {
        const value = 0x8421n & ((1n << BigInt(bits)) - 1n);
        for (const carry of [0n, CF]) {
          const ring = value | (carry << BigInt(bits));
          const size = BigInt(bits + 1);
          const by = BigInt(count % (bits + 1));
          const mask = (1n << size) - 1n;
          const turned = {
            left: ((ring << by) | (ring >> (size - by))) & mask,
            right: ((ring >> by) | (ring << (size - by))) & mask,
          };
          for (const [bytes, expected] of [
            [left, turned.left],
            [right, turned.right],
          ] as const) {
            const { rax, flags } = after(bytes, value, BigInt(count), carry);
            expect([rax, flags & CF], `${bits} ${count}`).toEqual([expected & (mask >> 1n), expected >> BigInt(bits)]);
          }
        }
      }
    }
  });
  it('SHLD and SHRD of 16 bits by 16 give the source; by more (undefined) no other bit of the register changes', () => {
    const shift = (bytes: number[], count: bigint): bigint => {
      run(bytes, {
        prepare: () => {
          machine.setReg(RAX, 0x1111_2222_3333_4444n);
          machine.setReg(RDX, 0xaaaa_bbbb_cccc_ddddn);
          machine.setReg(RCX, count);
        },
      });
      return machine.reg(RAX);
    };
    expect(shift(code(`shld ax, dx, cl`, '66 0f a5 d0'), 16n)).toBe(0x1111_2222_3333_ddddn);
    expect(shift(code(`shrd ax, dx, cl`, '66 0f ad d0'), 16n)).toBe(0x1111_2222_3333_ddddn);
    expect(shift(code(`shld ax, dx, cl`, '66 0f a5 d0'), 4n)).toBe(0x1111_2222_3333_444dn);
    for (let count = 17n; count < 32n; count++) {
      for (const bytes of [code(`shld ax, dx, cl`, '66 0f a5 d0'), code(`shrd ax, dx, cl`, '66 0f ad d0')])
        expect(shift(bytes, count) >> 16n).toBe(0x1111_2222_3333n);
    }
  });
});

describe('MUL, IMUL, DIV, IDIV', () => {
  it('MUL: CF and OF say whether the upper half is needed; the other flags are undefined', () => {
    const mul = (rax: bigint, rcx: bigint): bigint => after(code(`mul ecx`, 'f7 e1'), rax, rcx).flags & (CF | OF);
    expect(mul(0x1_0000n, 0xffffn)).toBe(0n);
    expect(mul(0x1_0000n, 0x1_0000n)).toBe(CF | OF);
    expect(machine.reg(RDX)).toBe(1n);
  });
  it('IMUL: CF and OF say whether the sign-extended lower half is the product', () => {
    const imul = (bytes: number[], rax: bigint, rcx: bigint): bigint => after(bytes, rax, rcx).flags & (CF | OF);
    expect(imul(code(`imul eax, ecx`, '0f af c1'), 0xffff_ffffn, 0x8000_0000n)).toBe(CF | OF);
    expect(imul(code(`imul eax, ecx`, '0f af c1'), 0xffff_ffffn, 0x7fff_ffffn)).toBe(0n);
    expect(imul(code(`imul cl`, 'f6 e9'), 0xffn, 0x80n)).toBe(CF | OF);
    expect(machine.reg(RAX)).toBe(0x80n);
    expect(imul(code(`imul rax, rcx, -1`, '48 6b c1 ff'), 0n, 1n << 63n)).toBe(CF | OF);
  });
  it('DIV and IDIV: #DE at the first quotient that does not fit, registers unchanged', () => {
    const divide = (bytes: number[], rdx: bigint, rax: bigint, rcx: bigint): number | undefined =>
      run(bytes, {
        prepare: () => {
          machine.setReg(RAX, rax);
          machine.setReg(RDX, rdx);
          machine.setReg(RCX, rcx);
        },
      }).vector;
    const high = 0xffff_ffffn;
    expect(divide(code(`div ecx`, 'f7 f1'), high - 1n, high, high)).toBeUndefined();
    expect([machine.reg(RAX), machine.reg(RDX)]).toEqual([high, high - 1n]);
    expect(divide(code(`div ecx`, 'f7 f1'), high, 0n, high)).toBe(DE);
    expect([machine.reg(RAX), machine.reg(RDX)]).toEqual([0n, high]);
    // -80000000h / 1 fits, -80000000h / -1 does not, nor does 80000000h / 1
    expect(divide(code(`idiv ecx`, 'f7 f9'), high, 0x8000_0000n, 1n)).toBeUndefined();
    expect(machine.reg(RAX)).toBe(0x8000_0000n);
    expect(divide(code(`idiv ecx`, 'f7 f9'), high, 0x8000_0000n, high)).toBe(DE);
    expect(divide(code(`idiv ecx`, 'f7 f9'), 0n, 0x8000_0000n, 1n)).toBe(DE);
    const wide = (1n << 64n) - 1n;
    expect(divide(code(`div rcx`, '48 f7 f1'), wide - 1n, wide, wide)).toBeUndefined();
    expect(divide(code(`div rcx`, '48 f7 f1'), wide, 0n, wide)).toBe(DE);
    expect(divide(code(`idiv rcx`, '48 f7 f9'), wide, 1n << 63n, wide)).toBe(DE);
    expect(divide(code(`idiv rcx`, '48 f7 f9'), wide, 1n << 63n, 1n)).toBeUndefined();
    expect(divide(code(`idiv cl`, 'f6 f9'), 0n, 0xff80n, 0xffn)).toBe(DE);
    expect(divide(code(`idiv cl`, 'f6 f9'), 0n, 0xff80n, 1n)).toBeUndefined();
    expect(machine.reg(RAX)).toBe(0x80n); // quotient -128, remainder 0
    // the sign of the remainder is the dividend's
    expect(divide(code(`idiv ecx`, 'f7 f9'), high, BigInt.asUintN(32, -7n), 2n)).toBeUndefined();
    expect([machine.reg(RAX), machine.reg(RDX)]).toEqual([BigInt.asUintN(32, -3n), BigInt.asUintN(32, -1n)]);
  });
});

describe('String instructions that fault in the middle', () => {
  const BORDER = DATA + 0x1000;
  const absent = (page: number) => (): void => mapPage(page, 0n);

  it('REP MOVSB, a missing destination page: registers at the byte that faulted, the ones before done', () => {
    const outcome = run(code(`rep movsb`, 'f3 a4'), {
      prepare: () => {
        absent(BORDER)();
        machine.write(0x2_4000, [1, 2, 3, 4, 5, 6, 7, 8]);
        machine.setReg(RSI, 0x2_4000);
        machine.setReg(RDI, BORDER - 3);
        machine.setReg(RCX, 8);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, error: 2n, rip: BigInt(CODE) });
    expect([RCX, RSI, RDI].map((register) => Number(machine.reg(register)))).toEqual([5, 0x2_4003, BORDER]);
    expect(machine.get('CR2')).toBe(BigInt(BORDER));
    expect(machine.read64(BORDER - 4)).toBe(0x0302_0100n);
  });
  it('REP MOVSD, an element on both pages: nothing of it is written', () => {
    const outcome = run(code(`rep movsd`, 'f3 a5'), {
      prepare: () => {
        absent(BORDER)();
        machine.write64(0x2_4000, 0x1111_1111_2222_2222n);
        machine.setReg(RSI, 0x2_4000);
        machine.setReg(RDI, BORDER - 6);
        machine.setReg(RCX, 2);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, error: 2n });
    expect([RCX, RSI, RDI].map((register) => Number(machine.reg(register)))).toEqual([1, 0x2_4004, BORDER - 2]);
    expect(machine.read64(BORDER - 8)).toBe(0x2222_2222_0000n);
  });
  it('REPE CMPSB keeps the flags of the last comparison that was made', () => {
    const outcome = run(code(`repe cmpsb`, 'f3 a6'), {
      prepare: () => {
        absent(BORDER)();
        machine.setReg(RSI, 0x2_4000);
        machine.setReg(RDI, BORDER - 2);
        machine.setReg(RCX, 4);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, error: 0n });
    expect(outcome.flags & (ZF | CF)).toBe(ZF);
    expect(Number(machine.reg(RCX))).toBe(2);
  });
  it('backwards, a source page that is missing', () => {
    const outcome = run(code(`std; rep lodsw`, 'fd f3 66 ad'), {
      prepare: () => {
        absent(DATA)();
        machine.setReg(RSI, BORDER);
        machine.setReg(RCX, 2);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, error: 0n, rip: BigInt(CODE + 1) });
    expect([RCX, RSI].map((register) => Number(machine.reg(register)))).toEqual([1, BORDER - 2]);
  });
});

describe('XCHG and CMPXCHG write in any case', () => {
  const readOnly = (): void => {
    mapPage(DATA, BigInt(DATA) | 5n);
    machine.setReg(RBX, DATA);
    machine.setReg(RAX, 1);
    machine.setReg(RCX, 2);
  };
  it.each([
    ['CMPXCHG that fails', code(`cmpxchg [rbx], ecx`, '0f b1 0b')],
    ['LOCK CMPXCHG that fails', code(`lock cmpxchg [rbx], ecx`, 'f0 0f b1 0b')],
    ['CMPXCHG8B that fails', code(`cmpxchg8b [rbx]`, '0f c7 0b')],
    ['CMPXCHG16B that fails', code(`cmpxchg16b [rbx]`, '48 0f c7 0b')],
    ['XCHG', code(`xchg [rbx], ecx`, '87 0b')],
    ['XADD', code(`xadd [rbx], ecx`, '0f c1 0b')],
    ['ADD of zero', code(`add dword [rbx], 0`, '83 03 00')],
    ['BTS of a bit that is set', code(`bts dword [rbx], 0`, '0f ba 2b 00')],
    ['SHL by zero', code(`shl dword [rbx], 0x20`, 'c1 23 20')],
  ])('%s: a page that may not be written is a write fault, and nothing changes', (name, bytes) => {
    const outcome = run(bytes, { prepare: readOnly });
    // A shift by zero is the one for which the manual does not promise a write.
    if (name === 'SHL by zero' && outcome.vector === undefined) return;
    expect(outcome).toMatchObject({ vector: PF, error: 3n, rip: BigInt(CODE) });
    expect([machine.reg(RAX), machine.reg(RCX), machine.read64(DATA)]).toEqual([1n, 2n, 0n]);
  });
  it('CMPXCHG that fails sets the dirty bit', () => {
    run(code(`cmpxchg [rbx], ecx`, '0f b1 0b'), { prepare: () => (readOnly(), mapPage(DATA, BigInt(DATA) | 7n)) });
    expect(machine.read64(0x4000 + (DATA >> 12) * 8) & 0x60n).toBe(0x60n);
  });
});

describe('RSP when PUSH, POP, CALL, ENTER fault', () => {
  const STACK_TOP = 0x3_0000;
  it.each([
    ['push', code(`push rax`, '50')],
    ['push from memory', code(`push qword [rbx]`, 'ff 33')],
    ['pushfq', code(`pushfq`, '9c')],
    ['call', code(`call 0x10100`, 'e8 fb 00 00 00')],
    ['call through memory', code(`call [rbx]`, 'ff 13')],
    ['enter', code(`enter 32, 0`, 'c8 20 00 00')],
    ['enter with a frame', code(`enter 32, 2`, 'c8 20 00 02')],
    ['far call', code(`call far [rbx + 64]`, '48 ff 5b 40')],
  ])('%s to a missing page leaves it, and RBP', (_, bytes) => {
    const outcome = run(bytes, {
      prepare: () => {
        mapPage(STACK_TOP - 0x1000, 0n);
        machine.write(0x9000 + 14 * 16 + 4, [1]); // #PF on IST 1
        machine.setReg(RSP, STACK_TOP);
        machine.setReg(5, 0x1234);
        machine.setReg(RBX, DATA);
        machine.write64(DATA, 0x1_0100n);
        machine.write64(DATA + 64, 0x8_0001_0100n);
      },
    });
    expect(outcome).toMatchObject({ vector: PF, rip: BigInt(CODE), rsp: BigInt(STACK_TOP) });
    expect(machine.reg(5)).toBe(0x1234n);
  });
  it("POP to memory: the destination's fault leaves RSP; its address uses RSP as it is after the pop", () => {
    const pop = (bytes: number[], missing: number): ReturnType<typeof run> =>
      run(bytes, {
        prepare: () => {
          mapPage(missing, 0n);
          machine.setReg(RSP, STACK_TOP - 8);
          machine.setReg(RBX, DATA);
          machine.write64(STACK_TOP - 8, 0x77n);
        },
      });
    expect(pop(code(`pop qword [rbx]`, '8f 03'), DATA)).toMatchObject({
      vector: PF,
      error: 2n,
      rsp: BigInt(STACK_TOP - 8),
    });
    expect(pop(code(`pop qword [rsp + 8]`, '8f 44 24 08'), DATA).vector).toBeUndefined();
    expect([machine.read64(STACK_TOP + 8), Number(machine.reg(RSP))]).toEqual([0x77n, STACK_TOP]);
  });
  it('POP RSP and PUSH RSP: the value, not the pointer', () => {
    run(code(`push rsp; pop rax`, '54 58'));
    expect(machine.reg(RAX)).toBe(0x4_8000n);
    run(code(`push 0x30000; pop rsp`, '68 00 00 03 00 5c'));
    expect(machine.reg(RSP)).toBe(0x3_0000n);
  });
});

it('SF, PF and AF are part of what the flags of a comparison say', () => {
  expect(after(code(`cmp eax, ecx`, '39 c8'), 0x10n, 0x11n).flags).toBe(CF | PF_FLAG | AF | SF);
});
