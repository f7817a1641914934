// Makes qemu-recording.json: what QEMU's 8259s and I/O APIC answer to random doings, over its qtest protocol, with the processor
// stopped. Run it by hand: node test/machine/irq/record-qemu.mjs
//
// Left out is where QEMU is known to be unlike the datasheets or KVM: what falls at the cascade, special mask mode with non-specific
// EOIs (QEMU ends masked inputs too), special fully nested mode, a level input that was an edge while it rose.

import { spawn, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const qemu = spawn(
  'qemu-system-x86_64',
  ['-M', 'pc', '-S', '-display', 'none', '-nodefaults', '-qtest', 'stdio', '-qtest-log', 'none'],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
const lines = createInterface({ input: qemu.stdout })[Symbol.asyncIterator]();
async function send(command) {
  qemu.stdin.write(`${command}\n`);
  const { value } = await lines.next();
  if (!value?.startsWith('OK')) throw new Error(`${command}: ${value}`);
  return Number(value.split(' ')[1] ?? 0);
}

let seed = 12345;
function below(limit) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}
const pick = (list) => list[below(list.length)];

/** Steps: ['out', port, value], ['in', port, answer], ['line', input, level]. */
async function pic(port, elcrPort, chip, inputs) {
  const steps = [];
  const levels = Array(8).fill(0);
  const step = async (...one) => {
    const [what, a, b] = one;
    if (what === 'out') await send(`outb ${a} ${b}`);
    else if (what === 'in') one.push(await send(`inb ${a}`));
    else await send(`set_irq_in /machine/unattached/device[${chip}] unnamed-gpio-in ${a} ${b}`);
    steps.push(one);
  };
  const initialise = async () => {
    const automatic = below(4) === 0 ? 2 : 0;
    await step('out', port, 0x11);
    for (const byte of [below(256), 4, 1 | automatic]) await step('out', port + 1, byte);
  };
  for (const input of inputs) await step('line', input, 0);
  // Nothing of the run before may be left.
  await step('out', elcrPort, 0);
  await initialise();
  await step('out', elcrPort, below(256) & (port === 0x20 ? 0xf8 : 0xde));
  await initialise();
  const special = below(3) === 0;
  for (let count = 0; count < 150; count++) {
    const what = below(20);
    if (what < 7) {
      const input = pick(inputs);
      levels[input] ^= 1;
      await step('line', input, levels[input]);
    } else if (what < 9) {
      await step('out', port + 1, below(256) & below(256));
    } else if (what < 13) {
      const commands = special ? [0, 2, 3, 4, 6, 7] : [0, 1, 1, 2, 3, 4, 5, 6, 7];
      await step('out', port, (pick(commands) << 5) | below(8));
    } else if (what < 15) {
      await step('out', port, 0x0c);
    } else if (what < 17) {
      await step('out', port, 0x08 | (below(4) & 3) | (special ? below(4) << 5 : 0));
    } else if (what === 17 && below(8) === 0) {
      await initialise();
    }
    await step('in', port + below(2));
    await step('in', port + below(2));
  }
  return steps;
}

/** Steps: ['write', offset, value], ['read', register, answer], ['line', pin, level]. */
async function ioapic() {
  const steps = [];
  const step = async (...one) => {
    const [what, a, b] = one;
    if (what === 'write') await send(`writel ${0xfec00000 + a} ${b}`);
    else if (what === 'line') await send(`set_irq_in /machine/i440fx/ioapic unnamed-gpio-in ${a} ${b}`);
    else {
      await send(`writel ${0xfec00000} ${a}`);
      one.push(await send(`readl ${0xfec00010}`));
    }
    steps.push(one);
  };
  const register = async (index, value) => {
    await step('write', 0, index);
    await step('write', 0x10, value);
  };
  const pins = [3, 9, 16, 17, 23];
  const levels = {};
  const low = {};
  const vectors = [0x31, 0x52, 0x73];
  for (const pin of pins) {
    levels[pin] = 0;
    await register(0x10 + 2 * pin, 0x1_0000);
    await register(0x11 + 2 * pin, 0);
    await step('line', pin, 0);
    low[pin] = (below(3) === 0 ? 0 : 0x8000) | pick(vectors);
    await register(0x10 + 2 * pin, low[pin] | (below(2) << 16));
  }
  for (let count = 0; count < 150; count++) {
    const pin = pick(pins);
    const what = below(10);
    if (what < 4) await step('line', pin, (levels[pin] ^= 1));
    else if (what < 7) await step('write', 0x40, pick(vectors));
    else if (what < 8) await register(0x10 + 2 * pin, low[pin] | (below(2) << 16) | (below(2) << 8) | (below(2) << 11));
    else if (what < 9) await register(0x11 + 2 * pin, below(256) * 2 ** 24);
    else if ((low[pin] & 0x8000) !== 0) {
      await register(0x10 + 2 * pin, 0x1_0000 | (low[pin] & 0xff));
      await register(0x10 + 2 * pin, low[pin]);
    }
    for (const one of pins) await step('read', 0x10 + 2 * one);
    await step('read', 0x11 + 2 * pin);
  }
  for (const pin of pins) await step('line', pin, 0);
  return steps;
}

const recording = { qemu: execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0] };
recording.master = [];
recording.slave = [];
recording.ioapic = [];
for (let run = 0; run < 5; run++) {
  recording.master.push(await pic(0x20, 0x4d0, 6, [0, 1, 3, 4, 5, 6, 7]));
  recording.slave.push(await pic(0xa0, 0x4d1, 7, [0, 1, 2, 3, 4, 5, 6, 7]));
  recording.ioapic.push(await ioapic());
}
qemu.kill();
writeFileSync(new URL('qemu-recording.json', import.meta.url), `${JSON.stringify(recording)}\n`);
