// The local APIC's model-specific registers: its base, the TSC deadline, and in x2APIC mode all its registers
// (SDM vol. 3, 12.12.1). False = #GP.

import { APIC_ICR, APIC_ID, APIC_LDR, cpu, MSR_APIC_BASE, PHYSICAL_BITS } from '../state';
import { flushAll } from '../paging/tlb';
import { isRegister, lvtBits, readRegister, sendToSelf, setTaskPriority, writeCommand, writeRegister } from './access';
import { reconsider } from './priority';
import {
  BASE_BSP,
  BASE_ENABLED,
  BASE_X2APIC,
  hasX2apic,
  indexOf,
  isX2apic,
  logicalId,
  REG_EOI,
  REG_ESR,
  REG_ICR,
  REG_LVT_ERROR,
  REG_LVT_TIMER,
  REG_SELF_IPI,
  REG_SVR,
  REG_TIMER_DIVIDE,
  REG_TIMER_INITIAL,
  REG_TPR,
  resetRegisters,
  SVR_BITS,
} from './registers';

export const MSR_X2APIC: u32 = 0x800;
export const MSR_X2APIC_LAST: u32 = 0x8ff;

/** What readApicMsr() read. */
export let value: u64 = 0;

export function readApicMsr(number: u32): bool {
  const register = number - MSR_X2APIC;
  if (!isX2apic(cpu) || !isRegister(register) || register == REG_EOI || register == REG_SELF_IPI) return false;
  value = register == REG_ICR ? load<u64>(cpu, APIC_ICR) : readRegister(register);
  return true;
}

/** Which bits may be set (figures 12-8 to 12-29): others are #GP. */
function reserved(register: u32): u64 {
  // what can be set, and the status bits, which are read-only
  if (register >= REG_LVT_TIMER && register <= REG_LVT_ERROR)
    return ~(<u64>(lvtBits(register - REG_LVT_TIMER) | ((lvtBits(register - REG_LVT_TIMER) & 0x8000) >> 1) | 0x1000));
  switch (register) {
    case REG_TPR:
    case REG_SELF_IPI:
      return ~(<u64>0xff);
    case REG_SVR:
      return ~(<u64>SVR_BITS);
    case REG_ICR:
      return 0xfff33000;
    case REG_TIMER_INITIAL:
      return 0xffffffff_00000000;
    case REG_TIMER_DIVIDE:
      return ~(<u64>0xb);
    case REG_EOI:
    case REG_ESR:
      return ~(<u64>0);
    default:
      return ~(<u64>0); // and read-only ones are refused before
  }
}
function isWritable(register: u32): bool {
  switch (register) {
    case REG_TPR:
    case REG_EOI:
    case REG_SVR:
    case REG_ESR:
    case REG_ICR:
    case REG_SELF_IPI:
    case REG_TIMER_INITIAL:
    case REG_TIMER_DIVIDE:
      return true;
    default:
      return register >= REG_LVT_TIMER && register <= REG_LVT_ERROR;
  }
}
export function writeApicMsr(number: u32, given: u64): bool {
  const register = number - MSR_X2APIC;
  if (!isX2apic(cpu) || !isWritable(register) || given & reserved(register)) return false;
  if (register == REG_ICR) writeCommand(given, true);
  else if (register == REG_SELF_IPI) sendToSelf(<u32>given);
  else writeRegister(register, <u32>given);
  return true;
}

/** IA32_APIC_BASE (12.4.4, and figure 12-27 for the ways between its modes). */
export function writeApicBase(given: u64): bool {
  const old = load<u64>(cpu, MSR_APIC_BASE);
  const bsp: u64 = indexOf(cpu) ? 0 : BASE_BSP;
  if (given >> load<u64>(cpu, PHYSICAL_BITS) || given & 0x2ff) return false;
  if (given & BASE_X2APIC && (!hasX2apic() || !(given & BASE_ENABLED) || !(old & BASE_ENABLED))) return false;
  if (old & BASE_X2APIC && given & BASE_ENABLED && !(given & BASE_X2APIC)) return false;
  store<u64>(cpu, (given & ~BASE_BSP) | bsp, MSR_APIC_BASE);
  if ((given ^ old) & (BASE_X2APIC | BASE_ENABLED)) {
    if (!(given & BASE_ENABLED)) {
      resetRegisters();
      setTaskPriority(0);
    } else if (given & BASE_X2APIC) becomeX2apic();
    reconsider();
  }
  flushAll(); // the page that is the APIC's is another
  return true;
}
/** The hypervisor sets it: to any mode from any. False = no such value. */
export function putApicBase(given: u64): bool {
  const old = load<u64>(cpu, MSR_APIC_BASE);
  if (given & BASE_X2APIC && given & BASE_ENABLED) store<u64>(cpu, old | BASE_ENABLED, MSR_APIC_BASE);
  else if (given & BASE_ENABLED) store<u64>(cpu, old & ~BASE_X2APIC, MSR_APIC_BASE);
  if (writeApicBase(given)) return true;
  store<u64>(cpu, old, MSR_APIC_BASE);
  return false;
}
/** All other registers keep what they hold (12.12.5.1). */
function becomeX2apic(): void {
  const id = load<u32>(cpu, APIC_ID);
  store<u32>(cpu, logicalId(id), APIC_LDR);
  store<u32>(cpu, 0, APIC_ICR + 4);
}
