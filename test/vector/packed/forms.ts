// Every instruction of the families PACKED and CRYPTO, in each of its forms with registers and with memory, as an assembler
// takes it. `I` is an immediate byte. Memory is at RSI; general-purpose registers are RAX, RCX, RDX, RBX.

/** On MMX and XMM registers alike; with three operands under VEX. */
const BOTH = `punpcklbw punpcklwd punpckldq packsswb pcmpgtb pcmpgtw pcmpgtd packuswb punpckhbw punpckhwd punpckhdq packssdw
  pcmpeqb pcmpeqw pcmpeqd paddq pmullw psubusb psubusw pminub pand paddusb paddusw pmaxub pandn pavgb pavgw pmulhuw pmulhw
  psubsb psubsw pminsw por paddsb paddsw pmaxsw pxor pmuludq pmaddwd psadbw psubb psubw psubd psubq paddb paddw paddd
  pshufb phaddw phaddd phaddsw pmaddubsw phsubw phsubd phsubsw psignb psignw psignd pmulhrsw`;
/** XMM registers only; with three operands under VEX. */
const WIDE = `unpcklps unpcklpd unpckhps unpckhpd andps andpd andnps andnpd orps orpd xorps xorpd punpcklqdq punpckhqdq
  pmuldq pcmpeqq packusdw pcmpgtq pminsb pminsd pminuw pminud pmaxsb pmaxsd pmaxuw pmaxud pmulld`;
const WIDE_IMMEDIATE = 'shufps shufpd blendps blendpd pblendw mpsadbw palignr';
const SHIFTS = 'psrlw psraw psllw psrld psrad pslld psrlq psllq';
const EXTENSIONS = { bw: 8, bd: 4, bq: 2, wd: 8, wq: 4, dq: 8 };
const POINTER: Record<number, string> = {
  1: 'byte ptr [rsi]',
  2: 'word ptr [rsi]',
  4: 'dword ptr [rsi]',
  8: 'qword ptr [rsi]',
  16: 'xmmword ptr [rsi]',
  32: 'ymmword ptr [rsi]',
};

const words = (text: string): string[] => text.trim().split(/\s+/);

function common(): string[] {
  const forms: string[] = [];
  for (const name of words(BOTH)) {
    const half = name.startsWith('punpckl') ? POINTER[4] : POINTER[8];
    forms.push(`${name} mm1, mm2`, `${name} mm1, ${half}`);
  }
  for (const name of [...words(BOTH), ...words(WIDE)]) {
    forms.push(`${name} xmm1, xmm2`, `${name} xmm1, ${POINTER[16]}`);
    forms.push(`v${name} xmm3, xmm1, xmm2`, `v${name} ymm3, ymm1, ymm2`, `v${name} ymm2, ymm1, ymm2`);
    forms.push(`v${name} ymm3, ymm3, ${POINTER[32]}`);
  }
  for (const name of words(WIDE_IMMEDIATE)) {
    forms.push(`${name} xmm1, xmm2, I`, `${name} xmm1, ${POINTER[16]}, I`);
    forms.push(`v${name} xmm3, xmm1, xmm2, I`, `v${name} ymm3, ymm1, ymm2, I`, `v${name} ymm2, ymm1, ymm2, I`);
  }
  forms.push('palignr mm1, mm2, I', `palignr mm1, ${POINTER[8]}, I`);
  for (const name of ['pabsb', 'pabsw', 'pabsd']) {
    forms.push(`${name} mm1, mm2`, `${name} xmm1, xmm2`, `v${name} xmm1, xmm2`, `v${name} ymm1, ymm2`);
  }
  for (const name of ['pshufd', 'pshufhw', 'pshuflw']) {
    forms.push(`${name} xmm1, xmm2, I`, `${name} xmm1, xmm1, I`, `v${name} xmm1, xmm2, I`, `v${name} ymm1, ymm2, I`);
  }
  return [...forms, 'pshufw mm1, mm2, I', 'pshufw mm1, mm1, I'];
}

