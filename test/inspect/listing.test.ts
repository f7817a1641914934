// The disassembly listing against another decoder's, for every opcode with several ModRM bytes and prefixes in each code
// size, and its own form.

import { beforeAll, describe, expect, it, test } from 'vitest';
import { loadInspector, type CodeBits, type Inspector } from '../../src/core/inspect.js';
import { oracle } from './oracle.js';

let inspector: Inspector;
beforeAll(async () => {
  inspector = await loadInspector();
});

/** Extensions (by iced's names) that the decoder does not know: their encodings are invalid or mean what they did before. What VEX prefixes reach is compared with the decoder's list in test/decode. */
const FOREIGN = new Set(
  'SVM D3NOW PREFETCHITI CLDEMOTE SMX VMX PADLOCK_RNG CET_SS MOVDIRI RAO_INT SSE4A WAITPKG CLFLUSHOPT INVEPT INVVPID GFNI MOVDIR64B LKGS ENQCMD WBNOINVD AESKLE WIDE_KL PADLOCK_PHE PADLOCK_UNDOC PADLOCK_ACE PADLOCK_GMI UINTR KL PADLOCK_PMM'.split(
    ' ',
  ),
);

const FOREIGN_VEX = /^(AVX512|AVX_|AMX_|VAES|VPCLMUL|GFNI|FMA4|XOP|CMPCCXADD|SHA512|SM[34]$)/;

const ADDRESS = 0x1234n;
/** What follows the opcode: ModRM bytes of each form, then bytes that serve as SIB, displacement and immediates. */
const MODRMS = [0x01, 0x45, 0x84, 0xc1, 0xd8, 0xf2, 0x2d, 0x96, 0x3c];
const TAIL = [0x8d, 0x9e, 0xff, 0x7f, 0x12, 0x01, 0x02, 0x83, 4, 5, 6];

/** Bytes, text and address of the first line. */
function firstLine(bytes: Uint8Array, bits: CodeBits): { length: number; text: string } {
  const line = inspector.listing(bytes, ADDRESS, bits, 1);
  const match = /^[0-9a-f]+ {2}((?:[0-9a-f]{2} )+) *(.+)$/.exec(line);
  if (!match) throw new Error(`not a line of the listing: ${line}`);
  return { length: (match[1] as string).length / 3, text: match[2] as string };
}

describe.each([64, 32, 16] as CodeBits[])('%i-bit code', (bits) => {
  const rex = bits === 64 ? [[0x48], [0x4d], [0x41]] : [];
  const prefixes = [[], [0x66], [0x67], [0xf2], [0xf3], [0x65], [0xf0], ...rex];
  it.each(prefixes.map((prefix) => [Buffer.from(prefix).toString('hex') || 'none', prefix] as const))(
    'reads as the other decoder reads it, prefix %s',
    (_, prefix) => {
      const wide = prefix.some((byte) => (byte & 0xf8) === 0x48);
      const different: string[] = [];
      let compared = 0;
      for (const escape of [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]) {
        for (let opcode = 0; opcode < 256; opcode++) {
          for (const modrm of MODRMS) {
            const bytes = Uint8Array.from([...prefix, ...escape, opcode, modrm, ...TAIL]);
            const expected = oracle(bytes, ADDRESS, bits);
            if (expected?.features.some((feature) => FOREIGN.has(feature))) continue;
            // Half of the register is written either way; the other decoder names 32 bits of it.
            if (wide && /^(movmskp[sd]|pmovmskb|pextrw|pinsrw) /.test(expected?.text ?? '')) continue;
            const actual = firstLine(bytes, bits);
            compared++;
            if (actual.text === (expected?.text ?? '(bad)') && actual.length === (expected?.length ?? 1)) continue;
            different.push(
              `${Buffer.from(bytes).toString('hex')}: ${actual.text} (${actual.length}), not ${expected?.text} (${expected?.length}) [${expected?.features}]`,
            );
          }
        }
      }
      expect(different).toEqual([]);
      expect(compared).toBeGreaterThan(8000);
    },
  );

  it.each(['none', '66', 'f3', 'f2'].map((prefix, pp) => [prefix, pp] as const))(
    'reads VEX prefixes as the other decoder reads them, implied prefix %s',
    (_, pp) => {
      const different: string[] = [];
      let compared = 0;
      for (const map of [1, 2, 3]) {
        for (let opcode = 0; opcode < 256; opcode++) {
          for (const [second, last] of [
            [0xe0, 0x78], // 128 bits, no vvvv
            [0xe0, 0x7c], // 256 bits
            [0xc0, 0xf8], // W
            [0x40, 0xfc],
            [0xe0, 0x60], // vvvv = 3
            [0x00, 0x54],
            [0xe0, 0xa0],
            [0xe0, 0xa4],
          ] as const) {
            // a register and a memory form, others for each opcode
            for (const modrm of [MODRMS[3 + (opcode % 3)] ?? 0, MODRMS[(6 + (opcode % 6)) % 9] ?? 0]) {
              const first = bits === 64 ? second : 0xe0;
              const bytes = Uint8Array.from([0xc4, first | map, last | pp, opcode, modrm, ...TAIL]);
              const expected = oracle(bytes, ADDRESS, bits);
              if (expected?.features.some((feature) => FOREIGN_VEX.test(feature))) continue;
              if (last & 0x80 && /^v(movmskp[sd]|pmovmskb|pinsr[bw]|pextr[bw]|extractps) /.test(expected?.text ?? ''))
                continue; // as above
              const actual = firstLine(bytes, bits);
              compared++;
              if (actual.text === (expected?.text ?? '(bad)') && actual.length === (expected?.length ?? 1)) continue;
              different.push(
                `${Buffer.from(bytes).toString('hex')}: ${actual.text} (${actual.length}), not ${expected?.text} (${expected?.length}) [${expected?.features}]`,
              );
            }
          }
        }
      }
      expect(different).toEqual([]);
      expect(compared).toBeGreaterThan(11_000);
    },
  );
});

