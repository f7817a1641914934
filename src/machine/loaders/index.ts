// The image formats, in the order in which they are tried: an image is what the first one says that recognises it.

import { flatLoader } from './flat.js';
import { ImageError } from './image-error.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { multibootLoader } from './multiboot.js';
import { biosLoader, bzImageLoader, elfKernelLoader } from './unsupported.js';

export { ImageError } from './image-error.js';
export type { BootModule, BootTarget, Loader, LoadReport } from './loader.js';

export const LOADERS: readonly Loader[] = [multibootLoader, bzImageLoader, elfKernelLoader, biosLoader, flatLoader];

/** Who loads this image. */
export function loaderOf(image: Uint8Array): Loader {
  return LOADERS.find((loader) => loader.recognises(image)) ?? flatLoader;
}

/** Loads an image of any known format. Throws ImageError. */
export function loadImage(image: Uint8Array, target: BootTarget): LoadReport {
  if (image.length === 0) throw new ImageError('the image is empty');
  return loaderOf(image).load(image, target);
}
