// Locked instructions are atomic between vCPUs of several threads (SDM vol. 3, 9.1.2): two workers, each with an instance of the
// core of its own on the same memory, count in the same places. A lost update shows in the sums.

import { Worker } from 'node:worker_threads';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { longMode } from '../../src/fuzz/long-mode.js';

/**
 * Until RCX is 0: LOCK INC, DEC, XADD, ADD, ADC, SUB, XADD of a byte; a loop around LOCK CMPXCHG; one around CMPXCHG8B; a spin lock of
 * XCHG and one of BTS and BTR around plain increments; a loop around CMPXCHG16B; LOCK NOT, XOR; then HLT. RDI = counters.
 */
const PROGRAM =
  'f048ff07f0ff4f08b801000000f0480fc14710f083471803f9f0488357200166b80100f066294728f00fc04730488b4738488d5801f0480fb15f3875f08b47408b574489c383c3014989c889d183d100f00fc74f404c89c175e3b80100000087474885c075f448ff4750c7474800000000f00fba6f580572f848ff4760f00fba775805488b4770488b57784889c34883c3014989c84889d148ffc1f0480fc74f704c89c175ddf0f69780000000f048318f8800000048ffc90f8542fffffff4';
const COUNTERS = 0x8000;
const ROUNDS = 100_000;
/** What DEC and XCHG's lock begin with, so that no counter passes zero. */
const START = 0x4000_0000;

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, memory, index, LEAVE } = workerData;
const core = new WebAssembly.Instance(module, { env: { memory, now: () => 0, exit: () => LEAVE } }).exports;
core.attach(index);
parentPort.postMessage('ready');
const gate = new Int32Array(workerData.gate);
Atomics.wait(gate, 0, 0);
let result;
do result = core.run(1 << 16); while (result === 0);
parentPort.postMessage(result);
`;

it('nothing is lost between two threads', async () => {
  const { vm, vcpu: alone } = await longMode([...Buffer.from(PROGRAM, 'hex')], {});
  // The first vCPU runs alone: then nested tables are complete and no other exit than HLT's is left.
  vm.memory.writeU32(COUNTERS + 8, START);
  const registers = { ...alone.getRegs(), rdi: BigInt(COUNTERS), rcx: 1n };
  alone.setRegs(registers);
  alone.run();
  const others = [vm.createVcpu(), vm.createVcpu()];
  for (const vcpu of others) {
    vcpu.setSregs(alone.getSregs());
    vcpu.setRegs({ ...registers, rcx: BigInt(ROUNDS) });
  }
  vm.memory.write(COUNTERS, new Uint8Array(256));
  vm.memory.writeU32(COUNTERS + 8, START);
  vm.memory.writeU32(COUNTERS + 40, START);

  const gate = new SharedArrayBuffer(4);
  const module = new WebAssembly.Module(readFileSync(new URL('../../build/core.wasm', import.meta.url)));
  const workers = others.map(({ index }) => {
    const data = { module, memory: vm.linear.memory, index, gate, LEAVE: 2 };
    return new Worker(WORKER, { eval: true, workerData: data });
  });
  const next = (worker: Worker): Promise<unknown> =>
    new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  expect(await Promise.all(workers.map(next))).toEqual(['ready', 'ready']);
  const ended = Promise.all(workers.map(next));
  Atomics.store(new Int32Array(gate), 0, 1);
  Atomics.notify(new Int32Array(gate), 0);
  expect(await ended).toEqual([1, 1]);
  await Promise.all(workers.map((worker) => worker.terminate()));

  const total = 2 * ROUNDS;
  const { memory } = vm;
  expect({
    inc: memory.readU64(COUNTERS),
    dec: memory.readU32(COUNTERS + 8),
    xadd: memory.readU64(COUNTERS + 16),
    add: memory.readU32(COUNTERS + 24),
    adc: memory.readU64(COUNTERS + 32),
    sub: memory.readU16(COUNTERS + 40),
    cmpxchg: memory.readU64(COUNTERS + 56),
    cmpxchg8b: memory.readU64(COUNTERS + 64),
    underXchg: memory.readU64(COUNTERS + 80),
    underBts: memory.readU64(COUNTERS + 96),
    cmpxchg16b: [memory.readU64(COUNTERS + 112), memory.readU64(COUNTERS + 120)],
    not: memory.readU8(COUNTERS + 128),
    xor: memory.readU64(COUNTERS + 136),
  }).toEqual({
    inc: BigInt(total),
    dec: START - total,
    xadd: BigInt(total),
    add: 3 * total,
    adc: BigInt(2 * total),
    sub: (START - total) & 0xffff,
    cmpxchg: BigInt(total),
    cmpxchg8b: BigInt(total),
    underXchg: BigInt(total),
    underBts: BigInt(total),
    cmpxchg16b: [BigInt(total), BigInt(total)],
    not: 0,
    xor: 0n,
  });
  vm.close();
});
