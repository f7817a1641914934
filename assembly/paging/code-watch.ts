// Writes that mean more than what is stored: to memory that holds decoded code, of which the block cache is told here and
// nowhere else, and to the local APIC's page.

import { CODE_MAP, cpu, REQUEST } from '../state';
import { codeWritten, lookAgain } from '../decode/block';
import { apicPage, takeRegister } from '../apic/page';

/** The code map's word of the page of a host address; not 0 = the page holds decoded code. */
// @ts-ignore: decorator
@inline export function codeOf(host: usize): u64 {
  return atomic.load<u64>(CODE_MAP + ((host >> 12) << 3));
}

/** To be called after every write to guest memory that did not go through a writable TLB tag. At most to the page's end. */
export function watchWrite(host: usize, size: u32): void {
  if ((host & ~4095) == apicPage()) {
    takeRegister(host, size);
    // what has become due by it, at the next instruction
    if (load<u32>(cpu, REQUEST)) lookAgain();
    return;
  }
  const code = codeOf(host);
  if (!code) return;
  const first = <u64>((host & 4095) >> 6);
  const last = <u64>(((host & 4095) + size - 1) >> 6);
  if (code & (((<u64>-1) >> (63 - (last - first))) << first)) codeWritten(host, size);
}
