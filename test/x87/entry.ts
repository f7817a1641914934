// x87 instructions alone, for the tests: records made by generate/record.c are executed on our state, as fast as it goes.

import {
  attach,
  cpu,
  CR0,
  FCW,
  FSW,
  FTW,
  GPR,
  MEMORY_FREE,
  MODE,
  raised,
  setRaised,
  TLB_ADDEND,
  TLB_NOW,
  TLB_READ,
  TLB_WRITE,
  X87,
  X87_EXPONENT,
  ZERO,
} from '../../assembly/state';
import { tlbEntry } from '../../assembly/paging/entry';
import { init } from '../../assembly/paging/access';
import { initTables } from '../../assembly/decode/tables';
import { decode } from '../../assembly/decode/decoder';
import * as I from '../../assembly/decode/insn';
import { Operation } from '../../assembly/decode/operation';
import { getFlags, setFlags } from '../../assembly/flags';
import {
  BASE,
  DISP,
  INDEX,
  SEG,
  V_OPERATION,
  X_BYTES,
  X_ESCAPE,
  X_OPCODE,
  X_REGISTER,
  X_TO_REGISTER,
} from '../../assembly/uop';
import { x87 } from '../../assembly/x87/x87';

/** The one page of guest memory: linear = host. */
export const PAGE_AT: usize = (MEMORY_FREE + 0xfff) & ~0xfff;
/** The micro-operation, and room for records. */
const OP: usize = PAGE_AT + 4096;
export const RECORDS: usize = PAGE_AT + 8192;
export const RECORD: usize = 452;
const FLAGS_IN: usize = 4;
const FLAGS_OUT: usize = 8;
const IN: usize = 12;
const OUT: usize = 120;
const MEMORY_IN: usize = 228;
const MEMORY_OUT: usize = 340;
const SAVED: usize = 108;

export function start(): void {
  attach(0);
  initTables();
  init();
  store<u32>(cpu, 2, MODE); // 64-bit code
  store<u64>(cpu, 0x80010033, CR0);
  const entry = tlbEntry(<usize>load<u32>(cpu, TLB_NOW), PAGE_AT);
  store<u64>(entry, PAGE_AT, TLB_READ);
  store<u64>(entry, PAGE_AT, TLB_WRITE);
  store<u32>(entry, 0, TLB_ADDEND);
}

function lower(code: usize): void {
  decode(code, 15, 2);
  const i = I.insn();
  memory.fill(OP, 0, 32);
  const first = i + I.OPERANDS;
  const count = load<u8>(i, I.OPERAND_COUNT);
  const inMemory = count && load<u8>(first, I.OPERAND_KIND) == I.KIND_MEMORY;
  store<u16>(OP, load<u16>(i, I.OPERATION), V_OPERATION);
  store<u8>(OP, inMemory ? load<u8>(first, I.OPERAND_BYTES) : 0, X_BYTES);
  store<u8>(OP, load<u8>(code), X_ESCAPE);
  store<u8>(OP, load<u8>(code, 1) & 7, X_REGISTER);
  const to = load<u8>(first, I.OPERAND_KIND) == I.KIND_X87 && !(load<u8>(first, I.OPERAND_FLAGS) & I.OPERAND_IMPLICIT);
  store<u8>(OP, to ? 1 : 0, X_TO_REGISTER);
  store<u8>(OP, 3, SEG);
  store<u16>(OP, <u16>(cpu + GPR + 48), BASE);
  store<u16>(OP, <u16>(cpu + ZERO), INDEX);
  store<u32>(OP, 0, DISP);
  store<u16>(OP, (((<u32>load<u8>(code)) & 7) << 8) | load<u8>(code, 1), X_OPCODE);
}

/** Executes one record; ours goes to `to` in the record's own layout. */
export function run(record: usize, to: usize): bool {
  memory.copy(to, record, RECORD);
  memory.copy(PAGE_AT, record + MEMORY_IN, 112);
  memory.copy(PAGE_AT + 128, record, 2);
  memory.fill(PAGE_AT + 130, 0, 16);
  lower(PAGE_AT + 128);
  store<u64>(cpu, PAGE_AT, GPR + 48);
  const image = record + IN;
  setFlags(load<u32>(record, FLAGS_IN));
  store<u16>(cpu, load<u16>(image), FCW);
  const fsw = <u32>load<u16>(image, 4);
  store<u16>(cpu, fsw, FSW);
  const tags = <u32>load<u16>(image, 8);
  let present: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) if (((tags >> (2 * n)) & 3) != 3) present |= 1 << n;
  store<u16>(cpu, present, FTW);
  for (let i: u32 = 0; i < 8; i++) {
    const register = cpu + X87 + ((((fsw >> 11) + i) & 7) << 4);
    store<u64>(register, load<u64>(image + 28 + 10 * i));
    store<u16>(register, load<u16>(image + 36 + 10 * i), X87_EXPONENT);
  }
  setRaised(0);
  const done = x87(OP);
  store<u32>(to, getFlags(), FLAGS_OUT);
  memory.copy(to + MEMORY_OUT, PAGE_AT, 112);
  // the state afterwards by our own FNSAVE
  memory.fill(OP, 0, 32);
  store<u16>(OP, <u16>Operation.FNSAVE, V_OPERATION);
  store<u8>(OP, SAVED, X_BYTES);
  store<u8>(OP, 3, SEG);
  store<u16>(OP, <u16>(cpu + ZERO), BASE);
  store<u16>(OP, <u16>(cpu + ZERO), INDEX);
  store<u32>(OP, <u32>PAGE_AT + 1024, DISP);
  x87(OP);
  memory.copy(to + OUT, PAGE_AT + 1024, SAVED);
  return done && !raised;
}

function same(a: usize, b: usize, from: usize, to: usize): bool {
  for (let i = from; i < to; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
/** First of `count` records from `first` on that comes out differently, or `count`. Pointers to the last instruction do not count. */
export function check(first: u32, count: u32): u32 {
  const ours = PAGE_AT + 2048;
  for (let n = first; n < count; n++) {
    const record = RECORDS + n * RECORD;
    if (!run(record, ours)) return n;
    if (!same(record, ours, FLAGS_OUT, OUT + 12) || !same(record, ours, OUT + 28, RECORD)) return n;
  }
  return count;
}
export const OURS: usize = PAGE_AT + 2048;
