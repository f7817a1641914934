// Which feature a processor must have for an instruction, else it is #UD (the "CPUID Feature Flag" column of SDM vol. 2):
// derived once, when the tables are built, from the operation and the shape of its operands.

import {
  FEATURE_ADX,
  FEATURE_AES,
  FEATURE_AVX,
  FEATURE_AVX2,
  FEATURE_BMI1,
  FEATURE_BMI2,
  FEATURE_CLFLUSH,
  FEATURE_F16C,
  FEATURE_FMA,
  FEATURE_FPU,
  FEATURE_FSGSBASE,
  FEATURE_FXSR,
  FEATURE_INVPCID,
  FEATURE_MMX,
  FEATURE_MOVBE,
  FEATURE_PCLMULQDQ,
  FEATURE_POPCNT,
  FEATURE_RDRAND,
  FEATURE_RDSEED,
  FEATURE_RDTSCP,
  FEATURE_SHA,
  FEATURE_SMAP,
  FEATURE_SSE,
  FEATURE_SSE2,
  FEATURE_SSE3,
  FEATURE_SSE41,
  FEATURE_SSE42,
  FEATURE_SSSE3,
  FEATURE_XSAVE,
  FEATURE_XSAVEC,
  FEATURE_XSAVEOPT,
  FEATURE_XSAVES,
} from '../state';
import {
  FAMILY_CRYPTO,
  FAMILY_FLOAT,
  FAMILY_GENERAL,
  FAMILY_MASKED,
  FAMILY_PACKED,
  FAMILY_X87,
  familyOf,
} from './family';
import { EY, N, P, Q, U, qq } from './operand-code';
import { Operation } from './operation';

function between(operation: u32, first: u32, last: u32): bool {
  return operation >= first && operation <= last;
}

function general(operation: u32): u64 {
  switch (operation) {
    case Operation.POPCNT:
      return FEATURE_POPCNT;
    case Operation.CRC32:
      return FEATURE_SSE42;
    case Operation.MOVBE:
      return FEATURE_MOVBE;
    case Operation.MOVNTI:
    case Operation.LFENCE:
    case Operation.MFENCE:
      return FEATURE_SSE2;
    case Operation.SFENCE:
    case Operation.LDMXCSR:
    case Operation.STMXCSR:
      return FEATURE_SSE;
    case Operation.CLFLUSH:
      return FEATURE_CLFLUSH;
    case Operation.CLAC:
    case Operation.STAC:
      return FEATURE_SMAP;
    case Operation.RDTSCP:
      return FEATURE_RDTSCP;
    case Operation.INVPCID:
      return FEATURE_INVPCID;
    case Operation.RDFSBASE:
    case Operation.RDGSBASE:
    case Operation.WRFSBASE:
    case Operation.WRGSBASE:
      return FEATURE_FSGSBASE;
    case Operation.ANDN:
    case Operation.BEXTR:
    case Operation.BLSR:
    case Operation.BLSMSK:
    case Operation.BLSI:
      return FEATURE_BMI1;
    case Operation.ADCX:
    case Operation.ADOX:
      return FEATURE_ADX;
    case Operation.RDRAND:
      return FEATURE_RDRAND;
    case Operation.RDSEED:
      return FEATURE_RDSEED;
    case Operation.FXSAVE:
    case Operation.FXRSTOR:
      return FEATURE_FXSR;
    case Operation.XGETBV:
    case Operation.XSETBV:
    case Operation.XSAVE:
    case Operation.XRSTOR:
      return FEATURE_XSAVE;
    case Operation.XSAVEOPT:
      return FEATURE_XSAVEOPT;
    case Operation.XSAVEC:
      return FEATURE_XSAVEC;
    case Operation.XSAVES:
    case Operation.XRSTORS:
      return FEATURE_XSAVES;
    default:
      return between(operation, Operation.BZHI, Operation.MULX) ? FEATURE_BMI2 : 0;
  }
}

