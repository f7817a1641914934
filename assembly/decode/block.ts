// Decoded blocks: up to BLOCK_MAX instructions as micro-operations, keyed by the host address of the first byte and the
// decode mode. They stand in the vCPU's arena one after the other; when it is full all are forgotten at once (only ever
// between two blocks, so nothing that runs is pulled away).
//
// A block lies within one page, so that links between blocks of a page hold whatever the page is mapped at; an
// instruction that crosses into the next page is a block of its own and is never linked to.

import {
  arena,
  ARENA_HASH,
  ARENA_JUMPS,
  ARENA_PAGES,
  ARENA_UOPS,
  CODE_MAP,
  COUNT_BLOCKS,
  COUNT_CODE_DROPS,
  cpu,
  FETCH_BUFFER,
  HASH_ENTRIES,
  JUMP_ENTRIES,
  JUMP_KEY,
  MODE,
  PAGE,
  PAGE_HASH_ENTRIES,
  raised,
  UOPS_SIZE,
  ARENA_SIZE,
  ARENAS,
  CODE_DROPS,
  CODE_DROPS_KEPT,
  CODE_DROPS_RING,
  SEEN_DROPS,
  VCPU_COUNT,
} from '../state';
import { AUX, BLOCK_MAX, HANDLER, LENGTH, NUMBER, OFFSET, Uop, UOP } from '../uop';
import { decode } from './decoder';
import {
  DECODE_INVALID,
  DECODE_MORE,
  IMMEDIATE,
  insn,
  KIND_RELATIVE,
  LENGTH as INSN_LENGTH,
  OPERANDS,
  OPERATION,
} from './insn';
import { Operation } from './operation';
import { emitFallthrough } from '../lower/branch';
import { at, begin, emitFault, emitUndefined, out } from '../lower/emit';
import { dropDeadFlags } from '../lower/flag-liveness';
import { lower } from '../lower/lower';
import { fetchPage } from '../paging/access';
import { dropWritableIn, newEpoch } from '../paging/tlb';

// A block's header stands before its first micro-operation.
const HEADER: usize = 32;
const KEY: usize = 0; // u32, host address of the first byte; 0 = dropped
const KEY_MODE: usize = 4;
const NEXT: usize = 8; // next in the hash chain
const PAGE_NEXT: usize = 12; // next in the list of its page
const SECOND: usize = 16; // host address of the second page's bytes, for an instruction that crosses
const SECOND_NEXT: usize = 20; // next in the list of that page
const START: usize = 24; // u32, page offset of the first byte: the first instruction may have no micro-operation
/** Page-list pointers carry this bit when the list goes on by SECOND_NEXT. */
const BY_SECOND: usize = 1;
/** More than the largest block can need: 32 instructions of at most eight micro-operations, and links. */
// @ts-ignore: decorator
@inline const BLOCK_ROOM: usize = (<usize>BLOCK_MAX * 8 + 8) * UOP;

// @ts-ignore: decorator
@inline const FIRST: usize = 64; // arena offset of the first block: 0 stays "no block"

let next: usize = 0;
/** A write dropped blocks since this was last cleared: what runs may be stale. */
export let codeDropped: bool = false;
export function clearCodeDropped(): void {
  codeDropped = false;
}

// @ts-ignore: decorator
@inline export function jumpEntry(linear: u64): usize {
  const hash = <usize>(linear ^ (linear >> 12));
  return arena + ARENA_JUMPS + (hash & (JUMP_ENTRIES - 1)) * 16;
}
// @ts-ignore: decorator
@inline function hashHead(host: usize): usize {
  return arena + ARENA_HASH + ((host ^ (host >> 14)) & (HASH_ENTRIES - 1)) * 4;
}
// @ts-ignore: decorator
@inline function pageHead(host: usize): usize {
  return arena + ARENA_PAGES + ((host >> 12) & (PAGE_HASH_ENTRIES - 1)) * 4;
}

/** Forget every block. */
export function resetBlocks(): void {
  next = arena + ARENA_UOPS + FIRST;
  memory.fill(arena + ARENA_HASH, 0, HASH_ENTRIES * 4);
  memory.fill(arena + ARENA_PAGES, 0, PAGE_HASH_ENTRIES * 4);
  newEpoch();
}

/**
 * First micro-operation of the block at a linear address, from the jump cache, the block hash, or newly decoded; PAGE is
 * set. 0 = raised (the fetch faults).
 */
