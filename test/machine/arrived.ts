// What has arrived at each end of the doorbells device, by the name of the kick. CPUID arrives nowhere.

import type { DoorbellPage } from '../../src/machine/devices/doorbell-page.js';
import type { Kick } from '../../src/machine/devices/kick.js';

export function arrivedAt(page: DoorbellPage): Record<Exclude<Kick, 'cpuid'>, number> {
  return {
    hypercall: Number(page.hypercall.count),
    'pio-none': page.pioNone.count,
    'pio-wildcard': Number(page.pioWildcard.count),
    'pio-datamatch': Number(page.pioDatamatch.count),
    'mmio-none': page.mmioNone.count,
    'mmio-wildcard': Number(page.mmioWildcard.count),
    'mmio-datamatch': Number(page.mmioDatamatch.count),
    pv: Number(page.pv.count),
  };
}