/** Packed and scalar single precision: what SSE began with. The same in double precision is SSE2's. */
function isSingle(operation: u32): bool {
  switch (operation) {
    case Operation.CVTPI2PS:
    case Operation.CVTSI2SS:
    case Operation.CVTTPS2PI:
    case Operation.CVTTSS2SI:
    case Operation.CVTPS2PI:
    case Operation.CVTSS2SI:
    case Operation.UCOMISS:
    case Operation.COMISS:
    case Operation.SQRTPS:
    case Operation.SQRTSS:
    case Operation.RSQRTPS:
    case Operation.RSQRTSS:
    case Operation.RCPPS:
    case Operation.RCPSS:
    case Operation.ADDPS:
    case Operation.ADDSS:
    case Operation.MULPS:
    case Operation.MULSS:
    case Operation.SUBPS:
    case Operation.SUBSS:
    case Operation.MINPS:
    case Operation.MINSS:
    case Operation.DIVPS:
    case Operation.DIVSS:
    case Operation.MAXPS:
    case Operation.MAXSS:
    case Operation.CMPPS:
    case Operation.CMPSS:
    case Operation.MOVUPS:
    case Operation.MOVSS:
    case Operation.MOVLPS:
    case Operation.MOVHLPS:
    case Operation.UNPCKLPS:
    case Operation.UNPCKHPS:
    case Operation.MOVHPS:
    case Operation.MOVLHPS:
    case Operation.MOVAPS:
    case Operation.MOVNTPS:
    case Operation.MOVMSKPS:
    case Operation.ANDPS:
    case Operation.ANDNPS:
    case Operation.ORPS:
    case Operation.XORPS:
    case Operation.SHUFPS:
      return true;
    default:
      return false;
  }
}

function float(operation: u32): u64 {
  if (between(operation, Operation.HADDPS, Operation.ADDSUBPD)) return FEATURE_SSE3;
  if (between(operation, Operation.ROUNDPS, Operation.DPPD)) return FEATURE_SSE41;
  return isSingle(operation) ? FEATURE_SSE : FEATURE_SSE2;
}

/** The form on MMX registers: MMX had some, SSE and SSE2 added others. */
function onMmx(operation: u32): u64 {
  switch (operation) {
    case Operation.PSHUFW:
    case Operation.PINSRW:
    case Operation.PEXTRW:
    case Operation.PMOVMSKB:
    case Operation.PMINUB:
    case Operation.PMAXUB:
    case Operation.PAVGB:
    case Operation.PAVGW:
    case Operation.PMULHUW:
    case Operation.MOVNTQ:
    case Operation.PMINSW:
    case Operation.PMAXSW:
    case Operation.PSADBW:
    case Operation.MASKMOVQ:
      return FEATURE_SSE;
    case Operation.PADDQ:
    case Operation.PSUBQ:
    case Operation.PMULUDQ:
    case Operation.MOVQ2DQ:
    case Operation.MOVDQ2Q:
      return FEATURE_SSE2;
    default:
      return between(operation, Operation.PSHUFB, Operation.PABSD) || operation == Operation.PALIGNR
        ? FEATURE_SSSE3
        : FEATURE_MMX;
  }
}

function packed(operation: u32, first: u32): u64 {
  if (operation == Operation.EMMS) return FEATURE_MMX;
  // PEXTRW has a second encoding, which can store.
  if (operation == Operation.PEXTRW && (first & 0xff00) == EY) return FEATURE_SSE41;
  if (
    operation == Operation.MOVSLDUP ||
    operation == Operation.MOVSHDUP ||
    operation == Operation.MOVDDUP ||
    operation == Operation.LDDQU
  )
    return FEATURE_SSE3;
  if (operation < <u32>Operation.PSHUFB) return isSingle(operation) ? FEATURE_SSE : FEATURE_SSE2;
  if (operation <= <u32>Operation.PABSD || operation == Operation.PALIGNR) return FEATURE_SSSE3;
  if (operation == Operation.PCMPGTQ || operation >= <u32>Operation.PCMPESTRM) return FEATURE_SSE42;
  return FEATURE_SSE41;
}

