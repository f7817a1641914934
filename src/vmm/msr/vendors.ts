// Registers that only Intel's or only AMD's processors have, of those that operating systems and firmware look at.

import { constant, kept, unchanging, type MsrRules } from './register.js';

/** IA32_BIOS_SIGN_ID; AMD calls it PATCH_LEVEL. */
const MICROCODE = 0x8b;

/** The newest microcode there was for family 6 model 3FH stepping 2: whoever compares revisions finds no erratum left. */
const INTEL_REVISION = 0x49n;
/** And for family 17H model 31H stepping 0. */
const AMD_REVISION = 0x0830_107cn;

/** IA32_MISC_ENABLE after reset: fast strings; no branch trace store, no PEBS (SDM vol. 4, table 2-2). */
export const MISC_ENABLE = 0x1801;

/** SDM vol. 4, tables 2-2 and 2-29 (family 6 model 3FH). */
export function intelRegisters(tscKhz: number): MsrRules {
  // The ratio of the TSC to a bus of 100 MHz, in bits 15:8; the least ratio in 47:40.
  const ratio = BigInt(Math.min(255, Math.round(tscKhz / 100_000)));
  return [
    [0x17, constant(0n)], // IA32_PLATFORM_ID
    [0x34, constant(0n)], // MSR_SMI_COUNT: no SMI ever came
    [0x3a, constant(1n)], // IA32_FEATURE_CONTROL: locked with VMX off, so that writing is #GP
    [MICROCODE, unchanging(INTEL_REVISION << 32n)], // written with 0 before CPUID loads it (SDM vol. 3, 10.11.7.1)
    [0xce, constant((ratio << 8n) | (ratio << 40n))], // MSR_PLATFORM_INFO
    [0x1d9, kept(0n, 0n)], // IA32_DEBUGCTL: neither branch records nor single-stepping on branches
  ];
}

/** HWCR: the TSC counts at the frequency of P-state 0, whatever the clock does. */
const TSC_FREQ_SEL = 1n << 24n;
/** Status registers of machine checks may be written; no effect, for there is no bank. */
const MC_STATUS_WRITE = 1n << 18n;
/** SYSCFG: MtrrVarDramEn. The bits that give fixed ranges two more bits (MtrrFixDramEn, MtrrFixDramModEn) are not there. */
const VAR_DRAM = 1n << 20n;
/** DE_CFG: LFENCE serialises, as ours always does. */
const LFENCE_SERIALIZE = 1n << 1n;

/** PPR for family 17H model 31H, chapter 2.1.15; AMD APM vol. 2, appendix A. */
export function amdRegisters(): MsrRules {
  return [
    [MICROCODE, constant(AMD_REVISION)],
    [0x1d9, kept(0n, 0n)], // DebugCtl
    [0xc001_0010, kept(0n, VAR_DRAM)], // SYSCFG
    [
      0xc001_0015, // HWCR; CR3 writes, FLUSH on INVD and so on keep their reset values
      { reset: TSC_FREQ_SEL, takes: (value) => (value & ~MC_STATUS_WRITE) === TSC_FREQ_SEL },
    ],
    // NB_CFG: extended PCI configuration through CF8H is off. Linux switches it on unasked, and takes a #GP for a fault of ours;
    // KVM drops writes, too.
    [0xc001_001f, unchanging(0n)],
    [0xc001_0058, constant(0n)], // MMIO configuration base address: off; the chipset decodes the range, not the processor
    [0xc001_1029, { reset: LFENCE_SERIALIZE, takes: (value) => value === LFENCE_SERIALIZE }], // DE_CFG
  ];
}

/** SDM vol. 3, 16.3.1: no error-reporting banks and no control register; the status is clear. Writing is by 0 only. */
export function machineCheck(): MsrRules {
  return [
    [0x179, constant(0n)], // IA32_MCG_CAP
    [0x17a, kept(0n, 0n)], // IA32_MCG_STATUS
  ];
}
