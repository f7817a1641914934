import type { Target } from '../target.js';
export async function pagingTarget(): Promise<Target> {
  throw new Error('later');
}
