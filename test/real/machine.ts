// Machines for real software: a Pc whose serial line is kept, and which may be stopped by what appears on it.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import type { RunResult } from '../../src/machine/run-result.js';
import { realFiles, type RealFiles } from '../../tools/real/fetch.mjs';
import { initramfs } from '../../tools/real/initramfs.mjs';
import { bootQemu } from '../../tools/real/qemu.mjs';

/** As QEMU gets it too. */
export const MEMORY = 256 << 20;
/** Against hangs: QEMU needs 6 to 10 seconds of two busy cores. */
export const TIMEOUT_MS = 300_000;

export type Ended = Result & {
  serial: string;
  /** Host milliseconds (performance.now()) at which the text that was waited for had come; undefined if it did not. */
  seenAt: number | undefined;
  /** For each complete line on the serial line, when it was there. */
  lineTimes: readonly { line: string; at: number }[];
};

/** The tests are right themselves if they pass in QEMU: DOORBELL_REAL_ON=qemu runs Linux and memtest86+ there instead. */
const IN_QEMU = process.env['DOORBELL_REAL_ON'] === 'qemu';

/** Runs a new machine until it ends, or until `until` has appeared on COM1. */
export async function runMachine(options: PcOptions, until?: string): Promise<Ended> {
  const stop = new AbortController();
  const lineTimes: { line: string; at: number }[] = [];
  let serial = '';
  let lineStart = 0;
  let seenAt: number | undefined;
  const output = (text: string): void => {
    const from = Math.max(0, serial.length - (until?.length ?? 0));
    serial += text;
    const at = performance.now();
    for (let end = serial.indexOf('\n', lineStart); end >= 0; end = serial.indexOf('\n', lineStart)) {
      lineTimes.push({ line: serial.slice(lineStart, end).replace('\r', ''), at });
      lineStart = end + 1;
    }
    if (until === undefined || seenAt !== undefined || !serial.includes(until, from)) return;
    seenAt = at;
    stop.abort();
  };
  // As `doorbell run` has it: the guest's time is the host's.
  const machine: PcOptions = { memory: MEMORY, clock: 'real', ...options };
  const result = IN_QEMU ? await runInQemu(machine, until, output) : await runHere(machine, stop.signal, output);
  return { ...result, serial, seenAt, lineTimes };
}

type Output = (text: string) => void;
type Result = Pick<RunResult, 'reason' | 'status' | 'instructions' | 'seconds' | 'crash'> | QemuResult;

interface QemuResult {
  reason: 'power-off' | 'aborted';
  status: number | undefined;
  instructions: number;
  seconds: number;
  crash: undefined;
}

async function runHere(options: PcOptions, signal: AbortSignal, output: Output): Promise<Result> {
  const decoder = new TextDecoder('latin1');
  const pc = await Pc.create({ ...options, serial: (bytes) => output(decoder.decode(bytes)) });
  try {
    return await pc.run({ timeoutMs: TIMEOUT_MS, signal });
  } finally {
    pc.close();
  }
}

async function runInQemu(options: PcOptions, until: string | undefined, output: Output): Promise<Result> {
  const { kernel, initrd, cmdline, memory = MEMORY } = options;
  const { seconds, status } = await bootQemu({
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(cmdline === undefined ? {} : { cmdline }),
    ...(until === undefined ? {} : { until }),
    memoryMiB: memory / (1 << 20),
    timeoutMs: TIMEOUT_MS,
    output,
  });
  const reason = status === 0 ? 'power-off' : 'aborted';
  return { reason, status: status ?? undefined, instructions: NaN, seconds, crash: undefined };
}

export interface Linux {
  files: RealFiles;
  kernel: Uint8Array;
  initrd: Uint8Array;
}

let linux: Promise<Linux> | undefined;

/** Debian's kernel and the initial file system for it. */
export function linuxFiles(): Promise<Linux> {
  linux ??= (async () => {
    const files = realFiles();
    return { files, kernel: new Uint8Array(await readFile(files.kernel)), initrd: initramfs(files) };
  })();
  return linux;
}

let directory: Promise<string> | undefined;
afterAll(async () => {
  if (directory !== undefined) await rm(await directory, { recursive: true });
});

/** A directory that lasts as long as the test file. */
export function scratch(): Promise<string> {
  directory ??= mkdtemp(join(tmpdir(), 'doorbell-real-'));
  return directory;
}
