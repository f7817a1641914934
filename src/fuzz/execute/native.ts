// The processor's half of the target `execute`: guests/native/runner.elf, a program of a few kilobytes that runs
// instructions on this machine's own processor, spoken to through its standard input and output.

import { spawn, type ChildProcess } from 'node:child_process';
import { access, chmod, constants, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TargetUnavailable } from '../target.js';
import { baseData, Case, DATA_SIZE, Flag, FPU_SIZE, RESULT_SIZE } from './layout.js';

const RUNNER = new URL('../../../guests/native/runner.elf', import.meta.url);
/** What the runner says when it is ready. */
const HELLO = 'dobdubr1';
/** Cases of one batch at most. */
export const NATIVE_BATCH = 256;
/** A batch takes a few milliseconds; a runner that does not answer for so long never will. */
const PATIENCE_MS = 20_000;

/** The runner has died or hangs: an instruction under test did that. */
export class NativeFailure extends Error {
  override readonly name = 'NativeFailure';
}

interface Waiting {
  readonly length: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class Native {
  readonly #child: ChildProcess;
  readonly #copy: string | undefined;
  #received: Buffer[] = [];
  #count = 0;
  #waiting: Waiting[] = [];
  #failure: NativeFailure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #said = '';

  private constructor(child: ChildProcess, copy: string | undefined) {
    this.#child = child;
    this.#copy = copy;
    child.stdout!.on('data', (chunk: Buffer) => this.#take(chunk));
    child.stderr!.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    child.stdin!.on('error', () => {}); // 'close' tells more
    child.on('error', (error) => this.#fail(error.message));
    child.on('close', (code, signal) => this.#fail(this.#said.trim() || `it ended by ${signal ?? `status ${code}`}`));
  }

  /** Starts the runner. Throws TargetUnavailable where it cannot run. */
  static async start(): Promise<Native> {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw new TargetUnavailable(`it needs an x86-64 Linux host, not ${process.platform} on ${process.arch}`);
    }
    const { path, copy } = await executable();
    const native = new Native(spawn(path, [], { stdio: ['pipe', 'pipe', 'pipe'] }), copy);
    try {
      const hello = native.#expect(HELLO.length);
      native.#child.stdin!.write(baseData());
      if (Buffer.from(await hello).toString('latin1') !== HELLO) throw new NativeFailure('it does not say hello');
      return native;
    } catch (error) {
      await native.close();
      throw new TargetUnavailable(`the native runner does not start: ${(error as Error).message}`);
    }
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#count += chunk.length;
    while (this.#waiting.length > 0 && this.#count >= this.#waiting[0]!.length) {
      const { length, resolve } = this.#waiting.shift()!;
      const all = Buffer.concat(this.#received);
      this.#received = [all.subarray(length)];
      this.#count -= length;
      resolve(new Uint8Array(all.buffer, all.byteOffset, length));
    }
    this.#wind();
  }

  /** The clock runs while something is expected. */
  #wind(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#fail(`it has not answered for ${PATIENCE_MS / 1000} s`);
      this.#child.kill('SIGKILL');
    }, PATIENCE_MS);
  }

  #fail(what: string): void {
    this.#failure ??= new NativeFailure(what);
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  #expect(length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#waiting.push({ length, resolve, reject });
      this.#wind();
    });
  }

  /** Runs normalised cases; their results one behind the other. Rejects with NativeFailure. */
  run(cases: readonly Uint8Array[]): Promise<Uint8Array> {
    let bytes = 16;
    let answer = 0;
    for (const each of cases) {
      bytes += each.length;
      answer += resultSize(each);
    }
    const request = Buffer.alloc(bytes);
    request.writeUInt32LE(cases.length, 0);
    request.writeUInt32LE(bytes - 16, 8);
    let at = 16;
    for (const each of cases) {
      request.set(each, at);
      at += each.length;
    }
    const answered = this.#expect(answer);
    if (this.#failure === undefined) this.#child.stdin!.write(request);
    return answered;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#child.stdin?.end();
    this.#child.kill('SIGKILL');
    if (this.#copy !== undefined) await rm(this.#copy, { recursive: true, force: true });
  }
}

/** Bytes of a case's result. */
export function resultSize(bytes: Uint8Array): number {
  const flags = bytes[Case.flags]!;
  return RESULT_SIZE + ((flags & Flag.fpu) !== 0 ? FPU_SIZE : 0) + ((flags & Flag.whole) !== 0 ? DATA_SIZE : 0);
}

/** The runner, or a copy of it where its mode was lost on the way here. */
async function executable(): Promise<{ path: string; copy?: string }> {
  const path = fileURLToPath(RUNNER);
  try {
    await access(path, constants.R_OK);
  } catch {
    throw new TargetUnavailable(`the native runner ${path} is missing`);
  }
  try {
    await access(path, constants.X_OK);
    return { path };
  } catch {
    const copy = await mkdtemp(join(tmpdir(), 'doorbell-'));
    const target = join(copy, 'runner');
    await copyFile(path, target);
    await chmod(target, 0o755);
    return { path: target, copy };
  }
}
