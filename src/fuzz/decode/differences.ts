// Where our decoder and iced-x86 rightly differ. Iced decodes every extension there is; our processor is an x86-64-v3 (AVX2,
// FMA, BMI2, …) with AES, PCLMULQDQ, SHA, ADX, FSGSBASE, INVPCID, RDPID, RDRAND, RDSEED and XSAVE.

import { DecoderOptions } from 'iced-x86';

/** Iced as it is asked: our processor has no WBNOINVD, its F3 is ignored. */
export const DECODER_OPTIONS = DecoderOptions.NoWbnoinvd;

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
 * REX.B as XCHG); it names a selector's register by operand size. Another is an option given to iced: WBINVD
 * with F3 is WBNOINVD only on processors that have it.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    codes: /^(EVEX|MVEX)_|^VEX_K(?!NC_)/,
    reason: 'AVX-512: absent; 62 is BOUND or #UD, and its mask registers have VEX encodings',
  },
  { codes: /^VEX_Vp(dp|madd52)|^VEX_V(cvtn|bcstn)e/, reason: 'VNNI, IFMA, NE-CONVERT: after x86-64-v3' },
  { codes: /^VEX_V(aes|pclmul)\w+_ymm/, reason: 'VAES, VPCLMULQDQ: after x86-64-v3' },
  { codes: /^VEX_V(gf2p8|sha512|sm[34])/, reason: 'GFNI, SHA512, SM3, SM4: after x86-64-v3' },
  { codes: /^VEX_(Ldtile|Sttile|Tile|Tdp|Tcmm)/, reason: 'AMX: absent' },
  { codes: /^VEX_Cmp\w+xadd_/, reason: 'CMPCCXADD: absent' },
  { codes: /^VEX_(Vpermil2p|Vfn?m(add|sub|addsub|subadd)[ps][sd]_)/, reason: "AMD's FMA4 and XOP" },
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
    codes: /^(Gf2p8|Aes(enc|dec)(wide)?(128|256)kl|Loadiwkey|Encodekey)/,
    reason: 'GFNI, Key Locker: after x86-64-v3',
  },
  { codes: /^(Montmul|Xsha|Xstore|Xcrypt|Ccs_|Via_)/, reason: "VIA's and Zhaoxin's: absent" },
];

/** Where our row names another feature than iced, or none because a processor without it does not refuse the instruction. */
export const FEATURE_DIFFERENCES: readonly {
  readonly codes: RegExp;
  readonly feature: string;
  readonly reason: string;
}[] = [
  {
    codes: /^Paddq_mm_/,
    feature: 'SSE2',
    reason: 'came with SSE2, like PSUBQ (SDM vol. 1, 5.6.3); its page in vol. 2 says MMX',
  },
  { codes: /^[LT]zcnt_/, feature: 'none', reason: 'without LZCNT and BMI1 they are BSR and BSF (SDM vol. 2)' },
  { codes: /^(Prefetch|Endbr|Cldemote|Rdssp)/, feature: 'none', reason: 'hints: NOP where they mean nothing' },
  { codes: /^Pause$/, feature: 'none', reason: 'REP NOP before SSE2' },
  { codes: /^Wait$/, feature: 'none', reason: 'the instruction of a coprocessor that need not be there' },
];

/** The difference listed for an instruction code of iced, if any. */
export function differenceFor(code: string): Difference | undefined {
  return DIFFERENCES.find((difference) => difference.codes.test(code));
}
