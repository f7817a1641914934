import type { Target } from '../target.js';
export async function dispatchTarget(): Promise<Target> {
  throw new Error('later');
}
