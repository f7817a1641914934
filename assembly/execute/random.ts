// RDRAND and RDSEED: a stream of random numbers for each vCPU. It is ChaCha20's (RFC 8439, 2.3), a block for each number, so
// that a guest that sees some of its numbers cannot tell the others.

import { cpu, RANDOM_COUNT, RANDOM_KEY } from '../state';
import { ARITHMETIC, CF, getFlags, setFlags } from '../flags';
import { writeSized } from './sized';

// @ts-ignore: decorator
@inline function rotate(v: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(v, bits), i32x4.shr_u(v, 32 - bits));
}

/** The first 64 bits of the next block of the key stream. */
function next(): u64 {
  const constants = i32x4(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574); // "expand 32-byte k"
  let a = constants;
  let b = v128.load(cpu + RANDOM_KEY);
  let c = v128.load(cpu + RANDOM_KEY + 16);
  let d = v128.load(cpu + RANDOM_COUNT);
  store<u64>(cpu, load<u64>(cpu, RANDOM_COUNT) + 1, RANDOM_COUNT);
  // a row of the block each; a round of columns, then, with the rows turned, one of diagonals
  for (let round = 0; round < 20; round++) {
    a = i32x4.add(a, b);
    d = rotate(v128.xor(d, a), 16);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 12);
    a = i32x4.add(a, b);
    d = rotate(v128.xor(d, a), 8);
    c = i32x4.add(c, d);
    b = rotate(v128.xor(b, c), 7);
    c = v128.shuffle<i32>(c, c, 2, 3, 0, 1);
    if (round & 1) {
      b = v128.shuffle<i32>(b, b, 3, 0, 1, 2);
      d = v128.shuffle<i32>(d, d, 1, 2, 3, 0);
    } else {
      b = v128.shuffle<i32>(b, b, 1, 2, 3, 0);
      d = v128.shuffle<i32>(d, d, 3, 0, 1, 2);
    }
  }
  return i64x2.extract_lane(i32x4.add(a, constants), 0);
}

/** A number of 1 << size bytes; there always is one: CF = 1, and the other arithmetic flags are 0 (SDM vol. 2, RDRAND). */
export function random(destination: usize, size: u32): void {
  writeSized(destination, size, next());
  setFlags((getFlags() & ~ARITHMETIC) | CF);
}
