// Where files for the kernel go: behind it, each on a page of its own.

import { HIGH_START, usableEnd } from '../memory-map.js';
import { ImageError } from './image-error.js';
import type { BootModule } from './loader.js';
import type { Segment } from './segments.js';

const PAGE = 4096;

/** Where a module has been put. */
export interface PlacedModule {
  readonly start: number;
  readonly module: BootModule;
}

/** From 1 MiB on. That is what page-aligned modules ask for, and others do not mind. */
export function placeModules(
  modules: readonly BootModule[],
  segments: readonly Segment[],
  ram: number,
): readonly PlacedModule[] {
  const end = usableEnd(ram);
  let next = Math.max(HIGH_START, ...segments.map((segment) => segment.end));
  return modules.map((module, index) => {
    const start = Math.ceil(next / PAGE) * PAGE;
    next = start + module.bytes.length;
    if (next > end) {
      throw new ImageError(
        `module ${index} (${module.bytes.length} bytes) does not fit in RAM behind the kernel: from 0x${start.toString(16)} ` +
          `there are ${Math.max(0, end - start)} bytes`,
      );
    }
    return { start, module };
  });
}
