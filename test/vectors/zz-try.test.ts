import { it } from 'vitest';
import { loadVectors } from './load.js';
import { Replayer, type Way } from './replayer.js';
import { writeFileSync } from 'node:fs';
it('x', () => {
  const out: string[] = [];
  for (const way of (process.env.WAYS ?? 'run,emulate').split(',') as Way[])
    for (const g of process.env.VG!.split(',')) {
      const t = Date.now();
      const r = new Replayer(new URL('../../build/core.wasm', import.meta.url));
      let n = 0,
        bad = 0;
      const by = new Map<string, string[]>();
      for (const v of loadVectors(g)) {
        n++;
        let w: string[];
        try {
          w = r.check(v, way);
        } catch (e) {
          w = ['THROW ' + String(e)];
        }
        if (w.length) {
          bad++;
          const l = by.get(v.form) ?? [];
          l.push(
            `#${v.index} ${Buffer.from(v.bytes).toString('hex')} seg ${v.legacy ? Array.from(v.legacy.segmentsIn, (s) => s >> 3) : ''} rsp ${v.regsIn[4]!.toString(16)}: ${w.join('; ')}`,
          );
          by.set(v.form, l);
        }
      }
      out.push(`== ${way} ${g}: ${bad} of ${n} in ${Date.now() - t} ms, ${by.size} forms`);
      console.log(out.at(-1));
      for (const [f, l] of by) out.push(`  ${f} (${l.length})`, ...l.slice(0, 3).map((x) => '      ' + x));
    }
  writeFileSync('/tmp/lv/out.txt', out.join('\n'));
}, 300000);
