// Guests that do nothing but play with interrupt controllers and timers: real-mode code that turns the local APIC on, has a
// handler for every vector, and then writes whatever to registers of the chipset, lets interrupts in, and halts.

import type { Random } from '../random.js';

/**
 * cli; all segments and the stack in low memory, FS with a limit of 4 GiB; all vectors lead to a handler that counts at 7000h and
 * ends the interrupt at the 8259s and the local APIC, but 13, which steps over the two bytes of a WRMSR; SVR = 1FFh. The body
 * stands behind it.
 */
const STUB = bytesOf(
  'fa31c08ed88ec08ed0bc00700f0116577c0f20c00c010f22c0bb08008ee324fe0f22c031ffb9000166b85d7c0000f366abc7063400777c' +
    '646667c705f000e0feff010000e939000000000000000000ffff00000093cf000f00477c0000ff06007050b020e6a0e62058646667c705' +
    'b000e0fe00000000cf5589e5834602025dcf',
);
const HALT = [0xfb, 0xf4]; // sti; hlt
const SMALL = [0, 1, 2, 3, 5, 10, 100, 0x1000, 0xffff, 0xffff_ffff] as const;

/** Ports of PIT, 8259s with ELCR, system port, RTC, reset and PM timer, APM, PCI configuration. */
const PORTS = [
  ...[0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x60, 0x64, 0xb2],
  ...[0x600, 0x602, 0x604, 0x60c, 0x60e, 0xcf8, 0xcfc],
] as const;
/** IA32_TIME_STAMP_COUNTER, APIC_BASE, TSC_ADJUST, TSC_DEADLINE; of x2APIC mode TPR, EOI, SVR, ESR, ICR, LVT, timer, SELF IPI. */
const MSRS = [
  ...[0x10, 0x1b, 0x3b, 0x6e0, 0x6e0, 0x6e0, 0x808, 0x80b, 0x80f, 0x828, 0x830, 0x832, 0x832, 0x835, 0x837],
  ...[0x838, 0x838, 0x83e, 0x83f],
] as const;
const APIC_REGISTERS = [
  0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310, 0x320, 0x320, 0x350, 0x370, 0x380, 0x380, 0x3e0,
];
const HPET_REGISTERS = [0x10, 0x20, 0xf0, 0xf4, 0x100, 0x108, 0x10c, 0x120, 0x128, 0x140, 0x148];

/** The image of a guest that makes up to 200 such accesses. */
export function chipsetGuest(random: Random): Uint8Array {
  // a timer, so that halting is not the end of most
  const code = [...STUB, ...store(0xfee0_0320, 0x2_0040), ...store(0xfee0_0380, 1 + random.below(10_000))];
  const start = code.length;
  for (let count = 10 + random.below(190); count > 0; count--) code.push(...step(random));
  const back = start - (code.length + HALT.length + 3);
  return Uint8Array.from([...code, ...HALT, 0xe9, back & 0xff, (back >> 8) & 0xff]);
}

function step(random: Random): readonly number[] {
  switch (random.below(12)) {
    case 0:
      return HALT;
    case 1:
      return random.pick([[0xfb], [0xfa], [0x90, 0x90, 0x90, 0x90], [0x0f, 0x31]]); // sti, cli, nops, rdtsc
    case 2:
    case 3:
      // mov dx, port; mov eax, value; out dx, al or eax; or in
      return [0xba, ...word(random.pick(PORTS)), 0x66, 0xb8, ...long(value(random)), ...random.pick([[0xee], [0xee], [0xef], [0x66, 0xef], [0xec]])]; // prettier-ignore
    case 4:
    case 5:
      // mov ecx, index; mov edx, high; mov eax, low; wrmsr
      return msr(random);
    case 6:
      return store(0xfed0_0000 + random.pick(HPET_REGISTERS), value(random));
    case 7:
      // select a redirection entry and write it
      return [...store(0xfec0_0000, 0x10 + random.below(48)), ...store(0xfec0_0010, value(random) & 0x1_ffff)];
    case 8:
      // or [register], value: read, modify, write
      return [0x64, 0x66, 0x67, 0x81, 0x0d, ...long(0xfee0_0000 + random.pick(APIC_REGISTERS)), ...long(value(random))];
    default:
      return store(0xfee0_0000 + random.pick(APIC_REGISTERS), value(random));
  }
}

function msr(random: Random): number[] {
  const index = random.pick(MSRS);
  const [low, high] =
    index === 0x1b
      ? [0xfee0_0100 | random.pick([0, 0x800, 0xc00]), 0]
      : [value(random), random.oneIn(4) ? random.below(8) : 0];
  return [0x66, 0xb9, ...long(index), 0x66, 0xba, ...long(high), 0x66, 0xb8, ...long(low), 0x0f, 0x30];
}
/** mov dword [fs:dword address], value */
function store(address: number, what: number): number[] {
  return [0x64, 0x66, 0x67, 0xc7, 0x05, ...long(address), ...long(what)];
}
/** A small number, a vector with the bits of an LVT entry or the ICR, a count, or anything. */
function value(random: Random): number {
  switch (random.below(4)) {
    case 0:
      return random.pick(SMALL);
    case 1:
      return (
        (0x20 + random.below(0xe0)) | random.pick([0, 0x2_0000, 0x4_0000, 0x4_0000, 0x700, 0x8_0000, 0x1_0000, 0x8000])
      );
    case 2:
      return random.below(100_000);
    default:
      return random.next();
  }
}

const word = (what: number): number[] => [what & 0xff, (what >> 8) & 0xff];
const long = (what: number): number[] => [...word(what), ...word(what >>> 16)];
function bytesOf(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}