export function lookup(linear: u64): usize {
  const j = jumpEntry(linear);
  if (load<u64>(j) == linear && load<u32>(j, 12) == load<u32>(cpu, JUMP_KEY)) {
    store<u64>(cpu, linear & ~(<u64>0xfff), PAGE);
    return <usize>load<u32>(j, 8);
  }
  const host = fetchPage(linear);
  if (raised) return 0;
  const mode = load<u32>(cpu, MODE);
  let b = <usize>load<u32>(hashHead(host));
  while (b && (load<u32>(b) != host || load<u32>(b, KEY_MODE) != mode || !secondHolds(b, linear))) {
    if (raised) return 0;
    b = <usize>load<u32>(b, NEXT);
  }
  if (!b) {
    b = newBlock(linear, host, mode);
    if (!b) return 0;
  }
  store<u64>(j, linear);
  store<u32>(j, <u32>(b + HEADER), 8);
  store<u32>(j, load<u32>(cpu, JUMP_KEY), 12);
  store<u64>(cpu, linear & ~(<u64>0xfff), PAGE);
  return b + HEADER;
}
/** A block that may be linked to from its own page: one that does not cross. */
export function linkable(op: usize): bool {
  return load<u32>(op - HEADER, SECOND) == 0;
}
/** Page offset that the block of this first micro-operation begins at. */
export function startOf(op: usize): u32 {
  return load<u32>(op - HEADER, START);
}
function secondHolds(b: usize, linear: u64): bool {
  const second = <usize>load<u32>(b, SECOND);
  if (!second) return true;
  return fetchPage(nextPage(linear)) == second && !raised;
}
function nextPage(linear: u64): u64 {
  const target = (linear & ~(<u64>0xfff)) + 4096;
  return (load<u32>(cpu, MODE) & 3) == 2 ? target : target & 0xffffffff;
}

function newBlock(linear: u64, host: usize, mode: u32): usize {
  if (next == 0 || next + BLOCK_ROOM > arena + ARENA_UOPS + UOPS_SIZE) resetBlocks();
  const b = next;
  const second = build(b + HEADER, linear, host, BLOCK_MAX);
  if (raised) return 0;
  next = (out + HEADER - 1) & ~(HEADER - 1);
  store<u32>(b, <u32>host);
  store<u32>(b, mode, KEY_MODE);
  store<u32>(b, <u32>second, SECOND);
  store<u32>(b, (<u32>linear) & 4095, START);
  const head = hashHead(host);
  store<u32>(b, load<u32>(head), NEXT);
  store<u32>(head, <u32>b);
  const list = pageHead(host);
  store<u32>(b, load<u32>(list), PAGE_NEXT);
  store<u32>(list, <u32>b);
  if (second) {
    const list2 = pageHead(second);
    store<u32>(b, load<u32>(list2), SECOND_NEXT);
    store<u32>(list2, <u32>(b | BY_SECOND));
  }
  store<u64>(cpu, load<u64>(cpu, COUNT_BLOCKS) + 1, COUNT_BLOCKS);
  return b;
}

/** Record that bytes of a page are code; from now on writes to the page are looked at. */
function mark(host: usize, length: usize): void {
  const word = CODE_MAP + ((host >> 12) << 3);
  const before = load<u64>(word);
  const first = <u64>((host & 4095) >> 6);
  const last = <u64>(((host & 4095) + length - 1) >> 6);
  atomic.or<u64>(word, ((<u64>-1) >> (63 - (last - first))) << first);
  if (before) return;
  const count = <usize>load<u32>(VCPU_COUNT);
  for (let i: usize = 0; i < count; i++) dropWritableIn(ARENAS + i * ARENA_SIZE, host & ~4095);
}

/**
 * Decode up to `most` instructions at `linear` (host address `host`) into micro-operations at `to`. Returns the host
 * address in the second page when a single instruction crosses into it, else 0; `raised` when that page cannot be fetched.
 */
export function build(to: usize, linear: u64, host: usize, most: u32): usize {
  const code = load<u32>(cpu, MODE) & 3;
  begin(to, code);
  const start = (<u32>linear) & 4095;
  let offset = start;
  let count: u32 = 0;
  while (true) {
    at(offset, count);
    const left = 4096 - offset;
    const bytes = host + offset - start;
    const length = decode(bytes, left < 15 ? left : 15, code);
    if (length == DECODE_MORE && left < 15) {
      if (!count) return buildCrossing(linear, host, left, code);
      emitFallthrough(offset, count);
      break;
    }
    // what is no instruction may become one by a change of any byte that was looked at
    mark(bytes, length > 0 ? length : left < 15 ? left : 15);
    if (length <= 0) {
      refuse(length);
      break;
    }
    count++;
    if (count < most) {
      // an unconditional jump within the page costs nothing: the block goes on at its target
      const target = jumpInPage(offset + <u32>length, code);
      if (target >= 0) {
        offset = <u32>target;
        continue;
      }
    }
    if (lower()) break;
    offset += <u32>length;
    if (offset >= 4096 || count >= most) {
      emitFallthrough(offset, count);
      break;
    }
  }
  dropDeadFlags(to, out);
  return 0;
}
/** Page offset that a near jump in 64-bit mode leads to, when it is on the page of the instruction; else -1. */
function jumpInPage(next: u32, code: u32): i32 {
  const i = insn();
  if (code != 2 || load<u16>(i, OPERATION) != Operation.JMP || load<u8>(i, OPERANDS) != KIND_RELATIVE) return -1;
  const target = <i64>next + load<i64>(i, IMMEDIATE);
  return target >= 0 && target < 4096 ? <i32>target : -1;
}
/** The bytes are no instruction: #UD, or #GP(0) for more than 15 bytes (SDM vol. 3, 6.15, interrupt 13). */
function refuse(length: i32): void {
  store<u8>(insn(), 1, INSN_LENGTH);
  if (length == DECODE_INVALID) emitUndefined(0);
  else emitFault(13, Uop.FETCH_FAULT);
}
function buildCrossing(linear: u64, host: usize, left: u32, code: u32): usize {
  const second = fetchPage(nextPage(linear));
  if (raised) return 0;
  const buffer = cpu + FETCH_BUFFER;
  memory.copy(buffer, host, left);
  memory.copy(buffer + left, second, 15 - left);
  const length = decode(buffer, 15, code);
  if (length <= 0) refuse(length);
  else if (!lower()) emitFallthrough(((<u32>linear) & 4095) + <u32>length, 1);
  mark(host, left);
  if (length > <i32>left) mark(second, <u32>length - left);
  else if (length <= 0) mark(second, 15 - left);
  return second;
}

