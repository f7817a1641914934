// Errors that come from the other thread are of the same classes as here, so that `instanceof EINVAL` holds.

import { CoreError } from '../../core/error.js';
import { InspectorError } from '../../core/inspect.js';
import * as errno from '../../eventfd/errno.js';
import { BlockError } from '../../machine/block/index.js';
import { DeviceOptionError } from '../../machine/devices/option.js';
import { ImageError } from '../../machine/loaders/image-error.js';
import { DeviceError } from '../../vmm/device-error.js';

const { DoorbellError } = errno;
const CLASSES: Readonly<Record<string, unknown>> = {
  ...{ Error, TypeError, RangeError, SyntaxError },
  ...errno,
  ...{ BlockError, CoreError, DeviceError, DeviceOptionError, ImageError, InspectorError },
};

interface Told {
  name: string;
  message: string;
  stack: string | undefined;
}

/** An error as the other thread told it. Unknown classes become Error, with their name. */
export function toError({ name, message, stack }: Told): Error {
  const known = CLASSES[name];
  const error = new Error(message);
  if (typeof known === 'function' && known.prototype instanceof Error) {
    Object.setPrototypeOf(error, known.prototype as object);
  }
  for (const [key, value] of [
    ['name', name],
    ['stack', stack],
    ['code', error instanceof DoorbellError ? name : undefined],
  ] as const) {
    if (value !== undefined) Object.defineProperty(error, key, { value, configurable: true, writable: true });
  }
  return error;
}
