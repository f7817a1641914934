// The PC as a whole: limits of a run, what nothing answers, input and output, how guests end, and options that are wrong.

import { afterEach, describe, expect, it } from 'vitest';
import { EventFd } from '../../src/eventfd/index.js';
import { describeCrash } from '../../src/machine/crash.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';

let open: Pc[] = [];
afterEach(() => {
  for (const pc of open) pc.close();
  open = [];
});

async function create(code: readonly number[], options: PcOptions = {}): Promise<Pc> {
  const pc = await Pc.create({ kernel: Uint8Array.from(code), memory: 1 << 20, ...options });
  open.push(pc);
  return pc;
}

/** mov dx, imm16 */
const DX = (port: number): number[] => [0xba, port & 0xff, port >> 8];
const OUT_AL = 0xee;
const IN_AL = 0xec;
const HLT = 0xf4;
const FOREVER = [0xeb, 0xfe];
/** mov eax, imm32 with an operand-size prefix, then out 0xF4, eax */
const EXIT = (value: number): number[] => [0x66, 0xb8, value & 0xff, (value >> 8) & 0xff, 0, 0, 0x66, 0xe7, 0xf4];

describe('the end of a run', () => {
  it('debug exit: value and status, and not an instruction behind it counts', async () => {
    const pc = await create([...EXIT(0x10), HLT]);
    const result = await pc.run();
    expect(result).toMatchObject({ reason: 'debug-exit', value: 0x10, status: 33, crash: undefined });
  });

  it('debug exit by byte and word', async () => {
    expect(await (await create([0xb0, 0x07, 0xe6, 0xf4, HLT])).run()).toMatchObject({ value: 7, status: 15 });
    expect(await (await create([0xb8, 0x34, 0x12, 0xe7, 0xf4, HLT])).run()).toMatchObject({
      value: 0x1234,
      status: 0x69,
    });
  });

  it('halted: nothing can wake it', async () => {
    const result = await (await create([0xfb, HLT])).run();
    expect(result).toMatchObject({ reason: 'halted', value: undefined, status: undefined, instructions: 2 });
  });

  it.each([
    ['the chipset’s reset control', [...DX(0xcf9), 0xb0, 0x06, OUT_AL]],
    ['port 92h', [0xb0, 0x01, 0xe6, 0x92]],
    ['the keyboard controller', [0xb0, 0xfe, 0xe6, 0x64]],
  ])('reset by %s; Pc.reset() starts the image again', async (_, code) => {
    const pc = await create([...code, ...FOREVER]);
    expect(await pc.run({ maxInstructions: 1000 })).toMatchObject({ reason: 'reset', crash: undefined });
    pc.reset();
    expect(pc.vcpu.getRegs().rip).toBe(0x7c00n);
    expect(await pc.run({ maxInstructions: 1000 })).toMatchObject({ reason: 'reset' });
  });

  it('a triple fault: shutdown with an account of it, or a reset if that is asked for', async () => {
    // lidt [0x500], which is empty; int3
    const code = [0x0f, 0x01, 0x1e, 0x00, 0x05, 0xcc];
    const stopped = await (await create(code)).run();
    expect(stopped).toMatchObject({ reason: 'shutdown' });
    expect(describeCrash(stopped.crash!)).toContain('triple fault');
    const reset = await (await create(code, { tripleFault: 'reset' })).run();
    expect(reset).toMatchObject({ reason: 'reset', crash: undefined });
    await expect(create(code, { tripleFault: 'halt' as 'stop' })).rejects.toThrow(/tripleFault must be stop or reset/);
  });

  it('budget: exact, and the next run goes on from there', async () => {
    const pc = await create([0x40, 0x40, 0x40, 0x40, HLT]); // inc ax
    expect(await pc.run({ maxInstructions: 3 })).toMatchObject({ reason: 'budget', instructions: 3 });
    expect(pc.vcpu.getRegs().rax & 0xffffn).toBe(3n);
    expect(await pc.run({ maxInstructions: 0 })).toMatchObject({ reason: 'budget', instructions: 0 });
    expect(await pc.run()).toMatchObject({ reason: 'halted', instructions: 2 });
    expect(pc.vcpu.getRegs().rax & 0xffffn).toBe(4n);
  });

  it('timeout', async () => {
    const pc = await create(FOREVER);
    const result = await pc.run({ timeoutMs: 60 });
    expect(result.reason).toBe('timeout');
    expect(result.seconds).toBeGreaterThanOrEqual(0.06);
    expect(result.seconds).toBeLessThan(5);
    expect(await pc.run({ timeoutMs: 0 })).toMatchObject({ reason: 'timeout' });
  });

  it('aborted, while the event loop has its turns', async () => {
    const pc = await create(FOREVER);
    const controller = new AbortController();
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns === 3) controller.abort();
    }, 5);
    expect(await pc.run({ signal: controller.signal, timeoutMs: 20_000 })).toMatchObject({ reason: 'aborted' });
    clearInterval(timer);
    expect(turns).toBe(3);
    expect(await pc.run({ signal: controller.signal })).toMatchObject({ reason: 'aborted', instructions: 0 });
  });

  it('a budget holds also for a guest that exits at every instruction', async () => {
    const pc = await create([...DX(0x1234), IN_AL, 0xeb, 0xfd]); // in al, dx; jmp to it
    expect(await pc.run({ maxInstructions: 1001 })).toMatchObject({ reason: 'budget', instructions: 1001 });
    expect(await pc.run({ timeoutMs: 30 })).toMatchObject({ reason: 'timeout' });
  });

  it('cannot be asked for twice at once', async () => {
    const pc = await create(FOREVER);
    const first = pc.run({ timeoutMs: 40 });
    await expect(pc.run()).rejects.toThrow('Pc.run: the machine is running already');
    expect(await first).toMatchObject({ reason: 'timeout' });
  });

  it.each([
    [{ timeoutMs: -1 }, 'timeoutMs must be 0 or more, not -1'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs must be 0 or more, not NaN'],
    [{ maxInstructions: 1.5 }, 'maxInstructions must be a whole number, not 1.5'],
    [{ maxInstructions: -1 }, 'maxInstructions must be a whole number, not -1'],
  ])('%o makes no sense', async (limits, message) => {
    const pc = await create([HLT]);
    await expect(pc.run(limits)).rejects.toThrow(message);
    expect(await pc.run()).toMatchObject({ reason: 'halted' });
  });
});

