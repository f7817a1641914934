// Which instructions the target `execute` runs: those that only compute, with a result that follows from registers and
// memory. What enters the kernel, changes segments, is privileged, reads clocks or random numbers, or depends on the
// operating system's settings never gets to the native runner.

import { Code, CpuidFeature, FlowControl, Mnemonic, type Instruction } from 'iced-x86';

export interface Admission {
  /** It is run. */
  readonly admitted: boolean;
  /** It may go on somewhere else. */
  readonly branches: boolean;
  /** It uses x87, MMX, XMM or YMM registers. */
  readonly fpu: boolean;
}

const REFUSED: Admission = { admitted: false, branches: false, fpu: false };

const numbersOf = (kind: string, table: object, names: string): Set<number> =>
  new Set(
    names.split(' ').map((name) => {
      const value = (table as Record<string, number | undefined>)[name];
      if (value === undefined) throw new Error(`iced has no ${kind} ${name}`);
      return value;
    }),
  );
const feature = (names: string): Set<number> => numbersOf('feature', CpuidFeature, names);
/** A set of mnemonics. */
export const mnemonics = (names: string): Set<number> => numbersOf('mnemonic', Mnemonic, names);

/** Instructions of these processors and extensions are run, if all that one needs is among them. */
const GENERAL = feature(
  'INTEL8086 INTEL8086_ONLY INTEL186 INTEL286 INTEL386 INTEL486 X64 ADX BMI1 BMI2 CMOV CMPXCHG16B CX8 FSGSBASE LZCNT MOVBE ' +
    'MULTIBYTENOP PAUSE POPCNT PREFETCHW CLFSH',
);
const FLOATING = feature('FPU FPU287 FPU387 MMX SSE SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 AES PCLMULQDQ SHA AVX AVX2 FMA F16C');

/** Next to those that the flow of control already gives away. */
const DENIED = mnemonics(
  'Int Int1 Int3 Into Syscall Sysenter Sysexit Sysret Sysretq Sysexitq Iret Iretd Iretq Hlt In Out Insb Insw Insd Outsb Outsw Outsd ' +
    'Cli Sti Cpuid Rdtsc Rdtscp Rdpmc Rdrand Rdseed Rdpid Rdmsr Wrmsr Xgetbv Xsetbv Xsave Xsave64 Xrstor Xrstor64 ' +
    'Xsavec Xsavec64 Xsaveopt Xsaveopt64 Xsaves Xsaves64 Xrstors Xrstors64 Fxsave Fxsave64 Fxrstor Fxrstor64 Sgdt Sidt ' +
    'Lgdt Lidt Sldt Str Smsw Lmsw Lldt Ltr Lar Lsl Verr Verw Arpl Lds Les Lss Lfs Lgs Vmcall Vmmcall Vmfunc Vmgexit ' +
    'Monitor Mwait Monitorx Mwaitx Clzero Xbegin Xend Xabort Xtest Enclu Pconfig Swapgs Invlpg Invd Wbinvd Clts Rsm ' +
    'Fneni Fndisi Fnsetpm Frstpm Loadall Getsec',
);

/** Results that only one make of processor gives: approximations, and transcendental functions in their last bits. */
const INEXACT = mnemonics(
  'Rcpps Rcpss Rsqrtps Rsqrtss Vrcpps Vrcpss Vrsqrtps Vrsqrtss F2xm1 Fyl2x Fyl2xp1 Fptan Fpatan Fsin Fcos Fsincos',
);

/** Operands that no register or memory of ours is. */
const SYSTEM_OPERAND = /_(Sreg|cr|dr|tr|bnd|k[rm]?|tmm|es|cs|ss|ds|fs|gs)(_|$)|^(Push|Pop)[wdq]_[ECSDFG]S$|_(Sreg)/;

const FLOWS = new Set([
  FlowControl.Next,
  FlowControl.UnconditionalBranch,
  FlowControl.IndirectBranch,
  FlowControl.ConditionalBranch,
  FlowControl.Return,
  FlowControl.Call,
  FlowControl.IndirectCall,
  FlowControl.Exception,
]);

const cache = new Map<Code, Admission>();

/** Decided once for every instruction code. */
export function admission(instruction: Instruction): Admission {
  const { code } = instruction;
  let known = cache.get(code);
  if (known === undefined) cache.set(code, (known = decide(instruction)));
  return known;
}

function decide(instruction: Instruction): Admission {
  if (instruction.isInvalid || instruction.isPrivileged) return REFUSED;
  const name = Code[instruction.code] ?? '';
  const flow = instruction.flowControl;
  if (!FLOWS.has(flow) || DENIED.has(instruction.mnemonic) || INEXACT.has(instruction.mnemonic)) return REFUSED;
  if (SYSTEM_OPERAND.test(name) || /(^|_)(ptr|m)16(16|32|64)|^Retf/.test(name) || name.startsWith('EVEX_'))
    return REFUSED;
  const needed = [...instruction.cpuidFeatures()];
  if (!needed.every((one) => GENERAL.has(one) || FLOATING.has(one))) return REFUSED;
  const branches = flow !== FlowControl.Next && flow !== FlowControl.Exception;
  return { admitted: true, branches, fpu: needed.some((one) => FLOATING.has(one)) };
}
