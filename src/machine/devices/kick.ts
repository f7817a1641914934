// The kinds of kick that guests make and the doorbells device answers, by the names that everything calls them.

export const KICKS = [
  'cpuid',
  'hypercall',
  'pio-none',
  'pio-wildcard',
  'pio-datamatch',
  'mmio-none',
  'mmio-wildcard',
  'mmio-datamatch',
  'pv',
] as const;
export type Kick = (typeof KICKS)[number];

/** What guests/kicker can be told to do; its number is the place in this list. */
export const WANTED_KICKS = ['none', ...KICKS] as const;
export type WantedKick = (typeof WANTED_KICKS)[number];
