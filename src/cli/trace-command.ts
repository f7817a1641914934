// `doorbell trace`: runs a guest, and writes down every exit and on request every instruction.

import type { MachineOptions } from './machine-options.js';
import { UsageError } from './failure.js';
import { runSession } from './session.js';
import type { AddressRange } from './trace/filter.js';
import { traceFormat, type FormatName } from './trace/format.js';
import { OutputFile } from './trace/output-file.js';
import { Tracer } from './trace/tracer.js';

export interface TraceOptions extends MachineOptions {
  instructions?: boolean;
  reason?: string[];
  addr?: AddressRange[];
  limit?: number;
  output?: string;
  format: FormatName;
}

/** Returns the status that `run` would, or success when --limit has ended it. */
export async function traceCommand(path: string | undefined, options: TraceOptions): Promise<number> {
  const { instructions, reason, addr = [], limit = Infinity, output } = options;
  if (options.format === 'chrome' && output === undefined) {
    throw new UsageError('--format chrome needs --output FILE');
  }
  const stop = new AbortController();
  const format = traceFormat(options.format, performance.now());
  const file = new OutputFile(output, format.closing);
  const filter = { reasons: reason === undefined ? undefined : new Set(reason), addresses: addr };
  const tracer = new Tracer({ filter, format, file, limit, full: () => stop.abort() });
  const flushing = setInterval(() => file.flush(), 500);
  flushing.unref();
  const disassembler = instructions === true ? new (await import('./trace/disassembler.js')).Disassembler() : undefined;
  try {
    return await runSession(path, options, {
      stop,
      started: (pc) => tracer.watch(pc),
      ended: () => tracer.close(),
      ...(disassembler === undefined ? {} : { run: (pc, limits) => tracer.step(pc, limits, disassembler) }),
    });
  } finally {
    clearInterval(flushing);
    tracer.close();
    disassembler?.close();
  }
}
