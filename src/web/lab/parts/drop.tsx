// A file dropped anywhere on the page, or chosen, is the guest.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Session } from '../machine/session.js';

/** Larger files are refused before they are read: the machine has 64 MiB. */
const LARGEST = 48 * 2 ** 20;

/** Text is no machine code, though any bytes can be started as a boot sector. */
function isText(bytes: Uint8Array): boolean {
  try {
    // eslint-disable-next-line no-control-regex
    return !/[\x00-\x08\x0e-\x1f\x7f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}

async function take(session: Session, file: File | undefined): Promise<void> {
  if (file === undefined) return;
  if (file.size > LARGEST) session.complain(`${file.name} has ${file.size} bytes; an image may have ${LARGEST}`);
  else if (file.size === 0) session.complain(`${file.name} is empty`);
  else {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (isText(bytes)) session.complain(`${file.name} is a text, not a program for the machine`);
    else await session.drop({ name: file.name, bytes });
  }
}

export function Drop({ session }: { session: Session }): JSX.Element {
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
      take(session, event.dataTransfer?.files[0]).catch((error: unknown) => session.complain(String(error)));
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
          take(session, currentTarget.files?.[0]).catch((error: unknown) => session.complain(String(error)));
          currentTarget.value = '';
        }}
      />
    </label>
  );
}
