// Interrupt messages: of the I/O APIC, MSIs, and interprocessor interrupts. Whom they are for, and what they do there
// (SDM vol. 3, 12.6 and 12.11).

import {
  APIC_ERRORS,
  APIC_DFR,
  APIC_ID,
  APIC_LDR,
  APIC_LVT,
  APIC_STARTUP,
  cpu,
  NMI_PENDING,
  REQUEST,
  REQUEST_EVENT,
  VCPU_COUNT,
} from '../state';
import { accept, processorPriority } from './priority';
import {
  ERROR_RECEIVE_VECTOR,
  ERROR_SEND_VECTOR,
  isEnabled,
  isSoftwareEnabled,
  isX2apic,
  LVT_ERROR,
  LVT_MASKED,
  stateOf,
} from './registers';

export const MODE_FIXED: u32 = 0;
export const MODE_LOWEST: u32 = 1;
const MODE_NMI: u32 = 4;
const MODE_INIT: u32 = 5;
const MODE_STARTUP: u32 = 6;

export const STARTUP_INIT: u32 = 1;
export const STARTUP_SIPI: u32 = 2;

/** Whether a vCPU is meant. `destination` has 8 bits (all ones: everybody) or 32. */
function isMeant(state: usize, destination: u32, logical: bool, wide: bool): bool {
  if (!isEnabled(state)) return false;
  if (destination == (wide ? 0xffffffff : 0xff)) return true;
  const id = load<u32>(state, APIC_ID);
  if (!logical) return destination == (isX2apic(state) ? id : id & 0xff);
  const ldr = load<u32>(state, APIC_LDR);
  if (isX2apic(state)) return ldr >> 16 == destination >> 16 && (ldr & destination & 0xffff) != 0;
  const own = ldr >> 24;
  if (load<u32>(state, APIC_DFR) >> 28 == 0xf) return (own & destination) != 0; // flat model
  return own >> 4 == destination >> 4 && (own & destination & 15) != 0; // cluster model
}

/** Does at a vCPU what the message says; false = it does not take it. */
function arrive(state: usize, mode: u32, vector: u32, level: bool): bool {
  switch (mode) {
    case MODE_FIXED:
    case MODE_LOWEST:
      if (!isSoftwareEnabled(state)) return false;
      if (vector < 16) {
        noteError(state, ERROR_RECEIVE_VECTOR);
        return false;
      }
      accept(state, vector, level);
      return true;
    case MODE_NMI:
      atomic.store<u32>(state, 1, NMI_PENDING);
      break;
    case MODE_INIT:
      atomic.store<u32>(state, STARTUP_INIT, APIC_STARTUP);
      break;
    case MODE_STARTUP:
      atomic.and<u32>(state, STARTUP_INIT, APIC_STARTUP);
      atomic.or<u32>(state, STARTUP_SIPI | (vector << 8), APIC_STARTUP);
      break;
    default:
      return false; // SMI: there is no system-management mode; ExtINT comes by a pin
  }
  atomic.or<u32>(state, REQUEST_EVENT, REQUEST);
  if (state != cpu) atomic.notify(state + REQUEST, -1);
  return true;
}

/** Sends a message to all that it is for; false = nobody took it. Any thread's instance may call it. */
export function send(destination: u32, logical: bool, wide: bool, mode: u32, vector: u32, level: bool): bool {
  const count = load<u32>(VCPU_COUNT);
  let taken = false;
  let least: usize = 0;
  for (let index: u32 = 0; index < count; index++) {
    const state = stateOf(index);
    if (!isMeant(state, destination, logical, wide)) continue;
    if (mode != MODE_LOWEST) taken = arrive(state, mode, vector, level) || taken;
    else if (isSoftwareEnabled(state) && (!least || processorPriority(state) < processorPriority(least))) least = state;
  }
  return least ? arrive(least, mode, vector, level) : taken;
}

// Shorthands of ICR bits 19:18.
const TO_SELF: u32 = 1;
const TO_OTHERS: u32 = 3;
const ICR_LOGICAL: u32 = 1 << 11;
const ICR_ASSERT: u32 = 1 << 14;
const ICR_LEVEL: u32 = 1 << 15;

/** The command register was written (12.6.1). */
export function sendCommand(command: u64, wide: bool): void {
  const low = <u32>command;
  const destination = <u32>(command >> 32);
  const vector = low & 0xff;
  const mode = (low >> 8) & 7;
  const shorthand = (low >> 18) & 3;
  // the INIT level de-assert of old: nobody has done anything at it since the Pentium 4
  if (mode == MODE_INIT && low & ICR_LEVEL && !(low & ICR_ASSERT)) return;
  if (mode <= MODE_LOWEST && vector < 16) noteError(cpu, ERROR_SEND_VECTOR);
  if (!shorthand) {
    send(wide ? destination : destination >> 24, (low & ICR_LOGICAL) != 0, wide, mode, vector, false);
    return;
  }
  if (shorthand == TO_SELF) {
    arrive(cpu, mode, vector, false);
    return;
  }
  const count = load<u32>(VCPU_COUNT);
  for (let index: u32 = 0; index < count; index++) {
    const state = stateOf(index);
    if ((shorthand == TO_OTHERS && state == cpu) || !isEnabled(state)) continue;
    arrive(state, mode, vector, false);
  }
}

/** An interrupt of this vCPU's own LVT. An illegal vector there is an error like one that was received (12.5.3). */
export function acceptLocal(vector: u32): void {
  if (vector < 16) noteError(cpu, ERROR_RECEIVE_VECTOR);
  else accept(cpu, vector, false);
}

/** An error of a vCPU's APIC: for the next look at ESR, and its LVT entry's interrupt. */
export function noteError(state: usize, error: u32): void {
  if (atomic.or<u32>(state, error, APIC_ERRORS) & error) return;
  const entry = load<u32>(state + APIC_LVT + LVT_ERROR * 4);
  if (entry & LVT_MASKED || !isSoftwareEnabled(state)) return;
  if ((entry & 0xff) < 16) atomic.or<u32>(state, ERROR_RECEIVE_VECTOR, APIC_ERRORS);
  else accept(state, entry & 0xff, false);
}
