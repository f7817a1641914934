// The vectors of 16- and 32-bit code, and those on segments in 64-bit mode, agree with the manual on segments, wrapping
// and the instructions of their own.
import { describe, expect, it } from 'vitest';
import { DATA_BASE, DATA_SIZE, expectedMemory, loadVectors, vectorGroups, type Vector } from './load.js';
import { AF, CF, OF, Reg, ZF, littleEndian } from './manual.js';
import { SEG_SS, segmentOf, type Segment } from './segments.js';

const groups = vectorGroups().filter((name) => name.startsWith('legacy'));
const all = groups.flatMap((name) => [...loadVectors(name)]);

/** The vectors of a form in both modes. */
function form(name: string): Vector[] {
  const list = all.filter((v) => v.form === `code16 ${name}` || v.form === `code32 ${name}`);
  if (list.length === 0) throw new Error(`there is no form '${name}'`);
  return list;
}
function violations(vectors: Vector[], rule: (vector: Vector) => boolean): string[] {
  if (vectors.length === 0) throw new Error('there is no vector to check');
  return vectors.filter((v) => !rule(v)).map((v) => `${v.form} #${v.index}: ${Buffer.from(v.bytes).toString('hex')}`);
}
const register = (v: Vector, index: number, bits = 32): bigint => BigInt.asUintN(bits, v.regsIn[index]!);
const after = (v: Vector, index: number, bits = 32): bigint => BigInt.asUintN(bits, v.expect.regs[index]!);
const stack = (v: Vector): Segment => v.segmented!.tables.segment(v.segmented!.segmentsIn[SEG_SS]!);
const faults = (v: Vector, vector: number, errorCode: number): boolean =>
  v.expect.fault?.vector === vector && v.expect.fault.errorCode === errorCode;
/** `bytes` bytes afterwards at an offset of the stack segment. */
function onStack(v: Vector, offset: bigint, bytes: number): bigint {
  const at = Number(((stack(v).base + (offset & stack(v).mask) - DATA_BASE) & 0xffff_ffffn) % 0x1_0000n);
  if (at + bytes > DATA_SIZE) throw new RangeError(`${v.form} #${v.index}: the stack is elsewhere`);
  return littleEndian(expectedMemory(v), at, bytes);
}

