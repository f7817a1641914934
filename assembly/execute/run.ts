// The run loop: one dense switch over micro-operations (it compiles to one br_table), the frequent ones inline, the rest
// behind a call. A handler that cannot go on at once (TLB miss, MMIO, a fault) leaves the switch without having changed
// anything, and attend() takes the micro-operation over. `op` is the only state between micro-operations.

import { BUDGET, cpu, GPR, JUMP_KEY, PAGE, raised, RFLAGS, TLB_NOW, YMM_HIGH } from '../state';
import { AUX, BASE, DISP, IMM, MEM, MEM_SIZE, NOT_TAKEN, NUMBER, TAKEN, UOP, Uop } from '../uop';
import { address, base, dst, host, put, readable, src, tlbEntry, writable } from './operand';
import { adc, add, and, cmp, dec, exchange, inc, neg, not, or, sbb, sub, test, xor } from './alu';
import {
  ADDITION,
  condition,
  DF,
  getCF,
  getFlags,
  getOF,
  getPF,
  getSF,
  getZF,
  setCarry,
  setCarryOverflow as setRotate,
  setFlags,
  setLazy,
  setLogic,
  SUBTRACTION,
} from '../flags';
import { doubleShift, sar, shift, shl, shr32, shr64 } from './shift';
import { readSized, signed, writeSized } from './sized';
import { locked } from './locked';
import { divide, imul, multiply, multiply64 } from './multiply';
import { bmi, count } from './bmi';
import { bit, compareExchange, crc32, exchangeAdd, scan, swapBytes } from './bits';
import { attend, slowEnd, storeMiss } from './slow';
import { port } from './port';
import { budgetOut, dead, fetchFault, jumpEntry, link, noDevice, undefined } from './enter';
import { effectiveAddress, loopTaken, rare, rareEnd } from './rare';
import { enterMmx, pendingX87, storing, storingX87 } from './family';
import { crypto } from '../vector/crypto';
import { float } from '../vector/float';
import { lane } from '../vector/lane';
import { laneExtended } from '../vector/lane-extended';
import { packed } from '../vector/packed';
import {
  addDouble,
  addDoubles,
  addSingle,
  addSingles,
  compareDouble,
  compareSingle,
  divideDouble,
  divideDoubles,
  divideSingle,
  divideSingles,
  doubleFrom32,
  doubleFrom64,
  greaterDouble,
  greaterSingle,
  lesserDouble,
  lesserSingle,
  multiplyDouble,
  multiplyDoubles,
  multiplySingle,
  multiplySingles,
  narrow,
  rootDouble,
  rootSingle,
  subtractDouble,
  subtractDoubles,
  subtractSingle,
  subtractSingles,
  truncateTo32,
  truncateTo64,
  widen,
} from '../vector/quick';

// @ts-ignore: decorator
@inline const RSP: usize = GPR + 4 * 8;

/** Charge a finished block's instructions; true = less than a whole block is left of the budget. */
// @ts-ignore: decorator
@inline function charge(c: usize, op: usize): bool {
  const left = load<i32>(c, BUDGET) - 1 - <i32>load<u8>(op, NUMBER);
  store<i32>(c, left, BUDGET);
  return left < 0;
}

