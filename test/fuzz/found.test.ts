// What `doorbell fuzz --target execute` has found, each with the result that an AMD EPYC gave. On an x86-64 Linux host the
// processor is asked again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCoreBytes } from '../../src/core/module.js';
import { bootImage } from '../../src/fuzz/execute/boot-image.js';
import {
  Case,
  DATA_BASE,
  Flag,
  Fpu,
  FPU_SIZE,
  initialFpu,
  normalised,
  Result,
  RESULT_SIZE,
} from '../../src/fuzz/execute/layout.js';
import { Native } from '../../src/fuzz/execute/native.js';
import { Stepper } from '../../src/fuzz/execute/stepper.js';
import { Pc } from '../../src/index.js';

interface Found {
  name: string;
  code: string;
  mode32?: boolean;
  registers?: Record<number, bigint>;
  fsBase?: bigint;
  gsBase?: bigint;
  fpu?: { fcw: number; fsw: number };
  expected: { vector: number; error?: number; registers?: Record<number, bigint>; fsBase?: bigint };
}

const NO_EXCEPTION = 3;
const TOP = 0x7fff_ffff_ffffn;
const FOUND: Found[] = [
  // RDFSBASE and its like: "operand size 32 bits, 64 with REX.W" (SDM vol. 2); a 66 prefix makes no 16-bit form
  {
    name: 'WRFSBASE ECX with a 66 prefix writes 32 bits',
    code: '66f30faed1',
    registers: { 1: 0x3979_31f9_f4b5_0e08n },
    expected: { vector: NO_EXCEPTION, fsBase: 0xf4b5_0e08n },
  },
  {
    name: 'RDGSBASE EBX with a 66 prefix writes 32 bits and clears the rest',
    code: '66f30faecb',
    registers: { 3: 0x2f18_5a5e_72ee_0040n },
    gsBase: BigInt(DATA_BASE + 0x3b),
    expected: { vector: NO_EXCEPTION, registers: { 3: BigInt(DATA_BASE + 0x3b) } },
  },
  // an operand across the end of the lower canonical half: #GP, not the page fault of its first byte
  ...(
    [
      ['MOV [RAX], EDX', '8910'],
      ['MOV EDX, [RAX]', '8b10'],
      ['ADD [RAX], EDX', '0110'],
      ['MOVDQU XMM0, [RAX]', 'f30f6f00'],
      ['FST dword [RAX]', 'd910'],
      ['PUSH [RAX]', 'ff30'],
    ] as const
  ).map(([name, code]): Found => ({
    name: `${name} at the end of the canonical half`,
    code,
    registers: { 0: TOP, 4: BigInt(DATA_BASE + 0x1000) },
    expected: { vector: 13, error: 0 },
  })),
  // SDM vol. 3, 6.9: #MF is of the instruction before, and comes first
  {
    name: 'FSUBR dword [EBX] beyond the segment, with an exception pending',
    code: 'd86b00',
    mode32: true,
    registers: { 3: 0xffff_ffffn },
    fpu: { fcw: 0x1b6d, fsw: 0x27d4 },
    expected: { vector: 16 },
  },
];

function bytesOf({ code, mode32, registers = {}, fsBase, gsBase, fpu }: Found): Uint8Array {
  const bytes = new Uint8Array(Case.fpu + FPU_SIZE);
  bytes.set(initialFpu(), Case.fpu);
  const view = new DataView(bytes.buffer);
  view.setUint32(Case.flags, mode32 === true ? Flag.mode32 : 0, true);
  view.setUint16(Case.place, 0x800, true);
  bytes.set(Buffer.from(code, 'hex'), Case.code);
  for (const [number, value] of Object.entries(registers))
    view.setBigUint64(Case.registers + Number(number) * 8, value, true);
  if (fsBase !== undefined) view.setBigUint64(Case.fsBase, fsBase, true);
  if (gsBase !== undefined) view.setBigUint64(Case.gsBase, gsBase, true);
  if (fpu !== undefined) {
    view.setUint16(Case.fpu + Fpu.fcw, fpu.fcw, true);
    view.setUint16(Case.fpu + Fpu.fsw, fpu.fsw, true);
  }
  const normal = normalised(bytes, true);
  normal[Case.length] = code.length / 2;
  return normal;
}

/** The parts of a result that a case expects something of. */
function picked(result: Uint8Array, { expected }: Found): Found['expected'] {
  const view = new DataView(result.buffer, result.byteOffset, result.byteLength);
  const vector = view.getUint32(Result.vector, true);
  return {
    vector,
    ...(expected.error === undefined ? {} : { error: view.getUint32(Result.error, true) }),
    ...(expected.fsBase === undefined ? {} : { fsBase: view.getBigUint64(Result.fsBase, true) }),
    ...(expected.registers === undefined
      ? {}
      : {
          registers: Object.fromEntries(
            Object.keys(expected.registers).map((number) => [number, view.getBigUint64(Number(number) * 8, true)]),
          ),
        }),
  };
}

