// The large files beside the page, which `npm run linux` puts there and nothing else: Debian's kernel, an initial file system,
// SeaBIOS and a VGA BIOS. They are fetched when they are first wanted, and kept.

import { signal, type ReadonlySignal } from '@preact/signals';
import { download, DownloadError } from './download.js';

const DIRECTORY = 'linux/';
const LIST = 'files.json';

/** What files.json tells of each. */
const NAMES = ['kernel', 'initrd', 'firmware', 'screen'] as const;
export type SiteFileName = (typeof NAMES)[number];
interface SiteFile {
  readonly file: string;
  readonly bytes: number;
}

/** A download under way. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** They are not beside the page. */
export class FilesMissingError extends DownloadError {
  constructor(cause?: unknown) {
    super('the files are not here: build them with `npm run linux`', { cause });
  }
}

export class SiteFiles {
  readonly #progress = signal<Progress | undefined>(undefined);
  readonly #known = new Map<SiteFileName, Uint8Array>();
  readonly #place: URL;

  /** `page` is the address of the page. */
  constructor(page: string) {
    this.#place = new URL(DIRECTORY, page);
  }

  get progress(): ReadonlySignal<Progress | undefined> {
    return this.#progress;
  }

  /** The files, in the order of their names. Throws DownloadError, or what the signal was aborted with. */
  async get<N extends readonly SiteFileName[]>(
    names: N,
    stop: AbortSignal,
  ): Promise<{ readonly [K in keyof N]: Uint8Array }> {
    const missing = names.filter((name) => !this.#known.has(name));
    if (missing.length > 0) await this.#fetch(missing, stop);
    return names.map((name) => this.#known.get(name)!) as { readonly [K in keyof N]: Uint8Array };
  }

  async #fetch(names: readonly SiteFileName[], stop: AbortSignal): Promise<void> {
    const list = await this.#list(stop);
    const files = names.map((name): [SiteFileName, SiteFile] => [name, list[name]]);
    const total = files.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    let before = 0;
    try {
      this.#progress.value = { done: 0, total };
      for (const [name, { file, bytes }] of files) {
        const base = before;
        const progress = (done: number): void => void (this.#progress.value = { done: base + done, total });
        this.#known.set(name, await download(new URL(file, this.#place), { bytes, signal: stop, progress }));
        before += bytes;
      }
    } finally {
      this.#progress.value = undefined;
    }
  }

  /** Servers answer with a page of their own what they do not have, some even with status 200. */
  async #list(stop: AbortSignal): Promise<Record<SiteFileName, SiteFile>> {
    const response = await fetch(new URL(LIST, this.#place), { signal: stop }).catch((cause: unknown) => {
      stop.throwIfAborted();
      throw new FilesMissingError(cause);
    });
    if (!response.ok) throw new FilesMissingError();
    const list: unknown = await response.json().catch((cause: unknown) => {
      stop.throwIfAborted();
      throw new FilesMissingError(cause);
    });
    if (!isList(list)) throw new FilesMissingError();
    return list;
  }
}

function isList(list: unknown): list is Record<SiteFileName, SiteFile> {
  return NAMES.every((name) => {
    const { file, bytes } = (list as Partial<Record<string, Partial<SiteFile>>> | null)?.[name] ?? {};
    return typeof file === 'string' && /^[\w.-]+$/.test(file) && Number.isSafeInteger(bytes) && bytes! > 0;
  });
}
