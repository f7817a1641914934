// run(budget) retires exactly its budget; what may come between two instructions comes between any two: the stop request,
// single-step traps, interrupts, each in its interrupt shadow.
import { describe, expect, it } from 'vitest';
import { CODE, DATA, DEVICE, flatGuest, HANDLERS, interrupt, RAX, RBX, RCX, RDI, realGuest, RSI } from './flat.js';
import { BUDGET_USED, type ExitHook, HALTED, LEAVE, LEFT, Machine, REASON, RESUME, STOPPED } from './machine.js';

const machine = new Machine();
const NOP = 0x90;
const HLT = 0xf4;
const IRETQ = [0x48, 0xcf];
const TF = 0x100;
/** OUT 77h, AL: the end of a program that is single-stepped (a trap would end the halt of an HLT). */
const END = [0xe6, 0x77];
const leaveAtEnd: ExitHook = ({ reason, lo }) => (reason === REASON.io && lo === 0x77 ? LEAVE : undefined);

/** One after the other, eleven kinds of instruction that end a block in their own way or not at all. */
const MIXED = [
  [NOP],
  [0x48, 0xff, 0xc0], // INC RAX
  [0x48, 0x89, 0x03], // MOV [RBX], RAX
  [0x48, 0x03, 0x03], // ADD RAX, [RBX]
  [0x48, 0x83, 0xf8, 0x00], // CMP RAX, 0
  [0x74, 0x00], // JZ +0
  [0x48, 0x39, 0xd8], // CMP RAX, RBX
  [0x75, 0x00], // JNZ +0
  [0xeb, 0x00], // JMP +0
  [0x50], // PUSH RAX
  [0x5a], // POP RDX
  [0xe8, 0x00, 0x00, 0x00, 0x00], // CALL +0
  [0x58], // POP RAX
  [0xa4], // MOVSB
  [0x0f, 0xa2], // CPUID
  [0x0f, 0xb0, 0x0b], // CMPXCHG [RBX], CL
  [0xe3, 0x00], // JRCXZ +0
  [0xe6, 0x10], // OUT 10h, AL
  [0x48, 0x8d, 0x05, 0x03, 0x00, 0x00, 0x00], // LEA RAX, [RIP+3]
  [0x50], // PUSH RAX
  [0xc3, NOP], // RET behind the NOP
  [0x0f, 0x20, 0xe2], // MOV RDX, CR4
  [0x0f, 0x22, 0xe2], // MOV CR4, RDX
];
const PROGRAM = MIXED.flat();

function prepare(code: number[]): void {
  flatGuest(machine, code);
  machine.setReg(RBX, DATA);
  machine.setReg(RSI, DATA + 0x100);
  machine.setReg(RDI, DATA + 0x200);
  machine.setReg(RCX, 5);
}

describe('the budget', () => {
  it('is exact at every place of a linked loop', () => {
    // L: NOP; DEC RCX; JNZ L; the loop begins with an instruction that needs no micro-operation
    const loop = [NOP, 0x48, 0xff, 0xc9, 0x75, 0xfa, HLT];
    for (let budget = 1; budget < 120; budget++) {
      flatGuest(machine, loop);
      machine.setReg(RCX, 1000);
      // warm: blocks decoded and linked
      expect(machine.core.run!(300)).toBe(BUDGET_USED);
      expect(machine.core.run!(budget)).toBe(BUDGET_USED);
      expect(machine.core.retired!()).toBe(300 + budget);
      const done = 300 + budget;
      expect(machine.get('RIP')).toBe(BigInt(CODE + [0, 1, 4][done % 3]!));
      expect(machine.reg(RCX)).toBe(BigInt(1000 - Math.floor((done + 1) / 3)));
    }
  });
  it('counts every instruction of a program once, in slices of any size', () => {
    for (let slice = 1; slice <= MIXED.length; slice++) {
      prepare([...PROGRAM, HLT]);
      expect(machine.run(1000, slice)).toBe(LEFT);
      expect(machine.core.retired!()).toBe(MIXED.length + 1);
    }
  });
  it('counts a REP string by the piece of 4096 elements, and an interrupt may come in between', () => {
    prepare([0xf3, 0xaa, HLT]); // REP STOSB
    machine.setReg(RCX, 10_000);
    machine.run(100); // the pages are there now
    machine.set32('ACTIVITY', 0);
    machine.setReg(RCX, 10_000);
    machine.setReg(RDI, DATA + 0x200);
    machine.set('RIP', CODE);
    expect(machine.core.run!(2)).toBe(BUDGET_USED);
    expect(machine.reg(RCX)).toBe(10_000n - 8192n);
    expect(machine.get('RIP')).toBe(BigInt(CODE));
    machine.core.setRflags!(0x202);
    machine.write(HANDLERS + 0x40 * 16, [HLT]);
    interrupt(machine, 0x40);
    expect(machine.core.run!(1)).toBe(BUDGET_USED);
    expect(machine.reg(RCX)).toBe(10_000n - 8192n);
    expect(machine.get('RIP')).toBe(BigInt(HANDLERS + 0x401));
  });
  it('takes fewer elements to the piece where each takes long, so that time stays bounded', () => {
    prepare([0xf2, 0xae, HLT]); // REPNE SCASB
    machine.setReg(RCX, 10_000);
    machine.setReg(RAX, 1);
    expect(machine.core.run!(4)).toBe(BUDGET_USED);
    expect(Number(machine.reg(RCX))).toBeGreaterThanOrEqual(10_000 - 4 * 256);
  });
  it('ends at a halt that nobody ends', () => {
    prepare([HLT, NOP]);
    machine.hook = ({ reason }) => (reason === REASON.hlt ? RESUME : undefined);
    expect(machine.core.run!(10)).toBe(HALTED);
    expect(machine.core.retired!()).toBe(1);
  });
});