/** Run micro-operations from `op` on until something says leave (0). */
export function execute(first: usize): void {
  const c = cpu;
  let op = first;
  let tlb = <usize>load<u32>(c, TLB_NOW);
  while (op) {
    switch (<i32>load<u16>(op)) {
      case Uop.LEAVE: {
        return;
      }
      case Uop.LINK: {
        op = link(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.SLOW_END: {
        op = slowEnd();
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.DEAD: {
        op = dead(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.UNDEFINED: {
        op = undefined(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.NO_DEVICE: {
        op = noDevice(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.FETCH_FAULT: {
        op = fetchFault(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.RARE: {
        op = rare(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.RARE_END: {
        op = rareEnd(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.IN:
      case Uop.OUT: {
        op = port(op);
        tlb = <usize>load<u32>(c, TLB_NOW);
        continue;
      }
      case Uop.FLOAT: {
        if (!float(op)) break;
        op += UOP;
        continue;
      }
      case Uop.PACKED: {
        if (!packed(op)) break;
        op += UOP;
        continue;
      }
      case Uop.MASKED: {
        if (!storing(op)) break;
        op += UOP;
        continue;
      }
      case Uop.CRYPTO: {
        if (!crypto(op)) break;
        op += UOP;
        continue;
      }
      case Uop.X87: {
        if (!storingX87(op)) break;
        op += UOP;
        continue;
      }
      case Uop.MMX_CHECK: {
        if (pendingX87()) break;
        op += UOP;
        continue;
      }
      case Uop.MMX_ENTER: {
        enterMmx(op);
        op += UOP;
        continue;
      }
      case Uop.EA: {
        if (!effectiveAddress(op)) break;
        op += UOP;
        continue;
      }
      case Uop.OFFSET16: {
        store<u64>(dst(op), address(op) & 0xffff);
        op += UOP;
        continue;
      }
      case Uop.JMP: {
        const next = <usize>load<u32>(op, TAKEN);
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JMP_R: {
        const target = load<u64>(src(op));
        const j = jumpEntry(target);
        if (load<u64>(j) != target || load<u32>(j, 12) != load<u32>(c, JUMP_KEY)) break;
        store<u64>(c, target & ~(<u64>0xfff), PAGE);
        if (charge(c, op)) {
          op = budgetOut(<usize>load<u32>(j, 8));
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = <usize>load<u32>(j, 8);
        continue;
      }
      case Uop.CALL: {
        const a = load<u64>(c, RSP) - 8;
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8)) break;
        store<u64>(host(e, a), load<u64>(c, PAGE) + load<u64>(op, IMM));
        store<u64>(c, a, RSP);
        const next = <usize>load<u32>(op, TAKEN);
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CALL_R: {
        const target = load<u64>(src(op));
        const j = jumpEntry(target);
        if (load<u64>(j) != target || load<u32>(j, 12) != load<u32>(c, JUMP_KEY)) break;
        const a = load<u64>(c, RSP) - 8;
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8)) break;
        store<u64>(host(e, a), load<u64>(c, PAGE) + load<u64>(op, IMM));
        store<u64>(c, a, RSP);
        store<u64>(c, target & ~(<u64>0xfff), PAGE);
        if (charge(c, op)) {
          op = budgetOut(<usize>load<u32>(j, 8));
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = <usize>load<u32>(j, 8);
        continue;
      }
      case Uop.RET: {
        const a = load<u64>(c, RSP);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const target = load<u64>(host(e, a));
        const j = jumpEntry(target);
        if (load<u64>(j) != target || load<u32>(j, 12) != load<u32>(c, JUMP_KEY)) break;
        store<u64>(c, a + 8, RSP);
        store<u64>(c, target & ~(<u64>0xfff), PAGE);
        if (charge(c, op)) {
          op = budgetOut(<usize>load<u32>(j, 8));
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = <usize>load<u32>(j, 8);
        continue;
      }
      case Uop.RET_N: {
        const a = load<u64>(c, RSP);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const target = load<u64>(host(e, a));
        const j = jumpEntry(target);
        if (load<u64>(j) != target || load<u32>(j, 12) != load<u32>(c, JUMP_KEY)) break;
        store<u64>(c, a + 8 + load<u64>(op, IMM), RSP);
        store<u64>(c, target & ~(<u64>0xfff), PAGE);
        if (charge(c, op)) {
          op = budgetOut(<usize>load<u32>(j, 8));
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = <usize>load<u32>(j, 8);
        continue;
      }
      case Uop.JO: {
        const next = <usize>(getOF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JB: {
        const next = <usize>(getCF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JZ: {
        const next = <usize>(getZF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JBE: {
        const next = <usize>(getZF() || getCF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JS: {
        const next = <usize>(getSF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JP: {
        const next = <usize>(getPF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JL: {
        const next = <usize>(getSF() != getOF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.JLE: {
        const next = <usize>(getZF() || getSF() != getOF() ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.LOOP: {
        const next = <usize>(loopTaken(op) ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JB: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a < <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JZ: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a == b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JBE: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a <= <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JS: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JL: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a < b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP8_JLE: {
        const a = <i64>load<i8>(dst(op));
        const b = <i64>load<i8>(src(op));
        const r = <i64>(<i8>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a <= b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JB: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a < <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JZ: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a == b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JBE: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a <= <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JS: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JL: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a < b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP16_JLE: {
        const a = <i64>load<i16>(dst(op));
        const b = <i64>load<i16>(src(op));
        const r = <i64>(<i16>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a <= b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JB: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a < <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JZ: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a == b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JBE: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a <= <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JS: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JL: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a < b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP32_JLE: {
        const a = <i64>load<i32>(dst(op));
        const b = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a <= b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JB: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a < <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JZ: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a == b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JBE: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(<u64>a <= <u64>b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JS: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JL: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a < b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.CMP64_JLE: {
        const a = <i64>load<i64>(dst(op));
        const b = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(a - b));
        setLazy(c, SUBTRACTION, a, b, r);
        const next = <usize>(a <= b ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST8_JZ: {
        const r = (<i64>load<i8>(dst(op))) & (<i64>load<i8>(src(op)));
        setLogic(c, r);
        const next = <usize>(r == 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST8_JS: {
        const r = (<i64>load<i8>(dst(op))) & (<i64>load<i8>(src(op)));
        setLogic(c, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST8_JLE: {
        const r = (<i64>load<i8>(dst(op))) & (<i64>load<i8>(src(op)));
        setLogic(c, r);
        const next = <usize>(r <= 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST16_JZ: {
        const r = (<i64>load<i16>(dst(op))) & (<i64>load<i16>(src(op)));
        setLogic(c, r);
        const next = <usize>(r == 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST16_JS: {
        const r = (<i64>load<i16>(dst(op))) & (<i64>load<i16>(src(op)));
        setLogic(c, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST16_JLE: {
        const r = (<i64>load<i16>(dst(op))) & (<i64>load<i16>(src(op)));
        setLogic(c, r);
        const next = <usize>(r <= 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST32_JZ: {
        const r = (<i64>load<i32>(dst(op))) & (<i64>load<i32>(src(op)));
        setLogic(c, r);
        const next = <usize>(r == 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST32_JS: {
        const r = (<i64>load<i32>(dst(op))) & (<i64>load<i32>(src(op)));
        setLogic(c, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST32_JLE: {
        const r = (<i64>load<i32>(dst(op))) & (<i64>load<i32>(src(op)));
        setLogic(c, r);
        const next = <usize>(r <= 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST64_JZ: {
        const r = (<i64>load<i64>(dst(op))) & (<i64>load<i64>(src(op)));
        setLogic(c, r);
        const next = <usize>(r == 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST64_JS: {
        const r = (<i64>load<i64>(dst(op))) & (<i64>load<i64>(src(op)));
        setLogic(c, r);
        const next = <usize>(r < 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.TEST64_JLE: {
        const r = (<i64>load<i64>(dst(op))) & (<i64>load<i64>(src(op)));
        setLogic(c, r);
        const next = <usize>(r <= 0 ? load<u32>(op, TAKEN) : load<u32>(op, NOT_TAKEN));
        if (charge(c, op)) {
          op = budgetOut(next);
          tlb = <usize>load<u32>(c, TLB_NOW);
        } else op = next;
        continue;
      }
      case Uop.MOV8: {
        store<u8>(dst(op), load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOV16: {
        store<u16>(dst(op), load<u16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOV32: {
        store<u64>(dst(op), load<u32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOV64: {
        store<u64>(dst(op), load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVZX8_16: {
        store<u16>(dst(op), <u16>load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVZX8_32: {
        store<u64>(dst(op), <u64>load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVZX16_32: {
        store<u64>(dst(op), <u64>load<u16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX8_16: {
        store<i16>(dst(op), <i16>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX8_32: {
        put<i32>(dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX8_64: {
        store<i64>(dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX16_32: {
        put<i32>(dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX16_64: {
        store<i64>(dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVSX32_64: {
        store<i64>(dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.LEA32: {
        store<u64>(dst(op), address(op) & 0xffffffff);
        op += UOP;
        continue;
      }
      case Uop.LEA64: {
        store<u64>(dst(op), address(op));
        op += UOP;
        continue;
      }
      case Uop.LOAD8: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 1)) break;
        store<u8>(dst(op), <u8>load<u8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD16: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 2)) break;
        store<u16>(dst(op), <u16>load<u16>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        store<u64>(dst(op), <u64>load<u32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        store<u64>(dst(op), <u64>load<u64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADZX8_32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 1)) break;
        store<u64>(dst(op), <u64>load<u8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADZX16_32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 2)) break;
        store<u64>(dst(op), <u64>load<u16>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADSX8_32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 1)) break;
        put<i32>(dst(op), <i64>load<i8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADSX8_64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 1)) break;
        store<i64>(dst(op), <i64>load<i8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADSX16_32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 2)) break;
        put<i32>(dst(op), <i64>load<i16>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADSX16_64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 2)) break;
        store<i64>(dst(op), <i64>load<i16>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADSX32_64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        store<i64>(dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD_RMW8: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 1) || !readable(e, a, 1)) break;
        store<u64>(dst(op), load<u8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD_RMW16: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 2) || !readable(e, a, 2)) break;
        store<u64>(dst(op), load<u16>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD_RMW32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 4) || !readable(e, a, 4)) break;
        store<u64>(dst(op), load<u32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD_RMW64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8) || !readable(e, a, 8)) break;
        store<u64>(dst(op), load<u64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOAD_LOCKED8:
      case Uop.LOAD_LOCKED16:
      case Uop.LOAD_LOCKED32:
      case Uop.LOAD_LOCKED64:
      case Uop.STORE_LOCKED8:
      case Uop.STORE_LOCKED16:
      case Uop.STORE_LOCKED32:
      case Uop.STORE_LOCKED64: {
        const next = locked(op, tlb);
        if (!next) break;
        op = next;
        continue;
      }
      case Uop.STORE8: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 1)) {
          op = storeMiss(op, a, e, 1);
          tlb = <usize>load<u32>(c, TLB_NOW);
          continue;
        }
        store<u8>(host(e, a), load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.STORE16: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 2)) {
          op = storeMiss(op, a, e, 2);
          tlb = <usize>load<u32>(c, TLB_NOW);
          continue;
        }
        store<u16>(host(e, a), load<u16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.STORE32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 4)) {
          op = storeMiss(op, a, e, 4);
          tlb = <usize>load<u32>(c, TLB_NOW);
          continue;
        }
        store<u32>(host(e, a), load<u32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.STORE64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8)) {
          op = storeMiss(op, a, e, 8);
          tlb = <usize>load<u32>(c, TLB_NOW);
          continue;
        }
        store<u64>(host(e, a), load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.PUSH64: {
        const v = load<u64>(src(op));
        const a = load<u64>(c, RSP) - 8;
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8)) break;
        store<u64>(host(e, a), v);
        store<u64>(c, a, RSP);
        op += UOP;
        continue;
      }
      case Uop.POP64: {
        const a = load<u64>(c, RSP);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const v = load<u64>(host(e, a));
        store<u64>(c, a + 8, RSP);
        store<u64>(dst(op), v);
        op += UOP;
        continue;
      }
      case Uop.ADD8: {
        add<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADD16: {
        add<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADD32: {
        add<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADD64: {
        add<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.OR8: {
        or<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.OR16: {
        or<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.OR32: {
        or<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.OR64: {
        or<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADC8: {
        adc<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADC16: {
        adc<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADC32: {
        adc<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADC64: {
        adc<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SBB8: {
        sbb<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SBB16: {
        sbb<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SBB32: {
        sbb<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SBB64: {
        sbb<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.AND8: {
        and<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.AND16: {
        and<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.AND32: {
        and<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.AND64: {
        and<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SUB8: {
        sub<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SUB16: {
        sub<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SUB32: {
        sub<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SUB64: {
        sub<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.XOR8: {
        xor<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.XOR16: {
        xor<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.XOR32: {
        xor<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.XOR64: {
        xor<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CMP8: {
        cmp<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CMP16: {
        cmp<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CMP32: {
        cmp<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CMP64: {
        cmp<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.TEST8: {
        test<i8>(c, dst(op), <i64>load<i8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.TEST16: {
        test<i16>(c, dst(op), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.TEST32: {
        test<i32>(c, dst(op), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.TEST64: {
        test<i64>(c, dst(op), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.ADD32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        add<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.ADD64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        add<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.SUB32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        sub<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.SUB64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        sub<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.AND32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        and<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.AND64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        and<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.OR32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        or<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.OR64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        or<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.XOR32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        xor<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.XOR64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        xor<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.CMP32_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        cmp<i32>(c, dst(op), <i64>load<i32>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.CMP64_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        cmp<i64>(c, dst(op), <i64>load<i64>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.CMP8_M: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 1)) break;
        cmp<i8>(c, dst(op), <i64>load<i8>(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.ADD32_RMW: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 4) || !readable(e, a, 4)) break;
        const h = host(e, a);
        const x = <i64>load<i32>(h);
        const y = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(x + y));
        setLazy(c, ADDITION, x, y, r);
        store<i32>(h, <i32>r);
        op += UOP;
        continue;
      }
      case Uop.ADD64_RMW: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8) || !readable(e, a, 8)) break;
        const h = host(e, a);
        const x = <i64>load<i64>(h);
        const y = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(x + y));
        setLazy(c, ADDITION, x, y, r);
        store<i64>(h, <i64>r);
        op += UOP;
        continue;
      }
      case Uop.SUB32_RMW: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 4) || !readable(e, a, 4)) break;
        const h = host(e, a);
        const x = <i64>load<i32>(h);
        const y = <i64>load<i32>(src(op));
        const r = <i64>(<i32>(x - y));
        setLazy(c, SUBTRACTION, x, y, r);
        store<i32>(h, <i32>r);
        op += UOP;
        continue;
      }
      case Uop.SUB64_RMW: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 8) || !readable(e, a, 8)) break;
        const h = host(e, a);
        const x = <i64>load<i64>(h);
        const y = <i64>load<i64>(src(op));
        const r = <i64>(<i64>(x - y));
        setLazy(c, SUBTRACTION, x, y, r);
        store<i64>(h, <i64>r);
        op += UOP;
        continue;
      }
      case Uop.INC8: {
        inc<i8>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.INC16: {
        inc<i16>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.INC32: {
        inc<i32>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.INC64: {
        inc<i64>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.DEC8: {
        dec<i8>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.DEC16: {
        dec<i16>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.DEC32: {
        dec<i32>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.DEC64: {
        dec<i64>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.NEG8: {
        neg<i8>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.NEG16: {
        neg<i16>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.NEG32: {
        neg<i32>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.NEG64: {
        neg<i64>(c, dst(op));
        op += UOP;
        continue;
      }
      case Uop.NOT8: {
        not<i8>(dst(op));
        op += UOP;
        continue;
      }
      case Uop.NOT16: {
        not<i16>(dst(op));
        op += UOP;
        continue;
      }
      case Uop.NOT32: {
        not<i32>(dst(op));
        op += UOP;
        continue;
      }
      case Uop.NOT64: {
        not<i64>(dst(op));
        op += UOP;
        continue;
      }
      case Uop.XCHG8: {
        exchange<i8>(dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.XCHG16: {
        exchange<i16>(dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.XCHG32: {
        exchange<i32>(dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.XCHG64: {
        exchange<i64>(dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.SHL32_I: {
        shl<i32>(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SHL64_I: {
        shl<i64>(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SHR32_I: {
        shr32(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SHR64_I: {
        shr64(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SAR32_I: {
        sar<i32>(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SAR64_I: {
        sar<i64>(c, dst(op), load<u32>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.ROL32_I: {
        const d = dst(op);
        const r = rotl<u32>(load<u32>(d), load<u32>(op, IMM));
        setRotate(r & 1, (r ^ (r >> 31)) & 1);
        store<u64>(d, r);
        op += UOP;
        continue;
      }
      case Uop.ROL64_I: {
        const d = dst(op);
        const r = rotl<u64>(load<u64>(d), load<u64>(op, IMM));
        setRotate(<u32>(r & 1), <u32>((r ^ (r >> 63)) & 1));
        store<u64>(d, r);
        op += UOP;
        continue;
      }
      case Uop.ROR32_I: {
        const d = dst(op);
        const r = rotr<u32>(load<u32>(d), load<u32>(op, IMM));
        setRotate(r >> 31, ((r >> 31) ^ (r >> 30)) & 1);
        store<u64>(d, r);
        op += UOP;
        continue;
      }
      case Uop.ROR64_I: {
        const d = dst(op);
        const r = rotr<u64>(load<u64>(d), load<u64>(op, IMM));
        setRotate(<u32>(r >> 63), <u32>(((r >> 63) ^ (r >> 62)) & 1));
        store<u64>(d, r);
        op += UOP;
        continue;
      }
      case Uop.SHL32_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 31;
        if (n) shl<i32>(c, d, n);
        else store<u64>(d, load<u32>(d));
        op += UOP;
        continue;
      }
      case Uop.SHR32_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 31;
        if (n) shr32(c, d, n);
        else store<u64>(d, load<u32>(d));
        op += UOP;
        continue;
      }
      case Uop.SAR32_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 31;
        if (n) sar<i32>(c, d, n);
        else store<u64>(d, load<u32>(d));
        op += UOP;
        continue;
      }
      case Uop.SHL64_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 63;
        if (n) shl<i64>(c, d, n);
        op += UOP;
        continue;
      }
      case Uop.SHR64_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 63;
        if (n) shr64(c, d, n);
        op += UOP;
        continue;
      }
      case Uop.SAR64_CL: {
        const d = dst(op);
        const n = (<u32>load<u8>(src(op))) & 63;
        if (n) sar<i64>(c, d, n);
        op += UOP;
        continue;
      }
      case Uop.SHIFT: {
        const x = load<u8>(op, AUX);
        shift(x & 15, x >> 4, dst(op), load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.DOUBLE_SHIFT: {
        const x = load<u8>(op, AUX);
        doubleShift((x & 15) != 0, x >> 4, dst(op), src(op), load<u8>(<usize>load<u16>(op, BASE)));
        op += UOP;
        continue;
      }
      case Uop.IMUL16: {
        const d = dst(op);
        imul<i16>(c, d, <i64>load<i16>(d), <i64>load<i16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.IMUL32: {
        const d = dst(op);
        imul<i32>(c, d, <i64>load<i32>(d), <i64>load<i32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.IMUL64: {
        const d = dst(op);
        imul<i64>(c, d, <i64>load<i64>(d), <i64>load<i64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.IMUL16_I: {
        imul<i16>(c, dst(op), <i64>load<i16>(src(op)), load<i64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.IMUL32_I: {
        imul<i32>(c, dst(op), <i64>load<i32>(src(op)), load<i64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.IMUL64_I: {
        imul<i64>(c, dst(op), <i64>load<i64>(src(op)), load<i64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.MULTIPLY: {
        const x = load<u8>(op, AUX);
        // long arithmetic is made of this one
        if (x == 3 << 4) multiply64(c, load<u64>(src(op)));
        else multiply((x & 15) != 0, x >> 4, src(op));
        op += UOP;
        continue;
      }
      case Uop.DIVIDE: {
        const x = load<u8>(op, AUX);
        divide((x & 15) != 0, x >> 4, src(op));
        if (raised) break;
        op += UOP;
        continue;
      }
      case Uop.CBW: {
        store<i16>(c, load<i8>(c, GPR), GPR);
        op += UOP;
        continue;
      }
      case Uop.CWDE: {
        store<u64>(c, <u64>(<u32>(<i32>load<i16>(c, GPR))), GPR);
        op += UOP;
        continue;
      }
      case Uop.CDQE: {
        store<i64>(c, load<i32>(c, GPR), GPR);
        op += UOP;
        continue;
      }
      case Uop.CWD: {
        store<i16>(c, load<i16>(c, GPR) >> 15, GPR + 16);
        op += UOP;
        continue;
      }
      case Uop.CDQ: {
        store<u64>(c, <u64>(<u32>(load<i32>(c, GPR) >> 31)), GPR + 16);
        op += UOP;
        continue;
      }
      case Uop.CQO: {
        store<i64>(c, load<i64>(c, GPR) >> 63, GPR + 16);
        op += UOP;
        continue;
      }
      case Uop.SETCC: {
        store<u8>(dst(op), condition(load<u8>(op, AUX)) ? 1 : 0);
        op += UOP;
        continue;
      }
      case Uop.CMOV16: {
        if (condition(load<u8>(op, AUX))) store<u16>(dst(op), load<u16>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CMOV32: {
        store<u64>(dst(op), condition(load<u8>(op, AUX)) ? load<u32>(src(op)) : load<u32>(dst(op)));
        op += UOP;
        continue;
      }
      case Uop.CMOV64: {
        if (condition(load<u8>(op, AUX))) store<u64>(dst(op), load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.BSWAP32: {
        const d = dst(op);
        store<u64>(d, swapBytes(load<u32>(d), 2));
        op += UOP;
        continue;
      }
      case Uop.BSWAP64: {
        const d = dst(op);
        store<u64>(d, swapBytes(load<u64>(d), 3));
        op += UOP;
        continue;
      }
      case Uop.BIT: {
        const x = load<u8>(op, AUX);
        bit(x & 15, x >> 4, dst(op), load<u8>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.BIT_ADDRESS: {
        const size = <u32>load<u8>(op, AUX);
        const n = signed(readSized(src(op), size), size);
        store<u64>(dst(op), address(op) + <u64>((n >> (size + 3)) << size));
        op += UOP;
        continue;
      }
      case Uop.SCAN: {
        const x = load<u8>(op, AUX);
        scan(x & 15, x >> 4, dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.CRC32: {
        const size = <u32>load<u8>(op, AUX);
        const d = dst(op);
        store<u64>(d, crc32(load<u32>(d), readSized(src(op), size), size));
        op += UOP;
        continue;
      }
      case Uop.CMPXCHG: {
        compareExchange(load<u8>(op, AUX) >> 4, dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.XADD: {
        exchangeAdd(load<u8>(op, AUX) >> 4, dst(op), src(op));
        op += UOP;
        continue;
      }
      case Uop.BYTE_SWAP: {
        const size = <u32>load<u8>(op, AUX);
        writeSized(dst(op), size, swapBytes(readSized(src(op), size), size));
        op += UOP;
        continue;
      }
      case Uop.RORX32: {
        store<u64>(dst(op), <u64>rotr<u32>(load<u32>(src(op)), load<u32>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.RORX64: {
        store<u64>(dst(op), rotr<u64>(load<u64>(src(op)), load<u64>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.SHLX32: {
        const r: u32 = load<u32>(src(op)) << load<u32>(base(op));
        store<u64>(dst(op), r);
        op += UOP;
        continue;
      }
      case Uop.SHLX64: {
        store<u64>(dst(op), load<u64>(src(op)) << load<u64>(base(op)));
        op += UOP;
        continue;
      }
      case Uop.SHRX32: {
        const r: u32 = load<u32>(src(op)) >> load<u32>(base(op));
        store<u64>(dst(op), r);
        op += UOP;
        continue;
      }
      case Uop.SHRX64: {
        store<u64>(dst(op), load<u64>(src(op)) >> load<u64>(base(op)));
        op += UOP;
        continue;
      }
      case Uop.SARX32: {
        const r: i32 = load<i32>(src(op)) >> load<i32>(base(op));
        put<i32>(dst(op), r);
        op += UOP;
        continue;
      }
      case Uop.SARX64: {
        store<i64>(dst(op), load<i64>(src(op)) >> load<i64>(base(op)));
        op += UOP;
        continue;
      }
      case Uop.ANDN32: {
        const r = ~load<i32>(base(op)) & load<i32>(src(op));
        setLogic(c, <i64>r);
        put<i32>(dst(op), <i64>r);
        op += UOP;
        continue;
      }
      case Uop.ANDN64: {
        const r = ~load<i64>(base(op)) & load<i64>(src(op));
        setLogic(c, r);
        store<i64>(dst(op), r);
        op += UOP;
        continue;
      }
      case Uop.LZCNT32: {
        count<u32>(c, dst(op), src(op), true);
        op += UOP;
        continue;
      }
      case Uop.LZCNT64: {
        count<u64>(c, dst(op), src(op), true);
        op += UOP;
        continue;
      }
      case Uop.TZCNT32: {
        count<u32>(c, dst(op), src(op), false);
        op += UOP;
        continue;
      }
      case Uop.TZCNT64: {
        count<u64>(c, dst(op), src(op), false);
        op += UOP;
        continue;
      }
      case Uop.BMI: {
        const x = load<u8>(op, AUX);
        bmi(x & 15, x >> 4, dst(op), src(op), base(op));
        op += UOP;
        continue;
      }
      case Uop.CLC: {
        setCarry(0);
        op += UOP;
        continue;
      }
      case Uop.STC: {
        setCarry(1);
        op += UOP;
        continue;
      }
      case Uop.CMC: {
        setCarry(getCF() ? 0 : 1);
        op += UOP;
        continue;
      }
      case Uop.CLD: {
        store<u64>(c, load<u64>(c, RFLAGS) & ~(<u64>DF), RFLAGS);
        op += UOP;
        continue;
      }
      case Uop.STD: {
        store<u64>(c, load<u64>(c, RFLAGS) | DF, RFLAGS);
        op += UOP;
        continue;
      }
      case Uop.LAHF: {
        store<u8>(c, <u8>getFlags(), GPR + 1);
        op += UOP;
        continue;
      }
      case Uop.SAHF: {
        setFlags((getFlags() & ~(<u32>0xd5)) | (load<u8>(c, GPR + 1) & 0xd5));
        op += UOP;
        continue;
      }
      case Uop.ADD32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) + load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.ADD64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) + load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.OR32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) | load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.OR64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) | load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.AND32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) & load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.AND64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) & load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SUB32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) - load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.SUB64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) - load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.XOR32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) ^ load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.XOR64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) ^ load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.SHL32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) << load<u32>(op, IMM))));
        op += UOP;
        continue;
      }
      case Uop.SHL64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) << load<u64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SHR32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) >> load<u32>(op, IMM))));
        op += UOP;
        continue;
      }
      case Uop.SHR64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) >> load<u64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.SAR32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<i32>(d) >> load<i32>(op, IMM))));
        op += UOP;
        continue;
      }
      case Uop.SAR64_N: {
        const d = dst(op);
        store<i64>(d, load<i64>(d) >> load<i64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.ROL32_N: {
        const d = dst(op);
        store<u64>(d, <u64>rotl<u32>(load<u32>(d), load<u32>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.ROL64_N: {
        const d = dst(op);
        store<u64>(d, rotl<u64>(load<u64>(d), load<u64>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.ROR32_N: {
        const d = dst(op);
        store<u64>(d, <u64>rotr<u32>(load<u32>(d), load<u32>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.ROR64_N: {
        const d = dst(op);
        store<u64>(d, rotr<u64>(load<u64>(d), load<u64>(op, IMM)));
        op += UOP;
        continue;
      }
      case Uop.IMUL32_N: {
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) * load<u32>(src(op)))));
        op += UOP;
        continue;
      }
      case Uop.IMUL64_N: {
        const d = dst(op);
        store<u64>(d, load<u64>(d) * load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.IMUL32_I_N: {
        store<u64>(dst(op), <u64>(<u32>(load<u32>(src(op)) * load<u32>(op, IMM))));
        op += UOP;
        continue;
      }
      case Uop.IMUL64_I_N: {
        store<u64>(dst(op), load<u64>(src(op)) * load<u64>(op, IMM));
        op += UOP;
        continue;
      }
      case Uop.ADD32_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) + load<u32>(host(e, a)))));
        op += UOP;
        continue;
      }
      case Uop.ADD64_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const d = dst(op);
        store<u64>(d, <u64>(load<u64>(d) + load<u64>(host(e, a))));
        op += UOP;
        continue;
      }
      case Uop.SUB32_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) - load<u32>(host(e, a)))));
        op += UOP;
        continue;
      }
      case Uop.SUB64_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const d = dst(op);
        store<u64>(d, <u64>(load<u64>(d) - load<u64>(host(e, a))));
        op += UOP;
        continue;
      }
      case Uop.AND32_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) & load<u32>(host(e, a)))));
        op += UOP;
        continue;
      }
      case Uop.AND64_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const d = dst(op);
        store<u64>(d, <u64>(load<u64>(d) & load<u64>(host(e, a))));
        op += UOP;
        continue;
      }
      case Uop.OR32_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) | load<u32>(host(e, a)))));
        op += UOP;
        continue;
      }
      case Uop.OR64_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const d = dst(op);
        store<u64>(d, <u64>(load<u64>(d) | load<u64>(host(e, a))));
        op += UOP;
        continue;
      }
      case Uop.XOR32_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        const d = dst(op);
        store<u64>(d, <u64>(<u32>(load<u32>(d) ^ load<u32>(host(e, a)))));
        op += UOP;
        continue;
      }
      case Uop.XOR64_M_N: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        const d = dst(op);
        store<u64>(d, <u64>(load<u64>(d) ^ load<u64>(host(e, a))));
        op += UOP;
        continue;
      }
      case Uop.LOADX32: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 4)) break;
        v128.store(dst(op), v128.load32_zero(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADX64: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 8)) break;
        v128.store(dst(op), v128.load64_zero(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADX128: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 16)) break;
        v128.store(dst(op), v128.load(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADX128_A: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (a & 15 || !readable(e, a, 16)) break;
        v128.store(dst(op), v128.load(host(e, a)));
        op += UOP;
        continue;
      }
      case Uop.LOADX256: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!readable(e, a, 32)) break;
        const h = host(e, a);
        v128.store(dst(op), v128.load(h));
        v128.store(dst(op), v128.load(h, 16), 16);
        op += UOP;
        continue;
      }
      case Uop.LOADX256_A: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (a & 31 || !readable(e, a, 32)) break;
        const h = host(e, a);
        v128.store(dst(op), v128.load(h));
        v128.store(dst(op), v128.load(h, 16), 16);
        op += UOP;
        continue;
      }
      case Uop.STOREX128: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 16)) break;
        v128.store(host(e, a), v128.load(src(op)));
        op += UOP;
        continue;
      }
      case Uop.STOREX128_A: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (a & 15 || !writable(e, a, 16)) break;
        v128.store(host(e, a), v128.load(src(op)));
        op += UOP;
        continue;
      }
      case Uop.STOREX256: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, 32)) break;
        const h = host(e, a);
        v128.store(h, v128.load(src(op)));
        v128.store(h, v128.load(src(op), 16), 16);
        op += UOP;
        continue;
      }
      case Uop.STOREX256_A: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (a & 31 || !writable(e, a, 32)) break;
        const h = host(e, a);
        v128.store(h, v128.load(src(op)));
        v128.store(h, v128.load(src(op), 16), 16);
        op += UOP;
        continue;
      }
      case Uop.PROBE: {
        const a = address(op);
        const e = tlbEntry(tlb, a);
        if (!writable(e, a, (<u64>1) << ((<u64>load<u8>(op, MEM)) & MEM_SIZE))) break;
        op += UOP;
        continue;
      }
      case Uop.CLEARX32: {
        v128.store(dst(op), v128.load32_zero(src(op)));
        op += UOP;
        continue;
      }
      case Uop.CLEARX64: {
        v128.store(dst(op), v128.load64_zero(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVX32: {
        store<u32>(dst(op), load<u32>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVX64: {
        store<u64>(dst(op), load<u64>(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVX128: {
        v128.store(dst(op), v128.load(src(op)));
        op += UOP;
        continue;
      }
      case Uop.MOVX256: {
        v128.store(dst(op), v128.load(src(op)));
        v128.store(dst(op), v128.load(src(op), 16), 16);
        op += UOP;
        continue;
      }
      case Uop.ZERO_HIGH: {
        v128.store(dst(op), i64x2.splat(0), YMM_HIGH);
        op += UOP;
        continue;
      }
      case Uop.ADDSD: {
        if (!addDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SUBSD: {
        if (!subtractDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MULSD: {
        if (!multiplyDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.DIVSD: {
        if (!divideDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SQRTSD: {
        if (!rootDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MINSD: {
        if (!lesserDouble(op)) break;
        op += UOP;
        continue;
      }
      case Uop.MAXSD: {
        if (!greaterDouble(op)) break;
        op += UOP;
        continue;
      }
      case Uop.ADDSS: {
        if (!addSingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SUBSS: {
        if (!subtractSingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MULSS: {
        if (!multiplySingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.DIVSS: {
        if (!divideSingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SQRTSS: {
        if (!rootSingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MINSS: {
        if (!lesserSingle(op)) break;
        op += UOP;
        continue;
      }
      case Uop.MAXSS: {
        if (!greaterSingle(op)) break;
        op += UOP;
        continue;
      }
      case Uop.ADDPD: {
        if (!addDoubles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SUBPD: {
        if (!subtractDoubles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MULPD: {
        if (!multiplyDoubles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.DIVPD: {
        if (!divideDoubles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.ADDPS: {
        if (!addSingles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.SUBPS: {
        if (!subtractSingles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.MULPS: {
        if (!multiplySingles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.DIVPS: {
        if (!divideSingles(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.COMISD: {
        if (!compareDouble(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.COMISS: {
        if (!compareSingle(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.CVTTSD2SI32: {
        if (!truncateTo32(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.CVTTSD2SI64: {
        if (!truncateTo64(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.CVTSI2SD32: {
        doubleFrom32(op);
        op += UOP;
        continue;
      }
      case Uop.CVTSI2SD64: {
        if (!doubleFrom64(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.CVTSS2SD: {
        if (!widen(op)) break;
        op += UOP;
        continue;
      }
      case Uop.CVTSD2SS: {
        if (!narrow(c, op)) break;
        op += UOP;
        continue;
      }
      case Uop.LANE: {
        if (!lane(op, dst(op), base(op), src(op), load<u8>(op, DISP))) break;
        op += UOP;
        continue;
      }
      case Uop.LANE_EXTENDED: {
        if (!laneExtended(op, dst(op), base(op), src(op), load<u8>(op, DISP))) break;
        op += UOP;
        continue;
      }
      case Uop.XORX: {
        v128.store(dst(op), v128.xor(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.ANDX: {
        v128.store(dst(op), v128.and(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.ORX: {
        v128.store(dst(op), v128.or(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.ADDX32: {
        v128.store(dst(op), i32x4.add(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.ADDX64: {
        v128.store(dst(op), i64x2.add(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.EQUALX8: {
        v128.store(dst(op), i8x16.eq(v128.load(base(op)), v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.SIGNSX8: {
        store<u64>(dst(op), i8x16.bitmask(v128.load(src(op))));
        op += UOP;
        continue;
      }
      case Uop.SIGNSY8: {
        const high = i8x16.bitmask(v128.load(src(op), YMM_HIGH));
        store<u64>(dst(op), <u32>(i8x16.bitmask(v128.load(src(op))) | (high << 16)));
        op += UOP;
        continue;
      }
      // also keeps the compiler from thinking that nothing comes after the switch: it overlooks a `break` inside an `if`
      default:
        break;
    }
    op = attend(op);
    tlb = <usize>load<u32>(c, TLB_NOW);
  }
}
