// The benchmark's entrance, for every host. Node's is node-host.ts; browsers enter by web-bench.ts.

export { BenchError } from './bench-error.js';
export { FULL, LIVE, QUICK, runBench, type BenchOptions } from './bench.js';
export type { BenchHost } from './host.js';
export { report } from './report.js';
export { KICKS, PAGING_MODES, type BenchResult, type BenchStage, type Kick, type KickRow } from './result.js';