describe('REQUEST_STOP', () => {
  it('is seen before the next instruction when it is there at the beginning', () => {
    prepare([NOP, NOP, HLT]);
    machine.set32('REQUEST', machine.constant('REQUEST_STOP'));
    expect(machine.core.run!(10)).toBe(STOPPED);
    expect(machine.core.retired!()).toBe(0);
    expect(machine.core.run!(2)).toBe(BUDGET_USED);
  });
  it.each([
    ['OUT', [0xe6, 0x10]],
    ['a store to a device', [0x88, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00]],
    ['CPUID', [0x0f, 0xa2]],
  ])('made in the handler of %s ends the run behind the instruction', (_name, bytes) => {
    prepare([...bytes, NOP, NOP, NOP, HLT]);
    machine.hook = ({ reason }) => {
      if (reason === REASON.io || reason === REASON.eptMisconfig || reason === REASON.cpuid) {
        machine.set32('REQUEST', machine.constant('REQUEST_STOP'));
        if (reason === REASON.eptMisconfig) return 1;
      }
      return undefined;
    };
    expect(machine.core.run!(10)).toBe(STOPPED);
    expect(machine.core.retired!()).toBe(1);
    expect(machine.get('RIP')).toBe(BigInt(CODE + bytes.length));
  });
});

describe('single steps', () => {
  it('trap once after each instruction (SDM vol. 3, 17.3.1.4)', () => {
    for (const slice of [1, 3, 10_000]) {
      prepare([...PROGRAM, ...END]);
      machine.core.setRflags!(2 | TF);
      // INC QWORD [30000]; IRETQ
      machine.write(HANDLERS + 16, [0x48, 0xff, 0x04, 0x25, 0x00, 0x00, 0x03, 0x00, ...IRETQ]);
      machine.hook = leaveAtEnd;
      machine.run(10_000, slice);
      expect(machine.read64(0x3_0000)).toBe(BigInt(MIXED.length));
      expect(machine.get('DR', 6) & 0x4000n).toBe(0x4000n);
    }
  });
  it('of a REP string trap after each element', () => {
    prepare([0xf3, 0xaa, ...END]);
    machine.core.setRflags!(2 | TF);
    machine.write(HANDLERS + 16, [0x48, 0xff, 0x04, 0x25, 0x00, 0x00, 0x03, 0x00, ...IRETQ]);
    machine.hook = leaveAtEnd;
    machine.run(10_000);
    expect(machine.read64(0x3_0000)).toBe(5n);
    expect(machine.reg(RCX)).toBe(0n);
  });
  it('do not trap between MOV SS and the next instruction (6.8.3), and INT clears TF for its handler', () => {
    prepare([0x8c, 0xd0, 0x8e, 0xd0, NOP, NOP, 0xcd, 0x50, NOP, ...END]); // MOV EAX,SS; MOV SS,EAX; NOP; NOP; INT 50h; NOP
    machine.core.setRflags!(2 | TF);
    const traps: bigint[] = [];
    machine.write(HANDLERS + 16, [0xe6, 0x01, ...IRETQ]); // OUT 1: who is interrupted?
    machine.write(HANDLERS + 0x500, IRETQ);
    machine.hook = (exit) => {
      const { reason, lo } = exit;
      if (reason === REASON.io && lo === 1) traps.push(machine.read64(Number(machine.reg(4))) - BigInt(CODE));
      return leaveAtEnd(exit);
    };
    machine.run(1000);
    // after MOV EAX,SS; after the NOP behind MOV SS; after the second NOP; after the NOP behind INT (whose own trap does
    // not come, and IRET restores TF only for what follows it)
    expect(traps).toEqual([2n, 5n, 6n, 9n]);
  });
});

