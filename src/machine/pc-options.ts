// What Pc.create() and Pc.run() take.

import { EINVAL } from '../eventfd/index.js';
import type { VmOptions } from '../vmm/options.js';
import type { VcpuThreadOptions } from '../vmm/thread/vcpu-thread.js';
import { MAX_MEMORY, MIN_MEMORY } from './memory-map.js';
import type { DiskOptions } from './devices/ide/ide-controller.js';
import type { BootModule } from './loaders/index.js';

/** A PC; what is not said here is as for Vm.create(). */
export interface PcOptions extends VmOptions {
  /** The image to start, of any format in docs/booting.md. `image` is another name for it. */
  kernel?: Uint8Array;
  image?: Uint8Array;
  /** A BIOS ROM, which then starts what it finds; instead of `kernel`. */
  firmware?: Uint8Array;
  /** The option ROM of the screen, for a firmware: a video BIOS for an ISA VGA, such as SeaBIOS's vgabios-isavga.bin. */
  vgaRom?: Uint8Array;
  /** For the kernel's boot protocol; default ''. */
  cmdline?: string;
  /** Files for the kernel. `initrd` comes first, as a module without a command line. */
  modules?: readonly BootModule[];
  initrd?: Uint8Array;
  /** Bytes of RAM, a multiple of 4096 from 1 MiB to 3.5 GiB; default 64 MiB. */
  memory?: number;
  /** Further devices, `NAME[,KEY=VALUE…]`: 'pci-testdev', 'doorbells', 'test-device'. */
  devices?: readonly string[];
  /**
   * IDE disks, up to four: primary master and slave, secondary master and slave. They stay the caller's, who closes them
   * behind the machine. A snapshot has what is written to an OverlayDisk or MemoryDisk; with a disk that is written in
   * place, Pc.snapshot() throws BlockError.
   */
  disks?: readonly DiskOptions[];
  /** Told why the host could not read or write a disk, when the guest has been told of an error: one line. */
  diskError?: (message: string) => void;
  /**
   * What a triple fault is: 'stop', the end of the run with reason 'shutdown' and an account of it (the default), or 'reset', as
   * a PC's chipset has it, for guests that reset the machine in this way.
   */
  tripleFault?: 'stop' | 'reset';
  /** Gets what the guest sends on COM1: a line at a time, or what there is when the host gets its turn. */
  serial?: (bytes: Uint8Array) => void;
  /** What the guest finds on COM1 from the start; Pc.sendSerial() sends more. */
  serialInput?: Uint8Array;
  /** Gets what the guest writes to the debug console, port 0xE9; default: as `serial`. */
  debugConsole?: (bytes: Uint8Array) => void;
  /** Gets what a firmware tells of its work on port 402h; without it there is no such port, and firmware is silent. */
  firmwareLog?: (bytes: Uint8Array) => void;
  /**
   * The processor runs in a thread of its own, a worker, and the devices in this one (Vm.startThread()): the calling thread is
   * free while the guest runs. Needs the real clock. With `url`, see VcpuThreadOptions. Default: false.
   */
  thread?: boolean | VcpuThreadOptions;
}

/** How far Pc.run() may go. */
export interface PcRunOptions {
  /** Milliseconds of the host's time at most. Default: no limit. */
  timeoutMs?: number;
  /** Instructions to retire at most, exact. Default: no limit. */
  maxInstructions?: number;
  /** Ends the run when it is aborted. */
  signal?: AbortSignal;
}

const DEFAULT_MEMORY = 64 * 1024 * 1024;

/** What the machine starts with. */
export interface BootFiles {
  readonly image: Uint8Array;
  /** It is a BIOS ROM, whatever it looks like. */
  readonly firmware: boolean;
  readonly modules: readonly BootModule[];
}

/** The image and its modules. Throws EINVAL if there is not exactly one image. */
export function bootFiles({ kernel, image, firmware, vgaRom, initrd, modules = [] }: PcOptions): BootFiles {
  if (kernel !== undefined && image !== undefined) throw new EINVAL('Pc.create: kernel and image are the same option');
  const started = kernel ?? image;
  if (started !== undefined && firmware !== undefined) {
    throw new EINVAL('Pc.create: a machine starts with a kernel or with a firmware, not with both');
  }
  const given = started ?? firmware;
  if (given === undefined) throw new EINVAL('Pc.create: no image given (kernel or firmware)');
  if (!(given instanceof Uint8Array)) {
    throw new EINVAL(`Pc.create: ${firmware === undefined ? 'kernel' : 'firmware'} must be a Uint8Array`);
  }
  if (vgaRom !== undefined && firmware === undefined) {
    throw new EINVAL('Pc.create: a VGA option ROM is for a firmware, and there is none');
  }
  const files = initrd === undefined ? modules : [{ bytes: initrd }, ...modules];
  return { image: given, firmware: firmware !== undefined, modules: files };
}

/** The options that are not the Vm's. */
const OWN: readonly string[] = [
  'kernel',
  'image',
  'firmware',
  'vgaRom',
  'tripleFault',
  'cmdline',
  'modules',
  'initrd',
  'devices',
  'disks',
  'diskError',
  'serial',
  'serialInput',
  'debugConsole',
  'firmwareLog',
  'thread',
] satisfies (keyof PcOptions)[];

const TRIPLE_FAULTS: readonly unknown[] = ['stop', 'reset', undefined];

/** What is for Vm.create(), which names what nobody knows. Throws EINVAL for what a PC cannot be. */
export function vmOptions(options: PcOptions): VmOptions {
  const { memory = DEFAULT_MEMORY } = options;
  if (!Number.isSafeInteger(memory) || memory % 4096 !== 0 || memory < MIN_MEMORY || memory > MAX_MEMORY) {
    throw new EINVAL(
      `Pc.create: memory must be a multiple of 4096 bytes from ${MIN_MEMORY} to ${MAX_MEMORY}, not ${String(memory)}`,
    );
  }
  if (!TRIPLE_FAULTS.includes(options.tripleFault)) {
    throw new EINVAL(`Pc.create: tripleFault must be stop or reset, not ${String(options.tripleFault)}`);
  }
  const others = Object.entries(options).filter(([name]) => !OWN.includes(name));
  return { ...Object.fromEntries(others), memory, cpu: { apic: true, ...options.cpu } };
}
