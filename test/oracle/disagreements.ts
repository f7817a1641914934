// Where the other machines differ from us in guests/privileged (legacy-disagreements.ts: in guests/legacy), what they do, and why we do otherwise. disagreements.test.ts holds every line of
// every recording against this list: a difference that is not named here fails, and so does an entry that excuses nothing.
//
// SDM: Intel's manual, APM: AMD's. "native": test/oracle/native.c on a processor (AMD EPYC, Zen 4), in user mode.

export type EngineName = 'qemu-intel' | 'qemu-amd' | 'bochs-intel' | 'bochs-amd';

export interface Disagreement {
  cases: RegExp;
  engines: readonly EngineName[];
  /** What they do, and what we do. */
  theirs: string;
  ours: string;
  /** The sentence of the manual, or what else decides. */
  because: string;
  /** What is left of a line when the difference is taken out of it; the rest has to be the same. */
  without?: (line: string) => string;
}

export const RF = 0x10000;
export const QEMU: readonly EngineName[] = ['qemu-intel', 'qemu-amd'];
export const BOCHS: readonly EngineName[] = ['bochs-intel', 'bochs-amd'];
export const ALL: readonly EngineName[] = [...QEMU, ...BOCHS];

export const DISAGREEMENTS: readonly Disagreement[] = [
  // ------------------------------------------------------------------ everybody, or Bochs
  {
    cases: /^(iret-ss\.7|iret-to\.ss-absent)$/,
    engines: ALL,
    theirs: '#NP(selector)',
    ours: '#SS(selector)',
    because:
      'SDM vol. 2, IRET: "#SS(0)/#SS(selector) … if the return stack segment is not present"; native: IRETQ to an absent SS is #SS(4)',
  },
  {
    cases: /^iret-to\.user-compat-high-rip$/,
    engines: ALL,
    theirs: 'IRETQ to compatibility mode drops the upper half of RIP',
    ours: '#GP(0) at the IRETQ',
    because:
      'SDM vol. 2, IRET: "#GP(0) if the return instruction pointer is not within the return code segment limit"; native: #GP(0), RIP at the IRETQ',
  },
  {
    cases: /^iretd\./,
    engines: BOCHS,
    theirs: 'IRETD in 64-bit mode to the same level leaves SS and ESP on the stack',
    ours: 'pops them',
    because: 'SDM vol. 3, 6.14.3: IRET "pops SS:RSP unconditionally … in 64-bit mode"; native: RSP is popped',
  },
  {
    cases: /^iretd\./,
    engines: QEMU,
    theirs: 'IRETD with VM set (17th value) breaks',
    ours: 'VM is not loaded in IA-32e mode',
    because: 'SDM vol. 3, 20.1: no virtual-8086 mode in IA-32e mode; Bochs agrees for IRETQ',
  },
  {
    cases: /^(shadow\.(int3|int|int1))$/,
    engines: ALL,
    theirs: 'Bochs loses the breakpoint of MOV SS before INT3, INT n, INT1; QEMU traps before it, without a shadow',
    ours: '#DB before the first instruction of the handler',
    because:
      'CVE-2018-8897: processors deliver it "after execution of the instruction following MOV SS", in the handler; SDM vol. 3, 6.8.3',
  },
  {
    cases: /^shadow\.(nop|ud2|syscall|mov-ss)$/,
    engines: QEMU,
    theirs: 'data breakpoint of MOV SS taken at once',
    ours: 'after the next instruction; lost if that faults',
    because: 'SDM vol. 3, 6.8.3: debug exceptions are inhibited until after the instruction that follows MOV SS',
  },
  {
    cases: /^detect\./,
    engines: ALL,
    theirs: 'QEMU has no DR7.GD; Bochs pushes RF = 0',
    ours: '#DB before the access, RF = 1 in its image',
    because:
      'SDM vol. 3, 17.3.1.1: RF is pushed as 1 "for any fault-class exception except a debug exception generated in response to an instruction breakpoint"',
  },
  {
    cases: /^smap\.implicit-ac$/,
    engines: ALL,
    theirs: 'AC = 1 lets a descriptor be read from a user page',
    ours: '#PF',
    because:
      'SDM vol. 3, 4.6.1: "If EFLAGS.AC = 0 or the access is implicit, data may not be read from any user-mode address"',
  },
  {
    cases: /^(fmask-high|tsc-aux-high)$/,
    engines: ALL,
    theirs: 'take or drop bits 63:32',
    ours: '#GP(0)',
    because: 'SDM vol. 4: bits 63:32 of IA32_FMASK and IA32_TSC_AUX are reserved; vol. 2, WRMSR: #GP for reserved bits',
  },
  {
    cases: /^align\.(movups|movdqu|lddqu)$/,
    engines: ALL,
    theirs: 'no #AC',
    ours: '#AC unless a multiple of eight',
    because:
      'SDM vol. 3, 6.15 (#AC): "may or may not be generated … when data addresses are not aligned on an 8-byte boundary"; native: #AC unless a multiple of 16',
  },
  {
    cases: /^align\.(fnsave|frstor)$/,
    engines: ALL,
    theirs: 'Bochs: always #AC, it looks at the 80-bit registers; QEMU: never',
    ours: '#AC unless a multiple of four',
    because: 'SDM vol. 3, table 6-7: FSAVE/FRSTOR save area 4 or 2, by operand size; native: the same',
  },
  {
    cases: /^lar\.half-in-table$/,
    engines: BOCHS,
    theirs: 'ZF = 0 if the upper half of a 16-byte descriptor is beyond the table',
    ours: 'ZF = 1: LAR reads the access rights, which are in the lower half',
    because: 'SDM vol. 2, LAR: rights come from "the second doubleword of the segment descriptor"; QEMU agrees',
  },
  {
    cases: /^int-to\.upper-type$/,
    engines: BOCHS,
    theirs: '#GP for a type in the upper half of an IDT gate',
    ours: 'not looked at',
    because: 'SDM vol. 3, 6.14.1: bytes 15:12 of an IDT gate are reserved, no check is named; QEMU agrees',
  },
  {
    cases: /^iret\.stack-absent$/,
    engines: BOCHS,
    theirs: "CR2 = the frame's end (so does Zen 4: native)",
    ours: "CR2 = the frame's beginning, as QEMU",
    because: 'The manuals do not say in which order IRET reads its frame',
  },
  {
    cases: /^step\.(syscall-masked|sysret)$/,
    engines: BOCHS,
    theirs: 'single step by the TF before SYSCALL and SYSRET',
    ours: 'by the TF after them',
    because:
      'AMD64 and Intel 64 processors evaluate TF after the change (why SFMASK is made to clear it); QEMU agrees. Found here: we were wrong',
  },
  {
    cases: /^both\.one-enabled$/,
    engines: BOCHS,
    theirs: 'DR6 shows a matching breakpoint that is not enabled',
    ours: 'only those that are enabled',
    because: 'SDM vol. 3, 17.2.3: "They may or may not be set if the breakpoint is not enabled"; QEMU agrees',
  },
  {
    cases: /^(cr4\.bit(11|13|17)|pcide\.on|efer\.bit1[24]|mov\.lock|k(64|32)\.mov-r-cr8|u(64|32)(-iopl3)?\.mov-r-cr8)$/,
    engines: ALL,
    theirs: 'models with other features: no UMIP, with VMX, no PCID, SVM, FFXSR, LOCK MOV CR0 for CR8',
    ours: 'as our CPUID announces',
    because: 'A bit or encoding of a feature that CPUID does not announce is reserved',
  },
  {
    cases: /\.invpcid-type9$/,
    engines: ['bochs-amd', 'qemu-amd', 'qemu-intel'],
    theirs: 'models without INVPCID',
    ours: 'with it',
    because: 'SDM vol. 2, INVPCID: #UD if CPUID.7.EBX.INVPCID = 0',
  },
  {
    cases: /^((k|u)(64|32)(-iopl3)?\.(sysenter-0|sysexit)|sys(enter|exit)\..*)$/,
    engines: ['bochs-amd', 'qemu-amd'],
    theirs: "SYSENTER and SYSEXIT as on Intel's processors",
    ours: '#UD in long mode with --cpu vendor=amd',
    because: 'APM vol. 3, SYSENTER, SYSEXIT: "#UD … the instruction is not recognized in long mode"',
  },
  {
    cases: /^sysret\.non-canonical$/,
    engines: ['bochs-amd', 'qemu-intel'],
    theirs: 'Bochs faults at SYSRET for every model, QEMU at the target for every vendor',
    ours: 'by vendor: Intel at SYSRET with CPL 0, AMD at the target with CPL 3',
    because:
      'SDM vol. 2, SYSRET: "#GP(0) if RCX contains a non-canonical address" (CVE-2012-0217); APM has no such check',
  },
  // ------------------------------------------------------------------ QEMU/TCG
  {
    cases: /./,
    engines: QEMU,
    theirs: 'faults push RF = 0',
    ours: 'RF = 1',
    because: 'SDM vol. 3, 17.3.1.1',
    without: (line) =>
      line.replace(/(?<= flags=0x)[0-9a-f]+/, (flags) => (Number.parseInt(flags, 16) & ~RF).toString(16)),
  },
  {
    cases: /^(cr[048]\.|efer\.bit|dr[67]\.|lmsw|smsw|clts|pcide\.)/,
    engines: QEMU,
    theirs:
      'reserved bits of control registers, debug registers and EFER are taken or end the emulator; CR0.CD and NW after reset are 0',
    ours: '#GP(0) for each; CR0 = 60000010h at reset',
    because: 'SDM vol. 2, MOV CR and MOV DR: #GP(0) for reserved bits; vol. 3, table 9-1; Bochs agrees in all',
  },
  {
    cases:
      /^cr3\.high-bit|^(fs-base|gs-base|kernel-gs-base|lstar|cstar|sysenter-e[si]p)\.|^sysenter-cs$|^pat-type|^(rd|wr)msr\.unknown$|\.rdmsr-unknown$|^fsgsbase\.wr/,
    engines: QEMU,
    theirs: 'no checks of addresses and reserved bits in MSRs, unknown MSRs read as 0; 16 bits of SYSENTER_CS',
    ours: '#GP(0); 32 bits of SYSENTER_CS',
    because:
      'SDM vol. 2, WRMSR and RDMSR: #GP for non-canonical addresses, reserved bits and unknown registers; Bochs agrees',
  },
  {
    cases:
      /^(k|u)(64|32)(-iopl3)?\.(ltr-0|lock-cli|lock-wrmsr|int1|mov-r-cr1|mov-r-dr8|xsetbv|sysret|int3|int-3|int-80)$|^(step\.int1|dr6\.sticky)$/,
    engines: QEMU,
    theirs:
      'LTR takes the null selector; LOCK is ignored; INT1 is #UD; privilege before #UD; error code of a gate is vector * 16 + 2 in long mode',
    ours: '#GP(0); #UD; #DB; #UD first; vector * 8 + 2',
    because:
      'SDM vol. 2, LTR, LOCK, INT1, MOV CR; vol. 3, 6.13: the error code holds the index of the gate; Bochs agrees',
  },
  {
    cases: /^(lar|lsl|ltr)\./,
    engines: QEMU,
    theirs: "16-bit TSS and gates in long mode; LAR shows a code segment's limit bits as 0",
    ours: 'no such types in IA-32e mode; LAR shows bits 23:8 and the limit bits as they are',
    because: 'SDM vol. 3, table 3-2, and vol. 2, LAR, table 3-54; Bochs agrees',
  },
  {
    cases:
      /^(jmp-far\.l-and-d|call-gate\.non-canonical|int-to\.non-canonical|iret-to\.(user-)?non-canonical|sysexit\.non-canonical-r[is]p|sysenter\.cs-3)$/,
    engines: QEMU,
    theirs: 'targets are checked when they are fetched, or not',
    ours: '#GP at the instruction, nothing changed',
    because:
      'SDM vol. 2, JMP, CALL, INT, IRET, SYSEXIT: #GP(0) for a non-canonical target, L and D both set, SYSENTER_CS[15:2] = 0',
  },
  {
    cases: /^gate\.[ku]\./,
    engines: QEMU,
    theirs: 'error code = vector * 16 + 2',
    ours: 'vector * 8 + 2',
    because: 'SDM vol. 3, 6.13; Bochs agrees',
  },
  {
    cases: /^stack\.k\.ist/,
    engines: QEMU,
    theirs: 'SS = 0 after an IST switch without a change of level',
    ours: 'SS stays',
    because: 'SDM vol. 3, 6.14.2: "The new SS is forced to NULL … if there is a change in the CPL"; Bochs agrees',
  },
  {
    cases: /^iretq\.k$/,
    engines: QEMU,
    theirs: 'VIF and VIP are not loaded',
    ours: 'loaded at CPL 0',
    because: 'SDM vol. 2, IRET: "IF CPL = 0 THEN EFLAGS(IOPL, VIF, VIP) := tempEFLAGS"; Bochs agrees',
  },
  {
    cases: /^iret-to\.null-ss-compat$/,
    engines: QEMU,
    theirs: 'accepts a null SS for compatibility mode, and stops',
    ours: '#GP(0)',
    because: 'SDM vol. 2, IRET: a null SS only in 64-bit mode; Bochs agrees',
  },
  {
    cases: /^(syscall\.(k|k32|u32|fmask)|sysret\.(flags|vm))$/,
    engines: QEMU,
    theirs:
      'SYSCALL loses the arithmetic flags; is there in compatibility mode for both vendors; SYSRET loads VM and not VIF and VIP',
    ours: 'flags AND NOT SFMASK; #UD outside 64-bit mode for Intel; R11 AND 3C7FD7h',
    because: 'SDM vol. 2, SYSCALL, SYSRET; Bochs agrees',
  },
  {
    cases: /^(pte\.\d+\.\d|(pml4e|pdpte|pde|pte)\.bits|pml4e\.ps|large-[12][mg]\.bits|accessed\..*)$/,
    engines: QEMU,
    theirs: 'P = 0 in the error code for reserved bits; A is set on the way to a fault',
    ours: 'P = 1; A only when the translation is used',
    because: 'SDM vol. 3, 4.7: RSVD implies P; 4.8 leaves A on the way to a fault open; Bochs agrees in all',
  },
  {
    cases: /^(step\.sti|break\.unaligned-address|code\.after-mov-ss|both\.(two|step))$/,
    engines: QEMU,
    theirs: 'STI holds back single steps; DR0 is not rounded down; no shadow for code breakpoints; one cause at a time',
    ours: 'see the manual',
    because: 'SDM vol. 3, 17.2.5, 17.3.1, 6.8.3; Bochs agrees',
  },
  {
    cases: /^data\./,
    engines: QEMU,
    theirs: 'stores to the page trip the breakpoint of another address',
    ours: 'only accesses that touch its bytes',
    because: 'SDM vol. 3, 17.2.5; Bochs agrees in all',
  },
  {
    cases: /^align\./,
    engines: QEMU,
    theirs: 'no #AC',
    ours: '#AC',
    because: 'SDM vol. 3, 6.15; Bochs and native agree',
  },
  {
    cases: /^fpu\.|^mf\.|^xm\.|^(mxcsr|fxrstor\.mxcsr)/,
    engines: QEMU,
    theirs:
      'MMX and SSE with CR0.EM and TS both clear but TS first, XSAVE by TS; #MF only at a few instructions; no #XM; MXCSR takes any value',
    ours: 'see the manual',
    because: 'SDM vol. 3, table 2-2, 13.1; vol. 1, 8.7, 11.5; Bochs agrees in all',
  },
];
