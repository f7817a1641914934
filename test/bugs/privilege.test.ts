// Bug classes around privilege: what an emulator or a system instruction forgets to check (field-notes.md, E.3).
// Expected values: SDM vol. 2, the instructions' own pages.

import { describe, expect, it } from 'vitest';
import { REASON, SKIP } from '../core/machine.js';
import {
  code,
  CODE,
  DATA,
  DEVICE,
  GP,
  machine,
  mapPage,
  NM,
  PAGE_DIRECTORY,
  PF,
  RAX,
  RBX,
  RCX,
  RDX,
  run,
  UD,
} from './processor.js';

const NON_CANONICAL = 0x8000_0000_0000n;
const INTEL = 512n;

describe('Non-canonical addresses', () => {
  it("CVE-2012-0217: SYSRET to a non-canonical RIP faults at CPL 0 on Intel, with the kernel's CS; at CPL 3 on AMD", () => {
    const bytes = code(`o64 sysret`, '48 0f 07');
    const prepare = (features: (all: bigint) => bigint) => (): void => {
      machine.set('FEATURES', features(machine.get('FEATURES')));
      machine.set('MSR_STAR', 0x10n << 48n);
      machine.setReg(RCX, NON_CANONICAL);
      machine.setReg(11, 2);
    };
    const intel = run(bytes, { prepare: prepare((all) => all | INTEL) });
    expect(intel).toMatchObject({ vector: GP, error: 0n, rip: BigInt(CODE), cs: 8n });
    const amd = run(bytes, { prepare: prepare((all) => all & ~INTEL) });
    expect(amd).toMatchObject({ vector: GP, error: 0n, rip: NON_CANONICAL, cs: 0x23n });
  });
  it('CVE-2014-3647: far jump, far return, call, return and IRET to one fault with nothing changed', () => {
    for (const bytes of [
      code(`mov rax, 0x800000000000; jmp rax`, '48 b8 00 00 00 00 00 80 00 00 ff e0'),
      code(`mov rax, 0x800000000000; call rax`, '48 b8 00 00 00 00 00 80 00 00 ff d0'),
      code(`mov rax, 0x800000000000; push rax; ret`, '48 b8 00 00 00 00 00 80 00 00 50 c3'),
      code(`mov rax, 0x800000000000; push 8; push rax; o64 retf`, '48 b8 00 00 00 00 00 80 00 00 6a 08 50 48 cb'),
      code(
        `mov rax, 0x800000000000; mov rcx, rsp; push 16; push rcx; push 2; push 8; push rax; iretq`,
        '48 b8 00 00 00 00 00 80 00 00 48 89 e1 6a 10 51 6a 02 6a 08 50 48 cf',
      ),
    ]) {
      const outcome = run(bytes);
      expect(outcome).toMatchObject({ vector: GP, error: 0n, cs: 8n });
      expect(Number(outcome.rip)).toBeGreaterThan(CODE);
      expect(Number(outcome.rip)).toBeLessThan(CODE + bytes.length);
    }
  });
  it('CVE-2014-3610: WRMSR of a non-canonical value is #GP for every MSR that holds an address', () => {
    for (const index of [0xc000_0082, 0xc000_0083, 0xc000_0100, 0xc000_0101, 0xc000_0102, 0x175, 0x176]) {
      const prepare = (): void => {
        machine.setReg(RCX, index);
        machine.setReg(RDX, 0x8000);
      };
      expect(run(code(`wrmsr`, '0f 30'), { prepare }), index.toString(16)).toMatchObject({ vector: GP, error: 0n });
    }
  });
  it('5-level paging: canonical is bits 63:56 with CR4.LA57, bits 63:47 without', () => {
    const load = code(`mov rax, [rbx]`, '48 8b 03');
    const at = (address: bigint, la57: boolean): number | undefined =>
      run(load, {
        prepare: () => {
          machine.setReg(RBX, address);
          if (!la57) return;
          // one more level on top of the tables that are there
          machine.write64(0x6000, 0x1000n | 7n);
          machine.set('FEATURES', machine.get('FEATURES') | BigInt(machine.constant('FEATURE_LA57')));
          machine.set('CR3', 0x6000);
          machine.set('CR4', machine.get('CR4') | 0x1000n);
        },
      }).vector;
    expect(at(BigInt(DATA), true)).toBeUndefined();
    expect(at(NON_CANONICAL, false)).toBe(GP);
    expect(at(NON_CANONICAL, true)).toBe(PF);
    expect(at(0xff_ffff_ffff_ffffn, true)).toBe(GP);
    expect(at(0x100_0000_0000_0000n, true)).toBe(GP);
    expect(at(0xff00_0000_0000_0000n, true)).toBe(PF);
    expect(at(0xff00_0000_0000_0000n, false)).toBe(GP);
  });
});

