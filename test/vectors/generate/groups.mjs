// In which group a form is recorded, and how many cases it gets; used by make-forms.mjs.

const TRANSCENDENTAL = /^(f2xm1|fyl2x|fyl2xp1|fptan|fpatan|fsin|fcos|fsincos)$/;
const FLOAT_ARITHMETIC =
  /^(add|sub|mul|div|sqrt|min|max|cmp|round|rcp|rsqrt|dp|hadd|hsub|addsub)[ps][sd]$|^u?comis[sd]$/;
const MOVE =
  /^(mov|lddqu|unpck|punpck|shufp|pshuf|blend|pblend|perm|broadcast|pbroadcast|insert|extract|maskmov|pmaskmov|pinsr|pextr|zero|pmov[sz]x)/;

/** Instructions recorded by the general-purpose groups (misc, move, bits), random, or nothing that user code can see. */
const ELSEWHERE = /^(Prefetch|Sfence|Lfence|Mfence|Clflush|Movnti_|Crc32_|Monitor|Mwait|Rdrand|Rdseed|Pause)/;

export function ignoredCode(code) {
  return ELSEWHERE.test(code);
}

export function groupOf(name, { vex, mmx, x87, state, general, feature }) {
  if (general) return 'bmi';
  if (x87) {
    if (TRANSCENDENTAL.test(name)) return 'x87-transcendental';
    return /^f(ldenv|nstenv|rstor|nsave|ldcw|nstcw|nstsw|nclex|ninit|nop|neni|ndisi|nsetpm)$|^wait$/.test(name)
      ? 'fpu-state'
      : 'x87';
  }
  if (state || /^(ld|st)mxcsr$|^zero(all|upper)$|^emms$/.test(name)) return 'fpu-state';
  if (mmx) return 'mmx';
  if (/AES|PCLMULQDQ|SHA/.test(feature)) return 'crypto';
  if (/^pcmp[ei]str/.test(name)) return 'string-compare';
  if (/gather/.test(name)) return 'avx-gather';
  if (feature === 'FMA') return 'fma';
  const family = vex ? 'avx' : 'sse';
  if (name.startsWith('cvt')) return `${family}-convert`;
  if (FLOAT_ARITHMETIC.test(name)) return `${family}-float`;
  return MOVE.test(name) ? `${family}-move` : `${family}-integer`;
}

/** Cases with register operands, and with a memory operand. */
const CASES = {
  'bmi': [64, 48],
  'x87': [120, 80],
  'x87-transcendental': [320, 0],
  'fpu-state': [48, 48],
  'mmx': [32, 24],
  'crypto': [32, 20],
  'string-compare': [256, 48],
  'avx-gather': [0, 64],
  'fma': [64, 32],
  'sse-float': [80, 48],
  'avx-float': [48, 28],
  'sse-convert': [80, 48],
  'avx-convert': [48, 28],
  'sse-integer': [32, 24],
  'avx-integer': [20, 16],
  'sse-move': [20, 20],
  'avx-move': [16, 16],
}; // prettier-ignore

export function casesOf(name, group, wide) {
  const [register, memory] = CASES[group];
  // One case for each of the 32 predicates, control bytes or so at the least.
  const controlled =
    /^cmp[ps][sd]$|^round|^dpp|^shuf|^pshuf[dhlw]|^palignr|^mpsad|^insertps|^perm2|^blendp|^pblendw|^permq|^permpd/.test(
      name,
    );
  return [controlled ? Math.max(register, 48) : register, wide ? Math.ceil(memory * 0.75) : memory];
}
