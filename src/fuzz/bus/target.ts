// The target `bus`: random registrations, removals and accesses on the buses, against a brute-force model of KVM's rules.

import { ByteSource } from '../byte-source.js';
import { Coverage } from '../coverage.js';
import { withoutRecords } from '../minimise.js';
import { mutateBytes } from '../mutate.js';
import type { Random } from '../random.js';
import { oneByOne, type Explanation, type Finding, type Target } from '../target.js';
import type { Buses } from './buses.js';
import { checkCommands, type Command, type Place } from './commands.js';

/** Commands of one input at most, and the bytes that one takes. */
const COMMANDS = 80;
const COMMAND_BYTES = 6;
const LONGEST = COMMANDS * COMMAND_BYTES;

// Few addresses, close together, below and above 2^32 and 2^63, so that ranges nest, touch and straddle.
const BASES = [0x10n, 0xffff_fff8n, 2n ** 63n - 8n, 2n ** 64n - 32n] as const;
const VALUES = [0n, 1n, 7n, 0x107n, 0x1_0000_0007n, 2n ** 64n - 1n] as const;

function place(source: ByteSource): Place {
  const byte = source.byte();
  return { addr: BASES[(byte >> 4) & 3]! + BigInt(byte & 15), pio: (byte & 0x40) !== 0 };
}

/** The commands that an input stands for. */
export function commandsOf(input: Uint8Array): Command[] {
  const commands: Command[] = [];
  for (let at = 0; at < input.length && commands.length < COMMANDS; at += COMMAND_BYTES) {
    const source = new ByteSource(input.subarray(at, at + COMMAND_BYTES));
    const op = source.pick(['write', 'read', 'assign', 'deassign', 'claim', 'remove'] as const);
    if (op === 'remove') {
      commands.push({ op, which: source.byte() });
      continue;
    }
    const target = place(source);
    if (op === 'assign' || op === 'deassign') {
      const fd = source.below(3);
      const len = source.pick([0, 1, 2, 4, 8]);
      const datamatch = source.boolean() ? source.pick(VALUES) : undefined;
      commands.push({ op, target, eventfd: { fd, len, datamatch } });
    } else if (op === 'claim') commands.push({ op, target, size: 1 + source.below(12), user: source.boolean() });
    else if (op === 'write') commands.push({ op, target, length: 1 + source.below(8), value: source.pick(VALUES) });
    else commands.push({ op, target, length: source.pick([1, 2, 4, 8]) });
  }
  return commands;
}

function describe(command: Command): string {
  if (command.op === 'remove') return `remove claim ${command.which}`;
  const { addr, pio } = command.target;
  const where = `${pio ? 'PIO' : 'MMIO'} 0x${addr.toString(16)}`;
  switch (command.op) {
    case 'assign':
    case 'deassign': {
      const { fd, len, datamatch } = command.eventfd;
      const match = datamatch === undefined ? '' : `, datamatch 0x${datamatch.toString(16)}`;
      return `${command.op} eventfd ${fd} at ${where}, length ${len}${match}`;
    }
    case 'claim':
      return `claim ${where}, ${command.size} bytes, ${command.user ? 'user' : 'in-kernel'}`;
    case 'write':
      return `write ${where}, ${command.length} bytes, value 0x${command.value.toString(16)}`;
    case 'read':
      return `read ${where}, ${command.length} bytes`;
  }
}

/** `makeBuses` gives the buses that are looked at, fresh for each input. */
export function busTarget(makeBuses?: () => Buses): Target {
  const coverage = new Coverage();
  const numbers = new Map<string, number>();
  let last = 0;
  const witness = (op: string, result: string): void => {
    const text = `${op} ${result}`;
    let number = numbers.get(text);
    if (number === undefined) numbers.set(text, (number = numbers.size + 1));
    // what happened, and what had happened right before it
    coverage.feature(number, last);
    last = number;
  };
  const check = (input: Uint8Array): Finding | undefined => {
    last = 0;
    const wrong = checkCommands(commandsOf(input), witness, makeBuses?.());
    return wrong === undefined ? undefined : { kind: wrong.replace(/[0-9]+/g, 'n'), summary: wrong };
  };
  return {
    name: 'bus',
    coverage,
    batch: 16,
    seeds: () => [],
    fresh: (random: Random) => {
      const bytes = new Uint8Array(COMMAND_BYTES * (1 + random.below(COMMANDS)));
      random.fill(bytes);
      return bytes;
    },
    mutate: (random, input, other) => mutateBytes(random, input, other, { longest: LONGEST }),
    run: oneByOne(coverage, check),
    simpler: (input) => withoutRecords(input, COMMAND_BYTES),
    explain: async (input): Promise<Explanation> => ({
      text: commandsOf(input)
        .map((command, index) => `${String(index).padStart(3)}  ${describe(command)}`)
        .join('\n'),
    }),
    close: () => {},
  };
}