/** Integers on 256 bits came with AVX2; of AVX are only moves, PTEST and what is of floating point. */
function isAvx2Wide(operation: u32): bool {
  switch (operation) {
    case Operation.MOVDQA:
    case Operation.MOVDQU:
    case Operation.MOVNTDQ:
    case Operation.LDDQU:
    case Operation.PTEST:
    case Operation.BLENDVPS:
    case Operation.BLENDVPD:
    case Operation.BLENDPS:
    case Operation.BLENDPD:
      return false;
    default:
      return between(operation, Operation.PUNPCKLBW, Operation.PCMPISTRI);
  }
}

/** Operations that exist with a VEX prefix only. */
function isAvx2Only(operation: u32): bool {
  return (
    operation == Operation.VBROADCASTI128 ||
    between(operation, Operation.VPBROADCASTB, Operation.VPBROADCASTQ) ||
    operation == Operation.VEXTRACTI128 ||
    operation == Operation.VINSERTI128 ||
    operation == Operation.VPERM2I128 ||
    between(operation, Operation.VPERMD, Operation.VPSRAVD) ||
    between(operation, Operation.VPMASKMOVD, Operation.VPGATHERQQ)
  );
}

function vex(operation: u32, wide: bool, fromRegister: bool): u64 {
  if (operation == Operation.VCVTPH2PS || operation == Operation.VCVTPS2PH) return FEATURE_F16C;
  if (between(operation, Operation.VFMADDSUB132PS, Operation.VFNMSUB231SD)) return FEATURE_FMA;
  if (isAvx2Only(operation)) return FEATURE_AVX2;
  // AVX broadcasts from memory only.
  if (operation == Operation.VBROADCASTSS || operation == Operation.VBROADCASTSD)
    return fromRegister ? FEATURE_AVX2 : FEATURE_AVX;
  return wide && isAvx2Wide(operation) ? FEATURE_AVX2 : FEATURE_AVX;
}

function crypto(operation: u32): u64 {
  if (operation == Operation.PCLMULQDQ) return FEATURE_PCLMULQDQ;
  return operation >= <u32>Operation.AESIMC ? FEATURE_AES : FEATURE_SHA;
}

// @ts-ignore: decorator
@inline function isMmx(code: u32): bool {
  const method = code & 0xff00;
  return method == P || method == Q || method == N;
}
// @ts-ignore: decorator
@inline function isWide(code: u32): bool {
  return (code & 0xff) == qq;
}

/**
 * The feature's bit number plus 1, 0 for none, of an instruction with or without a VEX prefix and with these operand codes (a
 * fourth tells nothing new). AES and PCLMULQDQ with a VEX prefix need AVX as well, which goes without saying: without it
 * no operating system can have enabled the prefix.
 */
export function featureOf(operation: u32, isVex: bool, first: u32, second: u32, third: u32): u32 {
  let feature: u64 = 0;
  const family = familyOf(operation);
  const onVectors = family == FAMILY_FLOAT || family == FAMILY_PACKED || family == FAMILY_MASKED;
  if (isVex && (onVectors || operation == Operation.LDMXCSR || operation == Operation.STMXCSR)) {
    feature = vex(operation, isWide(first) || isWide(second) || isWide(third), (second & 0xff00) == U);
  } else if (family == FAMILY_GENERAL) feature = general(operation);
  else if (family == FAMILY_FLOAT) feature = float(operation);
  else if (family == FAMILY_CRYPTO) feature = crypto(operation);
  else if (family == FAMILY_X87) feature = operation == Operation.FISTTP ? FEATURE_SSE3 : FEATURE_FPU;
  else if (isMmx(first) || isMmx(second)) feature = onMmx(operation);
  else feature = packed(operation, first);
  return feature ? 64 - <u32>clz(feature) : 0;
}
