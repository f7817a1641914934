// INT n in virtual-8086 mode (SDM vol. 3, 20.3, table 20-2): refused, sent to the monitor through the IDT, or, with CR4.VME
// and the TSS's redirection bitmap, to the 8086 program's own handler.

import { CR4, cpu, raiseError, raised } from '../state';
import { CR4_VME } from '../control';
import { VECTOR_GP } from '../vectors';
import { IF, IOPL, RF, TF, VIF } from '../flags';
import { systemRead16, systemRead32, systemRead8 } from '../paging/access';
import { systemLinear } from '../segments/descriptor';
import { taskBase, taskHas, taskIsWide } from '../segments/tss';
import { enterGate } from './gate';
import { enter8086 } from './real-mode';

export function enterV86(vector: u32, rip: u64, flags: u32): void {
  const free = (flags & IOPL) == IOPL;
  if ((load<u64>(cpu, CR4) & CR4_VME) != 0) {
    const monitor = toMonitor(vector);
    if (raised) return;
    if (!monitor) {
      redirect(vector, rip, flags, free);
      return;
    }
  }
  if (free) enterGate(vector, true, false, 0, rip, flags);
  else raiseError(VECTOR_GP, 0);
}

/** The bit of the redirection bitmap: the 32 bytes below the I/O permission map (20.3.3). */
function toMonitor(vector: u32): bool {
  if (taskIsWide() && taskHas(0x67)) {
    const map = <u32>systemRead16(systemLinear(taskBase() + 0x66));
    const at = map - 32 + (vector >> 3);
    if (raised) return true;
    if (taskHas(at)) return ((systemRead8(systemLinear(taskBase() + at)) >> (vector & 7)) & 1) != 0;
  }
  raiseError(VECTOR_GP, 0);
  return true;
}

/** Methods 5 and 6: with IOPL below 3 the program sees VIF as its IF, and IOPL 3. */
function redirect(vector: u32, rip: u64, flags: u32, free: bool): void {
  const target = <u32>systemRead32(vector * 4);
  if (raised) return;
  let image = flags;
  if (!free) image = (flags & ~IF) | IOPL | ((flags & VIF) != 0 ? IF : 0);
  enter8086(target, rip, image, flags & ~(TF | RF | (free ? IF : VIF)));
}
