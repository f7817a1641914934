// A field for an address, and buttons for the usual ones. What is typed holds until a button takes the panel back.

import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { parseAddress } from '../../../machine/hex.js';
import './address-field.css';

interface AddressFieldProps<N extends string> {
  id: string;
  /** What is looked at: one of the names, or an address. */
  target: Signal<N | bigint>;
  names: readonly N[];
}

export function AddressField<N extends string>({ id, target, names }: AddressFieldProps<N>): JSX.Element {
  const text = useSignal('');
  const wrong = useSignal(false);
  const take = (event: SubmitEvent): void => {
    event.preventDefault();
    const address = parseAddress(text.value);
    wrong.value = address === undefined;
    if (address !== undefined) target.value = address;
  };
  return (
    <form class="address-field" onSubmit={take}>
      <label for={id}>Address</label>
      <input
        id={id}
        type="text"
        value={text.value}
        placeholder="hexadecimal"
        spellcheck={false}
        autocomplete="off"
        aria-invalid={wrong.value}
        aria-describedby={`${id}-wrong`}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          wrong.value = false;
        }}
      />
      <button type="submit">Look</button>
      <span class="names" role="group" aria-label="Usual addresses">
        {names.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={target.value === name}
            onClick={() => {
              target.value = name;
              wrong.value = false;
            }}
          >
            {name}
          </button>
        ))}
      </span>
      <span id={`${id}-wrong`} class="wrong" role="status">
        {wrong.value ? 'Up to 16 hexadecimal digits' : ''}
      </span>
    </form>
  );
}
