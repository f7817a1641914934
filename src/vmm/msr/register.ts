// A model-specific register by its rule: what it holds after reset and which values it takes.

export interface MsrRule {
  /** After reset. */
  readonly reset: bigint;
  /** Whether a write of this value is taken; without it every write is #GP. */
  readonly takes?: (value: bigint) => boolean;
  /** Writes that are taken change nothing: the register always reads as after reset. */
  readonly fixed?: boolean;
  /** Reading is #GP. */
  readonly writeOnly?: boolean;
  /** Told of each value that was taken. */
  readonly written?: (value: bigint) => void;
}

/** Index of the register and its rule. */
export type MsrRules = readonly (readonly [number, MsrRule])[];

/** Reads as this; writing is #GP. */
export function constant(value: bigint): MsrRule {
  return { reset: value, fixed: true };
}

/** Keeps any value without bits other than these. */
export function kept(reset: bigint, writable: bigint): MsrRule {
  return { reset, takes: (value) => (value & ~writable) === 0n };
}

/** Reads as this, whatever is written. */
export function unchanging(value: bigint): MsrRule {
  return { reset: value, fixed: true, takes: () => true };
}
