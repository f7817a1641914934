// The thread that machines run in: the library's entrances, offered to the page.

import { loadCoreModule } from '../../core/module.js';
import { Connection } from './connection.js';
import { offer } from './offer.js';
import type { Port } from './wire.js';

new Connection(globalThis as unknown as Port, offer);

// The core arrives while the page fetches its guest. If it cannot, the first machine says why.
loadCoreModule().catch(() => {});
