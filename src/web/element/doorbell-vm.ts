// `<doorbell-vm src="guest.bin">`: a machine in somebody else's page.
//
// Attributes: `src` the image; `cmdline`; `memory` in MiB; `paging` ept, npt or shadow; `devices` separated by spaces; `autostart`.
// Events: `serial` (detail: bytes), `end` (detail: the run's result), `error` (detail: the error).

import { readAsset } from '../../core/asset.js';
import { Client, type Remote } from '../client/index.js';
import type { Pc, PagingMode, RunResult } from '../../index.js';

const STYLE = `
:host { display: block; }
pre { margin: 0; min-height: 8em; max-height: 24em; overflow: auto; padding: 0.6em; font: 0.85em/1.4 ui-monospace, monospace;
      background: #14161a; color: #e6e6e6; white-space: pre-wrap; overflow-wrap: anywhere; }
button { margin-top: 0.4em; }
`;

export class DoorbellVm extends HTMLElement {
  static readonly observedAttributes = ['src'];
  readonly #console = document.createElement('pre');
  readonly #button = document.createElement('button');
  readonly #decoder = new TextDecoder();
  #client: Client | undefined;
  #pc: Remote<Pc> | undefined;
  #stop: AbortController | undefined;
  #generation = 0;

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: 'open' });
    const style = document.createElement('style');
    style.textContent = STYLE;
    this.#console.role = 'log';
    this.#console.tabIndex = 0;
    this.#console.ariaLabel = 'Serial console';
    this.#button.type = 'button';
    this.#button.textContent = 'Run';
    this.#button.addEventListener('click', () => void (this.#stop === undefined ? this.run() : this.pause()));
    shadow.append(style, this.#console, this.#button);
  }

  connectedCallback(): void {
    if (this.hasAttribute('autostart')) void this.run();
  }

  disconnectedCallback(): void {
    this.#drop();
  }

  attributeChangedCallback(_name: string, before: string | null): void {
    if (before === null) return; // the first one: nothing runs yet
    this.#drop();
    this.#console.textContent = '';
    if (this.isConnected && this.hasAttribute('autostart')) void this.run();
  }

  /** The machine, once run() was called: the whole API by promise. */
  get pc(): Remote<Pc> | undefined {
    return this.#pc;
  }

  /** Starts the guest, or lets it go on. Resolves when it has ended or was paused. */
  async run(): Promise<RunResult | undefined> {
    if (this.#stop !== undefined) return undefined;
    const generation = this.#generation;
    const stop = (this.#stop = new AbortController());
    this.#button.textContent = 'Pause';
    try {
      const pc = (this.#pc ??= await this.#create());
      const result = await pc.run({ signal: stop.signal });
      if (result.reason !== 'aborted') {
        await pc.close();
        this.#pc = undefined;
        this.dispatchEvent(new CustomEvent('end', { detail: result }));
      }
      return result;
    } catch (error) {
      if (generation !== this.#generation) return undefined; // taken off the page meanwhile
      this.#print(`\n${error instanceof Error ? error.message : String(error)}\n`);
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
      return undefined;
    } finally {
      if (this.#stop === stop) {
        this.#stop = undefined;
        this.#button.textContent = 'Run';
      }
    }
  }

  pause(): void {
    this.#stop?.abort();
  }

  async #create(): Promise<Remote<Pc>> {
    const src = this.getAttribute('src');
    if (src === null) throw new Error('<doorbell-vm>: the attribute src is missing');
    const kernel = await readAsset(new URL(src, this.baseURI));
    this.#client ??= new Client();
    this.#console.textContent = '';
    const mebibytes = Number(this.getAttribute('memory') ?? 64);
    return this.#client.doorbell.Pc.create({
      kernel,
      cmdline: this.getAttribute('cmdline') ?? '',
      memory: mebibytes * 2 ** 20,
      paging: (this.getAttribute('paging') ?? 'ept') as PagingMode,
      devices: (this.getAttribute('devices') ?? '').split(/\s+/).filter((each) => each !== ''),
      serial: (bytes) => {
        this.#print(this.#decoder.decode(bytes, { stream: true }));
        this.dispatchEvent(new CustomEvent('serial', { detail: bytes }));
      },
    });
  }

  #print(text: string): void {
    const console = this.#console;
    const atEnd = console.scrollTop + console.clientHeight >= console.scrollHeight - 4;
    console.append(text);
    if (atEnd) console.scrollTop = console.scrollHeight;
  }

  #drop(): void {
    this.#generation++;
    this.#stop = undefined;
    this.#button.textContent = 'Run';
    this.#pc = undefined;
    this.#client?.close();
    this.#client = undefined;
  }
}

customElements.define('doorbell-vm', DoorbellVm);

declare global {
  interface HTMLElementTagNameMap {
    'doorbell-vm': DoorbellVm;
  }
}
