// The public door of fuzz/: targets, and the loop that runs them.

export { record, runTarget, type EngineOptions, type Found, type Result, type Status } from './engine.js';
export { decodeReproducer, encodeReproducer, readReproducer, ReproducerError, type Reproducer } from './reproducer.js';
export { TARGET_NAMES, TargetUnavailable, type Target, type TargetName } from './target.js';
export { makeTarget } from './targets.js';