function shifts(): string[] {
  const forms: string[] = [];
  for (const name of words(SHIFTS)) {
    forms.push(`${name} mm1, mm2`, `${name} mm1, I`, `${name} xmm1, xmm2`, `${name} xmm1, I`, `${name} mm1, mm1`);
    forms.push(`v${name} xmm3, xmm1, xmm2`, `v${name} ymm3, ymm1, xmm2`, `v${name} ymm2, ymm1, xmm2`);
    forms.push(`v${name} xmm3, xmm1, I`, `v${name} ymm3, ymm1, I`, `v${name} ymm3, ymm1, ${POINTER[16]}`);
  }
  for (const name of ['psrldq', 'pslldq']) {
    forms.push(`${name} xmm1, I`, `v${name} xmm3, xmm1, I`, `v${name} ymm3, ymm1, I`);
  }
  for (const name of ['vpsllvd', 'vpsllvq', 'vpsrlvd', 'vpsrlvq', 'vpsravd']) {
    forms.push(`${name} xmm3, xmm1, xmm2`, `${name} ymm3, ymm1, ymm2`, `${name} ymm2, ymm1, ymm2`);
  }
  return forms;
}

function moves(): string[] {
  const forms: string[] = [];
  for (const name of ['movups', 'movupd', 'movaps', 'movapd', 'movdqa', 'movdqu']) {
    forms.push(`${name} xmm1, xmm2`, `v${name} xmm1, xmm2`, `v${name} ymm1, ymm2`, `${name} ${POINTER[16]}, xmm2`);
  }
  for (const name of ['movntps', 'movntpd', 'movntdq']) {
    forms.push(`${name} ${POINTER[16]}, xmm2`, `v${name} ${POINTER[32]}, ymm2`);
  }
  for (const name of ['lddqu', 'movntdqa']) forms.push(`${name} xmm1, ${POINTER[16]}`, `v${name} ymm1, ${POINTER[32]}`);
  for (const [name, size] of [
    ['movss', 4],
    ['movsd', 8],
  ] as const) {
    forms.push(`${name} xmm1, xmm2`, `${name} xmm1, ${POINTER[size]}`, `${name} ${POINTER[size]}, xmm2`);
    forms.push(`v${name} xmm3, xmm1, xmm2`, `v${name} xmm1, ${POINTER[size]}`, `v${name} ${POINTER[size]}, xmm2`);
  }
  for (const name of ['movlps', 'movlpd', 'movhps', 'movhpd']) {
    forms.push(`${name} xmm1, ${POINTER[8]}`, `${name} ${POINTER[8]}, xmm2`);
    forms.push(`v${name} xmm3, xmm1, ${POINTER[8]}`, `v${name} ${POINTER[8]}, xmm2`);
  }
  for (const name of ['movhlps', 'movlhps']) forms.push(`${name} xmm1, xmm2`, `v${name} xmm3, xmm1, xmm2`);
  for (const name of ['movsldup', 'movddup', 'movshdup']) {
    forms.push(`${name} xmm1, xmm2`, `v${name} xmm1, xmm2`, `v${name} ymm1, ymm2`);
  }
  forms.push(`movddup xmm1, ${POINTER[8]}`, `vmovddup ymm1, ${POINTER[32]}`);
  for (const name of ['movmskps', 'movmskpd', 'pmovmskb']) {
    forms.push(`${name} ecx, xmm2`, `v${name} ecx, xmm2`, `v${name} ecx, ymm2`);
  }
  forms.push('pmovmskb ecx, mm2', 'movq2dq xmm1, mm2', 'movdq2q mm1, xmm2');
  for (const [name, register] of [
    ['movd', 'ecx'],
    ['movq', 'rcx'],
  ]) {
    const size = POINTER[name === 'movd' ? 4 : 8];
    forms.push(`${name} mm1, ${register}`, `${name} ${register}, mm1`, `${name} xmm1, ${register}`);
    forms.push(`${name} ${register}, xmm1`, `v${name} xmm1, ${register}`, `v${name} ${register}, xmm1`);
    forms.push(`${name} mm1, ${size}`, `${name} ${size}, mm1`, `${name} xmm1, ${size}`, `${name} ${size}, xmm1`);
  }
  return [...forms, 'movq mm1, mm2', 'movq xmm1, xmm2', 'vmovq xmm1, xmm2', `movntq ${POINTER[8]}, mm1`];
}