describe('vectors of legacy modes', () => {
  it('take a descriptor apart as SDM vol. 3, figure 3-8 draws it', () => {
    expect(segmentOf(0x12cf_f334_5678_abcdn)).toEqual({
      base: 0x1234_5678n,
      limit: 0xfabc_dfff,
      rights: 0xc0f3,
      mask: 0xffff_ffffn,
    });
    expect(segmentOf(0x0040_9a00_0000_0fffn).limit).toBe(0xfff);
  });

  it('change 32-bit registers only, and leave the segments of the tables', () => {
    expect(violations(all, (v) => v.expect.regs.every((value, i) => value < (i < 8 ? 1n << 32n : 1n)))).toEqual([]);
    expect(violations(all, (v) => v.segmented!.bits === (v.form.startsWith('code16') ? 16 : 32))).toEqual([]);
  });

  it('AAA adjusts AL and AH together, AAD and AAM divide by their immediate', () => {
    expect(
      violations(form('aaa'), (v) => {
        const ax = register(v, Reg.rax, 16);
        const adjust = (ax & 15n) > 9n || (v.flagsIn & AF) !== 0;
        const result = (adjust ? ax + 0x106n : ax) & 0xff0fn;
        return after(v, Reg.rax, 16) === result && (v.expect.flags & (AF | CF)) === (adjust ? AF | CF : 0);
      }),
    ).toEqual([]);
    expect(
      violations(form('aam imm8'), (v) => {
        const al = register(v, Reg.rax, 8);
        const base = BigInt(v.bytes.at(-1)!);
        if (base === 0n) return faults(v, 0, 0);
        return after(v, Reg.rax, 16) === ((al / base) << 8n) + (al % base);
      }),
    ).toEqual([]);
    expect(
      violations(form('aad imm8'), (v) => {
        const ax = register(v, Reg.rax, 16);
        return after(v, Reg.rax, 16) === (((ax >> 8n) * BigInt(v.bytes.at(-1)!) + ax) & 0xffn);
      }),
    ).toEqual([]);
  });

  it('INTO traps behind itself where OF is set', () => {
    const overflow = (v: Vector): boolean => (v.flagsIn & OF) !== 0;
    expect(violations(form('into'), (v) => (v.expect.fault?.vector === 4) === overflow(v))).toEqual([]);
    expect(violations(form('into'), (v) => v.expect.rip === v.rip + 1n)).toEqual([]);
  });

  it('PUSH moves SP or ESP by the size of the stack, whatever the code and the operand', () => {
    for (const [name, bytes] of [
      ['push imm16', 2],
      ['push imm32', 4],
    ] as const) {
      expect(
        violations(form(name), (v) => {
          const esp = register(v, Reg.rsp);
          const { mask } = stack(v);
          const moved = (esp & ~mask) | ((esp - BigInt(bytes)) & mask);
          const immediate = littleEndian(v.bytes, v.bytes.length - bytes, bytes);
          return after(v, Reg.rsp) === moved && onStack(v, moved, bytes) === immediate;
        }),
      ).toEqual([]);
    }
    expect(new Set(form('push imm16').map((v) => stack(v).mask)).size).toBe(2);
  });

  it('the stack faults with #SS(0) where its operand is not inside', () => {
    expect(
      violations(form('push r (16 bits) [stack 16-bit limit]'), (v) => {
        const last = ((register(v, Reg.rsp, 16) - 2n) & 0xffffn) + 1n;
        return last > 0x11ffn ? faults(v, 12, 0) : v.expect.fault === undefined;
      }),
    ).toEqual([]);
    expect(
      violations(form('push r (16 bits) [stack 16-bit expand-down]'), (v) => {
        const first = (register(v, Reg.rsp, 16) - 2n) & 0xffffn;
        return first < 0xf000n ? faults(v, 12, 0) : v.expect.fault === undefined;
      }),
    ).toEqual([]);
    expect(
      violations(form('push r (16 bits) [stack wraps at 64 KiB]'), (v) =>
        register(v, Reg.rsp, 16) === 1n ? faults(v, 12, 0) : v.expect.fault === undefined,
      ),
    ).toEqual([]);
  });

  it('a null selector faults when it is used, a write to a read-only segment too', () => {
    expect(violations(form('mov r32, m32 [null selector]'), (v) => faults(v, 13, 0))).toEqual([]);
    expect(violations(form('mov m32, r32 [read-only segment]'), (v) => faults(v, 13, 0))).toEqual([]);
    expect(violations(form('mov r32, m32 [read-only segment]'), (v) => v.expect.fault === undefined)).toEqual([]);
  });

  it('loading a segment register names the selector it refuses', () => {
    // SDM vol. 2, MOV: #NP for a segment that is not present (#SS in SS), #GP for all else; #GP(0) for null in SS.
    const loads = [...form('mov ss, r/m16'), ...form('mov ds, r/m16')];
    const loaded = (v: Vector): boolean => v.expect.fault === undefined;
    expect(loads.filter(loaded).length).toBeGreaterThan(40);
    expect(
      violations(
        loads.filter((v) => !loaded(v)),
        ({ form, expect: { fault } }) => {
          if (fault!.errorCode === 0) return form.includes('ss') && fault!.vector === 13;
          return fault!.vector === 13 || fault!.vector === (form.includes('ss') ? 12 : 11);
        },
      ),
    ).toEqual([]);
    expect(violations(loads.filter(loaded), (v) => v.expect.segments!.every((s) => s === 0 || s > 3))).toEqual([]);
  });

  it('LSL gives the limit in bytes where it sets ZF, and nothing where it does not', () => {
    // the register forms: 0F 03 and a ModRM byte at the end
    const vectors = form('lsl r32, r/m16').filter((v) => v.bytes.at(-3) === 0x0f && v.bytes.at(-1)! >= 0xc0);
    const destination = (v: Vector): number => (v.bytes.at(-1)! >> 3) & 7;
    expect(
      violations(vectors, (v) => {
        const selector = Number(register(v, v.bytes.at(-1)! & 7, 16));
        if ((v.expect.flags & ZF) === 0) return v.expect.regs[destination(v)] === v.regsIn[destination(v)];
        return after(v, destination(v)) === BigInt(v.segmented!.tables.segment(selector).limit);
      }),
    ).toEqual([]);
    expect(vectors.some((v) => (v.expect.flags & ZF) !== 0)).toBe(true);
  });

  it('LOOP faults without counting where its target leaves the limit', () => {
    const refused = form('loop rel8 (operand size 16) [leaves the limit]').filter((v) => v.expect.fault);
    expect(violations(refused, (v) => faults(v, 13, 0) && after(v, Reg.rcx) === register(v, Reg.rcx))).toEqual([]);
  });
});

describe('vectors on segments in 64-bit mode', () => {
  const vectors = [...loadVectors('segment64')];
  const named = (name: string): Vector[] => vectors.filter((v) => v.form === name);

  it('stay 64-bit code, or end in 16- or 32-bit code by a far transfer only', () => {
    expect(violations(vectors, (v) => v.segmented!.bits === 64)).toEqual([]);
    const left = vectors.filter((v) => v.expect.segments![1] !== v.segmented!.segmentsIn[1]);
    expect(violations(left, (v) => /^(jmp m16|call m16|retf|iret)/.test(v.form))).toEqual([]);
  });

  it('the bases of FS and GS count, their limits do not', () => {
    for (const [index, name] of [
      [4, 'fs'],
      [5, 'gs'],
    ] as const) {
      expect(
        violations(named(`mov eax, moffs32 [${name}]`), (v) => {
          const { base } = v.segmented!.tables.segment(v.segmented!.segmentsIn[index]!);
          const linear = BigInt.asUintN(64, base + littleEndian(v.bytes, 2, 8));
          const read = littleEndian(expectedMemory(v), Number(linear - DATA_BASE), 4);
          return v.expect.fault === undefined && v.expect.regs[Reg.rax] === read;
        }),
      ).toEqual([]);
    }
  });

  it('IRETQ pops five quadwords, RSP and SS among them', () => {
    const done = named('iretq (operand size 64)').filter((v) => v.expect.fault === undefined);
    const popped = (v: Vector, item: number): bigint =>
      littleEndian(expectedMemory(v), Number(v.regsIn[Reg.rsp]! - DATA_BASE) + 8 * item, 8);
    expect(violations(done, (v) => BigInt(v.expect.segments![1]!) === popped(v, 1))).toEqual([]);
    expect(violations(done, (v) => BigInt(v.expect.segments![SEG_SS]!) === popped(v, 4))).toEqual([]);
  });
});
