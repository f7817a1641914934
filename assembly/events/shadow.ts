// INTERRUPTIBILITY, as in VT-x's guest state (SDM vol. 3, table 25-3): what holds back interrupts, NMIs and debug traps, for
// one instruction (the shadows of STI and MOV SS) or until IRET (NMIs).

import { cpu, INTERRUPTIBILITY } from '../state';

export const BLOCKED_STI: u32 = 1;
export const BLOCKED_MOV_SS: u32 = 2;
/** Either shadow. */
export const BLOCKED_SHADOW: u32 = BLOCKED_STI | BLOCKED_MOV_SS;
export const BLOCKED_NMI: u32 = 8;

/** The bits of BLOCKED_SHADOW that are set. */
export function interruptShadow(): u32 {
  return load<u32>(cpu, INTERRUPTIBILITY) & BLOCKED_SHADOW;
}
/** STI that set IF: one more instruction without interrupts. */
export function beginStiShadow(): void {
  store<u32>(cpu, load<u32>(cpu, INTERRUPTIBILITY) | BLOCKED_STI, INTERRUPTIBILITY);
}
/** MOV SS or POP SS: one more instruction without interrupts, NMIs and debug exceptions. */
export function beginStackShadow(): void {
  store<u32>(cpu, load<u32>(cpu, INTERRUPTIBILITY) | BLOCKED_MOV_SS, INTERRUPTIBILITY);
}
export function endShadows(): void {
  store<u32>(cpu, load<u32>(cpu, INTERRUPTIBILITY) & ~BLOCKED_SHADOW, INTERRUPTIBILITY);
}
