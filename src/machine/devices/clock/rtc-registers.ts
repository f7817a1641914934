// The time registers of the MC146818 as they are written in memory: BCD or binary, 12 or 24 hours.

import { dateOf, daysOf, weekdayOf } from './calendar.js';

/** Where they stand (datasheet, figure 12), and the century where PC firmware keeps it. */
export const RtcRegister = {
  Seconds: 0x00,
  SecondsAlarm: 0x01,
  Minutes: 0x02,
  MinutesAlarm: 0x03,
  Hours: 0x04,
  HoursAlarm: 0x05,
  Weekday: 0x06,
  Day: 0x07,
  Month: 0x08,
  Year: 0x09,
  A: 0x0a,
  B: 0x0b,
  C: 0x0c,
  D: 0x0d,
  Century: 0x32,
} as const;

/** Register B's data mode (1: binary) and hours (1: 24). */
export const DATA_MODE = 0x04;
export const HOURS_24 = 0x02;
const PM = 0x80;
const DAY_SECONDS = 86_400;

export function isTimeRegister(index: number): boolean {
  return (
    index === RtcRegister.Century ||
    (index <= RtcRegister.Year &&
      index !== RtcRegister.SecondsAlarm &&
      index !== RtcRegister.MinutesAlarm &&
      index !== RtcRegister.HoursAlarm)
  );
}

function encode(value: number, modes: number): number {
  return (modes & DATA_MODE) !== 0 ? value : (Math.floor(value / 10) << 4) | (value % 10);
}

/** Digits above nine count as what they are. */
function decode(value: number, modes: number): number {
  return (modes & DATA_MODE) !== 0 ? value : (value >>> 4) * 10 + (value & 15);
}

function encodeHour(hour: number, modes: number): number {
  if ((modes & HOURS_24) !== 0) return encode(hour, modes);
  return encode(hour % 12 === 0 ? 12 : hour % 12, modes) | (hour >= 12 ? PM : 0);
}

function decodeHour(value: number, modes: number): number {
  if ((modes & HOURS_24) !== 0) return decode(value, modes);
  return (decode(value & ~PM, modes) % 12) + ((value & PM) !== 0 ? 12 : 0);
}

/** Writes a time, in seconds since the epoch by the calendar, into the registers. `weekdays` is how far theirs is ahead. */
export function writeTime(cmos: Uint8Array, time: number, weekdays: number): void {
  const modes = cmos[RtcRegister.B]!;
  const days = Math.floor(time / DAY_SECONDS);
  const second = time - days * DAY_SECONDS;
  const { year, month, day } = dateOf(days);
  cmos[RtcRegister.Seconds] = encode(second % 60, modes);
  cmos[RtcRegister.Minutes] = encode(Math.floor(second / 60) % 60, modes);
  cmos[RtcRegister.Hours] = encodeHour(Math.floor(second / 3600), modes);
  cmos[RtcRegister.Weekday] = encode(((weekdayOf(days) + weekdays) % 7) + 1, modes);
  cmos[RtcRegister.Day] = encode(day, modes);
  cmos[RtcRegister.Month] = encode(month, modes);
  cmos[RtcRegister.Year] = encode(year % 100, modes);
  cmos[RtcRegister.Century] = encode(Math.floor(year / 100) % 100, modes);
}

/** The time that the registers tell. What is out of bounds (a month of 13) counts on, as does the weekday: it is kept apart. */
export function readTime(cmos: Uint8Array): { time: number; weekdays: number } {
  const modes = cmos[RtcRegister.B]!;
  const value = (register: number): number => decode(cmos[register]!, modes);
  const year = value(RtcRegister.Century) * 100 + value(RtcRegister.Year);
  const days = daysOf({ year, month: value(RtcRegister.Month), day: value(RtcRegister.Day) });
  const hour = decodeHour(cmos[RtcRegister.Hours]!, modes);
  const time = days * DAY_SECONDS + hour * 3600 + value(RtcRegister.Minutes) * 60 + value(RtcRegister.Seconds);
  const weekday = value(RtcRegister.Weekday) - 1 - weekdayOf(Math.floor(time / DAY_SECONDS));
  return { time, weekdays: ((weekday % 7) + 7) % 7 };
}

/** Seconds from a time to the next that the alarm registers match, at least one; Infinity if they match none. */
export function secondsToAlarm(cmos: Uint8Array, time: number): number {
  const modes = cmos[RtcRegister.B]!;
  const wanted = (register: number, hour: boolean): number => {
    const value = cmos[register]!;
    // The upper two bits are the "don't care" code (datasheet, "Time, calendar and alarm locations").
    if ((value & 0xc0) === 0xc0) return -1;
    return hour ? decodeHour(value, modes) : decode(value, modes);
  };
  const hour = wanted(RtcRegister.HoursAlarm, true);
  const minute = wanted(RtcRegister.MinutesAlarm, false);
  const second = wanted(RtcRegister.SecondsAlarm, false);
  if (hour > 23 || minute > 59 || second > 59) return Infinity;
  const from = (((time + 1) % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS;
  for (let at = from; at <= from + DAY_SECONDS;) {
    const clock = at % DAY_SECONDS;
    if (hour >= 0 && Math.floor(clock / 3600) !== hour) at += 3600 - (clock % 3600);
    else if (minute >= 0 && Math.floor(clock / 60) % 60 !== minute) at += 60 - (clock % 60);
    else if (second >= 0 && clock % 60 !== second) at++;
    else return at - from + 1;
  }
  return Infinity;
}