const NATIVE = process.platform === 'linux' && process.arch === 'x64';
let stepper: Stepper;
let native: Native | undefined;
beforeAll(async () => {
  stepper = new Stepper(await loadCoreBytes(), false);
  if (NATIVE) native = await Native.start();
});
afterAll(() => native?.close());

describe.each(FOUND)('$name', (found) => {
  it.each([0, 1, 2])('on the core (way %i)', (way) => {
    const bytes = bytesOf(found);
    const view = new DataView(bytes.buffer);
    view.setUint32(Case.flags, view.getUint32(Case.flags, true) | (way << Flag.wayShift), true);
    const out = new Uint8Array(RESULT_SIZE + FPU_SIZE);
    expect(stepper.run(bytes, out, false)).toBe(true);
    expect(picked(out, found)).toEqual(found.expected);
  });
  it.runIf(NATIVE)('on the processor', async () => {
    expect(picked(await native!.run([bytesOf(found)]), found)).toEqual(found.expected);
  });
});

describe('a case as a bootable image', () => {
  it.each([
    // ADD [RAX], EDX with a result that shows all flags of it
    {
      name: 'memory',
      code: '0110',
      registers: { 0: BigInt(DATA_BASE + 0x100), 2: 0x7fff_fff0n },
      expected: { vector: NO_EXCEPTION },
    },
    { name: 'fault', code: '8a00', registers: { 0: 0x6000_0000n, 9: 5n }, expected: { vector: 14 } },
    { name: 'wide', code: '0f58c1', fpu: { fcw: 0x37f, fsw: 0 }, expected: { vector: NO_EXCEPTION } },
    {
      name: '32-bit',
      code: '60',
      mode32: true,
      registers: { 4: BigInt(DATA_BASE + 0x1100), 7: 9n },
      expected: { vector: NO_EXCEPTION },
    },
  ] satisfies Found[])('prints what the stepper sees: $name', { timeout: 60_000 }, async (found) => {
    const bytes = bytesOf(found);
    const out = new Uint8Array(RESULT_SIZE + FPU_SIZE);
    stepper.run(bytes, out, false);
    const view = new DataView(out.buffer);
    let text = '';
    const image = await bootImage(bytes);
    const pc = await Pc.create({ kernel: image, serial: (part) => (text += Buffer.from(part).toString('latin1')) });
    const result = await pc.run({ maxInstructions: 5_000_000 });
    pc.close();
    expect(result.status).toBe(1);
    const printed = new Map(
      [...text.matchAll(/^(\w+) ([0-9a-f]+)$/gm)].map(([, name, value]) => [name!, BigInt(`0x${value}`)]),
    );
    expect(printed.get('vector')).toBe(BigInt(found.expected.vector));
    expect(printed.get('rip')).toBe(view.getBigUint64(Result.rip, true));
    expect(printed.get('error')).toBe(BigInt(view.getUint32(Result.error, true)));
    const STATUS = 0x8d5n;
    expect(printed.get('rflags')! & STATUS).toBe(BigInt(view.getUint32(Result.rflags, true)) & STATUS);
    'rax rcx rdx rbx rsp rbp rsi rdi'.split(' ').forEach((name, number) => {
      expect([name, printed.get(name)]).toEqual([name, view.getBigUint64(number * 8, true)]);
    });
    expect(text.split('memory that has changed\n')[1]!.trim() !== '').toBe(view.getUint32(Result.memory, true) !== 0);
  });
});

it('the core runs well over 30,000 cases a second of processor time', { timeout: 120_000 }, async () => {
  const { executeTarget } = await import('../../src/fuzz/execute/target.js');
  const { Random } = await import('../../src/fuzz/random.js');
  const target = await executeTarget({ coreOnly: true, instrumented: false });
  const random = new Random(5);
  const inputs = Array.from({ length: 4096 }, () => target.fresh(random));
  let best = 0;
  for (let pass = 0; pass < 12; pass++) {
    const start = process.cpuUsage();
    let count = 0;
    for (let at = 0; at < inputs.length; at += 256) count += target.coreOnly(inputs.slice(at, at + 256));
    const { user, system } = process.cpuUsage(start);
    best = Math.max(best, count / ((user + system) / 1e6));
  }
  console.log(`execute, in process: ${Math.round(best).toLocaleString('en-US')} cases a second`);
  expect(best).toBeGreaterThan(30_000);
  await target.close();
});