/** Blocks of a page: unlink them all from the hash; the micro-operations stay until the arena is started over. */
function dropPage(page: usize): void {
  let link = <usize>load<u32>(pageHead(page));
  let keptHead: usize = 0;
  while (link) {
    const b = link & ~BY_SECOND;
    const bySecond = (link & BY_SECOND) != 0;
    const following = <usize>(bySecond ? load<u32>(b, SECOND_NEXT) : load<u32>(b, PAGE_NEXT));
    const key = <usize>load<u32>(b);
    const mine = bySecond ? <usize>load<u32>(b, SECOND) : key;
    if (key && (mine & ~4095) == page) unlink(b, key);
    else if (key) {
      // another page of the same hash bucket
      store<u32>(b + (bySecond ? SECOND_NEXT : PAGE_NEXT), <u32>keptHead);
      keptHead = link;
    }
    link = following;
  }
  store<u32>(pageHead(page), <u32>keptHead);
}
function unlink(b: usize, key: usize): void {
  let field = hashHead(key);
  let at = <usize>load<u32>(field);
  while (at && at != b) {
    field = at + NEXT;
    at = <usize>load<u32>(field);
  }
  if (at) store<u32>(field, load<u32>(b, NEXT));
  store<u32>(b, 0, KEY);
}

/** Guest memory that holds code was written (by the guest, or from outside): its page's blocks go. */
export function codeWritten(host: usize, size: u32): void {
  const page = host & ~4095;
  const last = (host + size - 1) & ~4095;
  dropCode(page);
  if (last != page) dropCode(last);
  newEpoch();
  codeDropped = true;
  store<u64>(cpu, load<u64>(cpu, COUNT_CODE_DROPS) + 1, COUNT_CODE_DROPS);
}
/** This vCPU's blocks of a page go now, those of the others when they next look (catchUp). */
function dropCode(page: usize): void {
  dropPage(page);
  atomic.store<u64>(CODE_MAP + ((page >> 12) << 3), 0);
  const number = atomic.add<u32>(CODE_DROPS, 1);
  atomic.store<u32>(CODE_DROPS_RING + (number & (CODE_DROPS_KEPT - 1)) * 4, <u32>page);
  if (load<u32>(cpu, SEEN_DROPS) == number) store<u32>(cpu, number + 1, SEEN_DROPS);
}
/** Drop the blocks of pages that other vCPUs have written since this one last looked. */
export function catchUp(): void {
  const drops = atomic.load<u32>(CODE_DROPS);
  let seen = load<u32>(cpu, SEEN_DROPS);
  if (seen == drops) return;
  if (drops - seen > CODE_DROPS_KEPT) resetBlocks();
  else
    for (; seen != drops; seen++)
      dropPage(<usize>atomic.load<u32>(CODE_DROPS_RING + (seen & (CODE_DROPS_KEPT - 1)) * 4));
  newEpoch();
  store<u32>(cpu, drops, SEEN_DROPS);
}

/** Something is to happen behind the running instruction: the run loop looks again there. */
export function lookAgain(): void {
  codeDropped = true;
}
/**
 * The running instruction dropped blocks, its own perhaps among them: have the run loop look again behind it. The
 * dropped block is dead, so its next instruction may be overwritten.
 */
export function leaveDropped(op: usize): void {
  codeDropped = false;
  const number = load<u8>(op, NUMBER);
  let p = op + UOP;
  // a block's fallthrough has the number of its last instruction, but comes after it
  while (load<u8>(p, NUMBER) == number && !(load<u16>(p, HANDLER) == Uop.JMP && load<u8>(p, AUX) == 1)) p += UOP;
  store<u16>(p, <u16>Uop.DEAD, HANDLER);
  store<u16>(p, load<u16>(op, OFFSET) + load<u8>(op, LENGTH), OFFSET);
  store<u8>(p, number + 1, NUMBER);
}
