// A large file over HTTP, with its bytes counted while they come, and a way to call it off.

export class DownloadError extends Error {
  override readonly name = 'DownloadError';
}

export interface DownloadOptions {
  /** How many bytes it has. */
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** Told of every piece: bytes that are here. */
  readonly progress: (done: number) => void;
}

/** The file, whole. Throws DownloadError, or what the signal was aborted with. */
export async function download(url: URL, { bytes, signal, progress }: DownloadOptions): Promise<Uint8Array> {
  const file = new Uint8Array(bytes);
  let done = 0;
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new DownloadError(`${url.pathname} cannot be fetched: HTTP status ${response.status}`);
    const reader = response.body!.getReader();
    for (;;) {
      const piece = await reader.read();
      if (piece.done) break;
      if (done + piece.value.length > bytes) {
        await reader.cancel();
        throw new DownloadError(`${url.pathname} has more than the ${bytes} bytes that it should have`);
      }
      file.set(piece.value, done);
      done += piece.value.length;
      progress(done);
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof DownloadError) throw cause;
    throw new DownloadError(`${url.pathname} cannot be fetched`, { cause });
  }
  if (done !== bytes) throw new DownloadError(`${url.pathname} has ${done} bytes and should have ${bytes}`);
  return file;
}
