// Random numbers that are the same in every run: splitmix64, seeded by a name.

export interface Random {
  /** An integer of so many bits. */
  bits(count: number): bigint;
  /** 0 … n - 1. */
  below(n: number): number;
}

export function randomStream(name: string): Random {
  let state = 0xcbf29ce484222325n;
  for (const char of name) state = BigInt.asUintN(64, (state ^ BigInt(char.charCodeAt(0))) * 0x100000001b3n);
  const next = (): bigint => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  return { bits: (count) => next() >> BigInt(64 - count), below: (n) => Number((next() >> 32n) % BigInt(n)) };
}
