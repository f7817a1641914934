import type { Target } from '../target.js';
export async function executeTarget(): Promise<Target> {
  throw new Error('later');
}
