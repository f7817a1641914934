// Bug classes around debug exceptions (field-notes.md, E.3). Expected values: SDM vol. 3, chapters 6 and 17.

import { describe, expect, it } from 'vitest';
import { BUDGET_USED } from '../core/machine.js';
import {
  BP,
  code,
  CODE,
  DATA,
  DB,
  IDT,
  IST1,
  machine,
  NO_HLT,
  run,
  runReal,
  RSP,
  setFlags,
  STACK,
  TF,
  UD,
} from './processor.js';

const WRITES_8 = 0x9_0401n; // DR7: DR0 enabled, eight bytes, writes
const ACCESSES_2 = 0x7_0401n; // two bytes, reads and writes

describe('MOV/POP SS shadow and #DB', () => {
  const breakAt = (address: number, control: bigint) => (): void => {
    machine.set('DR', address, 0);
    machine.set('DR', control, 7);
    machine.write(DATA, [0x10, 0]);
  };
  const MOV_SS = code(`mov ss, [0x20000]`, '8e 14 25 00 00 02 00');

  it('CVE-2018-8897: a breakpoint of MOV SS before INT3 is taken at the handler, in the kernel, not at the user', () => {
    const bytes = [...MOV_SS, ...code(`int3`, 'cc')];
    const { vector, rip, cs } = run(bytes, { prepare: breakAt(DATA, ACCESSES_2) });
    expect(vector).toBe(DB);
    expect(Number(rip)).toBe(0x1_8000 + BP * 16);
    expect(cs).toBe(8n);
  });
  it('CVE-2018-1087: before an ordinary instruction it waits for one, and is not lost', () => {
    const { vector, rip } = run([...MOV_SS, ...code(`nop; nop`, '90 90')], { prepare: breakAt(DATA, ACCESSES_2) });
    expect(vector).toBe(DB);
    expect(Number(rip)).toBe(CODE + MOV_SS.length + 1);
  });
  it('a fault of the next instruction takes its place (SDM vol. 3, 6.8.3)', () => {
    expect(run([...MOV_SS, ...code(`ud2`, '0f 0b')], { prepare: breakAt(DATA, ACCESSES_2) }).vector).toBe(UD);
  });
  it('a single step is held back by MOV SS, and comes behind the next instruction', () => {
    const bytes = code(`mov ecx, 16; mov ss, ecx; nop; nop`, 'b9 10 00 00 00 8e d1 90 90');
    const { vector, rip } = run(bytes, {
      prepare: () => {
        machine.set('RIP', CODE + 5);
        machine.setReg(1, 0x10);
        setFlags(TF);
      },
    });
    expect([vector, Number(rip)]).toEqual([DB, CODE + 5 + 2 + 1]);
  });
  it('and by POP SS, in real mode', () => {
    const bytes = code(`pop ss; nop; nop`, '17 90 90');
    expect(runReal(bytes, () => setFlags(TF))).toBe(DB);
    // FLAGS, CS, IP were pushed at 4000:7FFA or, as SS was popped as 0, at 0000:7FFC
    expect(machine.view.getUint16(machine.ram + 0x8002 - 6, true)).toBe(2);
  });
});

describe('Endless delivery: run() comes back within its budget', () => {
  it('CVE-2015-8104: #DB whose own frame trips a breakpoint, on the same stack every time', () => {
    const frame = IST1 - 8;
    const bytes = code(`int1`, 'f1');
    const prepare = (): void => {
      machine.set('DR', frame, 0);
      machine.set('DR', WRITES_8, 7);
      machine.write(IDT + DB * 16 + 4, [1]); // IST 1
    };
    expect(() => run(bytes, { prepare, budget: 20_000 })).toThrow(NO_HLT);
    expect(machine.get32('EXIT_REASON')).not.toBe(12);
    expect(machine.run(20_000)).toBe(BUDGET_USED);
  });
  it('CVE-2015-5307: faults whose handlers fault', () => {
    // A handler that is the faulting instruction: each #UD pushes another frame, until the stack meets what is not mapped.
    const bytes = code(`jmp rax`, 'ff e0');
    const prepare = (): void => {
      for (let vector = 0; vector < 32; vector++) machine.write(0x1_8000 + vector * 16, code(`ud2`, '0f 0b'));
      machine.setReg(0, 0x1_8000);
      machine.write(IDT + UD * 16 + 4, [1]);
    };
    expect(() => run(bytes, { prepare, budget: 20_000 })).toThrow(NO_HLT);
    expect(machine.run(20_000)).toBe(BUDGET_USED);
  });
});

describe('RF and single steps around SYSCALL', () => {
  it('SYSCALL traps by the TF it leaves: a kernel that masks TF is not stepped into', () => {
    const bytes = code(`syscall`, '0f 05');
    const prepare = (mask: number) => (): void => {
      machine.set('MSR_STAR', 8n << 32n);
      machine.set('MSR_LSTAR', CODE + bytes.length);
      machine.set('MSR_SFMASK', mask);
      setFlags(TF);
    };
    expect(run(bytes, { prepare: prepare(0x100) }).vector).toBeUndefined();
    expect(run(bytes, { prepare: prepare(0) }).vector).toBe(DB);
  });
  it('the stack pointer is where it was before the trap', () => {
    expect(run(code(`int3`, 'cc')).rsp).toBe(BigInt(STACK));
    expect(Number(machine.reg(RSP))).toBe(STACK - 40);
  });
});
