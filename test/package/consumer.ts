// What a user of the packed library writes (tools/check-package.mjs compiles and runs this outside of the project): a
// real-mode guest rings a doorbell three times, asks for a port that nobody has, and halts.

import { EventFd, ExitReason, IoEventFdFlag, Vm } from 'doorbell';

const DOORBELL = 0x20000n;

const guest = Uint8Array.of(
  ...[0xc7, 0x06, 0x00, 0x00, 0x01, 0x00], // mov word [0], 1
  ...[0xc7, 0x06, 0x00, 0x00, 0x01, 0x00],
  ...[0xc7, 0x06, 0x00, 0x00, 0x01, 0x00],
  ...[0xe4, 0x42], // in al, 0x42
  0xf4, // hlt
);

function check(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what} is ${String(actual)}, not ${String(expected)}`);
}

const vm = await Vm.create({ memory: 64 * 1024, paging: 'ept', clock: 'virtual' });
vm.memory.write(0x1000n, guest);
const kick = new EventFd();
vm.ioeventfd({ fd: kick, addr: DOORBELL, len: 2, flags: IoEventFdFlag.PvMmio });

const vcpu = vm.createVcpu();
const sregs = vcpu.getSregs();
vcpu.setSregs({
  ...sregs,
  cs: { ...sregs.cs, base: 0n, selector: 0 },
  ds: { ...sregs.ds, base: DOORBELL, selector: Number(DOORBELL >> 4n) },
});
vcpu.setRegs({ ...vcpu.getRegs(), rip: 0x1000n });

const input = vcpu.run({ maxInstructions: 1000 });
if (input.reason !== ExitReason.Io) throw new Error(`the first exit is ${input.reason}, not that of the IN`);
check('the port', input.port, 0x42);
check('the doorbell was rung so often, which', kick.read(), 3n);
input.complete(0x5a);

const halt = vcpu.run({ maxInstructions: 1000 });
check('the second exit', halt.reason, ExitReason.Hlt);
check('AL', vcpu.getRegs().rax & 0xffn, 0x5an);
vm.close();
console.log('the packed library works');
