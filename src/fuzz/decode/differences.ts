// Where our decoder and iced-x86 rightly differ. Iced decodes every extension there is; our processor is an x86-64-v2
// (SSE4.2, POPCNT, CMPXCHG16B, …) with AES, PCLMULQDQ, SHA, FSGSBASE, MOVBE, INVPCID, RDPID and XSAVE known by name.

import { DecoderOptions } from 'iced-x86';

/** Iced as it is asked: x86-64-v2 has neither LZCNT nor TZCNT nor WBNOINVD, their F3 is ignored. */
export const DECODER_OPTIONS = DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD | DecoderOptions.NoWbnoinvd;

export interface Difference {
  /** Iced's instruction codes concerned. */
  readonly codes: RegExp;
  /** Our operation for the same bytes; undefined: invalid. */
  readonly instead?: string;
  readonly reason: string;
}

/**
 * Besides, three things that are no matter of names stand in compare.ts: iced reports the segment overrides that 64-bit
 * mode ignores; it calls F3 REX.B 90 PAUSE, which exchanges rAX with r8 (AMD EPYC does, and SDM vol. 2 lists 90 with
 * REX.B as XCHG); it names a selector's register by operand size. Three more are options given to iced: BSF, BSR and
 * WBINVD with F3 are TZCNT, LZCNT and WBNOINVD only on processors that have them.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    codes: /^(VEX|EVEX|MVEX)_/,
    reason: 'AVX, AVX-512, BMI: after x86-64-v2; C4, C5 and 62 are LES, LDS, BOUND or #UD',
  },
  { codes: /^(XOP|D3NOW)_|^Femms$|^(Extrq|Insertq|Movnts[sd])_/, reason: "AMD's XOP, 3DNow! and SSE4a" },
  { codes: /^(Xbegin|Xabort)_|^X(end|test)$|^X(sus|res)ldtrk$/, reason: 'TSX: a processor without it gives #UD' },
  {
    codes: /^(Clgi|Stgi|Skinit|Pvalidate.|Rmp.*|Psmash|Invlpgb.|Tlbsync)$|^(Vmrun|Vmload|Vmsave|Invlpga)[wdq]$/,
    reason: 'SVM and SEV: the guest has no nested virtualisation (VMMCALL is the hypercall)',
  },
  { codes: /^Vmgexit/, instead: 'VMMCALL', reason: 'VMMCALL outside an SEV-ES guest (APM vol. 3, VMGEXIT)' },
  {
    codes: /^(Vm(launch|resume|xoff|func)$|Vm(read|write|ptrld|ptrst|clear|xon)_|Inv(ept|vpid)_)/,
    reason: 'VMX: as SVM (VMCALL is the hypercall)',
  },
  { codes: /^(Encl[suv]|Getsec.|Pconfig|Tdcall|Seam.*|Pbndkb)$/, reason: 'SGX, SMX, TDX, MKTME: absent' },
  { codes: /^(Rstorssp|Clrssbsy|Wru?ss[dq]|Incssp.)_|^(Setssbsy|Saveprevssp)$/, reason: 'CET shadow stacks: absent' },
  {
    codes: /^(Endbr(32|64)$|Rdssp[dq]_|Cldemote_|Prefetchit[01]_)/,
    instead: 'NOP',
    reason: 'a hint to processors that have it, a reserved NOP (0F 18-1F) to ours',
  },
  { codes: /^(Monitorx.|Mwaitx|Mcommit|Clzero.|Rdpru|Wbnoinvd)$/, reason: 'newer than ours (AMD)' },
  {
    codes:
      /^(Rdpkru|Wrpkru|Serialize|Uiret|Testui|Clui|Stui|Eretu|Erets|Wrmsrns|Wrmsrlist|Rdmsrlist)$|^(Senduipi|Lkgs|Hreset)_/,
    reason: 'newer than ours (Intel: protection keys, user interrupts, FRED, MSR lists)',
  },
  {
    codes: /^(Ptwrite|Clwb|Clflushopt|Tpause|Umonitor|Umwait|Movdir64b|Movdiri|Enqcmds?|A(add|and|xor|or))_/,
    reason: 'newer than ours (Intel)',
  },
  {
    codes: /^(Gf2p8|Ad[co]x_|Aes(enc|dec)(wide)?(128|256)kl|Loadiwkey|Encodekey)/,
    reason: 'GFNI, ADX, Key Locker: after x86-64-v2',
  },
  { codes: /^(Montmul|Xsha|Xstore|Xcrypt|Ccs_|Via_)/, reason: "VIA's and Zhaoxin's: absent" },
];

/** The difference listed for an instruction code of iced, if any. */
export function differenceFor(code: string): Difference | undefined {
  return DIFFERENCES.find((difference) => difference.codes.test(code));
}
