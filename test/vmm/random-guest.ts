// The random guests of test/core, in a Vm: memory and registers go over in a snapshot file.

import {
  Snapshot,
  Vm,
  type DeviceState,
  type IoDevice,
  type PagingMode,
  type Stateful,
  type Vcpu,
} from '../../src/index.js';
import { decodeFile, encodeFile } from '../../src/vmm/snapshot-file.js';
import { buildGuest, type Shape } from '../core/guest.js';
import { Machine, RAM_SIZE } from '../core/machine.js';

export { RAM_SIZE };
const PAGE = 4096;
const DEVICE = 0xfe00_0000n;
const PORTS = 0x1_0000;
/** A guest that does nothing but REP INS has a long way to go. */
const ACCESSES_MOST = 5000;

/** Answers every port and device address; what it says next depends on all it was told before. */
export class Oracle implements IoDevice, Stateful {
  readonly name = 'oracle';
  state = 1;
  /** The accesses, since it was last cleared: not state. */
  log: string[] = [];

  #mix(what: string, offset: number, length: number, value: number): number {
    this.state = Math.imul(this.state ^ offset ^ (value * 31) ^ (length << 20), 0x0100_0193) >>> 0;
    if (this.log.length >= ACCESSES_MOST) throw new Error('enough of this REP INS');
    this.log.push(`${what} ${offset.toString(16)} ${length} ${value.toString(16)}`);
    return this.state;
  }
  read(offset: number, length: number): number {
    return this.#mix('read', offset, length, 0);
  }
  write(offset: number, length: number, value: number): void {
    this.#mix('write', offset, length, value);
  }
  save(): DeviceState {
    return this.state;
  }
  restore(state: number): void {
    this.state = state;
  }
}

export interface RandomGuest {
  vm: Vm;
  vcpu: Vcpu;
  oracle: Oracle;
}

let machine: Machine | undefined;

/** `ports`: the oracle answers them; else they leave run(). */
export async function randomGuest(
  seed: number,
  shape: Shape,
  paging: PagingMode,
  ports: boolean,
): Promise<RandomGuest> {
  machine ??= new Machine();
  machine.reset('ept');
  buildGuest(machine, seed, shape);
  machine.core.saveVcpu!();
  const vm = await Vm.create({ memory: RAM_SIZE, paging, cpu: { physicalBits: 40 } });
  const oracle = new Oracle();
  vm.mmio.claim({ addr: DEVICE, len: 0x100_0000, device: oracle });
  if (ports) vm.pio.claim({ addr: 0n, len: PORTS, device: oracle });
  const vcpu = vm.createVcpu();

  const empty = vm.snapshot();
  const file = decodeFile(empty.toBytes()) as unknown as {
    vcpus: { page: Uint8Array }[];
    pages: { numbers: Uint8Array; contents: Uint8Array }[];
  };
  empty.close();
  const { bytes, state, ram } = machine;
  file.vcpus[0]!.page.set(bytes.subarray(state, state + machine.constant('STATE_SIZE')));
  const numbers = Uint32Array.from({ length: RAM_SIZE / PAGE }, (_, index) => index);
  file.pages[0]!.numbers = new Uint8Array(numbers.buffer);
  file.pages[0]!.contents = bytes.slice(ram, ram + RAM_SIZE);
  const full = Snapshot.fromBytes(encodeFile(file as never));
  vm.restore(full);
  full.close();
  return { vm, vcpu, oracle };
}
