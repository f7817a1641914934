// The commands and their options. A command's own code is loaded when it is asked for.

import { Command, CommanderError, Option } from 'commander';
import { KICKS, PAGING_MODES } from '../bench/result.js';
import { TARGET_NAMES } from '../fuzz/target.js';
import { Status, UsageError } from './failure.js';
import { addMachineOptions } from './machine-options.js';
import { address, choice, choices, secondsOf, wholeNumber } from './option-values.js';
import type { BenchOptions } from './bench-command.js';
import type { DisasmOptions } from './disasm-command.js';
import type { FuzzOptions } from './fuzz-command.js';
import type { RunOptions } from './run-command.js';
import type { TraceOptions } from './trace-command.js';
import { addressRange, reasonNames } from './trace/filter.js';
import { FORMATS } from './trace/format.js';

const EXAMPLES = `
Examples:
  doorbell run guests/hello-long/hello-long.bin
  doorbell run vmlinuz --append "console=ttyS0" --initrd initrd.img --memory 512M
  doorbell run --bios bios.bin --disk disk.img,snapshot
  doorbell run guests/bench/sieve.bin --append n=10 --stats=json
  doorbell trace kernel.elf --reason EPT_MISCONFIG,IO --limit 1000
  doorbell trace kernel.elf --format chrome --output trace.json
  doorbell bench --quick
  doorbell bench --kick pv,mmio-wildcard --paging ept --json
  doorbell fuzz --target decode,bus --seconds 30 --corpus fuzz-corpus
  doorbell fuzz --replay fuzz-corpus/findings/decode-0123456789abcdef.fuzz
  doorbell disasm boot.bin --bits 16 --address 0x7c00 --count 20

Exit status: 0 done, 1 failed, 2 wrong usage; of 'run' also (V << 1) | 1 when the guest writes V to the debug-exit
port, 124 after --timeout, 130 after Ctrl-C or the detach key, 134 when the guest crashed (triple fault); of 'fuzz' 4 when something was found.`;

/**
 * Runs the command that the arguments name; returns the exit status. Throws UsageError for arguments that make no sense,
 * CommandError and the library's errors for what cannot be done.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  let status: number = Status.Success;
  const program = new Command('doorbell')
    .description('An x86-64 virtual machine that shows and measures what a guest’s doorbell write costs.')
    .version(await version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride()
    // Errors are printed in one place, main.ts, on one line.
    .configureOutput({ outputError: () => {} })
    .addHelpText('after', EXAMPLES)
    .action(() => {
      throw new UsageError("no command was given; 'doorbell --help' lists them");
    });
  addMachineOptions(command(program, 'run'))
    .description('run a guest; its serial port is the terminal')
    .argument(
      '[image]',
      'the guest’s image: a Linux kernel, an ELF or Multiboot image, a BIOS ROM, a flat binary; found out from its contents',
    )
    .addOption(
      new Option(
        '--stats [format]',
        'print rates each second and counters at the end, to standard error; json: only the end, as one line',
      )
        .preset('table')
        .argParser(choice('--stats', ['table', 'json'])),
    )
    .action(async (image: string | undefined, options: RunOptions) => {
      const { runCommand } = await import('./run-command.js');
      status = await runCommand(image, options);
    });

  addMachineOptions(command(program, 'trace'))
    .description('run a guest as run does, and write down every exit')
    .argument('[image]', 'as of run')
    .option('--instructions', 'every instruction, too, disassembled (slow)')
    .option('--reason <name,…>', 'only exits of these reasons, such as EPT_MISCONFIG,IO', reasonNames)
    .option(
      '--addr <from[-to]>',
      'only accesses to these guest-physical addresses, ports or MSRs, and instructions at these linear addresses; may be given several times',
      addressRange,
    )
    .option('--limit <n>', 'end the run after so many entries', wholeNumber('--limit', 1, 2 ** 40))
    .option('--output <file>', 'write there instead of to standard error')
    .option('--format <format>', 'text, or chrome: JSON for Perfetto', choice('--format', FORMATS), 'text')
    .action(async (image: string | undefined, options: TraceOptions) => {
      const { traceCommand } = await import('./trace-command.js');
      status = await traceCommand(image, options);
    });

  command(program, 'bench')
    .description('measure what every kind of kick costs in every paging mode, and how fast the CPU is')
    .option('--json', 'print the results as JSON')
    .option('--goal <n>', 'let each sub-test run for 2^n TSC ticks (of 2.8 GHz)', wholeNumber('--goal', 10, 40))
    .option('--paging <mode>', 'only this mode; may be given several times', choices('--paging', PAGING_MODES))
    .option('--kick <kind>', 'only this kind of kick; may be given several times', choices('--kick', KICKS))
    .option('--quick', 'shorter and less exact')
    .action(async (options: BenchOptions) => {
      const { benchCommand } = await import('./bench-command.js');
      status = await benchCommand(options);
    });

  command(program, 'fuzz')
    .description('look for inputs on which the machine is wrong')
    .option(
      '--target <name>',
      `only this one; may be given several times: ${TARGET_NAMES.join(', ')}`,
      choices('--target', TARGET_NAMES),
    )
    .option('--seconds <n>', 'how long each target is run (default: 60)', secondsOf('--seconds'))
    .option('--runs <n>', 'how many inputs each target is given', wholeNumber('--runs', 1, 2 ** 40))
    .option('--corpus <dir>', 'where inputs worth keeping and reproducers are read and written')
    .option('--seed <n>', 'begin the random numbers here, to have a run again', wholeNumber('--seed', 0, 2 ** 32 - 1))
    .option('--json', 'print the results as JSON')
    .option('--replay <file>', 'run one reproducer again')
    .action(async (options: FuzzOptions) => {
      const { fuzzCommand } = await import('./fuzz-command.js');
      status = await fuzzCommand(options);
    });

  command(program, 'disasm')
    .description('disassemble a file of machine code with the CPU’s own decoder')
    .argument('<file>', 'raw machine code')
    .option('--bits <n>', 'width of the code segment: 16, 32, 64', choice('--bits', ['16', '32', '64']), '64')
    .option('--address <a>', 'address of the first byte (default: 0)', address)
    .option('--count <n>', 'print at most so many instructions', wholeNumber('--count', 1, 2 ** 31 - 1))
    .action(async (file: string, options: DisasmOptions) => {
      const { disasmCommand } = await import('./disasm-command.js');
      status = await disasmCommand(file, options);
    });

  const [first = ''] = args;
  if (first !== '' && !first.startsWith('-') && !program.commands.some((each) => each.name() === first)) {
    throw new UsageError(`there is no command '${first}'; 'doorbell --help' lists them`);
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // --help and --version end this way, too.
    if (error.exitCode === 0) return Status.Success;
    throw new UsageError(error.message.replace(/^error: /, ''));
  }
  return status;
}

function command(program: Command, name: string): Command {
  return program
    .command(name)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError(false);
}

async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
