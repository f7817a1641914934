// What the command line refuses: one line that says what was wrong, 2 for wrong usage, 1 for what cannot be done.

import { beforeAll, describe, expect, it, test } from 'vitest';
import { buildCommand, doorbell } from './built.js';

const HELLO = 'guests/hello-long/hello-long.bin';

beforeAll(buildCommand, 120_000);

/** Arguments, status, and what the line has to name. */
const REFUSED: [string[], number, RegExp][] = [
  [[], 2, /no command/],
  [['frobnicate'], 2, /'frobnicate'/],
  [['--frobnicate'], 2, /--frobnicate/],
  [['run'], 2, /no image was given/],
  [['run', HELLO, '--bios', HELLO], 2, /an image or with --bios, not with both/],
  [['run', '--bios', 'no/such/file'], 1, /BIOS no\/such\/file: there is no such file/],
  [['run', HELLO, '--disk', ',snapshot'], 2, /--disk: .*no file name/],
  [['run', HELLO, '--disk', 'x,snapshot,readonly'], 2, /--disk: .*exclude/],
  [['run', HELLO, '--disk', 'no/such/file'], 1, /no\/such\/file/],
  [['run', HELLO, ...Array.from({ length: 5 }, () => ['--disk', HELLO]).flat()], 2, /--disk can be given 4 times/],
  [['run', HELLO, HELLO], 2, /too many arguments/],
  [['run', HELLO, '--wat'], 2, /--wat/],
  [['run', HELLO, '--append'], 2, /--append/],
  [['run', 'no/such/file'], 1, /image no\/such\/file: there is no such file/],
  [['run', 'guests'], 1, /image guests: it is a directory/],
  [['run', '/dev/zero'], 1, /image \/dev\/zero: it is not a regular file/],
  [['run', HELLO, '--initrd', 'no/such/file'], 1, /initrd no\/such\/file: there is no such file/],
  [['run', HELLO, '--memory', '3'], 2, /--memory .*'3'/],
  [['run', HELLO, '--memory', '1T'], 2, /--memory .*'1T'/],
  [['run', HELLO, '--memory', '4K'], 2, /memory .*4096$/],
  [['run', HELLO, '--memory', '8G'], 2, /memory .*8589934592$/],
  [['run', HELLO, '--cpus', '0'], 2, /--cpus .*'0'/],
  [['run', HELLO, '--cpus', '2'], 1, /--cpus 2/],
  [['run', HELLO, '--cpu', 'v4'], 2, /--cpu takes a level \(v1, v2, v3\).*'v4'/],
  [['run', HELLO, '--cpu', 'v2,vendor=via'], 2, /--cpu: vendor is intel or amd, not 'via'/],
  [['run', HELLO, '--cpu', 'v2,+mmxx'], 2, /--cpu: no feature is called 'mmxx'; there are .*mmx/],
  [['run', HELLO, '--paging', 'nested'], 2, /--paging takes ept, npt, shadow, not 'nested'/],
  [['run', HELLO, '--clock', 'sundial'], 2, /--clock .*'sundial'/],
  [['run', HELLO, '--doorbells', 'slow'], 2, /--doorbells .*'slow'/],
  [['run', HELLO, '--timeout', '0'], 2, /--timeout .*'0'/],
  [['run', HELLO, '--timeout', 'soon'], 2, /--timeout .*'soon'/],
  [['run', HELLO, '--stats=xml'], 2, /--stats .*'xml'/],
  [['run', HELLO, '--device', 'toaster'], 2, /"toaster".*pci-testdev/],
  [['run', HELLO, '--device', 'pci-testdev,colour=red'], 2, /pci-testdev.*"colour"/],
  [['run', HELLO, '--detach-key', 'x'], 2, /--detach-key .*'x'/],
  [['trace'], 2, /image/],
  [['trace', 'no/such/file'], 1, /image no\/such\/file: there is no such file/],
  [['trace', HELLO, '--reason', 'IO,SNEEZE'], 2, /--reason takes .*EPT_MISCONFIG.*'SNEEZE'/],
  [['trace', HELLO, '--addr', '0x20-0x10'], 2, /--addr .*'0x20-0x10'/],
  [['trace', HELLO, '--addr', 'here'], 2, /--addr .*'here'/],
  [['trace', HELLO, '--limit', '0'], 2, /--limit .*'0'/],
  [['trace', HELLO, '--format', 'xml'], 2, /--format takes text, chrome, not 'xml'/],
  [
    ['trace', HELLO, '--output', 'no/such/directory/file'],
    1,
    /--output no\/such\/directory\/file cannot be written: ENOENT/,
  ],
  [['bench', 'now'], 2, /too many arguments/],
  [['bench', '--goal', 'far'], 2, /--goal .*'far'/],
  [['bench', '--goal', '9'], 2, /--goal .*'9'/],
  [['bench', '--kick', 'pv,shove'], 2, /--kick .*'shove'/],
  [['bench', '--paging', 'none'], 2, /--paging .*'none'/],
  [['fuzz', 'now'], 2, /too many arguments/],
  [['fuzz', '--target', 'toaster'], 2, /--target takes decode, execute, dispatch, bus, paging, guest, not 'toaster'/],
  [['fuzz', '--seconds', '0'], 2, /--seconds .*'0'/],
  [['fuzz', '--runs', '0'], 2, /--runs .*'0'/],
  [['fuzz', '--seed', '4294967296'], 2, /--seed .*'4294967296'/],
  [['fuzz', '--replay', HELLO, '--target', 'bus,guest'], 2, /--replay takes one --target/],
  [['disasm'], 2, /file/],
  [['disasm', 'no/such/file'], 1, /file no\/such\/file/],
  [['disasm', HELLO, '--bits', '8'], 2, /--bits .*'8'/],
  [['disasm', HELLO, '--address', '-1'], 2, /--address .*'-1'/],
  [['disasm', HELLO, '--address', '0x10000000000000000'], 2, /--address .*2\^64/],
  [['disasm', HELLO, '--count', '0'], 2, /--count .*'0'/],
];

describe('what makes no sense', () => {
  it.each(REFUSED)('%j', async (args, status, line) => {
    const ended = await doorbell(args);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toMatch(/^doorbell: [^\n]*\n$/);
    expect(ended.stderr.trimEnd()).toMatch(line);
    expect(ended.status).toBe(status);
  });
});

describe('help', () => {
  it('names every command and gives examples', async () => {
    const { status, stdout, stderr } = await doorbell(['--help']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const word of ['run', 'trace', 'bench', 'fuzz', 'disasm', 'Examples:', '--version'])
      expect(stdout).toContain(word);
  });

  it('of a command names its options', async () => {
    const { status, stdout } = await doorbell(['run', '--help']);
    expect(status).toBe(0);
    const options =
      'append initrd bios disk memory cpus paging device clock timeout doorbells no-reboot detach-key stats';
    for (const option of options.split(' ')) expect(stdout).toContain(`--${option}`);
  });

  it('tells the version of the package', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    expect(await doorbell(['--version'])).toMatchObject({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });
});

test.each(['run', 'trace', 'bench', 'fuzz', 'disasm'])('%s --help prints its options', async (name) => {
  const { status, stdout, stderr } = await doorbell([name, '--help']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`Usage: doorbell ${name}`);
});
