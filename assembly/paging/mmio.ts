// MMIO while the hypervisor's emulator runs an instruction: answered reads are taken from a list, writes go to another.

import {
  arena,
  CARRY_MMIO,
  cpu,
  raise,
  setRaised,
  RAISED_NEED_READ,
  ARENA_READS,
  ARENA_WRITES,
  MMIO_ENTRIES,
  MMIO_ENTRY,
} from '../state';
import { VECTOR_UD } from '../vectors';

/** Entries in the read list (the last may be unanswered), the next to be consumed, entries in the write list. */
export let readCount: u32 = 0;
export let readNext: u32 = 0;
export let writeCount: u32 = 0;

const ENTRY_DATA: usize = 8;
const ENTRY_LENGTH: usize = 16;

/** Forget both lists: a new instruction is going to be emulated. */
export function resetMmio(): void {
  readCount = 0;
  readNext = 0;
  writeCount = 0;
}

/** The same instruction again with the answers there are so far. */
export function rewindMmio(): void {
  readNext = 0;
  writeCount = 0;
}

/** For lists that the hypervisor put back (an emulation interrupted by another vCPU's in this instance). */
export function setReadCount(count: u32): void {
  readCount = min<u32>(count, <u32>MMIO_ENTRIES);
}

/** The lists themselves are in the arena. */
export function saveMmio(): void {
  store<u32>(cpu, readCount, CARRY_MMIO);
  store<u32>(cpu, readNext, CARRY_MMIO + 4);
  store<u32>(cpu, writeCount, CARRY_MMIO + 8);
}
export function loadMmio(): void {
  setReadCount(load<u32>(cpu, CARRY_MMIO));
  readNext = load<u32>(cpu, CARRY_MMIO + 4);
  writeCount = load<u32>(cpu, CARRY_MMIO + 8);
}

/** One device read of 1-8 bytes inside a page. Raises RAISED_NEED_READ and appends it if it has no answer yet. */
export function mmioRead(gpa: u64, length: u32): u64 {
  const entry = arena + ARENA_READS + <usize>readNext * MMIO_ENTRY;
  if (readNext < readCount) {
    if (load<u64>(entry) == gpa && load<u32>(entry, ENTRY_LENGTH) == length) {
      readNext++;
      return load<u64>(entry, ENTRY_DATA) & ((<u64>-1) >> (64 - 8 * <u64>length));
    }
    // Another vCPU changed the instruction's addresses meanwhile: answers from here on are to other questions.
    readCount = readNext;
  }
  if (readNext >= <u32>MMIO_ENTRIES) return tooMany();
  store<u64>(entry, gpa);
  store<u64>(entry, 0, ENTRY_DATA);
  store<u32>(entry, length, ENTRY_LENGTH);
  readCount = readNext + 1;
  setRaised(RAISED_NEED_READ);
  return 0;
}

/** One device write of 1-8 bytes inside a page, to be carried out when the instruction has completed. */
export function mmioWrite(gpa: u64, length: u32, value: u64): void {
  if (writeCount >= <u32>MMIO_ENTRIES) {
    tooMany();
    return;
  }
  const entry = arena + ARENA_WRITES + <usize>writeCount * MMIO_ENTRY;
  store<u64>(entry, gpa);
  store<u64>(entry, value & ((<u64>-1) >> (64 - 8 * <u64>length)), ENTRY_DATA);
  store<u32>(entry, length, ENTRY_LENGTH);
  writeCount++;
}

/** No instruction makes as many transactions; should one, it is not implemented. */
function tooMany(): u64 {
  raise(VECTOR_UD);
  return 0;
}
