// Resource templates: what addresses and interrupts a device uses (ACPI Specification 6.3, 6.4), named as in ASL.

import { buffer, little, type Aml } from './aml.js';

const END_TAG: Aml = [0x79, 0];

/** ResourceTemplate () {…}. The checksum of the end tag is 0: "treat as valid" (6.4.2.9). */
export function resourceTemplate(...descriptors: readonly Aml[]): Aml {
  return buffer([...descriptors.flat(), ...END_TAG]);
}

/** IO (Decode16, first, first, 1, length). */
export function io(first: number, length: number): Aml {
  return [0x47, 1, ...little(first, 2), ...little(first, 2), 1, length];
}

/** IRQNoFlags () {irq}: edge-triggered, active high, not shared. */
export function irqNoFlags(irq: number): Aml {
  return [0x22, ...little(1 << irq, 2)];
}

/** Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {…}. */
export function interrupts(...gsis: readonly number[]): Aml {
  const body = [0x09, gsis.length, ...gsis.flatMap((gsi) => little(gsi, 4))];
  return [0x89, ...little(body.length, 2), ...body];
}

/** Memory32Fixed (ReadWrite or ReadOnly, …). */
export function memory32Fixed(start: number, length: number, writable = true): Aml {
  return [0x86, ...little(9, 2), writable ? 1 : 0, ...little(start, 4), ...little(length, 4)];
}

const MEMORY = 0;
const IO = 1;
const BUS = 2;
/** MinFixed, MaxFixed, PosDecode, ResourceProducer. */
const GENERAL = 0x0c;
/** EntireRange: ports that ISA knows and those it does not. */
const ENTIRE_RANGE = 0x03;
/** Read and write, Cacheable or NonCacheable (6.4.3.5.5). */
const CACHEABLE = 0x03;
const NON_CACHEABLE = 0x01;

/** An address space descriptor whose numbers have `width` bytes: granularity, first, last, translation, length. */
function window(tag: number, width: number, type: number, flags: number, start: number, end: number): Aml {
  const numbers = [0, start, end - 1, 0, end - start].flatMap((value) => little(value, width));
  const body = [type, GENERAL, flags, ...numbers];
  return [tag, ...little(body.length, 2), ...body];
}

/** Windows of a bridge: `end` is behind the last number. */
export function wordBusNumbers(start: number, end: number): Aml {
  return window(0x88, 2, BUS, 0, start, end);
}

export function wordIo(start: number, end: number): Aml {
  return window(0x88, 2, IO, ENTIRE_RANGE, start, end);
}

export function dwordMemory(start: number, end: number, cacheable = false): Aml {
  return window(0x87, 4, MEMORY, cacheable ? CACHEABLE : NON_CACHEABLE, start, end);
}

export function qwordMemory(start: number, end: number, cacheable = false): Aml {
  return window(0x8a, 8, MEMORY, cacheable ? CACHEABLE : NON_CACHEABLE, start, end);
}
