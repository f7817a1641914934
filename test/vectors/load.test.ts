// The vector files are whole, and agree with the manual (manual.ts) and with an independent disassembler on what they
// are. A check runs over many vectors and reports those that break it.
import { Code, CodeExt, CpuidFeature, Decoder, DecoderError, EncodingKind, Instruction, Mnemonic } from 'iced-x86';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CODE_BASE,
  CODE_SIZE,
  DATA_BASE,
  DATA_SIZE,
  VectorFileError,
  casesByInstruction,
  expectedMemory,
  loadVectors,
  vectorGroups,
  type Fault,
  type Vector,
} from './load.js';
import { SEG_CS } from './segments.js';
import { AF, CF, OF, PF, Reg, SF, STATUS, ZF, addOrSubtract, crc32c, holds, littleEndian, load } from './manual.js';

const DF = 0x400;
const CODE_END = CODE_BASE + BigInt(CODE_SIZE);
/** How much higher the pages are mapped a second time. */
const ALIAS = 0x1_0000n;
const DATA_END = DATA_BASE + BigInt(DATA_SIZE);
const byForm = new Map<string, Vector[]>();

beforeAll(() => {
  for (const vector of loadVectors()) {
    const list = byForm.get(vector.form);
    if (list === undefined) byForm.set(vector.form, [vector]);
    else list.push(vector);
  }
});

function form(name: string): Vector[] {
  const list = byForm.get(name);
  if (list === undefined) throw new Error(`there is no form '${name}'`);
  return list;
}

/** Names the vectors that break a rule; a rule nothing is held against is a mistake in the test. */
function violations(vectors: Vector[], rule: (vector: Vector) => boolean): string[] {
  if (vectors.length === 0) throw new Error('there is no vector to check');
  return vectors.filter((v) => !rule(v)).map((v) => `${v.form} #${v.index}: ${Buffer.from(v.bytes).toString('hex')}`);
}

/** Linear address of RIP afterwards, where the code pages are mapped first. */
function addressAfter(v: Vector): bigint {
  if (v.segmented === undefined) return v.expect.rip;
  const selector = v.expect.segments![SEG_CS]!;
  if (v.segmented.tables.codeSize(selector) === 64) return v.expect.rip;
  const { base } = v.segmented.tables.segment(selector);
  const linear = low(32, base + v.expect.rip);
  return linear >= CODE_BASE + ALIAS ? linear - ALIAS : linear;
}

const all = (): Vector[] => [...byForm.values()].flat();
const low = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
const down = (v: Vector): boolean => (v.flagsIn & DF) !== 0;
const faultsWith = (v: Vector, fault: Fault): boolean =>
  v.expect.fault?.vector === fault.vector &&
  v.expect.fault.errorCode === fault.errorCode &&
  v.expect.fault.cr2 === fault.cr2;
const pageFault = (errorCode: number, cr2: bigint): Fault => ({ vector: 14, errorCode, cr2 });
const storedAt = (v: Vector, address: bigint): bigint =>
  littleEndian(expectedMemory(v), Number(address - DATA_BASE), 8);

