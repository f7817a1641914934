// A file dropped anywhere on the page, or chosen, is the guest.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Session } from '../machine/session.js';

/** Larger files are refused before they are read: the machine has 64 MiB. */
const LARGEST = 48 * 2 ** 20;

async function take(session: Session, file: File | undefined, complain: (text: string) => void): Promise<void> {
  if (file === undefined) return;
  if (file.size > LARGEST) complain(`${file.name} has ${file.size} bytes; an image may have ${LARGEST}`);
  else if (file.size === 0) complain(`${file.name} is empty`);
  else await session.drop({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
}

export function Drop({ session, complain }: { session: Session; complain: (text: string) => void }): JSX.Element {
  const dragged = useSignal(false);
  useEffect(() => {
    const over = (event: DragEvent): void => {
      event.preventDefault();
      dragged.value = event.dataTransfer?.types.includes('Files') ?? false;
    };
    const leave = (event: DragEvent): void => {
      // going from one element to the next leaves the first, too
      if (event.relatedTarget === null) dragged.value = false;
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      dragged.value = false;
      take(session, event.dataTransfer?.files[0], complain).catch((error: unknown) => complain(String(error)));
    };
    document.addEventListener('dragover', over);
    document.addEventListener('dragleave', leave);
    document.addEventListener('drop', drop);
    return () => {
      document.removeEventListener('dragover', over);
      document.removeEventListener('dragleave', leave);
      document.removeEventListener('drop', drop);
    };
  }, [session]);
  return (
    <label class="file">
      {dragged.value && (
        <span class="dropping" aria-hidden="true">
          <span>Drop the image to run it</span>
        </span>
      )}
      Own image
      <input
        type="file"
        title="A flat binary or a Multiboot image; it may be dropped anywhere on the page"
        onChange={({ currentTarget }) => {
          take(session, currentTarget.files?.[0], complain).catch((error: unknown) => complain(String(error)));
          currentTarget.value = '';
        }}
      />
    </label>
  );
}
