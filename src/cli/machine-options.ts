// The options of `run` and `trace`: what the machine is, and how long it runs.

import { Option, type Command } from 'commander';
import { PAGING_MODES } from '../bench/result.js';
import type { DiskRequest } from '../machine/block/disk-option.js';
import type { CpuOptions } from '../vmm/cpuid.js';
import type { ClockMode, DoorbellMode, PagingMode } from '../vmm/options.js';
import { cpuModel } from './cpu-model.js';
import { detachKey, DEFAULT_DETACH_KEY, type DetachKey } from './detach-key.js';
import { choice, diskRequest, memorySize, repeated, seconds, wholeNumber } from './option-values.js';

export interface MachineOptions {
  append?: string;
  initrd?: string;
  /** A BIOS ROM, which starts the machine instead of an image. */
  bios?: string;
  /** The screen's option ROM for it; `none`: without one. */
  vgabios?: string;
  /** What it tells of its work goes to standard error. */
  biosLog?: boolean;
  disk?: DiskRequest[];
  memory: number;
  cpus: number;
  cpu: CpuOptions;
  paging: PagingMode;
  device?: string[];
  clock: ClockMode;
  /** Seconds. */
  timeout?: number;
  doorbells: DoorbellMode;
  tripleFault: 'stop' | 'reset';
  /** The processor has a thread of its own. */
  vcpuThread?: boolean;
  /** False with --no-reboot. */
  reboot: boolean;
  detachKey: DetachKey | undefined;
}

/** SeaBIOS's for a VGA that is no PCI function. */
export const VGA_BIOS = 'vgabios-isavga.bin';

export const TERMINAL_HELP = `
The terminal: when standard input is one, every key goes to the guest's serial port, Ctrl-C too; the detach key ends the
run. A serial line does not tell the guest how large the window is: run "stty rows 40 cols 120" or "resize" in the guest.
When standard input is a pipe or a file, its bytes go to the guest; its end does not end the run.`;

/** Adds them to a command. */
export function addMachineOptions(command: Command): Command {
  return command
    .option('--append <text>', 'the guest’s command line')
    .option('--initrd <file>', 'a file for the guest: Linux’s initramfs, a Multiboot module')
    .option('--bios <file>', 'a BIOS ROM such as SeaBIOS, which starts the machine instead of an image')
    .option(
      '--vgabios <file>',
      `the screen’s BIOS, for --bios (default: ${VGA_BIOS} beside it, if it is there; none: without one)`,
    )
    .option('--bios-log', 'print what the BIOS tells of its work on port 402h, to standard error')
    .option(
      '--disk <file[,snapshot][,readonly]>',
      'an IDE disk, up to four; snapshot: what the guest writes is forgotten at the end',
      diskRequest,
    )
    .option('--memory <size>', 'RAM, such as 256M or 1G', memorySize, 256 * 2 ** 20)
    .option('--cpus <n>', 'virtual processors', wholeNumber('--cpus', 1, 64), 1)
    .addOption(
      new Option(
        '--cpu <level[,vendor=…][,±feature…]>',
        'the processor: x86-64 level v1, v2 or v3, vendor=intel or amd, features such as +aes or -avx2',
      )
        .argParser(cpuModel)
        .default({}, 'v3'),
    )
    .option(
      '--paging <mode>',
      `how guest-physical addresses are translated: ${PAGING_MODES.join(', ')}`,
      choice('--paging', PAGING_MODES),
      'ept',
    )
    .option('--device <name[,key=value…]>', 'a further device; may be given several times', repeated)
    .option(
      '--clock <clock>',
      'real: the host’s; virtual: goes with instructions',
      choice('--clock', ['real', 'virtual']),
      'real',
    )
    .option('--timeout <seconds>', 'end the run after so many seconds', seconds)
    .option(
      '--doorbells <mode>',
      'fast, or emulate: without the short cut',
      choice('--doorbells', ['fast', 'emulate']),
      'fast',
    )
    .option(
      '--triple-fault <what>',
      'stop: end the run and explain it; reset: as a PC does, for guests that reset the machine so',
      choice('--triple-fault', ['stop', 'reset']),
      'stop',
    )
    .option('--vcpu-thread', 'run the processor in a thread of its own, beside the devices’; needs the real clock')
    .option('--no-reboot', 'end the run when the guest resets the machine, instead of starting it again')
    .addOption(
      new Option('--detach-key <key>', 'the key that ends the run, such as ^] or ctrl-a, or none')
        .argParser(detachKey)
        .default(DEFAULT_DETACH_KEY, '^]'),
    )
    .addHelpText('after', TERMINAL_HELP);
}
