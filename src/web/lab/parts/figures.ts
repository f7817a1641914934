// How numbers are written on the page: three significant digits, so that columns stay as wide as they are.

const UNITS = [
  { least: 1e9, unit: 'G' },
  { least: 1e6, unit: 'M' },
  { least: 1e3, unit: 'k' },
] as const;

/** What stands where there is no number. */
export const NONE = '–';

function digits(value: number): string {
  const decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(decimals);
}

/** A number by its thousands: `4.12 M`. */
export function short(value: number): string {
  if (value === 0) return '0';
  // what rounds up to a thousand of a unit is one of the next
  const found = UNITS.find(({ least }) => value >= least * 0.9995);
  if (found !== undefined) return `${digits(value / found.least)} ${found.unit}`;
  return value < 0.005 ? '0' : digits(value);
}

/** A round number of an axis: `50 M`. */
export function round(value: number): string {
  const found = UNITS.find(({ least }) => value >= least);
  return found === undefined ? `${value}` : `${value / found.least} ${found.unit}`;
}

/** `4.12 M/s`. */
export function perSecond(value: number): string {
  const text = short(value);
  return `${text}${/[GMk]$/.test(text) ? '' : ' '}/s`;
}

/** Nanoseconds, in the unit that suits them. */
export function duration(ns: number | undefined): string {
  if (ns === undefined) return NONE;
  if (ns >= 999_500) return `${digits(ns / 1e6)} ms`;
  if (ns >= 999.5) return `${digits(ns / 1e3)} µs`;
  return `${Math.round(ns)} ns`;
}

/** A share of 0 to 1 as per cent. Only all is 100 %: what is nearly all shows that something is missing. */
export function percent(share: number | undefined): string {
  if (share === undefined) return `${NONE} %`;
  if (share > 0.9994 && share < 1) return '99.9 %';
  const decimals = share === 1 || share === 0 ? 0 : 1;
  return `${(share * 100).toFixed(decimals)} %`;
}
