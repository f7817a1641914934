// Files dropped anywhere on the page, or chosen, are the guest: a program, and what it needs.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Session } from '../machine/session.js';

export function Drop({ session }: { session: Session }): JSX.Element {
  const dragged = useSignal(false);
  const take = async (files: FileList | null | undefined): Promise<void> => {
    if (!files?.length) return;
    await session.drop([...files]).catch((error: unknown) => session.complain(String(error)));
  };
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
      void take(event.dataTransfer?.files);
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
        multiple
        title="A kernel, a boot sector or a BIOS; a disk; an initial file system. They may be dropped anywhere on the page"
        onChange={({ currentTarget }) => {
          void take(currentTarget.files);
          currentTarget.value = '';
        }}
      />
    </label>
  );
}
