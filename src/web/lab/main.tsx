// The laboratory: a machine, and everything there is to see of it.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { Lab } from './lab.js';
import { Session } from './machine/session.js';
import { readSettings, writeSettings } from './machine/settings.js';
import { SerialConsole } from './parts/console.js';
import './style.css';

const { settings, complaints } = readSettings(location.search);
const serial = new SerialConsole();
const session = new Session(settings, serial.write);

// The address is a link to the present setting.
effect(() => {
  const query = writeSettings(session.settings.value);
  history.replaceState(null, '', `${location.pathname}${query}${location.hash}`);
});

// For the browser's console, and for tests: `doorbell.session.pc` is the machine.
globalThis.doorbell = { session, serial };

render(<Lab session={session} serial={serial} />, document.getElementById('lab')!);
await session.start();
session.complain(complaints.join('; '));

declare global {
  var doorbell: { readonly session: Session; readonly serial: SerialConsole };
}
