// The Gregorian calendar in days: what a clock chip's date registers mean, without the host's Date.

export interface CalendarDate {
  year: number;
  /** 1…12. */
  month: number;
  /** 1…31. */
  day: number;
}

/** Days of 400 years, after which the calendar repeats, and of a year that begins on March 1st, by month. */
const ERA_DAYS = 146_097;
/** Days from March 1st of year 0 to January 1st, 1970. */
const EPOCH = 719_468;

/** Days since January 1st, 1970. Months and days beyond their bounds count on. */
export function daysOf({ year, month, day }: CalendarDate): number {
  // Years that begin in March have the leap day at their end.
  const months = year * 12 + month - 3;
  const shifted = Math.floor(months / 12);
  const dayOfYear = Math.floor((153 * (months - shifted * 12) + 2) / 5) + day - 1;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leaps + dayOfYear - EPOCH;
}

export function dateOf(days: number): CalendarDate {
  const shifted = days + EPOCH;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
  };
}

/** 0 is Sunday. January 1st, 1970, was a Thursday. */
export function weekdayOf(days: number): number {
  return (((days + 4) % 7) + 7) % 7;
}
