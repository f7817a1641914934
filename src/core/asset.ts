// Fetching what the library is shipped with (modules, guests): from disk in Node, over HTTP in a browser. No Node module is
// imported, so that the same files run in both and bundlers find nothing to replace.

/** What `process.getBuiltinModule` gives (Node 20.16 and later), as far as it is needed. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:fs/promises'): { readFile(url: URL): Promise<Uint8Array> } | undefined;
}

/** The asset cannot be had; `cause` says why. */
export class AssetError extends Error {
  override readonly name = 'AssetError';
}

/** The bytes at a URL. Throws AssetError: one line with the path or the HTTP status. */
export async function readAsset(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (url.protocol !== 'file:') return new Uint8Array(await (await fetchAsset(url)).arrayBuffer());
  const { process } = globalThis as { process?: NodeProcess };
  const files = process?.getBuiltinModule?.('node:fs/promises');
  if (files === undefined) throw new AssetError(`${url.href} cannot be read here: serve the page over HTTP`);
  const bytes = await files.readFile(url).catch((cause: unknown) => {
    throw new AssetError(`${url.pathname} is missing`, { cause });
  });
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** The response for a URL over HTTP. Throws AssetError. */
export async function fetchAsset(url: URL): Promise<Response> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new AssetError(`${url.href} cannot be fetched`, { cause });
  });
  if (!response.ok) throw new AssetError(`${url.href} cannot be fetched: HTTP status ${response.status}`);
  return response;
}