function elements(): string[] {
  const forms: string[] = [];
  for (const [name, register, size] of [
    ['pextrb', 'ecx', 1],
    ['pextrw', 'ecx', 2],
    ['pextrd', 'ecx', 4],
    ['pextrq', 'rcx', 8],
    ['extractps', 'ecx', 4],
  ] as const) {
    forms.push(`${name} ${register}, xmm2, I`, `v${name} ${register}, xmm2, I`, `${name} ${POINTER[size]}, xmm2, I`);
  }
  for (const [name, register, size] of [
    ['pinsrb', 'ecx', 1],
    ['pinsrw', 'ecx', 2],
    ['pinsrd', 'ecx', 4],
    ['pinsrq', 'rcx', 8],
    ['insertps', 'xmm2', 4],
  ] as const) {
    forms.push(`${name} xmm1, ${register}, I`, `${name} xmm1, ${POINTER[size]}, I`);
    forms.push(`v${name} xmm3, xmm1, ${register}, I`, `v${name} xmm3, xmm1, ${POINTER[size]}, I`);
  }
  return [...forms, 'pextrw ecx, mm2, I', 'pinsrw mm1, ecx, I', `pinsrw mm1, ${POINTER[2]}, I`];
}

function sse4(): string[] {
  const forms: string[] = [];
  for (const [shape, size] of Object.entries(EXTENSIONS)) {
    for (const name of [`pmovsx${shape}`, `pmovzx${shape}`]) {
      forms.push(`${name} xmm1, xmm2`, `${name} xmm1, ${POINTER[size]}`, `v${name} xmm1, xmm2`);
      forms.push(`v${name} ymm1, xmm2`, `v${name} ymm2, xmm2`, `v${name} ymm1, ${POINTER[size * 2]}`);
    }
  }
  for (const [name, vex] of [
    ['pblendvb', 'vpblendvb'],
    ['blendvps', 'vblendvps'],
    ['blendvpd', 'vblendvpd'],
  ]) {
    forms.push(`${name} xmm1, xmm2, xmm0`, `${vex} xmm3, xmm1, xmm2, xmm0`, `${vex} ymm3, ymm1, ymm2, ymm3`);
  }
  forms.push('ptest xmm1, xmm2', `ptest xmm1, ${POINTER[16]}`, 'vptest xmm1, xmm2', 'vptest ymm1, ymm2');
  forms.push('phminposuw xmm1, xmm2', 'vphminposuw xmm1, xmm2');
  for (const name of ['pcmpestrm', 'pcmpestri', 'pcmpistrm', 'pcmpistri']) {
    forms.push(`${name} xmm1, xmm2, I`, `${name} xmm1, ${POINTER[16]}, I`, `v${name} xmm1, xmm2, I`);
    if (/est/.test(name)) forms.push(`rex.w ${name} xmm1, xmm2, I`);
  }
  return forms;
}