describe('CVE-2018-10853: stores of system instructions have the privilege of who executes them', () => {
  // A device's page that is the supervisor's: the instruction would be finished by the emulator, if it were allowed to.
  const instructions: Record<string, number[]> = {
    sgdt: code(`sgdt [rbx]`, '0f 01 03'),
    sidt: code(`sidt [rbx]`, '0f 01 0b'),
    sldt: code(`sldt [rbx]`, '0f 00 03'),
    str: code(`str [rbx]`, '0f 00 0b'),
    smsw: code(`smsw [rbx]`, '0f 01 23'),
    fxsave: code(`fxsave [rbx]`, '0f ae 03'),
    fnsave: code(`fnsave [rbx]`, 'dd 33'),
    'mov from ss': code(`mov [rbx], ss`, '8c 13'),
    stmxcsr: code(`stmxcsr [rbx]`, '0f ae 1b'),
  };
  it.each(Object.entries(instructions))(
    "%s at CPL 3 to a page of the kernel's: #PF, and nothing is written",
    (_, bytes) => {
      for (const device of [true, false]) {
        let writes = 0;
        machine.mmioWrite = () => void writes++;
        const prepare = (): void => {
          machine.setReg(RBX, device ? DEVICE : DATA);
          machine.write64(PAGE_DIRECTORY + 8, 0x20_0000n | 0x83n);
          mapPage(DATA, BigInt(DATA) | 3n);
        };
        expect(run(bytes, { prepare, user: true })).toMatchObject({ vector: PF, error: 7n, rip: BigInt(CODE) });
        expect(machine.get('CR2')).toBe(BigInt(device ? DEVICE : DATA));
        expect(writes).toBe(0);
        expect(machine.read64(DATA)).toBe(0n);
        machine.mmioWrite = () => {};
      }
    },
  );
  it('with CR4.UMIP the five are #GP at CPL 3 before the page is looked at', () => {
    for (const name of ['sgdt', 'sidt', 'sldt', 'str', 'smsw']) {
      const prepare = (): void => {
        machine.setReg(RBX, 0x1234_5678);
        machine.set('CR4', machine.get('CR4') | 0x800n);
      };
      expect(run(instructions[name]!, { prepare, user: true })).toMatchObject({ vector: GP, error: 0n });
    }
  });
});

describe('CVE-2017-2583: MOV SS with a null selector', () => {
  const MOV_SS = code(`mov ss, eax`, '8e d0');
  it('is allowed at CPL 0 in 64-bit mode only, and leaves CPL 0 and a stack that works', () => {
    const outcome = run([...MOV_SS, ...code(`push rbx; pop rcx; mov edx, ss`, '53 59 8c d2')], {
      prepare: () => {
        machine.setReg(RAX, 0);
        machine.setReg(RBX, 0x77);
      },
    });
    expect(outcome.vector).toBeUndefined();
    expect([machine.reg(RCX), machine.reg(RDX), machine.get32('CPL')]).toEqual([0x77n, 0n, 0]);
  });
  it("is #GP(0) at CPL 3, with any RPL, and from a device's register too", () => {
    for (const selector of [0, 3]) {
      expect(run(MOV_SS, { user: true, prepare: () => machine.setReg(RAX, selector) })).toMatchObject({
        vector: GP,
        error: 0n,
      });
    }
    machine.mmioRead = () => 0n;
    const prepare = (): void => machine.setReg(RBX, DEVICE);
    expect(run(code(`mov ss, [rbx]`, '8e 13'), { user: true, prepare })).toMatchObject({ vector: GP, error: 0n });
    expect(machine.get32('CPL')).toBe(0); // in the handler
  });
  it('is #GP(0) at CPL 0 with an RPL that is not 0', () => {
    expect(run(MOV_SS, { prepare: () => machine.setReg(RAX, 3) })).toMatchObject({ vector: GP, error: 0n });
  });
});

