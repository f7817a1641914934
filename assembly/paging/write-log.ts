// Which pages of guest memory are written: the first write to each is an exit before it happens, as page-modification
// logging with room for one entry would make it (SDM vol. 3, 29.3.6). The hypervisor keeps the page's old contents then, and
// clears the page's byte in WRITE_LOG when it wants to hear of it again. Nobody else is asked: a page whose byte is set is
// written inline like any other.

import { LOG_WRITES, WRITE_LOG } from '../state';
import { exitHandler } from '../imports';

/** Page-modification log full (SDM vol. 3, appendix C). The parameters are all there is: the host page, no record. */
export const REASON_LOG_FULL: u32 = 62;

/** A write to this page would be the first that is logged. */
// @ts-ignore: decorator
@inline export function unlogged(host: usize): bool {
  return load<u32>(LOG_WRITES) != 0 && load<u8>(WRITE_LOG + (host >> 12)) == 0;
}

/** To be called before any write to a page of guest memory that a writable TLB tag does not stand for. */
// @ts-ignore: decorator
@inline export function logWrite(host: usize): void {
  if (unlogged(host)) tell(host & ~4095);
}

function tell(page: usize): void {
  store<u8>(WRITE_LOG + (page >> 12), 1);
  exitHandler(REASON_LOG_FULL, <i32>page, 0, 0);
}
