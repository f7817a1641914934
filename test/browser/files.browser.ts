// Files dropped on the page: a good image runs, a bad one gets one line that says what is wrong, and the page works on.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

const image = (name: string): Uint8Array => readFileSync(new URL(`../../guests/${name}`, import.meta.url));
const ELF = image('hello-protected/hello-protected.elf');

/** The ELF with its first program header's physical address (offset 12) moved. */
function movedTo(address: number): Uint8Array {
  const bytes = Uint8Array.from(ELF);
  const view = new DataView(bytes.buffer);
  view.setUint32(view.getUint32(28, true) + 12, address, true);
  return bytes;
}

const BAD: [string, string, Uint8Array | { zeros: number }, RegExp][] = [
  ['an empty file', 'nothing.bin', new Uint8Array(), /nothing\.bin is empty/],
  ['a text', 'notes.txt', new TextEncoder().encode('Milk, bread and cheese.\nÄpfel\n'), /notes\.txt is a text/],
  ['a truncated ELF', 'half.elf', ELF.subarray(0, 40), /the ELF header is truncated: 40 bytes of 52/],
  ['an ELF without what it loads', 'tail.elf', ELF.subarray(0, 100), /outside|beyond|truncated|file/],
  ['an ELF for more memory than there is', 'high.elf', movedTo(0x2000_0000), /memory|RAM/],
  ['a flat binary that is too long', 'long.bin', { zeros: 600 * 1024 }, /614400 bytes/],
  ['a file larger than the memory', 'huge.bin', { zeros: 65 * 2 ** 20 }, /huge\.bin has \d+ bytes/],
];

describe.each(ISOLATIONS)('%s', (isolation) => {
  it.each(BAD)('%s is refused, and the page works on', async (_, name, bytes, complaint) => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.prints('kick pv');
    await lab.drop(name, bytes);
    await lab.says(complaint);
    expect(await lab.statusLine.locator('.message').innerText()).toMatch(/^.{10,160}$/);
    if (name === 'half.elf') await lab.screenshot(`bad-file-${isolation}`);
    await lab.choose('Guest', 'hello-long');
    await lab.prints('Hello from long mode');
    await lab.says('has ended with 0');
    expect(await lab.statusLine.innerText()).not.toMatch(complaint);
  });

  it('a good one runs, after a bad one too', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.drop('half.elf', ELF.subarray(0, 40));
    await lab.says('ELF header');
    await lab.drop('hello.elf', ELF);
    await lab.prints('Hello from protected mode');
    await lab.says('has ended with 0');
    expect(await lab.choice('Guest').locator('option:checked').innerText()).toBe('hello.elf');
  });

  it('one that is chosen runs like one that is dropped', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.page.getByLabel('Own image').setInputFiles({
      name: 'hello.bin',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(image('hello-real/hello-real.bin')),
    });
    await lab.prints('Hello from real mode');
    await lab.says('has ended with 0');
  });
});

it('a guest that crashes says where', async () => {
  const lab = await LabPage.open({ link: 'guest=hello-long' });
  // LIDT of an empty table, then UD2: a triple fault
  await lab.drop('crash.bin', Uint8Array.of(0x0f, 0x01, 0x1e, 0x10, 0x7c, 0x0f, 0x0b));
  await lab.says(/crashed: .*ud2/);
});
