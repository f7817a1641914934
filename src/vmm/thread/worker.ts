// The main module of a vCPU's thread.

import { GuestThread } from './guest-thread.js';
import { owner } from './spawn.js';

const port = owner();
let guest: GuestThread | undefined;
port.listen((message) => {
  if (message.kind === 'start') guest = new GuestThread(message, port);
  else guest?.take(message);
});
