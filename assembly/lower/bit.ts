// Bit tests and bit scans.

import { ACCESS_READ, ACCESS_WRITE, cpu, T0, T1, T2 } from '../state';
import { AUX, BT, MEM_READ, MEM_WRITE, Uop } from '../uop';
import * as I from '../decode/insn';
import { emit, setDst, setSrc } from './emit';
import { kind, register, sizeOf, source } from './operand';
import {
  direct,
  emitLinear,
  emitMemory,
  memory,
  putAddress,
  rawAddress,
  loadUpdate,
  storeUpdated,
  useAddressIn,
  value,
} from './address';

export function lowerBit(operation: u32): void {
  const size = sizeOf(0);
  const inMemory = kind(0) == I.KIND_MEMORY;
  if (inMemory) {
    const access = operation == BT ? ACCESS_READ : ACCESS_READ | ACCESS_WRITE;
    if (kind(1) == I.KIND_REGISTER) {
      // the bit number reaches beyond the operand: it moves the address, before segment and width come in
      rawAddress();
      const moved = cpu + (direct() ? T0 : T2);
      const op = emit(Uop.BIT_ADDRESS);
      putAddress(op);
      setSrc(op, register(1));
      store<u8>(op, <u8>size, AUX);
      setDst(op, moved);
      useAddressIn(moved);
      if (!direct()) emitLinear(1 << size, access);
    } else memory(1 << size, access);
    if (operation == BT) setDst(emitMemory(Uop.LOAD8 + size, size, MEM_READ), cpu + T1);
    else loadUpdate(size);
  }
  const op = emit(Uop.BIT);
  setDst(op, inMemory ? cpu + T1 : register(0));
  source(op, 1);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
  if (inMemory && operation != BT) storeUpdated(cpu + T1, size);
}
export function lowerScan(operation: u32): void {
  const size = sizeOf(0);
  const s = value(1, size);
  const op = emit(Uop.SCAN);
  setDst(op, register(0));
  setSrc(op, s);
  store<u8>(op, <u8>(operation | (size << 4)), AUX);
}
