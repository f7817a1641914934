// What a device tells of itself to a snapshot.

/** Values that save() may return: whatever JSON can carry, and bigints and bytes. */
export type DeviceState =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | readonly DeviceState[]
  | { readonly [name: string]: DeviceState };

/**
 * The two halves of a snapshot of a device. save() returns a value of its own, which nothing later changes; restore() takes
 * such a value, which it leaves as it is: it will be given it again. What is fixed when the device is made (addresses, who
 * gets its output) is not state.
 */
export interface Stateful {
  save(): DeviceState;
  restore(state: DeviceState): void;
}

export function isStateful<T extends object>(device: T): device is T & Stateful {
  return 'save' in device && 'restore' in device && typeof device.save === 'function';
}
