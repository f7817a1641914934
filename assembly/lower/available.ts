// Whether the processor has an instruction, and whether the control registers let it be used now. Blocks are keyed by the
// MODE_* bits, so this is decided when a block is made and costs nothing when it runs.

import { cpu, CR0, CR4, FEATURES, MODE, MODE_AVX, MODE_SSE, MODE_VEX, MODE_X87, XCR0 } from '../state';
import { CR0_EM, CR4_OSFXSR, CR4_OSXSAVE, XCR0_AVX } from '../control';
import { Uop } from '../uop';
import * as I from '../decode/insn';
import { emit, emitUndefined } from './emit';

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

/** VEX-encoded vectors: #UD unless CR4.OSXSAVE and XCR0 enable them, then #NM by CR0.TS (SDM vol. 2, 2.4 and vol. 3, 2.6). */
export function vexAvailable(): bool {
  if (load<u32>(cpu, MODE) & MODE_AVX) return true;
  const enabled =
    (load<u64>(cpu, CR4) & CR4_OSXSAVE) != 0 && (load<u64>(cpu, XCR0) & XCR0_AVX) == XCR0_AVX && vexDefined();
  refuse(enabled);
  return false;
}
/** XMM registers: #UD by CR0.EM or without CR4.OSFXSR, then #NM by CR0.TS (SDM vol. 3, 13.1.2-3). */
export function sseAvailable(): bool {
  if (load<u32>(cpu, MODE) & MODE_SSE) return true;
  refuse(!(load<u64>(cpu, CR0) & CR0_EM) && (load<u64>(cpu, CR4) & CR4_OSFXSR) != 0);
  return false;
}
/** MMX registers: #UD by CR0.EM, then #NM by CR0.TS (SDM vol. 3, 12.1). */
export function mmxAvailable(): bool {
  if (load<u32>(cpu, MODE) & MODE_X87) return true;
  refuse(!(load<u64>(cpu, CR0) & CR0_EM));
  return false;
}
/** x87: #NM by CR0.EM and by CR0.TS (SDM vol. 3, table 2-2). */
export function x87Available(): bool {
  if (load<u32>(cpu, MODE) & MODE_X87) return true;
  emit(Uop.NO_DEVICE);
  return false;
}
function refuse(defined: bool): void {
  if (defined) emit(Uop.NO_DEVICE);
  else emitUndefined(0);
}
