// A whole PC by what is dropped on the page: a BIOS and a disk, keys for its keyboard, processors of either vendor.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ISOLATIONS } from './browser.js';
import { LabPage } from './lab-page.js';

const bytesOf = (name: string): Uint8Array => readFileSync(new URL(`../../${name}`, import.meta.url));
const BIOS = 'dist/site/linux/bios.bin';
const HAVE_BIOS = existsSync(new URL(`../../${BIOS}`, import.meta.url));
if (!HAVE_BIOS) console.log('dist/site/linux is not there: `npm run linux` builds it, the tests of a BIOS are skipped');

/** Writes a letter to the text screen, waits for a byte of the keyboard controller, and ends with it. */
const WAITS_FOR_KEY = Uint8Array.of(
  ...[0xb8, 0x00, 0xb8], // mov ax, 0xb800
  ...[0x8e, 0xc0], // mov es, ax
  ...[0x26, 0xc7, 0x06, 0x00, 0x00, 0x4b, 0x07], // mov word es:[0], 0x074b: K, light grey
  ...[0xe4, 0x64], // wait: in al, 0x64
  ...[0xa8, 0x01], // test al, 1
  ...[0x74, 0xfa], // jz wait
  ...[0xe4, 0x60], // in al, 0x60
  ...[0xe6, 0xf4], // out 0xf4, al
  ...[0xeb, 0xfe], // jmp $
);

/** Prints the first four letters of the vendor's name to COM1, and ends with bit 0 of the byte that has AVX2 (leaf 7, EBX bit 5). */
const TELLS_VENDOR = Uint8Array.of(
  ...[0x66, 0x31, 0xc0], // xor eax, eax
  ...[0x0f, 0xa2], // cpuid
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
  ...[0xb9, 0x04, 0x00], // mov cx, 4
  ...[0x88, 0xd8, 0xee], // next: mov al, bl; out dx, al
  ...[0x66, 0xc1, 0xeb, 0x08], // shr ebx, 8
  ...[0xe2, 0xf7], // loop next
  ...[0x66, 0xb8, 0x07, 0x00, 0x00, 0x00], // mov eax, 7
  ...[0x66, 0x31, 0xc9], // xor ecx, ecx
  ...[0x0f, 0xa2], // cpuid
  ...[0x66, 0xc1, 0xeb, 0x05], // shr ebx, 5
  ...[0x88, 0xd8, 0x24, 0x01], // mov al, bl; and al, 1
  ...[0xe6, 0xf4], // out 0xf4, al
  ...[0xeb, 0xfe], // jmp $
);

describe.each(ISOLATIONS)('%s', (isolation) => {
  it('a key that is pressed on the text screen is the guest’s', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.drop('key.bin', WAITS_FOR_KEY);
    const screen = lab.page.getByRole('application', { name: /Picture of the screen/ });
    await screen.focus();
    // R is a button's key elsewhere on the page
    await lab.key('r');
    await lab.comesToBe('ended');
    // The make code of R in scan code set 1, which the controller translates to
    expect((await lab.result())?.value).toBe(0x13);
  });

  it('Tab leads out of the screen again', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.drop('key.bin', WAITS_FOR_KEY);
    const screen = lab.page.getByRole('application', { name: /Picture of the screen/ });
    await screen.focus();
    await lab.key('Tab');
    expect(await screen.evaluate((element) => element === document.activeElement)).toBe(false);
    expect(await lab.status()).toBe('running');
  });

  it('the processor is the one that was chosen', async () => {
    const lab = await LabPage.open({ isolation, link: 'guest=kicker' });
    await lab.drop('vendor.bin', TELLS_VENDOR);
    await lab.prints(/^Genu/);
    await lab.says('ended with 1');
    await lab.choose('Processor', 'amd-v2');
    await lab.prints(/^Auth/);
    await lab.says('ended with 0');
    expect(new URL(lab.page.url()).searchParams.get('cpu')).toBe('amd-v2');
  });

  describe.skipIf(!HAVE_BIOS)('SeaBIOS', () => {
    const DISK = 'guests/bios-disk/bios-disk.img';
    const works = async (lab: LabPage): Promise<void> => {
      await lab.prints('booted by the BIOS');
      await lab.comesToBe('ended');
      const results = (await lab.lines()).filter((line) => / (ok|FAIL.*)$/.test(line));
      // As test/real/bios.test.ts, which says what QEMU does with the same image
      expect(results.map((line) => line.split(' ')[1])).toEqual(Array.from({ length: 9 }, () => 'ok'));
      expect((await lab.result())?.status).toBe(1);
    };

    it('comes from beside the page for a disk that is dropped', async () => {
      const lab = await LabPage.open({ isolation, link: 'guest=hello-long', patience: 25_000 });
      await lab.drop('disk.img', bytesOf(DISK));
      await works(lab);
      expect(await lab.choice('Guest').locator('option:checked').innerText()).toBe('disk.img');
    });

    it('is dropped itself, then its disk', async () => {
      const lab = await LabPage.open({ isolation, link: 'guest=hello-long', patience: 25_000 });
      await lab.drop('bios.bin', bytesOf(BIOS));
      await lab.comesToBe('running');
      await lab.drop('disk.img', bytesOf(DISK));
      await works(lab);
      expect(await lab.choice('Guest').locator('option:checked').innerText()).toBe('bios.bin + disk.img');
      await lab.choose('Guest', 'hello-real');
      await lab.prints('Hello from real mode');
    });
  });
});
