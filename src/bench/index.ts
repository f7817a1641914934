// The benchmark's entrance.

export { BenchError } from './bench-error.js';
export { FULL, QUICK, runBench, type BenchOptions } from './bench.js';
export { report } from './report.js';
export { KICKS, PAGING_MODES, type BenchResult, type Kick } from './result.js';
