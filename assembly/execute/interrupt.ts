// CLI, STI, software interrupts and IRET as instructions.

import { CPL, cpu, CR4, isProtected, isV86, NEXT_RIP, raised, raiseError, RFLAGS, RIP } from '../state';
import { CR4_PVI, CR4_VME } from '../control';
import { VECTOR_GP } from '../vectors';
import { getOF, IF, IOPL, VIF, VIP } from '../flags';
import { deliverEvent } from '../events/deliver';
import { beginStiShadow } from '../events/shadow';
import { iret } from '../events/iret';
import { loadedRf, suppressTrap } from './enter';

/** STI and CLI: by IOPL; with VME or PVI they work on VIF (SDM vol. 2, STI, CLI). Returns 1 = IF, 2 = VIF, 0 = raised. */
function flagAllowed(): u32 {
  if (!isProtected()) return 1;
  const iopl = ((<u32>load<u64>(cpu, RFLAGS)) & IOPL) >> 12;
  const level = load<u32>(cpu, CPL);
  const cr4 = load<u64>(cpu, CR4);
  if (isV86()) {
    if (iopl == 3) return 1;
    if (cr4 & CR4_VME) return 2;
  } else {
    if (level <= iopl) return 1;
    if (level == 3 && cr4 & CR4_PVI) return 2;
  }
  raiseError(VECTOR_GP, 0);
  return 0;
}
export function cli(): void {
  const which = flagAllowed();
  if (which) store<u64>(cpu, load<u64>(cpu, RFLAGS) & ~(<u64>(which == 1 ? IF : VIF)), RFLAGS);
}
export function sti(): void {
  const which = flagAllowed();
  if (!which) return;
  const flags = load<u64>(cpu, RFLAGS);
  if (which == 1) {
    store<u64>(cpu, flags | IF, RFLAGS);
    // the shadow comes only when interrupts were off before
    if (!(flags & IF)) beginStiShadow();
  } else if (flags & VIP) raiseError(VECTOR_GP, 0);
  else store<u64>(cpu, flags | VIF, RFLAGS);
}
/** A software event: delivered from this instruction, with RIP moving on only in the frame. Type as in INJECT_INFO. */
function software(vector: u32, type: u32): void {
  deliverEvent(0x80000000 | (type << 8) | vector, 0, (<u32>(load<u64>(cpu, NEXT_RIP) - load<u64>(cpu, RIP))) & 15);
  if (raised) return;
  suppressTrap();
  store<u64>(cpu, load<u64>(cpu, RIP), NEXT_RIP);
}
export function int(vector: u32): void {
  software(vector, 4);
}
export function int3(): void {
  software(3, 6);
}
export function int1(): void {
  software(1, 5);
}
export function into(): void {
  if (getOF()) software(4, 6);
}
export function iretInstruction(size: u32): void {
  iret(size);
  loadedRf();
}
