// The layer check: what DESIGN allows passes, what it forbids is named with its line, whatever form the import takes.

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check, violations } from '../../tools/check-layers.mjs';

const messages = (file: string, text: string) => violations(file, text).map(({ message }) => message);

describe('layers of src/', () => {
  it.each([
    ['src/bus/bus.ts', '../eventfd/counter.js'],
    ['src/vmm/vm.ts', '../bus/bus.js'],
    ['src/vmm/vm.ts', '../core/load.js'],
    ['src/vmm/vm.ts', '../eventfd/counter.js'],
    ['src/vmm/paging/ept.ts', '../slots.js'],
    ['src/machine/devices/serial.ts', '../../bus/bus.js'],
    ['src/cli/main.ts', '../bench/kicks.js'],
    ['src/cli/main.ts', '../index.js'],
    ['src/index.ts', './machine/pc.js'],
    ['src/bus/bus.ts', 'node:fs'],
    ['src/bus/bus.ts', '../units.js'],
  ])('%s may import %s', (file, specifier) => {
    expect(messages(file, `import { x } from '${specifier}';`)).toEqual([]);
  });

  it.each([
    ['src/eventfd/counter.ts', '../bus/bus.js', /^eventfd\/ imports bus\//],
    ['src/bus/bus.ts', '../core/load.js', /^bus\/ imports core\//],
    ['src/eventfd/counter.ts', '../core/load.js', /^eventfd\/ imports core\//],
    ['src/bus/bus.ts', '../vmm/vm.js', /^bus\/ imports vmm\//],
    ['src/core/load.ts', '../vmm/vm.js', /^core\/ imports vmm\//],
    ['src/core/load.ts', '../eventfd/counter.js', /^core\/ imports eventfd\//],
    ['src/vmm/vm.ts', '../machine/pc.js', /^vmm\/ imports machine\//],
    ['src/machine/pc.ts', '../cli/main.js', /^machine\/ imports cli\//],
    ['src/bench/kicks.ts', '../fuzz/target.js', /^bench\/ imports fuzz\//],
    ['src/vmm/vm.ts', '../index.js', /entrance/],
    ['src/units.ts', './vmm/vm.js', /top of src/],
    ['src/vmm/vm.ts', '../../test/vmm/help.js', /outside/],
    ['src/gadgets/one.ts', 'node:fs', /src\/gadgets\/ is no room/],
  ])('%s may not import %s', (file, specifier, message) => {
    expect(messages(file, `import { x } from '${specifier}';`)).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    ["export * from '../vmm/vm.js';"],
    ["import type { Vm } from '../vmm/vm.js';"],
    ["const vm = await import('../vmm/vm.js');"],
    ["import '../vmm/vm.js';"],
  ])('sees %s', (statement) => {
    expect(violations('src/bus/bus.ts', `// one\n// two\n${statement}\n`)).toEqual([
      { file: 'src/bus/bus.ts', line: 3, message: expect.stringContaining('bus/ imports vmm/') },
    ]);
  });

  it('reads no import out of a comment or a string', () => {
    expect(messages('src/bus/bus.ts', "// import '../vmm/vm.js'\nconst s = \"from '../vmm/vm.js'\";")).toEqual([]);
  });
});

describe('assembly/', () => {
  it('imports its own files only', () => {
    expect(messages('assembly/decode/decoder.ts', "import { cpu } from '../state';")).toEqual([]);
    expect(messages('assembly/index.ts', "import { x } from '../src/core/load';")).toEqual([
      expect.stringContaining('outside'),
    ]);
    expect(messages('assembly/index.ts', "import { x } from 'as-bind';")).toEqual([expect.stringContaining('package')]);
  });

  it.each([
    ['assembly/segments/far.ts', '../execute/stack', /^segments\/ imports execute\//],
    ['assembly/paging/tlb.ts', '../events/debug', /^paging\/ imports events\//],
    ['assembly/execute/run.ts', '../emulate/emulate', /^execute\/ imports emulate\//],
    ['assembly/gadgets/one.ts', '../paging/tlb', /^gadgets\/ imports paging\//],
  ])('%s may not import %s', (file, specifier, message) => {
    expect(messages(file, `import { x } from '${specifier}';`)).toEqual([expect.stringMatching(message)]);
  });
});

describe('a whole tree', () => {
  it('is read with its folders', async () => {
    const root = await mkdtemp(join(tmpdir(), 'layers-'));
    try {
      await mkdir(join(root, 'assembly'));
      await mkdir(join(root, 'src/bus/deep'), { recursive: true });
      await writeFile(join(root, 'src/bus/deep/one.ts'), "import { Vm } from '../../vmm/vm.js';\n");
      await writeFile(join(root, 'src/bus/two.ts'), "import { one } from './deep/one.js';\n");
      const { files, found } = await check(root);
      expect(files).toBe(2);
      expect(found.map(({ file, line }) => `${file}:${line}`)).toEqual(['src/bus/deep/one.ts:1']);
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
