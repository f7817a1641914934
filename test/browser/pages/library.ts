// An application that has the client library in its bundle. The tests use it as one would in the browser's console.

import * as doorbell from '../../../src/index.js';
import * as client from '../../../src/web/client/index.js';
import { kludge } from '../../machine/multiboot-image.js';

const library = { ...client, doorbell, kludge };
globalThis.library = library;

declare global {
  var library: typeof client & { doorbell: typeof doorbell; kludge: typeof kludge };
}
