// Real-mode guests whose vCPU has a thread. The thread's main module is the built one: vitest compiles nothing inside workers.

import { pathToFileURL } from 'node:url';
import type { VcpuThread } from '../../../src/vmm/thread/vcpu-thread.js';
import { MMIO_BASE, place } from './code.js';
import { Vm, type VmOptions, type Vcpu } from '../../../src/index.js';
import { buildCommand, projectFile } from '../../cli/built.js';

export { buildCommand };
export { MMIO_BASE } from './code.js';

export const WORKER = pathToFileURL(projectFile('dist/vmm/thread/worker.js'));

export interface Threaded {
  readonly vm: Vm;
  readonly vcpu: Vcpu;
  readonly thread: VcpuThread;
}

const open: Vm[] = [];
const threads: VcpuThread[] = [];

/** 1 MiB of RAM, the real clock, DS at MMIO_BASE, ES at 0. */
export async function start(code: readonly number[], options: VmOptions = {}): Promise<Threaded> {
  const vm = await Vm.create({ memory: 1 << 20, clock: 'real', ...options });
  open.push(vm);
  const vcpu = vm.createVcpu();
  place(vm, vcpu, code);
  const thread = await vm.startThread(vcpu, { url: WORKER });
  threads.push(thread);
  return { vm, vcpu, thread };
}

/** For afterEach: closes them all, and waits until their threads have ended. */
export async function closeAll(): Promise<void> {
  for (const vm of open.splice(0)) vm.close();
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
}

/** Lets the event loop go round until something is so; the test's own time limit ends it otherwise. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setImmediate(resolve));
}

export const mmio = (offset: number): bigint => MMIO_BASE + BigInt(offset);
