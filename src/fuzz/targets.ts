// Makes a target by its name. Each is loaded when it is asked for.

import type { Target, TargetName } from './target.js';

/** Throws TargetUnavailable if the target cannot be run here. */
export async function makeTarget(name: TargetName): Promise<Target> {
  switch (name) {
    case 'decode':
      return (await import('./decode/target.js')).decodeTarget();
    case 'execute':
      return (await import('./execute/target.js')).executeTarget();
    case 'dispatch':
      return (await import('./dispatch/target.js')).dispatchTarget();
    case 'bus':
      return (await import('./bus/target.js')).busTarget();
    case 'paging':
      return (await import('./paging/target.js')).pagingTarget();
    case 'guest':
      return (await import('./guest/target.js')).guestTarget();
  }
}
