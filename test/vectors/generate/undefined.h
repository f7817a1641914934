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

/* x87 status and pointers (undefined.c):
 * - C0 C2 C3 are undefined after arithmetic, loads, stores, constants; all four after FFREE and control instructions
 *   ("FPU Flags Affected" of each, SDM vol. 2); C0 and C3 after FSIN FCOS FSINCOS FPTAN.
 * - FIP FDP FOP are compared only while an unmasked exception is pending. Otherwise AMD's processors save zeros (AMD
 *   APM vol. 2, 11.4.4.3; CPUID 8000_0008 EBX[2]), and newer ones of Intel update FDP and FOP by unmasked exceptions only
 *   (vol. 1, 8.1.8 and 8.1.9; CPUID.7.EBX[6]). FDP is undefined where there is no memory operand. The selectors
 *   FCS and FDS are deprecated (CPUID.7.EBX[13]) and never compared.
 * - FSIN FCOS FSINCOS FPTAN FPATAN F2XM1 FYL2X FYL2XP1 have an error of less than one unit in the last place (vol. 1,
 *   8.3.10), so one unit is allowed, and C1 and PE there are not compared.
 * - RCPPS RCPSS RSQRTPS RSQRTSS have a relative error of at most 1.5 * 2^-12 (vol. 2). */

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
