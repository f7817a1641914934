// A machine at the terminal from power-on to the end: its serial line, signals, resets, --timeout, and the status that it ends with.

import type { Pc } from '../machine/pc.js';
import type { PcRunOptions } from '../machine/pc-options.js';
import type { RunResult } from '../machine/run-result.js';
import { Status } from './failure.js';
import { readMachine } from './machine.js';
import type { MachineOptions } from './machine-options.js';
import { TerminalInput } from './terminal-input.js';
import { TerminalOutput } from './terminal-output.js';

/** What a command does besides. */
export interface SessionParts {
  /** A machine is about to run: the first one, and one after each reset. */
  started?: (pc: Pc) => void;
  /** How it is run; default: Pc.run(). */
  run?: (pc: Pc, limits: PcRunOptions) => Promise<RunResult>;
  /** The guest has printed this. */
  printed?: (bytes: Uint8Array) => void;
  /** The last machine has stopped, the terminal is as it was, and nothing has been said about it. */
  ended?: (pc: Pc, result: RunResult) => void | Promise<void>;
  /** Aborting it ends the run with success. */
  stop?: AbortController;
}

/** Ended from outside, and the status that this gives: 128 and the signal's number, as shells have it. */
const SIGNALS = { SIGHUP: 129, SIGINT: Status.Interrupted, SIGQUIT: 131, SIGTERM: 143 } as const;

/** Runs the image to its end; returns the process status. */
export async function runSession(
  path: string | undefined,
  options: MachineOptions,
  parts: SessionParts = {},
): Promise<number> {
  const { timeout } = options;
  const stop = parts.stop ?? new AbortController();
  const output = new TerminalOutput(() => stop.abort());
  const { printed } = parts;
  const serial =
    printed === undefined
      ? output.write
      : (bytes: Uint8Array): void => {
          output.write(bytes);
          printed(bytes);
        };
  const machine = await readMachine(path, options, serial);
  let pc = await machine.powerOn().catch((error: unknown) => {
    machine.close();
    throw error;
  });

  let outside: number | undefined;
  const end = (status: number): void => {
    outside ??= status;
    stop.abort();
  };
  const onSignal = (signal: keyof typeof SIGNALS): void => end(SIGNALS[signal]);
  for (const signal of Object.keys(SIGNALS)) process.once(signal, onSignal);
  const sink = { send: (bytes: Uint8Array) => pc.sendSerial(bytes), waiting: () => pc.uart.unread };
  const input = new TerminalInput(sink, options.detachKey, () => end(Status.Interrupted));
  const opening = setImmediate(() => {
    if (input.open() && options.detachKey !== undefined) {
      process.stderr.write(`doorbell: ${options.detachKey.name} ends the run\n`);
    }
  });
  const close = (): void => {
    clearImmediate(opening);
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
    input.close();
  };
  const deadline = timeout === undefined ? Infinity : performance.now() + timeout * 1000;
  try {
    for (;;) {
      parts.started?.(pc);
      const limits = { signal: stop.signal, timeoutMs: Math.max(0, deadline - performance.now()) };
      const result = await (parts.run === undefined ? pc.run(limits) : parts.run(pc, limits));
      if (result.reason !== 'reset' || !options.reboot) {
        close();
        await parts.ended?.(pc, result);
        return await ending(result, outside, timeout);
      }
      // As after power-on: memory and devices are new; disks have what was written, other files are read no second time.
      pc.close();
      pc = await machine.powerOn();
    }
  } finally {
    close();
    pc.close();
    machine.close();
  }
}

/** Says how the run ended if that was not its natural end, and gives the status. */
async function ending(result: RunResult, outside: number | undefined, timeout: number | undefined): Promise<number> {
  switch (result.reason) {
    case 'debug-exit':
      return result.status!;
    case 'halted':
    case 'power-off':
    case 'reset':
      return Status.Success;
    case 'timeout':
      process.stderr.write(`doorbell: the guest was stopped after ${timeout} s, as --timeout says\n`);
      return Status.TimedOut;
    case 'aborted':
      return outside ?? Status.Success;
    default: {
      const { describeCrash } = await import('../machine/crash.js');
      process.stderr.write(`doorbell: the guest crashed: ${describeCrash(result.crash!)}\n`);
      return Status.Crashed;
    }
  }
}
