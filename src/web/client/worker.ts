// The thread that machines run in: the library's entrances, offered to the page.

import { Connection } from './connection.js';
import { offer } from './offer.js';
import type { Port } from './wire.js';

new Connection(globalThis as unknown as Port, offer);
