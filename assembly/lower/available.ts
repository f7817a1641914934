// Whether the processor has an instruction, and whether the control registers let it be used now. Blocks are keyed by the
// MODE_* bits, so that this is decided when a block is made and costs nothing when it runs.

import { cpu, CR0, CR4, FEATURES, MODE, MODE_AVX, MODE_SSE, MODE_VEX, MODE_X87, XCR0 } from '../state';
import { CR0_EM, CR4_OSFXSR, CR4_OSXSAVE, XCR0_AVX } from '../control';
import { IMM, Uop } from '../uop';
import * as I from '../decode/insn';
import { emit } from './emit';

/** CPUID claims the instruction's feature. */
export function claimed(): bool {
  const feature = <u64>load<u8>(I.insn(), I.FEATURE);
  return !feature || ((load<u64>(cpu, FEATURES) >> (feature - 1)) & 1) != 0;
}

/** This processor has FEATURE_*. */
export function has(feature: u64): bool {
  return (load<u64>(cpu, FEATURES) & feature) != 0;
}
/** A VEX prefix means something in this mode; in general registers nothing more is asked. */
export function vexDefined(): bool {
  return (load<u32>(cpu, MODE) & MODE_VEX) != 0;
}

// Registers that an instruction may be refused; NO_DEVICE's IMM.
const X87_REGISTERS: u32 = 0;
const MMX_REGISTERS: u32 = 1;
const SSE_REGISTERS: u32 = 2;
const VEX_REGISTERS: u32 = 3;

export function vexAvailable(): bool {
  return available(MODE_AVX, VEX_REGISTERS);
}
export function sseAvailable(): bool {
  return available(MODE_SSE, SSE_REGISTERS);
}
export function mmxAvailable(): bool {
  return available(MODE_X87, MMX_REGISTERS);
}
export function x87Available(): bool {
  return available(MODE_X87, X87_REGISTERS);
}
function available(bit: u32, registers: u32): bool {
  if (load<u32>(cpu, MODE) & bit) return true;
  store<i64>(emit(Uop.NO_DEVICE), registers, IMM);
  return false;
}

/**
 * What refuses an instruction is asked when it runs, for MODE says only that something does: #NM by CR0.TS unless it is undefined.
 * x87: CR0.EM is #NM too (SDM vol. 3, table 2-2). MMX: #UD by CR0.EM (12.1). XMM: by CR0.EM or without CR4.OSFXSR (13.1.2-3).
 * VEX: unless CR4.OSXSAVE and XCR0 enable it, and in real and virtual-8086 mode (vol. 2, 2.4).
 */
export function definedNow(registers: u32): bool {
  const emulated = (load<u64>(cpu, CR0) & CR0_EM) != 0;
  const cr4 = load<u64>(cpu, CR4);
  if (registers == VEX_REGISTERS)
    return (cr4 & CR4_OSXSAVE) != 0 && (load<u64>(cpu, XCR0) & XCR0_AVX) == XCR0_AVX && vexDefined();
  if (registers == SSE_REGISTERS) return !emulated && (cr4 & CR4_OSFXSR) != 0;
  return registers == X87_REGISTERS || !emulated;
}
