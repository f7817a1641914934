// How far a download is, and the way out of it.

import type { JSX } from 'preact';
import type { Session } from '../machine/session.js';

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export function Loading({ session }: { session: Session }): JSX.Element | null {
  const progress = session.files.progress.value;
  if (progress === undefined) return null;
  const { done, total } = progress;
  return (
    <div class="loading">
      <progress aria-label="Downloaded" value={done} max={total} />
      <span class="bytes">
        {megabytes(done)} of {megabytes(total)} MB
      </span>
      <button type="button" onClick={() => session.cancel()}>
        Cancel
      </button>
    </div>
  );
}