describe('the form of a listing', () => {
  it('shows address, bytes and text, one instruction a line, until the bytes end', () => {
    const code = Uint8Array.of(0x55, 0x48, 0x89, 0xe5, 0xf4, 0xeb, 0xfd);
    expect(inspector.listing(code, 0xffff_ffff_8100_0000n, 64).split('\n')).toEqual([
      'ffffffff81000000  55                       push rbp',
      'ffffffff81000001  48 89 e5                 mov rbp, rsp',
      'ffffffff81000004  f4                       hlt',
      'ffffffff81000005  eb fd                    jmp 0xffffffff81000004',
    ]);
  });

  it('has an address as wide as the code segment, which wraps', () => {
    const nops = Uint8Array.of(0x90, 0x90);
    expect(
      inspector
        .listing(nops, 0xffffn, 16)
        .split('\n')
        .map((line) => line.slice(0, 6)),
    ).toEqual(['ffff  ', '0000  ']);
    expect(
      inspector
        .listing(nops, -1n, 32)
        .split('\n')
        .map((line) => line.slice(0, 10)),
    ).toEqual(['ffffffff  ', '00000000  ']);
  });

  it('stops at the count', () => {
    expect(inspector.listing(new Uint8Array(100).fill(0x90), 0n, 64, 3).split('\n')).toHaveLength(3);
    expect(inspector.listing(new Uint8Array(100).fill(0x90), 0n, 64).split('\n')).toHaveLength(100);
    expect(inspector.listing(Uint8Array.of(0x90), 0n, 64, 0)).toBe('');
    expect(inspector.listing(new Uint8Array(), 0n, 64)).toBe('');
  });

  it('marks what is no instruction, and goes on behind its first byte', () => {
    // 06 (PUSH ES) and 0F FF without its ModRM byte do not exist in 64-bit mode (SDM vol. 2, A.3).
    expect(inspector.listing(Uint8Array.of(0x06, 0xc3, 0x0f, 0x04, 0x90), 0n, 64).split('\n')).toEqual([
      '0000000000000000  06                       (bad)',
      '0000000000000001  c3                       ret',
      '0000000000000002  0f                       (bad)',
      '0000000000000003  04 90                    add al, 0x90',
    ]);
  });

  it('marks an instruction that the end cuts off', () => {
    expect(inspector.listing(Uint8Array.of(0x90, 0x48, 0xb8, 1, 2), 0n, 64).split('\n')).toEqual([
      '0000000000000000  90                       nop',
      '0000000000000001  48 b8 01 02              (incomplete)',
    ]);
  });

  it('marks what is longer than 15 bytes (SDM vol. 2, 2.3.11)', () => {
    const long = new Uint8Array(16).fill(0x66);
    long[15] = 0x90;
    expect(inspector.listing(long, 0n, 64, 1)).toBe('0000000000000000  66                       (bad)');
    expect(inspector.listing(long.subarray(1), 1n, 64, 1)).toMatch(/^0000000000000001 {2}(66 ){14}90 +nop$/);
  });
});

test('a long listing is the same as the sum of short ones', async () => {
  const inspector = await loadInspector();
  const bytes = new Uint8Array(20_000);
  for (let at = 0, seed = 1; at < bytes.length; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = seed >>> 16;
  }
  const lines = inspector.listing(bytes, 0x1000n, 64).split('\n');
  let at = 0;
  for (const line of lines) {
    const [one] = inspector.listing(bytes.subarray(at, at + 15), 0x1000n + BigInt(at), 64, 1).split('\n');
    expect(line).toBe(one);
    at += line.slice(18).match(/^(?:[0-9a-f]{2} )+/)![0].length / 3;
  }
  expect(at).toBe(bytes.length);
  expect(inspector.listing(bytes, 0x1000n, 64, 700).split('\n')).toEqual(lines.slice(0, 700));
});
