// Devices in snapshots: each is, after restore(), what it was; another of its kind becomes the same.

import { describe, expect, it } from 'vitest';
import { readFile } from 'node:fs/promises';
import { Snapshot } from '../../src/index.js';
import { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import { PciTestdev } from '../../src/machine/devices/pci/pci-testdev.js';
import { Uart16550 } from '../../src/machine/devices/uart-16550.js';
import { Pc } from '../../src/machine/pc.js';
import type { PcOptions } from '../../src/machine/pc-options.js';
import { Random } from '../../src/fuzz/random.js';
import { TestBoard } from './board.js';

const guest = async (path: string): Promise<Uint8Array> =>
  new Uint8Array(await readFile(new URL(`../../guests/${path}`, import.meta.url)));

describe('the UART', () => {
  /** Whatever a driver and a terminal may do; everything that comes back. */
  function drive(uart: Uart16550, sent: number[], seed: number): number[] {
    const random = new Random(seed);
    sent.length = 0;
    const seen: number[] = [];
    for (let step = 0; step < 60; step++) {
      const what = random.below(5);
      if (what === 0) uart.receive(Uint8Array.from({ length: random.below(20) }, () => random.below(256)));
      else if (what < 3) uart.write(random.below(8), 1, random.below(256));
      else seen.push(uart.read(random.below(8), 1));
      seen.push(uart.unread, Number(uart.interruptPin));
    }
    return [...seen, ...sent];
  }
  it('goes on as it did, in its own place and in another', () => {
    for (let seed = 0; seed < 300; seed++) {
      const sent: number[] = [];
      const output = (byte: number): void => void sent.push(byte);
      const uart = new Uart16550({ output });
      drive(uart, sent, seed);
      const state = uart.save();
      const before = JSON.stringify(state);
      const seen = drive(uart, sent, seed + 1000);
      const other = new Uart16550({ output });
      for (const one of [uart, other]) {
        one.restore(state);
        expect(drive(one, sent, seed + 1000)).toEqual(seen);
      }
      expect(JSON.stringify(state)).toBe(before);
    }
  });
});

describe('pci-testdev', () => {
  const [MEM, IO, SLOT] = [0xfe01_0000, 0xc000, 3];
  async function plugged(): Promise<{ board: TestBoard; device: PciTestdev }> {
    const board = await TestBoard.create();
    const device = new PciTestdev(board, { slot: SLOT });
    board.writeConfig(SLOT, 0x10, MEM);
    board.writeConfig(SLOT, 0x14, IO);
    board.writeConfig(SLOT, 0x04, 3, 2);
    return { board, device };
  }
  /** Test 1 of the memory BAR: the header's count, and the eventfd's. */
  const counts = (board: TestBoard, device: PciTestdev): unknown[] => {
    const { count } = device.fd;
    return [device.runningTest, board.readConfig(SLOT, 0x10), board.vm.doorbells.size, count, board.load(MEM + 12, 1)];
  };
  it('keeps its BARs, the running test and its eventfd', async () => {
    const { board, device } = await plugged();
    board.store(MEM, 1, 1);
    for (let kick = 0; kick < 3; kick++) board.store(MEM + 2049, 0, 1);
    const snapshot = board.vm.snapshot();
    expect(counts(board, device)).toEqual([1, MEM, 1, 3n, 0]);
    // another test, another place, nowhere
    const changes: (() => void)[] = [
      () => board.out(IO, 2, 1),
      () => board.writeConfig(SLOT, 0x10, MEM + 0x10000),
      () => board.writeConfig(SLOT, 0x04, 0, 2),
      () => device.reset(),
      () => board.store(MEM, 0, 1),
    ];
    for (const change of changes) {
      change();
      board.vm.restore(snapshot);
      expect(counts(board, device)).toEqual([1, MEM, 1, 3n, 0]);
    }
    board.vm.restore(snapshot);
    const other = await plugged();
    other.board.vm.restore(Snapshot.fromBytes(snapshot.toBytes()));
    expect(counts(other.board, other.device)).toEqual([1, MEM, 1, 3n, 0]);
    for (const one of [board, other.board]) one.vm.close();
  });
});

describe('a PC', () => {
  async function create(options: PcOptions): Promise<{ pc: Pc; printed: () => string }> {
    let text = '';
    const serial = (bytes: Uint8Array): void => void (text += new TextDecoder().decode(bytes));
    const pc = await Pc.create({ memory: 8 << 20, serial, ...options });
    return {
      pc,
      printed: () => {
        const now = text;
        text = '';
        return now;
      },
    };
  }

  it.each(['ept', 'npt', 'shadow'] as const)('prints the same again, under %s', async (paging) => {
    const options: PcOptions = { kernel: await guest('faults/faults.bin'), paging };
    const { pc, printed } = await create(options);
    await pc.run({ maxInstructions: 3000 });
    const first = printed();
    const snapshot = pc.snapshot();
    const result = await pc.run();
    const rest = printed();
    expect(rest.length).toBeGreaterThan(20);
    const { seconds: _, ...expected } = result;
    for (let times = 0; times < 3; times++) {
      pc.restore(snapshot);
      expect(await pc.run()).toMatchObject(expected);
      expect(printed()).toBe(rest);
    }
    pc.restore(snapshot);
    const twin = await create(options);
    twin.pc.restore(Snapshot.fromBytes(snapshot.toBytes()));
    expect(await twin.pc.run()).toMatchObject({ reason: result.reason, instructions: result.instructions });
    expect(twin.printed()).toBe(rest);
    expect(first + rest).toBe(await whole(options));
    for (const one of [pc, twin.pc]) one.close();
  });

  async function whole(options: PcOptions): Promise<string> {
    const { pc, printed } = await create(options);
    await pc.run();
    pc.close();
    return printed();
  }

  it('counts kicks from where it was', async () => {
    // MOV DX, 7D0; OUT DX, AX (no eventfd); MOV DX, 7D2; OUT DX, AX (one); HLT
    const kernel = Uint8Array.of(0xba, 0xd0, 7, 0xef, 0xba, 0xd2, 7, 0xef, 0xf4);
    const { pc } = await create({ kernel, devices: ['doorbells'] });
    const page = pc.device(DoorbellPage)!;
    const snapshot = pc.snapshot();
    for (let times = 0; times < 2; times++) {
      await pc.run();
      expect([page.pioNone.count, page.pioWildcard.count]).toEqual([1, 1n]);
      pc.restore(snapshot);
      expect([page.pioNone.count, page.pioWildcard.count]).toEqual([0, 0n]);
    }
    pc.close();
  });
});
