// Events in real mode, and those that virtual-8086 mode sends to an 8086 program's own handler: an interrupt vector table
// of far pointers, a frame of three words (SDM vol. 3, 20.1.4 and 20.3.2).

import { IDTR_BASE, IDTR_LIMIT, RIP, SEG_CS, cpu, raiseError, raised } from '../state';
import { VECTOR_GP, VECTOR_SS } from '../vectors';
import { AC, IF, RF, setFlags, TF } from '../flags';
import { systemRead32 } from '../paging/access';
import { modeChanged } from '../paging/tlb';
import { insideCode } from '../segments/code';
import { selectorFault, selectorOf } from '../segments/descriptor';
import { loadCodeReal } from '../segments/load';
import { commitPointer, openCurrentStack, probeFrame, push, room } from '../segments/stack';

/** Real mode: no error codes, no privilege. */
export function enterReal(vector: u32, rip: u64, flags: u32): void {
  if (vector * 4 + 3 > load<u32>(cpu, IDTR_LIMIT)) {
    raiseError(VECTOR_GP, vector * 8 + 2);
    return;
  }
  const target = <u32>systemRead32((load<u64>(cpu, IDTR_BASE) + vector * 4) & 0xffffffff);
  if (raised) return;
  enter8086(target, rip, flags & ~RF, flags & ~(IF | TF | AC | RF));
}

/** Push `image`, CS and IP as words and go to a far pointer with `flags`. */
export function enter8086(target: u32, rip: u64, image: u32, flags: u32): void {
  const offset = <u64>(target & 0xffff);
  openCurrentStack();
  if (!room(6, 2)) {
    selectorFault(VECTOR_SS, 0);
    return;
  }
  if (!insideCode(offset)) {
    selectorFault(VECTOR_GP, 0);
    return;
  }
  if (!probeFrame(6, 2)) return;
  push(<u64>(image & 0xffff), 1);
  push(<u64>selectorOf(SEG_CS), 1);
  push(rip & 0xffff, 1);
  if (raised) return;
  commitPointer();
  loadCodeReal(target >> 16);
  setFlags(flags);
  store<u64>(cpu, offset, RIP);
  modeChanged();
}
