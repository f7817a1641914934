// Exits about the processor's own course: halting, interrupt windows, triple faults, changes of the paging registers.

import { EVENT_VALID, type VcpuContext } from '../context.js';
import { ExitReason, PlainExit } from '../exit.js';
import { HardwareExit, rowOf } from '../exit-stats.js';

const RFLAGS_IF = 0x200;

/** The 8259s' INTR is up and the local APIC lets it through. */
function extIntWaits(context: VcpuContext): boolean {
  return context.interruptLine && context.core.exports.acceptsExtInt() !== 0;
}

/** HLT: on, if there is what to wake up for; otherwise the user decides how to wait. RIP is past the instruction. A vCPU that waits for a SIPI ends here too. */
export function handleHalt(context: VcpuContext): number {
  const { core, shared } = context;
  const { layout } = core;
  const { i32 } = shared.memory;
  const interruptible = (core.exports.getRflags() & RFLAGS_IF) !== 0;
  const awake =
    (i32[context.word(layout.INJECT_INFO)]! & EVENT_VALID) !== 0 ||
    i32[context.word(layout.NMI_PENDING)] !== 0 ||
    (interruptible && (extIntWaits(context) || i32[context.word(layout.IRQ_VECTOR)]! >= 0));
  if (!awake || i32[context.word(layout.ACTIVITY)] !== layout.ACTIVITY_HALTED)
    return context.leave(new PlainExit(ExitReason.Hlt));
  i32[context.word(layout.ACTIVITY)] = 0;
  return layout.RESUME;
}

/** An interrupt can be taken: ask who holds the INTR pin for its vector, or tell the user. */
export function handleInterruptWindow(context: VcpuContext): number {
  const { core, shared } = context;
  const { layout } = core;
  const { i32 } = shared.memory;
  context.withdraw(layout.REQUEST_WINDOW);
  if (context.interruptSource !== undefined && extIntWaits(context)) {
    const vector = context.interruptSource.acknowledge();
    if (vector >= 0) {
      i32[context.word(layout.INJECT_INFO)] = EVENT_VALID | (vector & 0xff);
      context.request(layout.REQUEST_EVENT);
    }
    // The next window can only open after this interrupt has been delivered.
    if (context.interruptLine && vector >= 0) context.request(layout.REQUEST_WINDOW);
    return layout.RESUME;
  }
  if (!context.wantsWindow) return layout.RESUME;
  context.wantsWindow = false;
  return context.leave(new PlainExit(ExitReason.IrqWindowOpen));
}

/** The guest has ended the service of a level-triggered interrupt: whose line is still up, it comes again. */
export function handleEoi(context: VcpuContext, vector: number): number {
  context.shared.eoiListener?.eoi(vector);
  return context.core.layout.RESUME;
}

export function handleTripleFault(context: VcpuContext): number {
  return context.leave(new PlainExit(ExitReason.Shutdown));
}

/** Shadow paging: the guest has changed CR0, CR3, CR4, EFER, or invalidated a page; the write has taken effect. */
export function handleControl(context: VcpuContext, _lo: number, _hi: number, _info: number): number {
  const { core, shadow, shared } = context;
  const { layout } = core;
  const { memory } = shared;
  const invlpg = context.row === rowOf(HardwareExit.Invlpg);
  if (shadow === undefined) return layout.RESUME;
  if (!invlpg) shadow.clear();
  else {
    const word = context.word(layout.EXIT_GLA);
    shadow.invalidate(context, memory.u32[word]!, memory.u32[word + 1]!);
  }
  return layout.RESUME;
}

/** INVD and WBINVD: there are no caches to write back. */
export function handleNothing(context: VcpuContext): number {
  return context.core.layout.SKIP;
}
