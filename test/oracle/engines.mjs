// The other machines that run our guests for comparison: how each is started, and what counts as its end.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Engine
 * @property {string} name
 * @property {string} needs the Debian package
 * @property {() => string} version throws or is empty where the engine is not
 * @property {(image: string, words: string, directory: string) => { command: string, args: string[], output?: string }} start
 *   `output`: the file the serial port writes to; otherwise it is standard output
 */

/** @param {string} command @param {string[]} args */
const firstLine = (command, args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? '';

const QEMU = 'qemu-system-x86_64';
/** @param {string[]} how @returns {Engine['start']} */
const qemu = (how) => (image, words) => ({
  command: QEMU,
  args: [
    ...how,
    ...['-m', '64', '-display', 'none', '-monitor', 'none', '-net', 'none', '-no-reboot', '-serial', 'stdio'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4', '-kernel', image, '-append', words],
  ],
});

const ROM = fileURLToPath(new URL('rom.asm', import.meta.url));
/** Bochs loads no kernel: it gets a ROM that holds one. @param {string} model @returns {Engine['start']} */
const bochs = (model) => (image, words, directory) => {
  const rom = join(directory, 'rom.bin');
  const output = join(directory, 'serial.txt');
  const script = join(directory, 'go');
  const config = join(directory, 'bochsrc');
  execFileSync('nasm', ['-f', 'bin', `-DIMAGE="${image}"`, `-DCOMMAND="${words}"`, '-o', rom, ROM]);
  writeFileSync(script, 'c\n'); // Debian's Bochs has the debugger, which waits for a word
  writeFileSync(
    config,
    [
      'display_library: rfb, options="timeout=0"',
      `cpu: model=${model}, count=1, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=0`,
      'megs: 64',
      `romimage: file=${rom}`,
      'vgaromimage: file=/usr/share/vgabios/vgabios.bin',
      `com1: enabled=1, mode=file, dev=${output}`,
      `log: ${join(directory, 'log.txt')}`,
      'panic: action=fatal',
      'sound: driver=dummy',
      'plugin_ctrl: biosdev=false, speaker=false, parallel=false, iodebug=false',
      '',
    ].join('\n'),
  );
  return { command: 'bochs', args: ['-q', '-f', config, '-rc', script], output };
};

const bochsVersion = () => {
  const text = spawnSync('bochs', ['--help'], { encoding: 'utf8' });
  if (text.error) return '';
  nasmVersion();
  return /Bochs x86 Emulator [\d.]+/.exec(text.stdout + text.stderr)?.[0] ?? '';
};
const nasmVersion = () => firstLine('nasm', ['-v']);
const kernel = () => `Linux ${firstLine('uname', ['-r'])}`;
const processor = () => /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';

/**
 * A KVM without VT-x or SVM under it: the guest's kernel code is run by KVM's instruction emulator, which knows no INT n in
 * long mode, and its user code with IOPL 0 whatever it asked for. What that prints says nothing about processors.
 */
export const softwareKvm = () => existsSync('/sys/module/kvm_pvm');

/** @type {Engine[]} */
export const ENGINES = [
  {
    name: 'qemu-intel',
    needs: 'qemu-system-x86',
    version: () => `${firstLine(QEMU, ['--version'])}, TCG, -cpu max,vendor=GenuineIntel`,
    start: qemu(['-accel', 'tcg', '-cpu', 'max,vendor=GenuineIntel']),
  },
  {
    name: 'qemu-amd',
    needs: 'qemu-system-x86',
    version: () => `${firstLine(QEMU, ['--version'])}, TCG, -cpu max,vendor=AuthenticAMD`,
    start: qemu(['-accel', 'tcg', '-cpu', 'max,vendor=AuthenticAMD']),
  },
  {
    name: 'bochs-intel',
    needs: 'bochs, vgabios and nasm',
    version: () => `${bochsVersion()}, model corei7_skylake_x`,
    start: bochs('corei7_skylake_x'),
  },
  {
    name: 'bochs-amd',
    needs: 'bochs, vgabios and nasm',
    version: () => `${bochsVersion()}, model ryzen`,
    start: bochs('ryzen'),
  },
  {
    name: 'kvm',
    needs: 'qemu-system-x86 and a /dev/kvm',
    version: () => {
      if (!existsSync('/dev/kvm')) return '';
      return `${firstLine(QEMU, ['--version'])}, KVM of ${kernel()}${softwareKvm() ? ' (kvm_pvm)' : ''} on ${processor()}, -cpu host`;
    },
    // arch-capabilities: QEMU 7.2 announces an MSR that this kernel then refuses.
    start: qemu(['-accel', 'kvm', '-cpu', 'host,-arch-capabilities']),
  },
];

/** @param {Engine} engine the version line, or undefined where the engine is not installed */
export function versionOf(engine) {
  try {
    return engine.version() || undefined;
  } catch {
    return undefined;
  }
}

const START_MS = 60_000; // KVM without hardware support for its guests takes a while for the firmware
const SILENCE_MS = 2_500;
const POLL_MS = 20;

/**
 * Runs the image once. The text ends in `end` if the guest came to its end.
 * @param {Engine} engine @param {string} image @param {string} words
 * @returns {Promise<{ text: string, how: 'ended' | 'died' | 'hung' }>}
 */
async function once(engine, image, words) {
  const directory = mkdtempSync(join(tmpdir(), 'oracle-'));
  const { command, args, output } = engine.start(image, words, directory);
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let printed = '';
  // In a process group of its own (`bochs` is a shell script around the emulator), which must not outlive this process.
  const endGroup = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const interrupted = () => {
    endGroup();
    process.exit(1);
  };
  process.once('SIGTERM', interrupted).once('SIGINT', interrupted);
  child.stdout.on('data', (/** @type {Buffer} */ bytes) => {
    if (output === undefined) printed += bytes.toString('latin1');
  });
  let stuck = false; // KVM could not go on, and QEMU waits for somebody to look at it
  child.stderr.on('data', (/** @type {Buffer} */ bytes) => {
    if (bytes.toString('latin1').includes('KVM internal error')) stuck = true;
  });
  const text = () => (output === undefined ? printed : existsSync(output) ? readFileSync(output, 'latin1') : '');
  const size = () => (output === undefined ? printed.length : existsSync(output) ? statSync(output).size : 0);
  let exited = false;
  const gone = new Promise((done) => {
    child.on('close', () => {
      exited = true;
      done(undefined);
    });
  });
  let seen = 0;
  let last = Date.now();
  const ended = () => /\nend\r?\n$/.test(text());
  while (!exited && !stuck && !ended() && Date.now() - last < (seen === 0 ? START_MS : SILENCE_MS)) {
    await new Promise((done) => setTimeout(done, POLL_MS));
    if (size() !== seen) {
      seen = size();
      last = Date.now();
    }
  }
  const how = ended() ? 'ended' : exited || stuck ? 'died' : 'hung';
  if (!exited) endGroup();
  await gone;
  process.off('SIGTERM', interrupted).off('SIGINT', interrupted);
  const result = { text: text(), how: /** @type {'ended' | 'died' | 'hung'} */ (how) };
  rmSync(directory, { recursive: true });
  return result;
}

const MOST_CRASHES = 60;
const FEW = 3;

/**
 * Runs the image, leaving out each case that kills the engine, which is then what its line says.
 * @param {Engine} engine @param {string} image @param {string} words
 * @returns {Promise<string[]>} lines
 */
export async function run(engine, image, words) {
  /** @type {Map<string, string>} */
  const killers = new Map();
  while (killers.size <= MOST_CRASHES) {
    const { text, how } = await once(
      engine,
      image,
      [words, ...[...killers.keys()].map((name) => `-${name}`)].join(' '),
    );
    const lines = text
      .replaceAll('\r', '')
      .split('\n')
      .filter((line) => line !== '');
    if (how === 'ended') {
      return lines.slice(0, -1).map((line) => {
        const name = line.split(' ', 1)[0] ?? '';
        const fate = killers.get(name);
        return fate === undefined ? line : `${name} ${fate}`;
      });
    }
    const culprit = lines.at(-1)?.startsWith('unexpected') ? lines.at(-2) : lines.at(-1);
    const name = culprit?.split(' ', 1)[0];
    if (name === undefined || killers.has(name)) {
      throw new Error(`${engine.name} ${how} after ${lines.length} lines, the last one "${lines.at(-1) ?? ''}"`);
    }
    if (process.env['ORACLE_VERBOSE']) console.error(`${engine.name}: ${how} in ${name}`);
    const fate = how === 'died' ? '(the engine died)' : '(the engine hung)';
    killers.set(name, fate);
    // One of a series, `cr4.bit17`: after a few the whole series is left out.
    const series = name.replace(/\d+$/, '');
    const alike = [...killers.keys()].filter((other) => other.replace(/\d+$/, '') === series);
    if (series !== name && alike.length === FEW) {
      for (const other of alike) killers.delete(other);
      killers.set(series, fate);
    }
  }
  throw new Error(`${engine.name}: more than ${MOST_CRASHES} cases kill it`);
}
