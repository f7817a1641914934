/* Flags the manual leaves undefined (Intel SDM vol. 2, "Flags Affected" of each instruction). They are not compared:
 * hardware of different makes differs there, and no correct guest can tell.
 *
 * Fully defined, hence not listed: ADD ADC SUB SBB CMP NEG INC DEC XADD CMPXCHG CMPXCHG8B/16B, CMPS SCAS, POPCNT,
 * SAHF POPF CLC STC CMC CLD STD. Everything else leaves the flags alone. */
#ifndef UNDEFINED_H
#define UNDEFINED_H
#include "machine.h"

enum {
  UNDEFINED_LOGIC = AF,                     /* AND OR XOR TEST: "the state of the AF flag is undefined" */
  UNDEFINED_MUL = SF | ZF | AF | PF,        /* MUL IMUL: only CF and OF are defined */
  UNDEFINED_DIV = STATUS,                   /* DIV IDIV: "the CF, OF, SF, ZF, AF, and PF flags are undefined" */
  UNDEFINED_BIT_TEST = OF | SF | AF | PF,   /* BT BTS BTR BTC: CF defined, ZF unaffected */
  UNDEFINED_BIT_SCAN = CF | OF | SF | AF | PF, /* BSF BSR: only ZF; the destination too where the source is zero */
  UNDEFINED_BMI = AF | PF,                  /* ANDN BLSI BLSR BLSMSK BZHI: "AF and PF flags are undefined" */
  UNDEFINED_BEXTR = AF | PF | SF,           /* BEXTR: "AF, SF, and PF are undefined" */
  UNDEFINED_COUNT = OF | SF | AF | PF,      /* LZCNT TZCNT: "OF, SF, PF and AF flags are undefined" */
};

/* Fully defined beyond the general-purpose ones, hence not listed: COMISS COMISD UCOMISS UCOMISD, FCOMI and its kind (OF SF
 * AF are cleared), PTEST VTESTPS VTESTPD (AF OF PF SF cleared), PCMPESTRx PCMPISTRx (AF PF cleared), ADCX (CF alone), ADOX
 * (OF alone). MULX PDEP PEXT RORX SARX SHLX SHRX change none.
 *
 * x87 condition codes (undefined.c), by SDM vol. 1, table 8-1, and "FPU Flags Affected" of each instruction in vol. 2:
 *   FCOM FCOMP FCOMPP FUCOM FUCOMP FUCOMPP FICOM FICOMP FTST FXAM     all four defined
 *   FPREM FPREM1                                                      all four with C2 clear, else C2 alone (below)
 *   FCOMI FCOMIP FUCOMI FUCOMIP          C1 is cleared. Table 8-1 calls the others undefined, the pages of vol. 2 say "not
 *                                        affected": the latter, which satisfies both, is asked for
 *   FLDENV FRSTOR FNINIT FNSAVE          all four loaded or cleared
 *   FSIN FCOS FSINCOS FPTAN              C2 defined, C1 as below, C0 C3 undefined
 *   FFREE FLDCW FNCLEX FNOP FNSTCW FNSTENV FNSTSW WAIT    all four undefined
 *   all others: arithmetic, loads, stores, constants, FCMOVcc, FXCH, FINCSTP, FXTRACT …    C1 defined, C0 C2 C3 undefined
 *   C1 is "roundup or #IS" (table 8-1); for transcendental instructions it is compared only after a stack fault.
 *
 * What goes by the processor:
 * - FPREM and FPREM1 with C2 set: "an implementation-dependent number between 32 and 63" (vol. 2) decides what remains in
 *   ST(0), which is then not compared, nor C0 C1 C3.
 * - F2XM1 beyond -1 … 1 and FYL2XP1 beyond 1 - sqrt(1/2) are undefined (vol. 2): no number there is recorded.
 * - Comparisons that raise an unmasked #IA or #D: the manual leaves codes and flags alone ("FCOMI": set "only if the exception is
 *   masked"), AMD's processors set them. Neither is compared.
 * - FIP FDP FOP are compared only while an unmasked exception is pending. Otherwise AMD's processors save zeros (AMD
 *   APM vol. 2, 11.4.4.3; CPUID 8000_0008 EBX[2]), and newer ones of Intel update FDP and FOP by unmasked exceptions only
 *   (vol. 1, 8.1.8 and 8.1.9; CPUID.7.EBX[6]). FDP is undefined where there is no memory operand. The selectors
 *   FCS and FDS are deprecated (CPUID.7.EBX[13]) and never compared.
 * - FSIN FCOS FSINCOS FPTAN FPATAN F2XM1 FYL2X FYL2XP1 have an error of less than one unit in the last place (vol. 1,
 *   8.3.10), so one unit is allowed, and PE there is not compared. Arguments beyond pi/4 are reduced by the 66-bit pi of
 *   vol. 1, 8.3.8, on this processor too: FSIN of the nearest number to pi is exactly -2^-64.
 * - RCPPS RCPSS RSQRTPS RSQRTSS have a relative error of at most 1.5 * 2^-12 (vol. 2).
 * - Of a state image that reaches into a missing page any byte may be touched first: a case is recorded only if it was the
 *   first byte of the image or of the page. */

/* Undefined flags of SHL SHR SAR (digit 4 5 7) and ROL ROR RCL RCR (digit 0..3). `count` is the whole count operand.
 * "SAL/SAR/SHL/SHR" and "RCL/RCR/ROL/ROR": a masked count of 0 changes no flag; OF is defined for 1 only; AF is
 * undefined after a shift and unaffected by a rotate; CF is undefined for SHL and SHR by the operand's size or more. */
static inline uint32_t undefined_shift(int digit, int bytes, unsigned count) {
  count &= bytes == 8 ? 63 : 31;
  if (count == 0) return 0;
  uint32_t flags = count == 1 ? 0 : OF;
  if (digit < 4) return flags;
  if (digit != 7 && count >= (unsigned)bytes * 8) flags |= CF;
  return flags | AF;
}

/* SHLD SHRD: as above; a count greater than the operand's size (16-bit only) leaves everything undefined, and the
 * destination with it. */
static inline uint32_t undefined_double_shift(int bytes, unsigned count) {
  count &= bytes == 8 ? 63 : 31;
  if (count == 0) return 0;
  if (count > (unsigned)bytes * 8) return STATUS;
  return count == 1 ? AF : OF | AF;
}

#endif