describe('the vector files', () => {
  it('hold the groups, forms and cases that were recorded', () => {
    expect(vectorGroups().join(' ')).toBe(
      'arithmetic avx-convert avx-float avx-gather avx-integer avx-move bits bmi condition crypto decode ' +
        'exchange fault flow fma forbidden fpu-state invalid legacy-avx legacy-bmi legacy-decode legacy-fault ' +
        'legacy-flow legacy-invalid legacy-mmx legacy-only legacy-segment legacy-sse legacy-stack legacy-string ' +
        'legacy-x87 legacy16 legacy32 misc mmx move multiply random segment64 shift sse-convert sse-float ' +
        'sse-integer sse-move stack string string-compare x87 x87-transcendental',
    );
    expect(byForm.size).toBe(12_385);
    expect(all()).toHaveLength(274_431);
  });

  it('name the group that is missing', () => {
    expect(() => [...loadVectors('sse')]).toThrow(VectorFileError);
    expect(() => [...loadVectors('sse')]).toThrow(/no vector group 'sse'; there are arithmetic, avx-convert,/);
  });

  it('stay inside the page layout', () => {
    expect(
      violations(all(), (v) => {
        const after = addressAfter(v);
        return v.address >= CODE_BASE && v.address < CODE_END && after >= CODE_BASE && after < CODE_END;
      }),
    ).toEqual([]);
    expect(
      violations(all(), (v) => v.expect.memory.every((store) => store.offset + store.bytes.length <= DATA_SIZE)),
    ).toEqual([]);
    expect(
      violations(all(), (v) => v.memory.patches.every((patch) => patch.offset + patch.bytes.length <= DATA_SIZE)),
    ).toEqual([]);
  });

  it('are the instructions they are called, by another decoder', () => {
    const decodes = (v: Vector): [mnemonic: string, length: number] => {
      const decoder = new Decoder(v.segmented?.bits ?? 64, v.bytes, 0);
      const instruction = decoder.decode();
      const seen: [string, number] = [Mnemonic[instruction.mnemonic]!.toLowerCase(), instruction.length];
      instruction.free();
      decoder.free();
      return seen;
    };
    const nothing = (v: Vector): boolean => v.form.includes('#UD') || v.form.includes('16 bytes');
    expect(
      violations(
        all().filter((v) => !nothing(v) && !v.form.includes('#GP') && v.form !== 'nop r32 (0F 1F)'),
        (v) => {
          const [mnemonic, length] = decodes(v);
          return (
            mnemonic === v.form.replace(/^(code32 |code16 )?((lock|repne|repe|rep) )?/, '').split(' ')[0] &&
            length === v.bytes.length
          );
        },
      ),
    ).toEqual([]);
    // UD0, UD1 and UD2 decode; XSTORE is another maker's instruction.
    expect(
      violations(
        all().filter((v) => nothing(v) && v.segmented === undefined),
        (v) => ['invalid', 'ud0', 'ud1', 'ud2', 'xstore'].includes(decodes(v)[0]),
      ),
    ).toEqual([]);
  });
});

describe('the forms', () => {
  /** CPUID features as iced-x86 names them whose instructions all have vectors. */
  const FEATURES = new Set(
    (
      'FPU FPU287 FPU387 FPU+CMOV FPU+SSE3 MMX SSE SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 AES AES+AVX PCLMULQDQ PCLMULQDQ+AVX SHA ' +
      'AVX AVX2 FMA F16C BMI1 BMI2 ADX LZCNT POPCNT MOVBE FXSR XSAVE XSAVEOPT XSAVEC XSAVES RDRAND RDSEED CX8 CMPXCHG16B ' +
      'CMOV CLFSH PAUSE'
    ).split(' '),
  );

  it('are all that another decoder knows of floating point, vectors and bit manipulation', () => {
    const seen = new Set<Code>();
    let last = '';
    let count = 0;
    for (const { form: name, bytes, bits } of casesByInstruction()) {
      count = name === last ? count + 1 : 0;
      last = name;
      // A form is one instruction: its first few cases tell which.
      if (name.includes('#') || count >= 8) continue;
      const decoder = new Decoder(bits, bytes, 0);
      const instruction = decoder.decode();
      seen.add(instruction.code);
      instruction.free();
      decoder.free();
    }
    const missing: string[] = [];
    let known = 0;
    for (const [name, code] of Object.entries(Code)) {
      if (typeof code !== 'number') continue;
      const instruction = new Instruction();
      instruction.code = code;
      const feature = Array.from(instruction.cpuidFeatures(), (one) => CpuidFeature[one]).join('+');
      const info = CodeExt.opCode(code);
      const encoded = info.encoding === EncodingKind.Legacy || info.encoding === EncodingKind.VEX;
      // FSTCW and its kind are two instructions, WAIT and FNSTCW, which both are there.
      if (FEATURES.has(feature) && encoded && !info.fwait) {
        known++;
        if (!seen.has(code)) missing.push(name);
      }
      info.free();
      instruction.free();
    }
    expect(known).toBeGreaterThan(1200);
    expect(missing).toEqual([]);
  });

  it('that mean nothing are #UD, and invalid for another decoder', () => {
    for (const group of ['invalid', 'legacy-invalid']) {
      expect(
        violations([...loadVectors(group)], (v) => {
          // Whatever might follow follows, so that nothing is invalid because it ends early.
          const decoder = new Decoder(v.segmented?.bits ?? 64, Buffer.concat([v.bytes, Buffer.alloc(8)]), 0);
          decoder.decode().free();
          const { lastError } = decoder;
          decoder.free();
          return lastError === DecoderError.InvalidInstruction && v.expect.fault?.vector === 6;
        }),
      ).toEqual([]);
    }
  });
});

