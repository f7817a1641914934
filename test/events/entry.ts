// The module under test: segmentation and events of the core with what they stand on, and the state layout.

export * from '../../assembly/state';
export { init as initPaging, modeChanged, flushAll } from '../../assembly/paging/access';
export { getFlags, setFlags } from '../../assembly/flags';
export { linear } from '../../assembly/segments/linear';
export { loadLdtr, loadSegment, loadTr } from '../../assembly/segments/load';
export { lar, lsl, queryValue, verr, verw } from '../../assembly/segments/query';
export { farCall, farJump } from '../../assembly/segments/far';
export { farReturn } from '../../assembly/segments/return';
export { switched } from '../../assembly/segments/task';
export { deliverEvent, deliverException } from '../../assembly/events/deliver';
export { iret } from '../../assembly/events/iret';
export { swapgs, syscall, sysenter, sysexit, sysret } from '../../assembly/events/syscall';
export {
  debugCheckData,
  debugCheckExecute,
  debugCheckPort,
  debugGeneralDetect,
  debugStep,
  interruptWindowOpen,
  nmiWindowOpen,
} from '../../assembly/events/debug';
export { beginStackShadow, beginStiShadow } from '../../assembly/events/shadow';
export { serviceEvents } from '../../assembly/events/pending';
