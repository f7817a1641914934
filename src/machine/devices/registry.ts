// The devices that can be asked for by name.

import { doorbellPageType } from './doorbell-page.js';
import type { DeviceType } from './option.js';
import { pciTestdevType } from './pci/pci-testdev.js';
import { testDeviceType } from './test-device.js';

export const DEVICE_TYPES: readonly DeviceType[] = [doorbellPageType, pciTestdevType, testDeviceType];
