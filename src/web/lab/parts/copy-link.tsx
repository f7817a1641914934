// Copies the address of the page, which holds the present setting.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';

const SAID_MS = 2000;

export function CopyLink(): JSX.Element {
  const said = useSignal('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(location.href);
      said.value = 'Copied';
    } catch {
      // without a secure context, or when the user has forbidden it
      said.value = 'See address bar';
    }
    setTimeout(() => (said.value = ''), SAID_MS);
  };
  return (
    <>
      <button
        type="button"
        class="plain copy-link"
        title="A link to this page as it is set"
        onClick={() => void copy()}
      >
        {said.value || 'Copy link'}
      </button>
      <span class="hidden" role="status">
        {said.value}
      </span>
    </>
  );
}
