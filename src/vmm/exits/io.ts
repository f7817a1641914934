// Port I/O. What no claim on the PIO bus takes goes to the user; RIP stays at the instruction until the next run().

import type { VcpuContext } from '../context.js';
import { IoExit } from '../exit.js';

export function handleIo(context: VcpuContext, port: number, _hi: number, info: number): number {
  const { core, shared } = context;
  const { layout } = core;
  const { memory, pio } = shared;
  const size = (info >>> layout.INFO_SIZE_SHIFT) & 0xff;
  const dataWord = context.word(layout.EXIT_DATA);
  const input = (info & layout.ACCESS_READ) !== 0;
  if (input) {
    if (context.portAnswer !== undefined) {
      memory.u32[dataWord] = context.portAnswer;
      context.portAnswer = undefined;
      return layout.SKIP;
    }
    if (pio.read(port, 0, size)) {
      // A device may have made memory grow, so the view is asked for anew.
      shared.memory.u32[dataWord] = pio.dataLo;
      return layout.SKIP;
    }
  } else if (pio.write(port, 0, size, memory.i32[dataWord]!, 0)) return layout.SKIP;
  const exit = new IoExit(input ? 'in' : 'out', port, size, input ? 0 : memory.u32[dataWord]!);
  const rip = memory.u64[(core.state + layout.RIP) / 8]!;
  const emulated = context.emulating && input;
  context.unfinished = emulated ? { kind: 'emulated-in', exit, rip, row: context.row } : { kind: 'io', exit };
  return context.leave(exit);
}

/** Finishes what handleIo() left to the user, unless the user has moved RIP: then it is as if it had never begun. */
export function finishIo(context: VcpuContext, exit: IoExit): void {
  const { core, shared } = context;
  if (exit.direction === 'in') shared.memory.u32[context.word(core.layout.EXIT_DATA)] = exit.value;
  core.exports.completeIo();
}
