// What the worker offers: the entrances of the library. Everything else is reached through what they make.

import { EventFd, loadInspector, Pc, Vm } from '../../index.js';

export const offer = { Pc, Vm, EventFd, loadInspector };
export type Offer = typeof offer;
