// The library across a thread boundary, here over a MessageChannel: same API, same errors, nothing kept.

import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { EINVAL, EventFd, ExitReason, ImageError, IoEventFdFlag } from '../../src/index.js';
import { Connection, DisconnectedError } from '../../src/web/client/connection.js';
import { offer, type Offer } from '../../src/web/client/offer.js';
import type { Remote } from '../../src/web/client/remote.js';
import type { Port } from '../../src/web/client/wire.js';

const ends: Connection[] = [];
const ports: MessagePort[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end.end('over');
  for (const port of ports.splice(0)) port.close();
});

function connect<T extends object>(root: T): { remote: Remote<T>; host: Connection; client: Connection } {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const host = new Connection(port1 as unknown as Port, root);
  const client = new Connection(port2 as unknown as Port);
  ends.push(host, client);
  return { remote: client.remote<T>(), host, client };
}
const library = (): Remote<Offer> => connect(offer).remote;
const guest = (name: string): Promise<Uint8Array> => readFile(new URL(`../../guests/${name}`, import.meta.url));

describe('the library through a connection', () => {
  it('runs a guest: callbacks deep in options, results by value', async () => {
    let text = '';
    const { Pc } = library();
    const pc = await Pc.create({
      kernel: await guest('hello-long/hello-long.bin'),
      clock: 'virtual',
      serial: (bytes: Uint8Array) => void (text += new TextDecoder().decode(bytes)),
    });
    const result = await pc.run();
    expect(text).toContain('long mode');
    expect(result.reason).toBe('debug-exit');
    const { rip } = await pc.vcpu.getRegs();
    expect(typeof rip).toBe('bigint');
    expect((await pc.vm.stats()).instructions).toBe(result.instructions);
    expect(await pc.format).toBe('Multiboot 1');
    await pc.close();
  });
  it('objects that come back are the ones that went: snapshots', async () => {
    const { Pc } = library();
    const pc = await Pc.create({ kernel: await guest('hello-long/hello-long.bin'), clock: 'virtual' });
    const before = await pc.snapshot();
    await pc.run({ maxInstructions: 20 });
    const { rip } = await pc.vcpu.getRegs();
    await pc.restore(before);
    await pc.run({ maxInstructions: 20 });
    expect((await pc.vcpu.getRegs()).rip).toBe(rip);
    await pc.close();
  });
  it('an exit is completed by its method; data in it is a copy', async () => {
    const { Vm } = library();
    const vm = await Vm.create({ memory: 2 ** 20, clock: 'virtual' });
    await vm.memory.write(0x7c00n, Uint8Array.from([0xe4, 0x60, 0xf4])); // in al, 60h; hlt
    const vcpu = await vm.createVcpu();
    const sregs = await vcpu.getSregs();
    await vcpu.setSregs({ ...sregs, cs: { ...sregs.cs, selector: 0, base: 0n } });
    await vcpu.setRegs({ ...(await vcpu.getRegs()), rip: 0x7c00n });
    const exit = await vcpu.run();
    expect(await exit.reason).toBe(ExitReason.Io);
    await (exit as unknown as { complete(value: number): Promise<void> }).complete(0x5a);
    expect(await (await vcpu.run()).reason).toBe(ExitReason.Hlt);
    expect((await vcpu.getRegs()).rax & 0xffn).toBe(0x5an);
    await vm.close();
  });
  it('an eventfd in shared memory is the same counter at both ends', async () => {
    const { Vm } = library();
    const vm = await Vm.create({ memory: 2 ** 20, clock: 'virtual' });
    const fd = new EventFd();
    await vm.ioeventfd({ fd, addr: 0xe000_0000n, len: 2, flags: IoEventFdFlag.PvMmio });
    await vm.memory.write(0x7c00n, Uint8Array.from([0x66, 0x67, 0xc7, 0x05, 0, 0, 0, 0xe0, 1, 0, 0, 0, 0xf4]));
    const vcpu = await vm.createVcpu();
    const sregs = await vcpu.getSregs();
    const flat = { ...sregs.ds, base: 0n, limit: 0xffff_ffff };
    await vcpu.setSregs({ ...sregs, ds: flat, cs: { ...sregs.cs, selector: 0, base: 0n } });
    // a word store: mov word [0xe0000000], 1
    await vm.memory.write(0x7c00n, Uint8Array.from([0x67, 0xc7, 0x05, 0, 0, 0, 0xe0, 1, 0, 0xf4]));
    await vcpu.setRegs({ ...(await vcpu.getRegs()), rip: 0x7c00n });
    expect(await (await vcpu.run()).reason).toBe(ExitReason.Hlt);
    expect(fd.read()).toBe(1n);
    await vm.close();
  });
  it('errors keep their class', async () => {
    const { Pc, Vm } = library();
    await expect(Vm.create({ memory: 5 })).rejects.toBeInstanceOf(EINVAL);
    await expect(Vm.create({ memory: 5 })).rejects.toMatchObject({ code: 'EINVAL', name: 'EINVAL' });
    await expect(Pc.create({ kernel: new Uint8Array(0) })).rejects.toBeInstanceOf(ImageError);
  });
  it('an AbortSignal ends a run on the other side', async () => {
    const { Pc } = library();
    const pc = await Pc.create({ kernel: Uint8Array.from([0xeb, 0xfe]) });
    const controller = new AbortController();
    const run = pc.run({ signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    expect((await run).reason).toBe('aborted');
    expect((await pc.run({ signal: controller.signal })).reason).toBe('aborted');
    await pc.close();
  });
});

describe('a connection', () => {
  it('passes maps, sets, typed arrays and nested data; refuses what it cannot', async () => {
    const { remote } = connect({ same: (value: unknown) => value });
    const value = { map: new Map([[1n, new Set(['a'])]]), bytes: new Uint8Array([1, 2]), list: [[1], { a: null }] };
    expect(await remote.same(value)).toEqual(value);
    await expect(remote.same({ $doorbell: 1 })).rejects.toThrow('$doorbell');
    await expect(remote.same(Symbol('x'))).rejects.toThrow('symbol');
  });
  it('names what is no function', async () => {
    const { remote } = connect({ deep: { value: 1 } });
    await expect((remote as unknown as { deep: { value(): unknown } }).deep.value()).rejects.toThrow(
      'deep.value is not a function',
    );
  });
  it('refuses what is under way when it ends, and all later', async () => {
    const { remote, client } = connect({ never: () => new Promise<void>(() => {}) });
    const waiting = remote.never();
    client.end('the thread has been closed');
    await expect(waiting).rejects.toBeInstanceOf(DisconnectedError);
    await expect(remote.never()).rejects.toThrow('the thread has been closed');
  });
  it('forgets objects that the other end has dropped', async () => {
    class Thing {
      number(): number {
        return 7;
      }
    }
    const { remote, host } = connect({ make: () => new Thing() });
    expect(await (await remote.make()).number()).toBe(7);
    for (let index = 0; index < 50; index++) await remote.make();
    for (let turn = 0; turn < 50 && host.held > 2; turn++) {
      (globalThis as { gc?: () => void }).gc?.();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(host.held).toBeLessThanOrEqual(2);
  });
});
