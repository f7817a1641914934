// Runs the guests of guests/privileged and guests/legacy on every other machine there is here, and writes what they print to
// test/oracle/data/, one file for each machine and guest. Not part of `npm test`, which compares our output with those files.
//
//   node test/oracle/run.mjs [--engine NAME] [--guest NAME] [--words 'only=control']     with --words: prints, writes nothing
//
// Debian: apt-get install qemu-system-x86 bochs vgabios nasm

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ENGINES, run, softwareKvm, versionOf } from './engines.mjs';

const GUESTS = ['privileged', 'legacy'];

const { values } = parseArgs({
  options: { engine: { type: 'string' }, guest: { type: 'string' }, words: { type: 'string' } },
});
const data = fileURLToPath(new URL('data/', import.meta.url));
mkdirSync(data, { recursive: true });
for (const engine of ENGINES) {
  if (values.engine !== undefined && values.engine !== engine.name) continue;
  if (engine.name === 'kvm' && values.engine === undefined && softwareKvm()) {
    console.log(
      'kvm: it has no hardware under it here (kvm_pvm), so it is no oracle; --engine kvm runs it nevertheless',
    );
    continue;
  }
  const version = versionOf(engine);
  if (version === undefined) {
    console.log(`${engine.name}: not here (${engine.needs})`);
    continue;
  }
  for (const guest of GUESTS) {
    if (values.guest !== undefined && values.guest !== guest) continue;
    const begin = Date.now();
    const image = fileURLToPath(new URL(`../../guests/${guest}/${guest}.bin`, import.meta.url));
    const lines = await run(engine, image, values.words ?? '');
    const seconds = ((Date.now() - begin) / 1000).toFixed(1);
    if (values.words === undefined) {
      writeFileSync(`${data}${guest}.${engine.name}.txt`, `# ${version}\n${lines.join('\n')}\n`);
      console.log(`${engine.name}: ${guest}, ${lines.length} cases, ${seconds} s`);
    } else {
      console.log(`# ${version}\n${lines.join('\n')}`);
    }
  }
}
