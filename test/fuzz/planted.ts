// Machines with a bug planted in them, for the tests of the fuzzer: each is right but for one thing.

import { Buses } from '../../src/fuzz/bus/buses.js';
import { RawCore } from '../../src/fuzz/raw-core.js';
import { loadCoreBytes } from '../../src/core/module.js';
import { Stepper } from '../../src/fuzz/execute/stepper.js';

type Exports = RawCore['exports'];
type Call = (...args: (number | bigint)[]) => number;

/** Replaces one of a core's functions. */
export function plant(core: RawCore, name: string, make: (real: Call) => Call): void {
  const real = core.exports[name] as unknown as Call;
  const exports = { ...core.exports, [name]: make(real) } as unknown as Exports;
  (core as { exports: Exports }).exports = exports;
}

export async function rawCore(room: number): Promise<RawCore> {
  return new RawCore(await loadCoreBytes(), room);
}

/** A bus on which two-byte writes at one address are lost. */
export class LossyBuses extends Buses {
  override store(addr: bigint, length: number, value?: bigint, bus = this.mmio): boolean {
    if (addr === 0x12n && length === 2) return false;
    return super.store(addr, length, value, bus);
  }
}

/** A stepper whose core gets one register wrong after one opcode byte. */
export async function stepperWrongAfter(opcode: number): Promise<Stepper> {
  const stepper = new Stepper(await loadCoreBytes());
  const { core } = stepper;
  const rip = core.state + core.constant('RIP');
  const rdx = core.state + core.constant('GPR') + 2 * 8;
  const wrap =
    (real: Call): Call =>
    (...args) => {
      // code pages: guest-physical 10_0000, linear 0800_0000
      const code = core.bytes[core.free + 0x10_0000 + (core.view.getUint32(rip, true) & 0x1fff)];
      const result = real(...args);
      if (code === opcode) core.view.setUint32(rdx, core.view.getUint32(rdx, true) ^ 0x100, true);
      return result;
    };
  plant(core, 'run', wrap);
  plant(core, 'emulate', wrap);
  return stepper;
}
