// The devices that can be asked for by name.

import { doorbellPageType } from './doorbell-page.js';
import type { DeviceType } from './option.js';
import { pciTestdevType } from './pci/pci-testdev.js';

export const DEVICE_TYPES: readonly DeviceType[] = [doorbellPageType, pciTestdevType];
