// What the families of vectors and floating point need around their functions: the switch between x87 and MMX, and a look at
// the code that a store may have overwritten.

import { cpu, FSW, FTW, raise, X87_EXPONENT, ZERO } from '../state';
import { DST } from '../uop';
import { VECTOR_MF } from '../vectors';
import { codeDropped, leaveDropped } from '../decode/block';
import { masked } from '../vector/masked';
import { x87 } from '../x87/x87';

const FSW_ES: u32 = 0x80;
const FSW_TOP: u32 = 0x3800;

/** MASKED and X87 write to memory themselves. */
export function storing(op: usize): bool {
  if (!masked(op)) return false;
  if (codeDropped) leaveDropped(op);
  return true;
}
export function storingX87(op: usize): bool {
  if (!x87(op)) return false;
  if (codeDropped) leaveDropped(op);
  return true;
}

/** An unmasked x87 exception waits: raise it before anything else happens (SDM vol. 3, 12.6). */
export function pendingX87(): bool {
  if (!(load<u16>(cpu, FSW) & FSW_ES)) return false;
  raise(VECTOR_MF);
  return true;
}
/** What every MMX instruction but EMMS does to the x87 state (SDM vol. 3, 12.2). */
export function enterMmx(op: usize): void {
  store<u16>(cpu, load<u16>(cpu, FSW) & ~(<u16>FSW_TOP), FSW);
  store<u16>(cpu, 0xff, FTW);
  const written = <usize>load<u16>(op, DST);
  if (written != cpu + ZERO) store<u16>(written, 0xffff, X87_EXPONENT);
}