describe('recorded results are those of the manual', () => {
  it('adding 1 to 7FH overflows into 80H, and 0 - 1 borrows: the model itself', () => {
    expect(addOrSubtract('add', 0x7fn, 1n, 0n, 8)).toEqual({ result: 0x80n, flags: OF | SF | AF });
    expect(addOrSubtract('sub', 0n, 1n, 0n, 8)).toEqual({ result: 0xffn, flags: CF | SF | AF | PF });
  });

  it.each([
    ['add', 'add', 'al', 8],
    ['add', 'add', 'eax', 32],
    ['adc', 'add', 'al', 8],
    ['adc', 'add', 'eax', 32],
    ['sub', 'sub', 'al', 8],
    ['sub', 'sub', 'eax', 32],
    ['sbb', 'sub', 'al', 8],
    ['sbb', 'sub', 'eax', 32],
    ['cmp', 'sub', 'al', 8],
    ['cmp', 'sub', 'eax', 32],
  ] as const)('%s: result and all six flags (%s, %s)', (name, kind, accumulator, bits) => {
    const carries = name === 'adc' || name === 'sbb';
    expect(
      violations(form(`${name} ${accumulator}, imm${bits}`), (v) => {
        const before = v.regsIn[Reg.rax]!;
        const immediate = littleEndian(v.bytes, 1, bits / 8);
        const { result, flags } = addOrSubtract(
          kind,
          low(bits, before),
          immediate,
          carries ? BigInt(v.flagsIn & CF) : 0n,
          bits,
        );
        // A byte result keeps the rest of RAX, a doubleword result clears it (SDM vol. 1, 3.4.1.1).
        const after = name === 'cmp' ? before : bits === 8 ? ((before >> 8n) << 8n) | result : result;
        return (
          v.expect.regs[Reg.rax] === after &&
          (v.expect.flags & STATUS) === flags &&
          v.expect.flagsMask === (STATUS | DF)
        );
      }),
    ).toEqual([]);
  });

  it('AND leaves AF undefined and clears CF and OF', () => {
    expect(
      violations(form('and eax, imm32'), (v) => (v.expect.flagsMask & AF) === 0 && (v.expect.flags & (CF | OF)) === 0),
    ).toEqual([]);
  });

  it('MUL r/m64: RDX:RAX is the product, CF and OF tell whether RDX matters', () => {
    expect(
      violations(
        form('mul r/m64 [mem]').filter((v) => v.memory.patches.length === 1),
        (v) => {
          const factor = littleEndian(v.memory.patches[0]!.bytes, 0, 8);
          const product = (v.expect.regs[Reg.rdx]! << 64n) | v.expect.regs[Reg.rax]!;
          const overflow = v.expect.regs[Reg.rdx] === 0n ? 0 : CF | OF;
          return product === v.regsIn[Reg.rax]! * factor && (v.expect.flags & (CF | OF)) === overflow;
        },
      ),
    ).toEqual([]);
  });

  it('DIV r/m32 divides EDX:EAX or raises #DE', () => {
    const parts = (v: Vector): [dividend: bigint, divisor: bigint] => [
      (low(32, v.regsIn[Reg.rdx]!) << 32n) | low(32, v.regsIn[Reg.rax]!),
      low(32, v.regsIn[(v.bytes.at(-1)! & 7) | (v.bytes[0] === 0x41 ? 8 : 0)]!),
    ];
    const overflows = (v: Vector): boolean => {
      const [dividend, divisor] = parts(v);
      return divisor === 0n || dividend / divisor > 0xffff_ffffn;
    };
    const vectors = form('div r/m32 [reg]');
    expect(violations(vectors.filter(overflows), (v) => faultsWith(v, { vector: 0, errorCode: 0 }))).toEqual([]);
    expect(
      violations(
        vectors.filter((v) => !overflows(v)),
        (v) => {
          const [dividend, divisor] = parts(v);
          return v.expect.regs[Reg.rax] === dividend / divisor && v.expect.regs[Reg.rdx] === dividend % divisor;
        },
      ),
    ).toEqual([]);
  });

  it('Jcc goes where its condition says', () => {
    const names = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
    for (const [cc, name] of names.entries()) {
      expect(
        violations(form(`j${name} rel8`), (v) => {
          const displacement = new Int8Array([v.bytes.at(-1)!])[0]!;
          return v.expect.rip === v.rip + BigInt(v.bytes.length + (holds(cc, v.flagsIn) ? displacement : 0));
        }),
      ).toEqual([]);
    }
  });

  it('CRC32 divides by 11EDC6F41H', () => {
    // The published check value of CRC-32C, for the model itself.
    const check = [...'123456789'].reduce((crc, digit) => crc32c(crc, BigInt(digit.charCodeAt(0)), 1), 0xffff_ffff);
    expect(~check >>> 0).toBe(0xe306_9283);
    expect(
      violations(form('crc32 r32, r/m32 [reg]'), (v) => {
        const rex = v.bytes.length === 6 ? v.bytes[1]! : 0;
        const modrm = v.bytes.at(-1)!;
        const to = ((modrm >> 3) & 7) | ((rex & 4) << 1);
        const from = (modrm & 7) | ((rex & 1) << 3);
        return v.expect.regs[to] === BigInt(crc32c(Number(low(32, v.regsIn[to]!)), v.regsIn[from]!, 4));
      }),
    ).toEqual([]);
  });

  it('BSF with a zero source sets ZF and leaves its destination undefined', () => {
    const zero = form('bsf r64, r/m64 [reg]').filter((v) => (v.expect.flags & ZF) !== 0);
    expect(violations(zero, (v) => v.expect.regsMask !== 0xffff)).toEqual([]);
    expect(
      violations(
        form('bsf r64, r/m64 [reg]').filter((v) => (v.expect.flags & ZF) === 0),
        (v) => v.expect.regsMask === 0xffff,
      ),
    ).toEqual([]);
  });

  it('BTS with a register offset sets one bit, far beyond its operand too', () => {
    const changed = form('bts r/m64, r64 [mem]').filter((v) => v.expect.memory.length > 0);
    expect(violations(changed, (v) => v.expect.memory.length === 1 && v.expect.memory[0]!.bytes.length === 1)).toEqual(
      [],
    );
    const distance = (v: Vector): number => Math.abs(v.expect.memory[0]!.offset - v.memory.patches[0]!.offset);
    expect(Math.max(...changed.map(distance))).toBeGreaterThan(0x200);
  });

  it('REP STOSQ fills RCX elements in the direction of DF', () => {
    expect(
      violations(form('rep stosq'), (v) => {
        const count = Number(v.regsIn[Reg.rcx]!);
        const step = down(v) ? -8n : 8n;
        const places = Array.from({ length: count }, (_, i) => v.regsIn[Reg.rdi]! + step * BigInt(i));
        return (
          places.every((place) => storedAt(v, place) === v.regsIn[Reg.rax]) &&
          v.expect.regs[Reg.rcx] === 0n &&
          v.expect.regs[Reg.rdi] === v.regsIn[Reg.rdi]! + step * BigInt(count)
        );
      }),
    ).toEqual([]);
  });

  it('PUSHFQ stores RFLAGS, CALL the address behind it, and POP RSP keeps what it popped', () => {
    expect(violations(form('pushfq'), (v) => storedAt(v, v.regsIn[Reg.rsp]! - 8n) === BigInt(v.flagsIn))).toEqual([]);
    expect(violations(form('call rel32'), (v) => storedAt(v, v.regsIn[Reg.rsp]! - 8n) === v.rip + 5n)).toEqual([]);
    expect(
      violations(
        form('pop r64').filter((v) => v.bytes.at(-1) === 0x5c && (v.bytes.length === 1 || v.bytes[0] === 0x48)),
        (v) => v.expect.regs[Reg.rsp] === load(v, v.regsIn[Reg.rsp]!, 8),
      ),
    ).toEqual([]);
  });
});

