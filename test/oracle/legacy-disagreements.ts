// Where the other machines differ from us in guests/legacy, what they do, and why we do otherwise: as disagreements.ts is for
// guests/privileged.

import { ALL, BOCHS, type Disagreement, QEMU, RF } from './disagreements.js';

export const LEGACY_DISAGREEMENTS: readonly Disagreement[] = [
  // ------------------------------------------------------------------ everybody, or Bochs
  {
    cases: /^iret-ss\.7$/,
    engines: ALL,
    theirs: '#NP(selector)',
    ours: '#SS(selector)',
    because:
      'SDM vol. 2, IRET: "#SS(0)/#SS(selector) … if the return stack segment is not present"; native: IRETQ to an absent SS is #SS(4)',
  },
  {
    cases: /^code-limit\.(half|before)$/,
    engines: ALL,
    theirs: 'an instruction that begins or ends behind the limit is executed',
    ours: '#GP(0) at its address',
    because: 'SDM vol. 3, 5.3: #GP for "a byte at an offset greater than the effective limit"; code is no exception',
  },
  {
    cases: /^limit\.up-all$/,
    engines: ALL,
    theirs: 'eight bytes at FFFFFFFCh in a segment of 4 GiB wrap',
    ours: '#GP(0)',
    because:
      'SDM vol. 3, 5.3: "When the effective limit is FFFFFFFFH (4 GBytes), these accesses may or may not cause the indicated exceptions"',
  },
  {
    cases: /^iretd\.(same-rf|same-all|user-all)$/,
    engines: BOCHS,
    theirs: 'INT n behind an IRETD that set RF pushes RF = 0',
    ours: 'RF = 1',
    because:
      'SDM vol. 3, 17.3.1.1: "the value pushed for RF is the value that was in EFLAG.RF at the time the event handler was called", for software-generated interrupts too; QEMU agrees',
  },
  {
    cases: /^bad-task\.cs-rpl$/,
    engines: BOCHS,
    theirs: '#TS(SS): SS is held against the RPL of CS before CS is',
    ours: '#TS(CS)',
    because:
      'SDM vol. 3, table 7-1, whose order is that of the checks: "If code segment is non-conforming, its DPL should equal its RPL" comes before those of SS; QEMU agrees',
  },
  {
    cases: /^unreal\.read-only$/,
    engines: BOCHS,
    theirs: '#GP for a write through a read-only descriptor that protected mode left behind',
    ours: 'written: real mode looks at limits only',
    because:
      'SDM vol. 3, 20.1: real mode has no protection, its exceptions (table 20-1) are those of limits; QEMU agrees',
  },
  {
    cases: /^p16\.push-[ef]s32$/,
    engines: BOCHS,
    theirs: 'PUSH of a segment register with 32 bits writes 16 and leaves the rest of the stack slot',
    ours: 'writes 32, the upper half 0',
    because:
      'SDM vol. 2, PUSH: "either a zero-extended value is pushed on the stack or the segment selector is written on the stack using a 16-bit move"; QEMU agrees',
  },
  // ------------------------------------------------------------------ QEMU/TCG
  {
    cases: /./,
    engines: QEMU,
    theirs: 'faults push RF = 0',
    ours: 'RF = 1',
    because: 'SDM vol. 3, 17.3.1.1',
    without: (line) =>
      line.replace(/(?<= (saved-)?flags=)[0-9a-f]+/g, (flags) => (Number.parseInt(flags, 16) & ~RF).toString(16)),
  },
  {
    cases:
      /^(limit\.|rights\.|stack\.|code-limit\.|unreal\.(small|down)$|double\.gp-np$|iretd\.eip-|retf\.eip-limit$|inner\.(call-behind-limit|stack-behind)$)/,
    engines: QEMU,
    theirs: 'no limits, no rights, no null segments for data and code',
    ours: '#GP(0), #SS(0)',
    because: 'SDM vol. 3, 5.3 and 5.5; Bochs agrees but where it is named above',
  },
  {
    cases:
      /^(stack16\.(push-across|push-1|pop-across|pushad-across|enter-wrap)|real\.(word-ffff|dword-fffd|store-ffff|stack-ffff|pop-ffff|address32|movsw-end|jmp-beyond|fld-ffff|lgdt-end)|p16\.(load-a32|load-ebp|load-esp|jmp-beyond))$/,
    engines: QEMU,
    theirs: 'no limits of 64 KiB',
    ours: '#GP and #SS for what lies across the end',
    because: 'SDM vol. 3, 5.3, 20.1.1: accesses beyond FFFFh are #GP, those of the stack #SS; Bochs agrees',
  },
  {
    cases: /^lar\./,
    engines: QEMU,
    theirs: "a code segment's limit bits read as 0",
    ours: 'bits 23:8 of the descriptor as they are',
    because: 'SDM vol. 2, LAR, leaves bits 19:16 undefined; Bochs agrees',
  },
  {
    cases: /^(ltr\.null|sysenter\.cs-3|privileged\.int1|real\.(int1|sysret|c6-1|8f-1|lock-mov)|v86\.(int1|mov-r-cr1))$/,
    engines: QEMU,
    theirs:
      'LTR takes null; SYSENTER_CS = 3 is taken; INT1 is #UD; SYSRET by CPL in real mode; C6 /1 and 8F /1 are executed, LOCK is ignored; privilege before #UD',
    ours: '#GP(0); #GP(0); #DB; #UD for the rest',
    because:
      'SDM vol. 2, LTR, SYSENTER ("#GP(0) if IA32_SYSENTER_CS[15:2] = 0"), INT1, SYSRET, LOCK, MOV CR; appendix A: undefined groups; Bochs agrees',
  },
  {
    cases: /^(store\.smsw|real\.smsw32|real\.mov-cr0-pg)$/,
    engines: QEMU,
    theirs: 'CR0.CD and NW are 0 after reset; PG without PE ends the emulator',
    ours: 'CR0 = 60000010h at reset; #GP',
    because: 'SDM vol. 3, table 9-1; vol. 2, MOV CR: #GP(0) for PG = 1 with PE = 0; Bochs agrees',
  },
  {
    cases: /^(retf-ss\.7|inner\.ss-absent-(call|int))$/,
    engines: QEMU,
    theirs: '#NP for RETF, #TS for an inner stack',
    ours: '#SS(selector)',
    because: 'SDM vol. 2, RET, CALL and INT: "#SS(…) if the (new) stack segment is not present"; Bochs agrees',
  },
  {
    cases: /^ud\.absent/,
    engines: QEMU,
    theirs: 'EXT = 0 for an exception whose gate is absent',
    ours: 'EXT = 1',
    because:
      'SDM vol. 3, 6.13: EXT is set if the exception came "during delivery of an … earlier exception"; Bochs agrees',
  },
  {
    cases: /^inner\.call32-conforming$/,
    engines: QEMU,
    theirs: 'a call gate to conforming code changes the level and the stack',
    ours: 'neither',
    because: 'SDM vol. 3, 5.8.4: to a conforming code segment the level stays, without a stack switch; Bochs agrees',
  },
  {
    cases: /^task\.trap$/,
    engines: QEMU,
    theirs: 'the T flag of a TSS is not looked at',
    ours: '#DB with DR6.BT',
    because: 'SDM vol. 3, 17.3.1.5; Bochs agrees',
  },
  {
    cases: /^(iretd\.(same|user)-all|iopl(-vip)?\.(cli|sti))$/,
    engines: QEMU,
    theirs: 'IRETD does not load VIF and VIP; no CR4.PVI',
    ours: 'loaded at CPL 0; CLI and STI of CPL 3 are those of VIF',
    because: 'SDM vol. 2, IRET: "IF CPL = 0 THEN EFLAGS(IOPL, VIF, VIP) := tempEFLAGS"; vol. 3, 20.4; Bochs agrees',
  },
  {
    cases: /^(v86\.(cli|sti|pushf|popf|int|int-3|iret-.*)|vip\..*|vif\..*|redirect\..*)$/,
    engines: QEMU,
    theirs: 'no CR4.VME',
    ours: 'VIF, VIP and the redirection bitmap',
    because: 'SDM vol. 3, 20.3, tables 20-1 and 20-2; Bochs agrees in all',
  },
  {
    cases: /^v86-int-to\.code1$/,
    engines: QEMU,
    theirs: 'a handler of level 1 is entered from virtual-8086 mode, and faults',
    ours: '#GP(selector)',
    because:
      'SDM vol. 2, INT: from virtual-8086 mode #GP(selector) if the DPL of the new code segment is not 0; Bochs agrees',
  },
  {
    cases: /^align\./,
    engines: QEMU,
    theirs: 'no #AC',
    ours: '#AC',
    because: 'SDM vol. 3, 6.15; Bochs agrees',
  },
  {
    cases: /^(paging32|pse|pae)\.(pte|pde)/,
    engines: QEMU,
    theirs: 'a locked read-modify-write that faults is reported as a read; P = 0 for reserved bits',
    ours: 'W = 1; P = 1 with RSVD',
    because: 'SDM vol. 3, 4.7: W/R by "the access causing the page-fault exception", RSVD implies P; Bochs agrees',
  },
  {
    cases: /^(pse\.bit|pae\.pdpte(-cached)?)$/,
    engines: QEMU,
    theirs: 'P = 0 for reserved bits; PDPTEs are not checked, and read from memory for each translation',
    ours: 'P = 1; #GP(0) when CR3 is loaded; PDPTEs are registers',
    because:
      'SDM vol. 3, 4.7; 4.4.1: "If any of the PDPTEs sets both the P flag (bit 0) and any reserved bit, the MOV to CR instruction causes a general-protection exception"; Bochs agrees',
  },
];
