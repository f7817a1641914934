import type { Target } from '../target.js';
export async function guestTarget(): Promise<Target> {
  throw new Error('later');
}
