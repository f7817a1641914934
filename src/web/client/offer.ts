// What the worker offers: the entrances of the library. Everything else is reached through what they make.

import { BlobDisk, EventFd, loadInspector, OverlayDisk, Pc, Vm } from '../../index.js';

export const offer = { Pc, Vm, EventFd, BlobDisk, OverlayDisk, loadInspector };
export type Offer = typeof offer;
