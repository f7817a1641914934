// The replayed random stream: derives a case's initial registers, flags and memory from its form's name and number.
// generate/prng.c is the same arithmetic in C; a change here needs the same change there.

/** 32-bit stream: one state word advanced by the golden ratio and mixed (the splitmix construction). */
export class Prng {
  private state: number;

  /** @param seed any 32-bit number */
  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** The seed of case `index` of a form: FNV-1a of the name (ASCII), spread by the index. */
  static seed(form: string, index: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < form.length; i++) hash = Math.imul(hash ^ form.charCodeAt(i), 0x01000193);
    return hash ^ Math.imul(index, 0x85ebca6b);
  }

  /** The next word, unsigned. */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** Writes a 64-bit value that favours the edges of 8, 16, 32 and 64 bits to words `at` (low) and `at + 1` (high). */
  edge64(words: Uint32Array, at: number): void {
    const r = this.next();
    const kind = r & 15;
    if (kind >= 12) {
      words[at] = this.next();
      words[at + 1] = this.next();
      return;
    }
    const bits = 8 << ((r >>> 4) & 3);
    const bit = (r >>> 16) & 63;
    const byte = (r >>> 8) & 0xff;
    // `top` is the sign bit of the chosen width.
    const topLow = bits === 64 ? 0 : (1 << (bits - 1)) >>> 0;
    const topHigh = bits === 64 ? 0x80000000 : 0;
    const oneLow = bit < 32 ? 1 << bit : 0;
    const oneHigh = bit < 32 ? 0 : 1 << (bit - 32);
    let low = 0;
    let high = 0;
    switch (kind) {
      case 1:
        low = 1;
        break;
      case 2:
        low = high = -1;
        break;
      case 3:
        low = byte;
        break;
      case 4:
        low = oneLow;
        high = oneHigh;
        break;
      case 5:
        low = ~oneLow;
        high = ~oneHigh;
        break;
      case 6: // the greatest signed number
        low = bits === 64 ? -1 : topLow - 1;
        high = bits === 64 ? 0x7fffffff : 0;
        break;
      case 7: // the least signed number, not extended
        low = topLow;
        high = topHigh;
        break;
      case 8: // the same, sign-extended
        low = -topLow;
        high = bits === 64 ? topHigh : -1;
        break;
      case 9: // the greatest unsigned number
        low = bits >= 32 ? -1 : 2 * topLow - 1;
        high = bits === 64 ? -1 : 0;
        break;
      case 10:
        low = -byte;
        high = byte === 0 ? 0 : -1;
        break;
      case 11:
        low = high = Math.imul(byte, 0x01010101);
        break;
    }
    if ((r & 0x40) !== 0 && bits < 64) {
      const mask = bits === 32 ? -1 : (1 << bits) - 1;
      low = (low & mask) | (this.next() & ~mask);
      high = this.next();
    }
    words[at] = low;
    words[at + 1] = high;
  }
}
