// What the page costs. Times are printed and not asserted (other work on the machine would decide); sizes are asserted.

import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { LabPage } from './lab-page.js';

const assets = new URL('../../dist/site/assets/', import.meta.url);

/** An asset and all scripts that it cannot do without. */
function closure(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  if (!name.endsWith('.js')) return seen;
  const text = readFileSync(new URL(name, assets), 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) closure(other!, seen);
  return seen;
}

it.each(['core', 'core.unshared'])('%s, the client and its workers are at most 300 KB gzipped', (core) => {
  const files = readdirSync(assets);
  const needed = new Set<string>();
  // The machine's worker, and that of a vCPU with a thread.
  for (const [pattern, count] of [
    [new RegExp(`^${core.replace('.', '\\.')}-[\\w-]+\\.wasm$`), 1],
    [/^worker-[\w-]+\.js$/, 2],
    [/^client-[\w-]+\.js$/, 1],
  ] as const) {
    const found = files.filter((file) => pattern.test(file));
    expect(found, String(pattern)).toHaveLength(count);
    for (const file of found) closure(file, needed);
  }
  const sizes = [...needed].map((file): [string, number] => [
    file,
    gzipSync(readFileSync(new URL(file, assets)), { level: 9 }).length,
  ]);
  const sum = sizes.reduce((all, [, size]) => all + size, 0);
  console.log(`${core}, client, workers: ${sum} bytes gzipped (${sizes.map((each) => each.join(' ')).join(', ')})`);
  expect(sum).toBeLessThanOrEqual(300 * 1000);
});

it('time to the first output', async () => {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const lab = await LabPage.open({
      link: 'guest=hello-long',
      before: () => {
        const look = (): void => {
          if ((globalThis.doorbell?.serial.text() ?? '') === '') requestAnimationFrame(look);
          else globalThis.firstOutput = performance.now();
        };
        look();
      },
    });
    await lab.page.waitForFunction(() => globalThis.firstOutput !== undefined);
    times.push(await lab.page.evaluate(() => globalThis.firstOutput!));
  }
  expect(Math.min(...times)).toBeGreaterThan(0);
  console.log(
    `first output ${times.map((time) => time.toFixed(0)).join(', ')} ms after navigation, nothing cached, isolated`,
  );
});

it.each(['pv', 'mmio-wildcard'])('frames while the kicker runs flat out: %s', async (kick) => {
  const lab = await LabPage.open({ link: `guest=kicker&kick=${kick}` });
  await lab.prints(`kick ${kick}`);
  await lab.looks(3);
  const { frames, seconds, longest, mips } = await lab.page.evaluate(
    () =>
      new Promise<{ frames: number; seconds: number; longest: number; mips: number | undefined }>((done) => {
        let [frames, longest, first, last] = [0, 0, 0, 0];
        const frame = (now: number): void => {
          if (first === 0) first = now;
          else {
            frames++;
            longest = Math.max(longest, now - last);
          }
          last = now;
          if (now - first < 3000) requestAnimationFrame(frame);
          else {
            const mips = globalThis.doorbell.session.rates.value?.mips;
            done({ frames, seconds: (now - first) / 1000, longest, mips });
          }
        };
        requestAnimationFrame(frame);
      }),
  );
  console.log(
    `${kick}: ${(frames / seconds).toFixed(1)} frames a second over ${seconds.toFixed(1)} s, ` +
      `longest ${longest.toFixed(0)} ms, guest at ${mips?.toFixed(0)} MIPS`,
  );
  expect(frames).toBeGreaterThan(0);
});

declare global {
  var firstOutput: number | undefined;
}