describe('an interrupt', () => {
  /** What the program leaves behind, without the stack below it and the handler's counter. */
  function outcome(): unknown {
    const { retired, ...state } = machine.architecture();
    void retired;
    const data = [0, 8, 0x100, 0x200].map((at) => machine.read64(DATA + at));
    return { ...state, data };
  }
  it('at any instruction boundary of a program changes nothing in it', () => {
    const run = (at: number): { end: unknown; taken: bigint } => {
      prepare([...PROGRAM, HLT]);
      machine.core.setRflags!(0x202);
      machine.write(HANDLERS + 0x400, [0x48, 0xff, 0x04, 0x25, 0x00, 0x00, 0x03, 0x00, ...IRETQ]);
      if (at >= 0) {
        if (at > 0) expect(machine.run(at)).toBe(BUDGET_USED);
        interrupt(machine, 0x40);
      }
      expect(machine.run(1000)).toBe(LEFT);
      return { end: outcome(), taken: machine.read64(0x3_0000) };
    };
    const alone = run(-1);
    expect(alone.taken).toBe(0n);
    for (let at = 0; at <= MIXED.length; at++) expect(run(at)).toEqual({ end: alone.end, taken: 1n });
  });
  it('asked for in the handler of an exit is taken behind that very instruction', () => {
    prepare([0xe6, 0x10, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, HLT]); // OUT 10h, AL; INC RAX; INC RAX
    machine.setReg(RAX, 0);
    machine.core.setRflags!(0x202);
    machine.write(HANDLERS + 0x400, [HLT]);
    machine.hook = ({ reason }) => {
      if (reason === REASON.io) interrupt(machine, 0x40);
      return undefined;
    };
    expect(machine.run(100)).toBe(LEFT);
    expect(machine.reg(RAX)).toBe(0n);
    expect(machine.read64(Number(machine.reg(4)))).toBe(BigInt(CODE + 2));
  });
  it('that waits behind a trap is taken before the first instruction of the trap handler, if that has IF set', () => {
    prepare([NOP, HLT]);
    machine.core.setRflags!(0x202 | TF);
    machine.write(0x9000 + 16 + 5, [0x8f]); // #DB by a trap gate
    machine.write(HANDLERS + 16, [0x48, 0xff, 0xc0, HLT]);
    machine.write(HANDLERS + 0x400, [HLT]);
    machine.setReg(RAX, 0);
    machine.core.run!(1);
    interrupt(machine, 0x40);
    machine.run(100);
    expect(machine.reg(RAX)).toBe(0n);
    expect(machine.read64(Number(machine.reg(4)))).toBe(BigInt(HANDLERS + 16));
  });
  it('waits for the instruction behind STI: STI; HLT cannot miss it (SDM vol. 2, STI)', () => {
    prepare([0xfb, HLT, HLT]);
    machine.write(HANDLERS + 0x400, IRETQ);
    interrupt(machine, 0x40);
    const halts: bigint[] = [];
    machine.hook = ({ reason }) => {
      if (reason !== REASON.hlt) return undefined;
      halts.push(machine.get('RIP'));
      return LEAVE;
    };
    machine.run(100);
    // taken behind the first HLT, so that only the second one halts
    expect(halts).toEqual([BigInt(CODE + 3)]);
  });
  it.each([
    ['MOV SS', [0x8e, 0xd0]],
    ['POP SS, in real mode', [0x17]],
  ])('waits for the instruction behind %s (SDM vol. 3, 6.8.3)', (name, bytes) => {
    const real = name.includes('real');
    if (real) {
      realGuest(machine, [...bytes, 0x40, HLT]); // INC AX
      machine.write(0x1_8400, [HLT]);
      machine.write(0x4_8000, [0x00, 0x40]);
    } else {
      prepare([0x8c, 0xd0, ...bytes, 0xff, 0xc1, HLT]); // MOV EAX, SS; MOV SS, EAX; INC ECX
      machine.core.run!(1);
    }
    machine.core.setRflags!(0x202);
    machine.write(HANDLERS + 0x400, [HLT]);
    machine.core.run!(1);
    interrupt(machine, 0x40);
    machine.run(100);
    if (real) expect(machine.view.getUint16(machine.ram + 0x4_0000 + Number(machine.reg(4) & 0xffffn), true)).toBe(2);
    else expect(machine.read64(Number(machine.reg(4)))).toBe(BigInt(CODE + 6));
  });
});

describe('a device', () => {
  it('is asked once for each access, wherever the run is cut', () => {
    for (const slice of [1, 2, 100]) {
      prepare([0x8a, 0x04, 0x25, 0, 0, 0x20, 0, 0x88, 0x04, 0x25, 8, 0, 0x20, 0, HLT]); // MOV AL, [200000]; MOV [200008], AL
      const log: string[] = [];
      machine.mmioRead = (gpa, length) => (log.push(`r${gpa.toString(16)}/${length}`), 0x5an);
      machine.mmioWrite = (gpa, length, data) => log.push(`w${gpa.toString(16)}/${length}=${data.toString(16)}`);
      machine.run(100, slice);
      expect(log).toEqual([`r${DEVICE.toString(16)}/1`, `w${(DEVICE + 8).toString(16)}/1=5a`]);
      expect(machine.core.retired!()).toBe(3);
    }
  });
});
