// The image formats, in the order in which they are tried: an image is what the first one says that recognises it.

import { biosLoader } from './bios-rom.js';
import { flatLoader } from './flat.js';
import { ImageError } from './image-error.js';
import { linuxLoader } from './linux.js';
import type { BootTarget, Loader, LoadReport } from './loader.js';
import { multibootLoader } from './multiboot.js';
import { multiboot2Loader } from './multiboot2.js';
import { pvhLoader } from './pvh.js';

export { biosLoader } from './bios-rom.js';
export { ImageError } from './image-error.js';
export type { BootModule, BootTarget, Loader, LoadReport } from './loader.js';

/** bzImage comes first: what is packed in one may look like anything. Flat binaries are what nobody else wants. */
export const LOADERS: readonly Loader[] = [
  linuxLoader,
  multiboot2Loader,
  multibootLoader,
  pvhLoader,
  biosLoader,
  flatLoader,
];

/** Who loads this image. */
export function loaderOf(image: Uint8Array): Loader {
  return LOADERS.find((loader) => loader.recognises(image)) ?? flatLoader;
}

/** Loads an image of any known format. Throws ImageError. */
export function loadImage(image: Uint8Array, target: BootTarget): LoadReport {
  if (image.length === 0) throw new ImageError('the image is empty');
  return loaderOf(image).load(image, target);
}
