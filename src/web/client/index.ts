// What a page imports: `doorbell/client`.

export { Client, isolated, type RemoteLibrary } from './client.js';
export { DisconnectedError } from './connection.js';
export type { Received, Remote } from './remote.js';