describe('BZ 563463: instruction bytes replaced between the exit and its emulation', () => {
  const STORE = code(`mov [rbx], eax`, '89 03');
  const CLI = [0xfa, 0xfa];
  it('an exit that is answered without a decode steps over what exited, whatever stands there now', () => {
    const outcome = run([...STORE, ...code(`mov ecx, 5`, 'b9 05 00 00 00')], {
      prepare: () => {
        machine.setReg(RBX, DEVICE);
        machine.hook = ({ reason }) => {
          if (reason !== REASON.eptMisconfig) return undefined;
          machine.write(CODE, [0xf4, 0xf4]);
          machine.core.invalidateCode!(machine.ram + CODE, 2);
          return SKIP;
        };
      },
    });
    expect(outcome.vector).toBeUndefined();
    expect([machine.reg(RCX), outcome.rip]).toEqual([5n, BigInt(CODE + STORE.length + 5)]);
  });
  it('one that is emulated has the privilege of its place: a CLI put there is #GP at CPL 3', () => {
    const written: bigint[] = [];
    const outcome = run(STORE, {
      user: true,
      prepare: () => {
        machine.setReg(RBX, DEVICE);
        machine.mmioWrite = (_gpa, _length, data) => void written.push(data);
        machine.hook = ({ reason }) => {
          if (reason !== REASON.eptMisconfig) return undefined;
          machine.write(CODE, CLI);
          machine.core.invalidateCode!(machine.ram + CODE, 2);
          return machine.emulate();
        };
      },
    });
    machine.mmioWrite = () => {};
    expect(outcome).toMatchObject({ vector: GP, rip: BigInt(CODE) });
    expect(written).toEqual([]);
  });
});

describe("CVE-2018-3665: no register of the FPU is read while CR0.TS says it is another task's", () => {
  const secret = 0x1122_3344_5566_7788n;
  const reads: Record<string, number[]> = {
    xmm: code(`movq rax, xmm1`, '66 48 0f 7e c8'),
    mmx: code(`movq rax, mm1`, '48 0f 7e c8'),
    x87: code(`fnstenv [rbx]`, 'd9 33'),
    fxsave: code(`fxsave [rbx]`, '0f ae 03'),
    xsave: code(`xsave [rbx]`, '0f ae 23'),
    avx: code(`vmovq rax, xmm1`, 'c4 e1 f9 7e c8'),
    'store of xmm': code(`movups [rbx], xmm1`, '0f 11 0b'),
  };
  it.each(Object.entries(reads))('%s', (_, bytes) => {
    const prepare = (ts: boolean) => (): void => {
      machine.setReg(RBX, DATA);
      machine.setReg(RAX, 0x55);
      machine.set('YMM', secret, 4);
      machine.set('X87', secret, 2);
      if (ts) machine.set('CR0', machine.get('CR0') | 8n);
    };
    // First with the FPU, so that decoded code is there that does not ask.
    expect(run(bytes, { prepare: prepare(false) }).vector).toBeUndefined();
    expect(run(bytes, { prepare: prepare(true) })).toMatchObject({ vector: NM, rip: BigInt(CODE) });
    expect([machine.reg(RAX), machine.read64(DATA), machine.read64(DATA + 160)]).toEqual([0x55n, 0n, 0n]);
  });
  it('also when TS is set between two executions of the same code', () => {
    const bytes = code(
      `movq rax, xmm1; mov rcx, cr0; or ecx, 8; mov cr0, rcx; xor eax, eax; jmp 0x10000`,
      '66 48 0f 7e c8 0f 20 c1 83 c9 08 0f 22 c1 31 c0 e9 eb ff ff ff',
    );
    expect(run(bytes, { prepare: () => machine.set('YMM', secret, 4) })).toMatchObject({
      vector: NM,
      rip: BigInt(CODE),
    });
    expect(machine.reg(RAX)).toBe(0n);
  });
  it('CR0.EM is #UD for MMX and SSE, also behind code that was decoded when TS made it #NM', () => {
    const bytes = code(`movq rax, xmm1`, '66 48 0f 7e c8');
    const cr0 = (bits: bigint) => (): void => machine.set('CR0', machine.get('CR0') | bits);
    for (const [bits, vector] of [
      [8n, NM],
      [4n, UD],
      [8n, NM],
      [12n, UD],
      [8n, NM],
    ] as const) {
      expect(run(bytes, { prepare: cr0(bits) }).vector).toBe(vector);
    }
  });
});

describe('CVE-2021-3656: VMLOAD, VMSAVE and their kin', () => {
  it('are not there: #UD at every level, and no memory is touched', () => {
    for (const bytes of [
      code(`vmload`, '0f 01 da'),
      code(`vmsave`, '0f 01 db'),
      code(`vmrun`, '0f 01 d8'),
      code(`stgi`, '0f 01 dc'),
      code(`clgi`, '0f 01 dd'),
      code(`invlpga`, '0f 01 df'),
      code(`vmlaunch`, '0f 01 c2'),
      code(`vmresume`, '0f 01 c3'),
      code(`vmxoff`, '0f 01 c4'),
    ]) {
      for (const user of [false, true]) {
        const prepare = (): void => machine.setReg(RAX, DATA);
        expect(run(bytes, { user, prepare })).toMatchObject({ vector: UD, rip: BigInt(CODE) });
        expect([machine.read64(DATA), machine.read64(DATA + 0x440)]).toEqual([0n, 0n]);
      }
    }
  });
});
