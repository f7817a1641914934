// What the processor says of speculative execution: it has none, so none of the attacks on it works, and an operating system
// need spend no time on defences. Intel's guidance "Speculative Execution Side Channel Mitigations"; SDM vol. 4, table 2-2.

import { constant, kept, type MsrRules } from './register.js';

const SPEC_CTRL = 0x48;
const PRED_CMD = 0x49;
const ARCH_CAPABILITIES = 0x10a;

/** Bits of IA32_ARCH_CAPABILITIES that say "not affected", and 3: no L1D flush is needed at VM entry. */
const NOT_AFFECTED = {
  RDCL_NO: 0,
  SKIP_L1DFL_VMENTRY: 3,
  SSB_NO: 4,
  MDS_NO: 5,
  IF_PSCHANGE_MC_NO: 6,
  TAA_NO: 8,
  SBDR_SSDP_NO: 13,
  FBSDP_NO: 14,
  PSDP_NO: 15,
  BHI_NO: 20,
  PBRSB_NO: 24,
  GDS_NO: 26,
  RFDS_NO: 27,
  ITS_NO: 62,
} as const;
/** IBRS, once set, protects all the time: enhanced IBRS, which spares an operating system retpolines. */
const IBRS_ALL = 1n << 1n;

/** Of IA32_SPEC_CTRL: IBRS; STIBP, which is taken and ignored without hyper-threading. */
const IBRS_STIBP = 3n;
const IBPB = 1n;

/** With CPUID leaf 7's bits `spec_ctrl` and `arch_capabilities`. */
export function speculation(specCtrl: boolean, archCapabilities: boolean): MsrRules {
  const no = Object.values(NOT_AFFECTED).reduce((word, bit) => word | (1n << BigInt(bit)), 0n);
  return [
    ...(archCapabilities ? [[ARCH_CAPABILITIES, constant(no | (specCtrl ? IBRS_ALL : 0n))] as const] : []),
    ...(specCtrl
      ? [
          [SPEC_CTRL, kept(0n, IBRS_STIBP)] as const,
          [
            PRED_CMD,
            { reset: 0n, fixed: true, writeOnly: true, takes: (value: bigint) => (value & ~IBPB) === 0n },
          ] as const,
        ]
      : []),
  ];
}
