// What a machine of the page is made of, by the page's settings and by what was dropped on it.

import { readAsset } from '../../../core/asset.js';
import type { OverlayDisk, PcOptions } from '../../../index.js';
import type { Client, Remote } from '../../client/index.js';
import { cmdlineOf, isBios, type Dropped } from './dropped.js';
import { guestOf } from './guests.js';
import { cpuOf, type Settings } from './settings.js';
import { FilesMissingError, type SiteFiles } from './site-files.js';

/** The guests of the page are small; what others made for a PC is not. */
const SMALL = { memory: 64 * 2 ** 20 } as const;
/** A whole operating system waits by the clock on the wall. */
const WHOLE = { memory: 256 * 2 ** 20, clock: 'real' } as const;

/** The dropped disk in the machine's thread. What guests write to it is kept in memory as long as it is the disk. */
export class DroppedDisk {
  readonly #client: Client;
  #file: File | undefined;
  #overlay: Remote<OverlayDisk> | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The backend for a file; the one of before is closed. */
  async use(file: File | undefined): Promise<Remote<OverlayDisk> | undefined> {
    if (file === this.#file) return this.#overlay;
    await this.#overlay?.close();
    this.#overlay = undefined;
    this.#file = file;
    if (file === undefined) return undefined;
    const { BlobDisk, OverlayDisk } = this.#client.doorbell;
    this.#overlay = await new OverlayDisk(await new BlobDisk(file, { name: file.name }));
    return this.#overlay;
  }
}

export interface Parts {
  readonly settings: Settings;
  readonly dropped: Dropped | undefined;
  readonly files: SiteFiles;
  readonly disk: DroppedDisk;
  /** Calls downloads off. */
  readonly stop: AbortSignal;
}

/** Options for Pc.create(), but for the serial line. Throws DownloadError, AssetError, or what `stop` was aborted with. */
export async function powerOn({ settings, dropped, files, disk, stop }: Parts): Promise<PcOptions> {
  const { guest: name, paging, doorbells } = settings;
  const common = { paging, doorbells, cpu: cpuOf(settings) };
  const guest = guestOf(name);
  const backend = await disk.use(dropped?.disk);
  if (dropped === undefined) {
    const { cmdline, devices, url } = guest;
    if (url !== undefined) return { ...common, ...SMALL, kernel: await readAsset(url), cmdline, devices };
    const [kernel, initrd] = await files.get(['kernel', 'initrd'], stop);
    return { ...common, ...WHOLE, kernel, initrd, cmdline, devices };
  }
  const machine: PcOptions = {
    ...common,
    ...WHOLE,
    devices: ['doorbells'],
    // An object of the machine's thread stands for the disk.
    ...(backend && { disks: [{ backend: backend as unknown as OverlayDisk }] }),
  };
  const { program, initrd } = dropped;
  if (program === undefined && initrd === undefined) {
    const [firmware, vgaRom] = await files.get(['firmware', 'screen'], stop);
    return { ...machine, firmware, vgaRom };
  }
  if (program !== undefined && isBios(program)) {
    // The page has a VGA BIOS for it, or it runs without one.
    const [vgaRom] = await files.get(['screen'], stop).catch((error: unknown) => {
      if (error instanceof FilesMissingError) return [];
      throw error;
    });
    return { ...machine, firmware: program.bytes, ...(vgaRom && { vgaRom }) };
  }
  const kernel = program?.bytes ?? (await files.get(['kernel'], stop))[0];
  return { ...machine, kernel, cmdline: cmdlineOf(dropped), ...(initrd && { initrd: initrd.bytes }) };
}
