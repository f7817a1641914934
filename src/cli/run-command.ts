// `doorbell run`: a guest in a PC, its serial port on the terminal.

import { loadCoreModule } from '../core/module.js';
import { EINVAL } from '../eventfd/index.js';
import { DeviceOptionError } from '../machine/devices/option.js';
import { ImageError } from '../machine/loaders/index.js';
import { Pc } from '../machine/pc.js';
import type { RunResult } from '../machine/run-result.js';
import type { CpuOptions } from '../vmm/cpuid.js';
import type { ClockMode, DoorbellMode, PagingMode } from '../vmm/options.js';
import { CommandError, Status, UsageError } from './failure.js';
import { readInput } from './input-file.js';
import { TerminalOutput } from './terminal-output.js';

export interface RunOptions {
  append?: string;
  initrd?: string;
  memory: number;
  cpus: number;
  cpu: CpuOptions;
  paging: PagingMode;
  device?: string[];
  clock: ClockMode;
  /** Seconds. */
  timeout?: number;
  doorbells: DoorbellMode;
  stats?: 'table' | 'json';
}

/** Runs the image to its end; returns the process status. */
export async function runCommand(path: string, options: RunOptions): Promise<number> {
  const { append, initrd, memory, cpus, cpu, paging, device, clock, timeout, doorbells, stats } = options;
  if (cpus > 1) throw new CommandError(`--cpus ${cpus}: a machine of this version has one processor`);
  // Compiles on other threads while the files are read. If it fails, so does Pc.create(), with a message.
  loadCoreModule().catch(() => {});
  const [kernel, disk] = await Promise.all([
    readInput('image', path),
    initrd === undefined ? undefined : readInput('initrd', initrd),
  ]);
  const stop = new AbortController();
  const output = new TerminalOutput(() => stop.abort());
  const pc = await Pc.create({
    kernel,
    cpu,
    memory,
    paging,
    clock,
    doorbells,
    serial: output.write,
    ...(append === undefined ? {} : { cmdline: append }),
    ...(disk === undefined ? {} : { initrd: disk }),
    ...(device === undefined ? {} : { devices: device }),
  }).catch((error: unknown) => {
    throw refusal(path, error);
  });

  let interrupted = false;
  const onInterrupt = (): void => {
    interrupted = true;
    stop.abort();
  };
  process.once('SIGINT', onInterrupt);
  const input = setImmediate(() => connectInput(pc));
  try {
    const result = await pc.run({
      signal: stop.signal,
      ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    });
    if (stats !== undefined) await printStats(pc, result, stats);
    return await ending(result, interrupted, timeout);
  } finally {
    clearImmediate(input);
    process.off('SIGINT', onInterrupt);
    disconnectInput();
    pc.close();
  }
}

/** What the machine objects to: the image, or one of the options that it was given. */
function refusal(path: string, error: unknown): unknown {
  if (error instanceof ImageError) return new CommandError(`${path}: ${error.message}`);
  if (error instanceof DeviceOptionError) return new UsageError(`--device: ${error.message}`);
  if (error instanceof EINVAL) return new UsageError(error.message.replace(/^.*Pc\.create: /, ''));
  return error;
}

/** What is typed, or piped in, arrives at the guest's serial port. */
function connectInput(pc: Pc): void {
  process.stdin.on('data', (bytes: Buffer) => pc.sendSerial(new Uint8Array(bytes)));
  // Without a standard input there is nothing to send, and no reason to stop.
  process.stdin.on('error', () => {});
}

function disconnectInput(): void {
  // An open standard input would keep the process alive.
  process.stdin.removeAllListeners('data').destroy();
}

async function printStats(pc: Pc, { seconds }: RunResult, format: 'table' | 'json'): Promise<void> {
  const { runStats, statsTable } = await import('./stats-report.js');
  const counters = pc.vm.stats();
  let mnemonic = String as (operation: number) => string;
  if (Object.keys(counters.unimplemented).length > 0) {
    const { loadInspector } = await import('../core/inspect.js');
    const inspector = await loadInspector();
    mnemonic = (operation) => inspector.operationName(operation).toUpperCase();
  }
  const stats = runStats(counters, seconds, mnemonic);
  process.stderr.write(format === 'json' ? `${JSON.stringify(stats)}\n` : statsTable(stats));
}

/** Says how the run ended if that was not its natural end, and gives the status. */
async function ending(result: RunResult, interrupted: boolean, timeout: number | undefined): Promise<number> {
  switch (result.reason) {
    case 'debug-exit':
      return result.status!;
    case 'halted':
      return Status.Success;
    case 'timeout':
      process.stderr.write(`doorbell: the guest was stopped after ${timeout} s, as --timeout says\n`);
      return Status.TimedOut;
    case 'aborted':
      return interrupted ? Status.Interrupted : Status.Success;
    default: {
      const { describeCrash } = await import('../machine/crash.js');
      process.stderr.write(`doorbell: the guest crashed: ${describeCrash(result.crash!)}\n`);
      return Status.Crashed;
    }
  }
}
