// The guest's serial console: COM1 on a terminal.

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The terminal outlives the component: what is printed before it is shown is not lost. */
export class SerialConsole {
  readonly terminal = new Terminal({
    convertEol: true,
    screenReaderMode: true,
    fontSize: 13,
    fontFamily: 'ui-monospace, Menlo, Consolas, monospace',
    scrollback: 10_000,
    theme: { background: '#14161a', foreground: '#e6e6e6' },
  });
  readonly fit = new FitAddon();

  constructor() {
    this.terminal.loadAddon(this.fit);
  }

  /** Guest output; undefined: a new machine begins. */
  readonly write = (bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) this.terminal.reset();
    else this.terminal.write(bytes);
  };

  /** What is on it, as text; for tests and for copying. */
  text(): string {
    const { active } = this.terminal.buffer;
    return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '')
      .join('\n')
      .trimEnd();
  }
}

export function ConsolePanel({
  serial,
  send,
}: {
  serial: SerialConsole;
  send: (bytes: Uint8Array) => void;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { terminal, fit } = serial;
    terminal.open(place.current!);
    fit.fit();
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(place.current!);
    const typed = terminal.onData((text) => send(new TextEncoder().encode(text)));
    return () => {
      observer.disconnect();
      typed.dispose();
    };
  }, [serial]);
  return (
    <section class="panel console" aria-label="Serial console">
      <h2>Serial console</h2>
      <div class="terminal" ref={place} />
    </section>
  );
}
