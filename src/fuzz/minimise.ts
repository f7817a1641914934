// Makes an input that shows a bug as small and plain as it gets while it still shows the same bug.

export interface Minimisation {
  /** Whether an input still shows the bug. */
  readonly shows: (input: Uint8Array) => Promise<boolean>;
  /** Simplifications that only the target knows. */
  readonly simpler?: ((input: Uint8Array) => Iterable<Uint8Array>) | undefined;
  /** Attempts at most. */
  readonly attempts: number;
}

/** Rounds of: the target's own simplifications, cutting pieces out, zeroing pieces, making bytes smaller. */
export async function minimise(
  input: Uint8Array,
  { shows, simpler, attempts }: Minimisation,
): Promise<{ input: Uint8Array; attempts: number }> {
  let best = input;
  let left = attempts;
  const attempt = async (candidate: Uint8Array): Promise<boolean> => {
    if (left <= 0 || Buffer.compare(candidate, best) === 0) return false;
    left--;
    if (!(await shows(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before: Uint8Array | undefined; before !== best && left > 0;) {
    before = best;
    for (let again = simpler !== undefined; again && left > 0;) {
      again = false;
      for (const candidate of simpler!(best)) {
        if (await attempt(candidate)) {
          again = true;
          break;
        }
      }
    }
    for (let size = best.length >> 1; size >= 1; size >>= 1) {
      for (let at = 0; at < best.length && left > 0;) {
        const rest = best.subarray(at + size);
        const cut = new Uint8Array(at + rest.length);
        cut.set(best.subarray(0, at));
        cut.set(rest, at);
        if (cut.length === 0 || !(await attempt(cut))) at += size;
      }
    }
    for (let size = 64; size >= 1; size >>= 1) {
      for (let at = 0; at < best.length && left > 0; at += size) {
        if (!best.subarray(at, at + size).some((byte) => byte !== 0)) continue;
        const zeroed = best.slice();
        zeroed.fill(0, at, at + size);
        await attempt(zeroed);
      }
    }
    for (let at = 0; at < best.length && left > 0; at++) {
      for (let value = best[at]! >> 1; value > 0; value >>= 1) {
        const smaller = best.slice();
        smaller[at] = value;
        if (await attempt(smaller)) break;
      }
    }
  }
  return { input: best, attempts: attempts - left };
}

/** Inputs that are lists of records: the input without a run of them, long runs first. */
export function* withoutRecords(input: Uint8Array, size: number): Generator<Uint8Array> {
  const records = Math.ceil(input.length / size);
  for (let run = records >> 1; run >= 1; run >>= 1) {
    for (let at = 0; at < records; at += run) {
      const rest = input.subarray((at + run) * size);
      const cut = new Uint8Array(at * size + rest.length);
      cut.set(input.subarray(0, at * size));
      cut.set(rest, at * size);
      if (cut.length > 0) yield cut;
    }
  }
}
