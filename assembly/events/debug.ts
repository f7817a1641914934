// Debug registers (SDM vol. 3, chapter 17): breakpoints on instructions, data and ports, single steps, general detect; and
// whether interrupts and NMIs are taken now.

import {
  ACTIVITY,
  ACTIVITY_WAIT_FOR_SIPI,
  CR4,
  DR,
  INTERRUPTIBILITY,
  PENDING_DEBUG,
  RFLAGS,
  cpu,
  isLongMode,
  raise,
} from '../state';
import { CR4_DE } from '../control';
import { VECTOR_DB } from '../vectors';
import { IF, RF } from '../flags';
import { BLOCKED_MOV_SS, BLOCKED_NMI, BLOCKED_SHADOW, interruptShadow } from './shadow';

// @ts-ignore: decorator
@inline const DR6: usize = DR + 6 * 8;
// @ts-ignore: decorator
@inline const DR7: usize = DR + 7 * 8;
const DR6_BD: u64 = 0x2000;
/** Pending single step, as bit of DR6. */
const DEBUG_STEP: u32 = 0x4000;
const DR7_GD: u64 = 0x2000;

// R/W field of a breakpoint in DR7.
const ON_EXECUTE: u32 = 0;
const ON_WRITE: u32 = 1;
const ON_PORT: u32 = 2;
const ON_ACCESS: u32 = 3;

/** Any breakpoint enabled: the others need not be called while this is false. */
export function breakpointsEnabled(): bool {
  return (load<u64>(cpu, DR7) & 0xff) != 0;
}

/** Matching bits B0-B3 for `size` bytes at `address` and breakpoints of the kinds in the set `kinds` (bit = R/W value). */
function matches(address: u64, size: u32, kinds: u32): u32 {
  const dr7 = <u32>load<u64>(cpu, DR7);
  const mask: u64 = isLongMode() ? ~(<u64>0) : 0xffffffff;
  let met: u32 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    if (((dr7 >> (n * 2)) & 3) == 0) continue;
    const field = (dr7 >> (16 + n * 4)) & 15;
    if (((kinds >> (field & 3)) & 1) == 0) continue;
    // LEN 10 is eight bytes; an address is taken as aligned to its length (17.2.5).
    const code = field >> 2;
    const length: u64 = code == 2 ? 8 : code + 1;
    const start = load<u64>(cpu + <usize>(n << 3), DR) & mask & ~(length - 1);
    const first = address & mask;
    if (first < start + length && start < first + size) met |= 1 << n;
  }
  return met;
}

/** Before the instruction at `linear`: true = an instruction breakpoint hit, and its #DB fault is raised. */
export function debugCheckExecute(linear: u64): bool {
  if ((load<u64>(cpu, RFLAGS) & RF) != 0) return false;
  if ((interruptShadow() & BLOCKED_MOV_SS) != 0) return false;
  const met = executes(linear);
  if (met == 0) return false;
  record(met);
  raise(VECTOR_DB);
  return true;
}

/** Instruction breakpoints compare the first byte only; their LEN must be 0 (17.2.4). */
function executes(linear: u64): u32 {
  const met = matches(linear, 1, 1 << ON_EXECUTE);
  const lengths = (<u32>load<u64>(cpu, DR7)) >> 18;
  let exact: u32 = 0;
  for (let n: u32 = 0; n < 4; n++) {
    if (((met >> n) & 1) != 0 && ((lengths >> (n * 4)) & 3) == 0) exact |= 1 << n;
  }
  return exact;
}

/** A data access of the running instruction: notes the breakpoints it hits, delivered as a trap when it ends. */
export function debugCheckData(linear: u64, size: u32, isWrite: bool): void {
  note(matches(linear, size, (1 << ON_ACCESS) | (isWrite ? 1 << ON_WRITE : 0)));
}

/** A port access; only with CR4.DE does R/W = 10 mean ports. */
export function debugCheckPort(port: u32, size: u32): void {
  if ((load<u64>(cpu, CR4) & CR4_DE) != 0) note(matches(<u64>port, size, 1 << ON_PORT));
}

/** The instruction that ended began with RFLAGS.TF set. */
export function debugStep(): void {
  note(DEBUG_STEP);
}

function note(bits: u32): void {
  if (bits != 0) store<u32>(cpu, load<u32>(cpu, PENDING_DEBUG) | bits, PENDING_DEBUG);
}

/** DR6 gets the conditions of a debug exception: B0-B3 are replaced, the others only ever added (17.2.3). */
function record(bits: u32): void {
  store<u64>(cpu, (load<u64>(cpu, DR6) & ~(<u64>15)) | bits, DR6);
}

/** MOV to or from a debug register while DR7.GD is set: true = #DB raised, before the instruction does anything. */
export function debugGeneralDetect(): bool {
  if ((load<u64>(cpu, DR7) & DR7_GD) == 0) return false;
  store<u64>(cpu, load<u64>(cpu, DR6) | DR6_BD, DR6);
  // Unlike an instruction breakpoint's, this fault's frame shows RF = 1 (17.3.1.1).
  store<u64>(cpu, load<u64>(cpu, RFLAGS) | RF, RFLAGS);
  raise(VECTOR_DB);
  return true;
}

/** The trap that waits in PENDING_DEBUG is about to be delivered: DR6 says why, and it waits no longer. */
export function takeDebugTrap(): void {
  record(load<u32>(cpu, PENDING_DEBUG));
  store<u32>(cpu, 0, PENDING_DEBUG);
}

/** A trap waits and MOV SS does not hold it back (SDM vol. 3, 6.8.3). */
export function debugTrapDue(): bool {
  return load<u32>(cpu, PENDING_DEBUG) != 0 && (interruptShadow() & BLOCKED_MOV_SS) == 0;
}

/** External interrupts are taken before the next instruction. */
export function interruptWindowOpen(): bool {
  return (load<u64>(cpu, RFLAGS) & IF) != 0 && interruptShadow() == 0 && load<u32>(cpu, ACTIVITY) < 2;
}

/** NMIs are taken before the next instruction. STI's shadow holds them back too, as VT-x demands (SDM vol. 3, 26.3.1.5). */
export function nmiWindowOpen(): bool {
  if (load<u32>(cpu, ACTIVITY) == ACTIVITY_WAIT_FOR_SIPI) return false;
  return (load<u32>(cpu, INTERRUPTIBILITY) & (BLOCKED_SHADOW | BLOCKED_NMI)) == 0;
}