describe('faults', () => {
  it('leave the instruction restartable: nothing has changed, RIP stands at it', () => {
    const string = /^(code\d\d )?(rep\w* )?(movs|cmps|stos|lods|scas)/;
    const faults = all().filter(
      (v) => v.expect.fault !== undefined && v.expect.fault.vector !== 4 && !string.test(v.form),
    );
    expect(faults.length).toBeGreaterThan(2000);
    expect(violations(faults, (v) => v.expect.rip === v.rip && v.expect.memory.length === 0)).toEqual([]);
    expect(violations(faults, (v) => ((v.expect.flags ^ v.flagsIn) & v.expect.flagsMask) === 0)).toEqual([]);
    expect(violations(faults, (v) => v.expect.regs.every((value, i) => value === v.regsIn[i]))).toEqual([]);
  });

  it('carry the error code and address the manual asks for', () => {
    // SDM vol. 3A, 4.7: P is 1, W is 2, U is 4, I is 16.
    expect(violations(form('mov r64, m64 [across end]'), (v) => faultsWith(v, pageFault(4, DATA_END)))).toEqual([]);
    expect(violations(form('mov m64, r64 [across end]'), (v) => faultsWith(v, pageFault(6, DATA_END)))).toEqual([]);
    expect(violations(form('add m32, r32 [unmapped]'), (v) => v.expect.fault?.errorCode === 6)).toEqual([]);
    expect(violations(form('cmp m32, r32 [unmapped]'), (v) => v.expect.fault?.errorCode === 4)).toEqual([]);
    expect(violations(form('inc m32 [read-only]'), (v) => v.expect.fault?.errorCode === 7)).toEqual([]);
    expect(
      violations(form('mov r64, imm64 (runs into an unmapped page)'), (v) => faultsWith(v, pageFault(0x14, CODE_END))),
    ).toEqual([]);
  });

  it('of the stack are #SS where the address is non-canonical', () => {
    const canonical = (v: Vector): boolean => low(64, BigInt.asIntN(48, v.regsIn[Reg.rsp]!)) === v.regsIn[Reg.rsp];
    const vectors = form('push rax [bad stack]');
    expect(violations(vectors.filter(canonical), (v) => faultsWith(v, pageFault(6, v.regsIn[Reg.rsp]! - 8n)))).toEqual(
      [],
    );
    expect(
      violations(
        vectors.filter((v) => !canonical(v)),
        (v) => faultsWith(v, { vector: 12, errorCode: 0 }),
      ),
    ).toEqual([]);
  });

  it('in the middle of REP STOSD keep the elements that were done', () => {
    expect(
      violations(form('rep stosd [runs off]'), (v) => {
        const start = v.regsIn[Reg.rdi]!;
        const done = (down(v) ? start - DATA_BASE + 4n : DATA_END - start) / 4n;
        return (
          v.expect.regs[Reg.rcx] === v.regsIn[Reg.rcx]! - done &&
          v.expect.regs[Reg.rdi] === start + (down(v) ? -4n : 4n) * done
        );
      }),
    ).toEqual([]);
  });

  it('are #UD for what means nothing in 64-bit mode and #GP(0) for what is privileged', () => {
    expect(
      violations(
        all().filter((v) => v.form.startsWith('#UD')),
        (v) => faultsWith(v, { vector: 6, errorCode: 0 }),
      ),
    ).toEqual([]);
    for (const name of ['hlt (F4)', 'cli (FA)', 'rdmsr (0F 32)', 'mov cr3, rdx (0F 22 DA)', 'in al, dx (EC)']) {
      expect(violations(form(name), (v) => faultsWith(v, { vector: 13, errorCode: 0 }))).toEqual([]);
    }
  });
});