function avx(): string[] {
  const forms: string[] = ['vpblendd xmm3, xmm1, xmm2, I', 'vpblendd ymm3, ymm1, ymm2, I', 'vzeroupper', 'vzeroall'];
  forms.push(
    'vbroadcastss xmm1, xmm2',
    'vbroadcastss ymm1, xmm2',
    'vbroadcastsd ymm1, xmm2',
    'vbroadcastsd ymm2, xmm2',
  );
  forms.push(
    `vbroadcastss xmm1, ${POINTER[4]}`,
    `vbroadcastss ymm1, ${POINTER[4]}`,
    `vbroadcastsd ymm1, ${POINTER[8]}`,
  );
  forms.push(`vbroadcastf128 ymm1, ${POINTER[16]}`, `vbroadcasti128 ymm1, ${POINTER[16]}`);
  for (const [letter, size] of [
    ['b', 1],
    ['w', 2],
    ['d', 4],
    ['q', 8],
  ] as const) {
    const name = `vpbroadcast${letter}`;
    forms.push(`${name} xmm1, xmm2`, `${name} ymm1, xmm2`, `${name} ymm2, xmm2`, `${name} ymm1, ${POINTER[size]}`);
  }
  for (const type of ['f128', 'i128']) {
    forms.push(`vextract${type} xmm1, ymm2, I`, `vextract${type} xmm2, ymm2, I`);
    forms.push(`vextract${type} ${POINTER[16]}, ymm2, I`, `vinsert${type} ymm3, ymm1, xmm2, I`);
    forms.push(`vinsert${type} ymm2, ymm1, xmm2, I`, `vinsert${type} ymm1, ymm1, ${POINTER[16]}, I`);
    forms.push(
      `vperm2${type} ymm3, ymm1, ymm2, I`,
      `vperm2${type} ymm1, ymm1, ymm2, I`,
      `vperm2${type} ymm2, ymm1, ymm2, I`,
    );
  }
  for (const name of ['vpermilps', 'vpermilpd']) {
    forms.push(
      `${name} xmm3, xmm1, xmm2`,
      `${name} ymm3, ymm1, ymm2`,
      `${name} xmm1, xmm2, I`,
      `${name} ymm1, ymm2, I`,
    );
    forms.push(`${name} ymm2, ymm2, I`);
  }
  for (const name of ['vpermd', 'vpermps']) forms.push(`${name} ymm3, ymm1, ymm2`, `${name} ymm2, ymm1, ymm2`);
  for (const name of ['vpermq', 'vpermpd']) forms.push(`${name} ymm1, ymm2, I`, `${name} ymm2, ymm2, I`);
  for (const name of ['vtestps', 'vtestpd']) forms.push(`${name} xmm1, xmm2`, `${name} ymm1, ymm2`);
  return forms;
}

function crypto(): string[] {
  const forms: string[] = [];
  for (const name of ['sha1nexte', 'sha1msg1', 'sha1msg2', 'sha256msg1', 'sha256msg2'])
    forms.push(`${name} xmm1, xmm2`);
  for (const control of [0, 1, 2, 3]) forms.push(`sha1rnds4 xmm1, xmm2, ${control}`);
  forms.push('sha256rnds2 xmm1, xmm2, xmm0', `sha256rnds2 xmm1, ${POINTER[16]}, xmm0`);
  forms.push(
    'aesimc xmm1, xmm2',
    'vaesimc xmm1, xmm2',
    'aeskeygenassist xmm1, xmm2, I',
    'vaeskeygenassist xmm1, xmm2, I',
  );
  for (const name of ['aesenc', 'aesenclast', 'aesdec', 'aesdeclast']) {
    forms.push(`${name} xmm1, xmm2`, `${name} xmm1, ${POINTER[16]}`, `v${name} xmm3, xmm1, xmm2`);
  }
  for (const control of [0, 1, 16, 17]) {
    forms.push(`pclmulqdq xmm1, xmm2, ${control}`, `vpclmulqdq xmm3, xmm1, xmm2, ${control}`);
  }
  return forms;
}

export const FORMS: readonly string[] = [
  ...common(),
  ...shifts(),
  ...moves(),
  ...elements(),
  ...sse4(),
  ...avx(),
  ...crypto(),
];
