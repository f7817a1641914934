// What the page is set to, and the link that says so.

import { WANTED_KICKS, type WantedKick } from '../../../machine/devices/kick.js';
import { CPU_LEVELS, type CpuLevel, type CpuVendor } from '../../../vmm/cpu-features.js';
import type { DoorbellMode, PagingMode } from '../../../vmm/options.js';
import { GUESTS, type GuestName } from './guests.js';

/** Kicks that the guest `kicker` makes, in the order of the list. */
export const KICK_KINDS = WANTED_KICKS;
export type KickKind = WantedKick;
export const PAGING_MODES: readonly PagingMode[] = ['ept', 'npt', 'shadow'];
export const DOORBELL_MODES: readonly DoorbellMode[] = ['fast', 'emulate'];
/** The processor: whose it says it is, and its x86-64 level. */
export type CpuModel = `${CpuVendor}-${CpuLevel}`;
const VENDORS = ['intel', 'amd'] as const satisfies readonly CpuVendor[];
export const CPU_MODELS: readonly CpuModel[] = VENDORS.flatMap((vendor) =>
  CPU_LEVELS.map((level): CpuModel => `${vendor}-${level}`).toReversed(),
);

export interface Settings {
  guest: GuestName;
  paging: PagingMode;
  doorbells: DoorbellMode;
  kick: KickKind;
  cpu: CpuModel;
}

export const DEFAULTS: Settings = {
  guest: 'kicker',
  paging: 'ept',
  doorbells: 'fast',
  kick: 'pv',
  cpu: 'intel-v3',
};

const ALLOWED: { [K in keyof Settings]: readonly Settings[K][] } = {
  guest: GUESTS.map(({ name }) => name),
  paging: PAGING_MODES,
  doorbells: DOORBELL_MODES,
  kick: KICK_KINDS,
  cpu: CPU_MODELS,
};

/** The settings of a link's query, and what of it makes no sense. */
export function readSettings(query: string): { settings: Settings; complaints: string[] } {
  const parameters = new URLSearchParams(query);
  const complaints: string[] = [];
  const read = <K extends keyof Settings>(key: K): Settings[K] => {
    const text = parameters.get(key);
    if (text === null) return DEFAULTS[key];
    const found = ALLOWED[key].find((each) => each === text);
    if (found === undefined) complaints.push(`the link's ${key}=${text} is none of ${ALLOWED[key].join(', ')}`);
    return found ?? DEFAULTS[key];
  };
  const settings = {
    guest: read('guest'),
    paging: read('paging'),
    doorbells: read('doorbells'),
    kick: read('kick'),
    cpu: read('cpu'),
  };
  return { settings, complaints };
}

/** The query of a link to these settings: only what is not usual. */
export function writeSettings(settings: Settings): string {
  const parameters = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof Settings)[]) {
    if (settings[key] !== DEFAULTS[key]) parameters.set(key, settings[key]);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/** As Pc.create() takes it. */
export function cpuOf({ cpu }: Settings): { vendor: CpuVendor; level: CpuLevel } {
  const [vendor, level] = cpu.split('-') as [CpuVendor, CpuLevel];
  return { vendor, level };
}
