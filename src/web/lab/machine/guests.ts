// The guests that the page offers. Each URL stands written out, because bundlers follow only those.

export interface Guest {
  readonly name: string;
  /** What the list calls it; default: its name. */
  readonly title?: string;
  /** What it does, for the list. */
  readonly about: string;
  /** Its image. Without one it is Linux, whose files lie beside the page if they were built. */
  readonly url?: URL;
  readonly cmdline: string;
  /** Further devices of its PC. */
  readonly devices: readonly string[];
}

export const GUESTS = [
  {
    name: 'kicker',
    about: 'Rings doorbells without end; the kind of kick can be changed while it runs',
    url: new URL('../../../../guests/kicker/kicker.bin', import.meta.url),
    cmdline: '',
    devices: ['doorbells'],
  },
  {
    name: 'vmexit',
    about: 'The micro-benchmark of kicks: one line for each kind',
    url: new URL('../../../../guests/vmexit/vmexit.bin', import.meta.url),
    cmdline: 'goal=24',
    devices: ['doorbells'],
  },
  {
    name: 'promise',
    about: 'Keeps and breaks the promise of a unique doorbell address',
    url: new URL('../../../../guests/promise/promise.bin', import.meta.url),
    cmdline: '',
    devices: ['doorbells'],
  },
  {
    name: 'screen',
    about: 'Draws on the VGA text screen',
    url: new URL('../../../../guests/screen/screen.bin', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'hello-long',
    about: 'Says hello from 64-bit mode',
    url: new URL('../../../../guests/hello-long/hello-long.bin', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'hello-protected',
    about: 'Says hello from 32-bit protected mode',
    url: new URL('../../../../guests/hello-protected/hello-protected.elf', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'hello-real',
    about: 'Says hello from 16-bit real mode',
    url: new URL('../../../../guests/hello-real/hello-real.bin', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'smc',
    about: 'Changes its own code while it runs',
    url: new URL('../../../../guests/smc/smc.bin', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'faults',
    about: 'Provokes every exception and checks what the processor says',
    url: new URL('../../../../guests/faults/faults.bin', import.meta.url),
    cmdline: '',
    devices: [],
  },
  {
    name: 'sieve',
    about: 'Prime numbers: an integer loop of the benchmark',
    url: new URL('../../../../guests/bench/sieve.bin', import.meta.url),
    cmdline: 'n=400',
    devices: [],
  },
  {
    name: 'mandelbrot',
    about: 'The Mandelbrot set in SSE2: a floating-point loop of the benchmark',
    url: new URL('../../../../guests/bench/mandelbrot-sse2.bin', import.meta.url),
    cmdline: 'n=80',
    devices: [],
  },
  {
    name: 'linux',
    title: 'Linux (Debian cloud kernel)',
    about: 'Debian’s kernel for virtual machines, to a shell: type in the console',
    cmdline: 'console=ttyS0 doorbell.shell',
    devices: [],
  },
] as const satisfies readonly Guest[];

export type GuestName = (typeof GUESTS)[number]['name'];

export function guestOf(name: GuestName): Guest {
  return GUESTS.find((guest) => guest.name === name)!;
}
