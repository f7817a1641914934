// Mnemonics of the operations, by Operation. Written by tools/make-names.mjs from operation.ts: change that, not this.

const NAMES: StaticArray<string> = [
  '(bad)', 'add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp', 'test', 'inc', 'dec', 'neg', 'not', 'mul', 'imul',
  'div', 'idiv', 'rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'shl', 'sar', 'shld', 'shrd', 'bt', 'bts', 'btr', 'btc',
  'bsf', 'bsr', 'popcnt', 'crc32', 'mov', 'movzx', 'movsx', 'movsxd', 'movbe', 'movnti', 'lea', 'xchg', 'xadd',
  'cmpxchg', 'cmpxchg8b', 'cmpxchg16b', 'bswap', 'cmov', 'set', 'xlatb', 'mov', 'les', 'lds', 'lss', 'lfs', 'lgs',
  'cbw', 'cwd', 'push', 'pop', 'pusha', 'popa', 'pushf', 'popf', 'push', 'pop', 'enter', 'leave', 'j', 'jmp',
  'jmp far', 'call', 'call far', 'ret', 'retf', 'jrcxz', 'loop', 'loope', 'loopne', 'int', 'int3', 'int1', 'into',
  'iret', 'bound', 'ud', 'syscall', 'sysret', 'sysenter', 'sysexit', 'clc', 'stc', 'cmc', 'cld', 'std', 'cli', 'sti',
  'lahf', 'sahf', 'clac', 'stac', 'daa', 'das', 'aaa', 'aas', 'aam', 'aad', 'salc', 'movs', 'cmps', 'stos', 'lods',
  'scas', 'ins', 'outs', 'in', 'out', 'nop', 'pause', 'prefetch', 'lfence', 'mfence', 'sfence', 'clflush', 'hlt',
  'cpuid', 'rdtsc', 'rdtscp', 'rdpmc', 'rdmsr', 'wrmsr', 'mov', 'mov', 'clts', 'sgdt', 'sidt', 'lgdt', 'lidt', 'sldt',
  'str', 'lldt', 'ltr', 'smsw', 'lmsw', 'lar', 'lsl', 'verr', 'verw', 'arpl', 'invlpg', 'invd', 'wbinvd', 'swapgs',
  'rsm', 'xgetbv', 'xsetbv', 'vmcall', 'vmmcall', 'monitor', 'mwait', 'rdfsbase', 'rdgsbase', 'wrfsbase', 'wrgsbase',
  'invpcid', 'rdpid', 'fwait', '', 'movups', 'movupd', 'movss', 'movsd', 'movlps', 'movlpd', 'movhlps', 'movsldup',
  'movddup', 'unpcklps', 'unpcklpd', 'unpckhps', 'unpckhpd', 'movhps', 'movhpd', 'movlhps', 'movshdup', 'movaps',
  'movapd', 'cvtpi2ps', 'cvtpi2pd', 'cvtsi2ss', 'cvtsi2sd', 'movntps', 'movntpd', 'cvttps2pi', 'cvttpd2pi',
  'cvttss2si', 'cvttsd2si', 'cvtps2pi', 'cvtpd2pi', 'cvtss2si', 'cvtsd2si', 'ucomiss', 'ucomisd', 'comiss', 'comisd',
  'movmskps', 'movmskpd', 'sqrtps', 'sqrtpd', 'sqrtss', 'sqrtsd', 'rsqrtps', 'rsqrtss', 'rcpps', 'rcpss', 'andps',
  'andpd', 'andnps', 'andnpd', 'orps', 'orpd', 'xorps', 'xorpd', 'addps', 'addpd', 'addss', 'addsd', 'mulps', 'mulpd',
  'mulss', 'mulsd', 'cvtps2pd', 'cvtpd2ps', 'cvtss2sd', 'cvtsd2ss', 'cvtdq2ps', 'cvtps2dq', 'cvttps2dq', 'subps',
  'subpd', 'subss', 'subsd', 'minps', 'minpd', 'minss', 'minsd', 'divps', 'divpd', 'divss', 'divsd', 'maxps', 'maxpd',
  'maxss', 'maxsd', 'cmpps', 'cmppd', 'cmpss', 'cmpsd', 'shufps', 'shufpd', 'haddps', 'haddpd', 'hsubps', 'hsubpd',
  'addsubps', 'addsubpd', 'cvttpd2dq', 'cvtdq2pd', 'cvtpd2dq', 'punpcklbw', 'punpcklwd', 'punpckldq', 'packsswb',
  'pcmpgtb', 'pcmpgtw', 'pcmpgtd', 'packuswb', 'punpckhbw', 'punpckhwd', 'punpckhdq', 'packssdw', 'punpcklqdq',
  'punpckhqdq', 'movd', 'movq', 'movdqa', 'movdqu', 'pshufw', 'pshufd', 'pshufhw', 'pshuflw', 'psrlw', 'psraw',
  'psllw', 'psrld', 'psrad', 'pslld', 'psrlq', 'psrldq', 'psllq', 'pslldq', 'pcmpeqb', 'pcmpeqw', 'pcmpeqd', 'emms',
  'pinsrw', 'pextrw', 'paddq', 'pmullw', 'movq2dq', 'movdq2q', 'pmovmskb', 'psubusb', 'psubusw', 'pminub', 'pand',
  'paddusb', 'paddusw', 'pmaxub', 'pandn', 'pavgb', 'pavgw', 'pmulhuw', 'pmulhw', 'movntq', 'movntdq', 'psubsb',
  'psubsw', 'pminsw', 'por', 'paddsb', 'paddsw', 'pmaxsw', 'pxor', 'lddqu', 'pmuludq', 'pmaddwd', 'psadbw',
  'maskmovq', 'maskmovdqu', 'psubb', 'psubw', 'psubd', 'psubq', 'paddb', 'paddw', 'paddd', 'pshufb', 'phaddw',
  'phaddd', 'phaddsw', 'pmaddubsw', 'phsubw', 'phsubd', 'phsubsw', 'psignb', 'psignw', 'psignd', 'pmulhrsw', 'pabsb',
  'pabsw', 'pabsd', 'pblendvb', 'blendvps', 'blendvpd', 'ptest', 'pmovsxbw', 'pmovsxbd', 'pmovsxbq', 'pmovsxwd',
  'pmovsxwq', 'pmovsxdq', 'pmuldq', 'pcmpeqq', 'movntdqa', 'packusdw', 'pmovzxbw', 'pmovzxbd', 'pmovzxbq', 'pmovzxwd',
  'pmovzxwq', 'pmovzxdq', 'pcmpgtq', 'pminsb', 'pminsd', 'pminuw', 'pminud', 'pmaxsb', 'pmaxsd', 'pmaxuw', 'pmaxud',
  'pmulld', 'phminposuw', 'roundps', 'roundpd', 'roundss', 'roundsd', 'blendps', 'blendpd', 'pblendw', 'palignr',
  'pextrb', 'pextrd', 'pextrq', 'extractps', 'pinsrb', 'insertps', 'pinsrd', 'pinsrq', 'dpps', 'dppd', 'mpsadbw',
  'pcmpestrm', 'pcmpestri', 'pcmpistrm', 'pcmpistri', 'sha1nexte', 'sha1msg1', 'sha1msg2', 'sha1rnds4', 'sha256rnds2',
  'sha256msg1', 'sha256msg2', 'aesimc', 'aesenc', 'aesenclast', 'aesdec', 'aesdeclast', 'aeskeygenassist',
  'pclmulqdq', 'rdrand', 'rdseed', 'fxsave', 'fxrstor', 'ldmxcsr', 'stmxcsr', 'xsave', 'xrstor', 'xsaveopt', 'xsavec',
  'xsaves', 'xrstors', 'fadd', 'fmul', 'fcom', 'fcomp', 'fsub', 'fsubr', 'fdiv', 'fdivr', 'fld', 'fst', 'fstp',
  'fldenv', 'fldcw', 'fnstenv', 'fnstcw', 'fxch', 'fnop', 'fstpnce', 'fchs', 'fabs', 'ftst', 'fxam', 'fld1', 'fldl2t',
  'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz', 'f2xm1', 'fyl2x', 'fptan', 'fpatan', 'fxtract', 'fprem1', 'fdecstp',
  'fincstp', 'fprem', 'fyl2xp1', 'fsqrt', 'fsincos', 'frndint', 'fscale', 'fsin', 'fcos', 'fiadd', 'fimul', 'ficom',
  'ficomp', 'fisub', 'fisubr', 'fidiv', 'fidivr', 'fcmovb', 'fcmove', 'fcmovbe', 'fcmovu', 'fucompp', 'fild',
  'fisttp', 'fist', 'fistp', 'fcmovnb', 'fcmovne', 'fcmovnbe', 'fcmovnu', 'fneni', 'fndisi', 'fnclex', 'fninit',
  'fnsetpm', 'fucomi', 'fcomi', 'frstor', 'fnsave', 'fnstsw', 'ffree', 'fucom', 'fucomp', 'faddp', 'fmulp', 'fcompp',
  'fsubrp', 'fsubp', 'fdivrp', 'fdivp', 'fbld', 'fbstp', 'ffreep', 'fucomip', 'fcomip',
];

/** How many operations there are. */
export const NAME_COUNT: u32 = 535;

/** Intel's mnemonic, or the stem of one that a condition or a size completes; '(bad)' for what is no operation. */
export function name(operation: u16): string {
  return <u32>operation < NAME_COUNT ? unchecked(NAMES[operation]) : unchecked(NAMES[0]);
}