describe('a triple fault', () => {
  it('is told with registers and the last instruction', async () => {
    // lidt [0x7C10] with a limit of 0, then UD2: no #UD, no #GP, no #DF handler (real mode, SDM vol. 3, 6.15).
    const pc = await create([
      0x0f,
      0x01,
      0x1e,
      0x10,
      0x7c,
      0xb8,
      0x34,
      0x12,
      0x0f,
      0x0b,
      HLT,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    const { reason, crash } = await pc.run();
    expect(reason).toBe('shutdown');
    expect(crash!.message).toBe('triple fault');
    expect(crash!.address).toBe(0x7c08n);
    expect([...crash!.bytes.subarray(0, 3)]).toEqual([0x0f, 0x0b, HLT]);
    expect(crash!.bytes).toHaveLength(15);
    expect(crash!.regs.rax & 0xffffn).toBe(0x1234n);
    expect(crash!.sregs.idt.limit).toBe(0);
    expect(crash!.listing).toMatch(/^0*7c08 .*0f 0b .*ud2$/);
    expect(describeCrash(crash!)).toMatch(/^triple fault\n.*\nrip 0000000000007c08/);
    expect(describeCrash(crash!)).toMatch(/^> 7c08  0f 0b +ud2$/m);
  });

  it('with code where there is no memory, no instruction can be read', async () => {
    const pc = await create([0xea, 0x10, 0x00, 0xff, 0xff]); // jmp FFFF:0010, linear 0x100000, where RAM ends
    const { reason, crash } = await pc.run();
    expect(reason).toBe('internal-error');
    expect(crash!.bytes).toHaveLength(0);
    expect(describeCrash(crash!)).toContain('no instruction can be read at 0x100000');
  });
});

describe('what nothing answers', () => {
  it('ports read all ones, of their width, and take writes', async () => {
    // mov dx,0x1234; in al,dx; mov bl,al; in ax,dx; mov cx,ax; in eax,dx; out dx,eax; hlt
    const pc = await create([
      0x66,
      0x31,
      0xdb,
      0x66,
      0x31,
      0xc9,
      ...DX(0x1234),
      IN_AL,
      0x88,
      0xc3,
      0xed,
      0x89,
      0xc1,
      0x66,
      0xed,
      0x66,
      0xef,
      HLT,
    ]);
    expect(await pc.run({ maxInstructions: 100 })).toMatchObject({ reason: 'halted' });
    const { rax, rbx, rcx } = pc.vcpu.getRegs();
    expect([rax, rbx, rcx]).toEqual([0xffff_ffffn, 0xffn, 0xffffn]);
  });

  it('memory reads all ones and takes writes', async () => {
    // RAM ends at 1 MiB; DS = FFFF: DS:0010 is 0x100000. mov ax,0xFFFF; mov ds,ax; mov [0x10],ax; mov bx,[0x10]; hlt
    const pc = await create([0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xb8, 0, 0, 0xa3, 0x10, 0, 0x8b, 0x1e, 0x10, 0, HLT]);
    expect(await pc.run({ maxInstructions: 100 })).toMatchObject({ reason: 'halted' });
    expect(pc.vcpu.getRegs().rbx & 0xffffn).toBe(0xffffn);
  });
});

describe('COM1', () => {
  /** Echoes bytes until a zero comes: wait for LSR.DR, read, out. */
  const ECHO = [
    ...[...DX(0x3fd), IN_AL, 0xa8, 0x01, 0x74, 0xf8], // mov dx,3FD; in al,dx; test al,1; jz back to mov
    ...[...DX(0x3f8), IN_AL, 0x84, 0xc0, 0x74, 0x03, OUT_AL, 0xeb, 0xeb], // mov dx,3F8; in; test al,al; jz +3; out; jmp start
    ...EXIT(0),
  ];

  it('gives the guest what it is sent, from the start and later, and the host what the guest sends', async () => {
    const lines: string[] = [];
    const pc = await create(ECHO, {
      serialInput: new TextEncoder().encode('one\ntwo\n'),
      serial: (bytes) => lines.push(new TextDecoder().decode(bytes)),
    });
    setTimeout(() => pc.sendSerial(new TextEncoder().encode('three')), 30);
    setTimeout(() => pc.sendSerial(Uint8Array.of(0)), 60);
    expect(await pc.run({ timeoutMs: 10_000 })).toMatchObject({ reason: 'debug-exit', status: 1 });
    expect(lines.slice(0, 2)).toEqual(['one\n', 'two\n']);
    expect(lines.slice(2).join('')).toBe('three');
  });

  it('prints a prompt without a line feed before the host waits', async () => {
    const seen: string[] = [];
    const pc = await create([...DX(0x3f8), 0xb0, 0x3e, OUT_AL, ...FOREVER], {
      serial: (bytes) => seen.push(new TextDecoder().decode(bytes)),
    });
    await pc.run({ timeoutMs: 50 });
    expect(seen).toEqual(['>']);
  });

  it('the debug console prints there, too, or where it is told to', async () => {
    const code = [0xb0, 0x41, 0xe6, 0xe9, 0xe4, 0xe9, HLT]; // out 0xE9, 'A'; in al, 0xE9
    const serial: number[] = [];
    const debug: number[] = [];
    const pc = await create(code, { serial: (bytes) => serial.push(...bytes) });
    await pc.run();
    expect(pc.vcpu.getRegs().rax & 0xffn).toBe(0xe9n);
    await (
      await create(code, { serial: (bytes) => serial.push(...bytes), debugConsole: (bytes) => debug.push(...bytes) })
    ).run();
    expect([serial, debug]).toEqual([[0x41], [0x41]]);
  });

  it('an error in the host’s printer comes out of run()', async () => {
    const pc = await create([...DX(0x3f8), 0xb0, 0x0a, OUT_AL, HLT], {
      serial: () => {
        throw new Error('printer on fire');
      },
    });
    await expect(pc.run()).rejects.toThrow('printer on fire');
  });
});

it('an eventfd waiter of the host runs between two slices of guest time', async () => {
  // out 0x600, al for ever
  const pc = await create([...DX(0x600), OUT_AL, 0xeb, 0xfd]);
  const kick = new EventFd();
  pc.vm.ioeventfd({ fd: kick, addr: 0x600n, len: 1, flags: 2 });
  const controller = new AbortController();
  void kick.waitAsync(5000).then(() => controller.abort());
  expect(await pc.run({ signal: controller.signal, timeoutMs: 10_000 })).toMatchObject({ reason: 'aborted' });
  expect(kick.read()).toBeGreaterThan(0n);
  kick.close();
});

it('the virtual clock makes two runs alike', async () => {
  // rdtsc; out 0xF4, eax, after a loop
  const code = [0xb9, 0x00, 0x10, 0xe2, 0xfe, 0x0f, 0x31, 0x66, 0xe7, 0xf4, HLT];
  const [first, second] = await Promise.all([(await create(code)).run(), (await create(code)).run()]);
  expect(first.value).toBe(second.value);
  expect(first.instructions).toBe(second.instructions);
});

describe('options that are wrong', () => {
  const kernel = Uint8Array.of(HLT);
  it.each<[PcOptions, string]>([
    [{}, 'Pc.create: no image given (kernel or firmware)'],
    [{ kernel, image: kernel }, 'kernel and image are the same option'],
    [{ kernel: 'x' as unknown as Uint8Array }, 'kernel must be a Uint8Array'],
    [{ kernel: new Uint8Array() }, 'the image is empty'],
    [{ kernel, memory: 4096 }, 'memory must be a multiple of 4096 bytes from 1048576 to 3758096384, not 4096'],
    [{ kernel, memory: 0xe000_1000 }, 'not 3758100480'],
    [{ kernel, memory: 1.5e6 }, 'not 1500000'],
    [{ kernel, paging: 'both' as 'ept' }, "paging must be 'ept' or 'npt' or 'shadow'"],
    [{ kernel, colour: 'red' } as PcOptions, 'no option is called "colour"'],
    [{ kernel, devices: ['floppy'] }, 'no device is called "floppy"'],
    [{ kernel, devices: ['doorbells', 'doorbells'] }, 'device doorbells: EEXIST'],
    [
      { kernel, devices: ['pci-testdev,addr=3', 'pci-testdev,addr=3'] },
      'device pci-testdev: PCI bus: slot 3 has a pci-testdev already',
    ],
    [{ kernel, initrd: kernel }, 'a flat binary cannot be given modules'],
  ])('%o', async (options, message) => {
    await expect(Pc.create(options)).rejects.toThrow(message);
  });
});

it('RAM that ends where linear memory does is written to its last byte', async () => {
  const memory = 3 * 2 ** 30;
  const pc = await create([HLT], { memory });
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i + 1);
  // invalidating code once went round the address space here
  pc.vm.memory.write(memory - 200, bytes);
  pc.vm.memory.write(memory - 100, bytes);
  expect(pc.vm.memory.read(memory - 200, 200)).toEqual(Uint8Array.from([...bytes, ...bytes]));
});
