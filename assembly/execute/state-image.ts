// The XSAVE image (SDM vol. 1, 13.4) of the floating-point and vector registers at cpu + FXSAVE: made from them and taken
// over again. Its first 512 bytes are the FXSAVE image (table 10-2) with 64-bit instruction and data pointers.

import {
  cpu,
  FCW,
  FDP,
  FIP,
  FOP,
  FSW,
  FTW,
  FXSAVE,
  MXCSR,
  X87,
  X87_EXPONENT,
  XSAVE_SIZE,
  YMM,
  YMM_HIGH,
} from '../state';
import { XCR0_SSE, XCR0_X87, XCR0_YMM } from '../control';
import { setMxcsr } from '../float/environment';

export const IMAGE_FSW: usize = 2;
export const IMAGE_FTW: usize = 4;
export const IMAGE_FOP: usize = 6;
export const IMAGE_FIP: usize = 8;
export const IMAGE_FDP: usize = 16;
export const IMAGE_MXCSR: usize = 24;
export const IMAGE_MXCSR_MASK: usize = 28;
export const IMAGE_ST: usize = 32;
export const IMAGE_XMM: usize = 160;
export const IMAGE_HEADER: usize = 512;
export const IMAGE_YMM: usize = 576;
/** Bits of MXCSR that exist: reported beside it. */
export const MXCSR_DEFINED: u32 = 0xffff;
export const MXCSR_INITIAL: u32 = 0x1f80;
const FCW_INITIAL: u32 = 0x37f;

// @ts-ignore: decorator
@inline function top(): usize {
  return ((<usize>load<u16>(cpu, FSW)) >> 11) & 7;
}

/** The components whose registers are not as after reset (XINUSE, SDM vol. 1, 13.6). */
export function inUse(): u64 {
  let found: u64 = 0;
  const control = (load<u16>(cpu, FCW) ^ FCW_INITIAL) | load<u16>(cpu, FSW) | load<u16>(cpu, FTW) | load<u16>(cpu, FOP);
  let bits = load<u64>(cpu, FIP) | load<u64>(cpu, FDP);
  for (let at: usize = 0; at < 128; at += 8) bits |= load<u64>(cpu + X87 + at);
  if (control || bits) found |= XCR0_X87;
  let low = i64x2.splat(0);
  let high = i64x2.splat(0);
  for (let at: usize = 0; at < 16 * 32; at += 32) {
    low = v128.or(low, v128.load(cpu + YMM + at));
    high = v128.or(high, v128.load(cpu + YMM + at, YMM_HIGH));
  }
  if (v128.any_true(low)) found |= XCR0_SSE;
  if (v128.any_true(high)) found |= XCR0_YMM;
  return found;
}

/** Registers to image, all components; the header says what is in use. */
export function saveFpu(): void {
  const image = cpu + FXSAVE;
  memory.fill(image, 0, XSAVE_SIZE);
  store<u16>(image, load<u16>(cpu, FCW));
  store<u16>(image, load<u16>(cpu, FSW), IMAGE_FSW);
  store<u8>(image, load<u8>(cpu, FTW), IMAGE_FTW);
  store<u16>(image, load<u16>(cpu, FOP), IMAGE_FOP);
  store<u64>(image, load<u64>(cpu, FIP), IMAGE_FIP);
  store<u64>(image, load<u64>(cpu, FDP), IMAGE_FDP);
  store<u32>(image, load<u32>(cpu, MXCSR), IMAGE_MXCSR);
  store<u32>(image, MXCSR_DEFINED, IMAGE_MXCSR_MASK);
  for (let i: usize = 0; i < 8; i++) {
    const from = cpu + X87 + ((top() + i) & 7) * 16;
    store<u64>(image + IMAGE_ST + i * 16, load<u64>(from));
    store<u16>(image + IMAGE_ST + i * 16, load<u16>(from, X87_EXPONENT), 8);
  }
  for (let i: usize = 0; i < 16; i++) {
    v128.store(image + IMAGE_XMM + i * 16, v128.load(cpu + YMM + i * 32));
    v128.store(image + IMAGE_YMM + i * 16, v128.load(cpu + YMM + i * 32, YMM_HIGH));
  }
  store<u64>(image, inUse(), IMAGE_HEADER);
}

/** Component by component, so that the instructions may take over only some. */
export function loadX87(): void {
  const image = cpu + FXSAVE;
  store<u16>(cpu, load<u16>(image) | 0x40, FCW); // bit 6 reads as one
  const mask = (<u32>load<u16>(image)) & 0x3f;
  let status = <u32>load<u16>(image, IMAGE_FSW);
  // ES and B follow from the rest (SDM vol. 1, 8.1.3.3)
  status = status & ~mask & 0x3f ? status | 0x8080 : status & ~0x8080;
  store<u16>(cpu, <u16>status, FSW);
  store<u16>(cpu, load<u8>(image, IMAGE_FTW), FTW);
  store<u16>(cpu, load<u16>(image, IMAGE_FOP) & 0x7ff, FOP);
  store<u64>(cpu, load<u64>(image, IMAGE_FIP), FIP);
  store<u64>(cpu, load<u64>(image, IMAGE_FDP), FDP);
  for (let i: usize = 0; i < 8; i++) {
    const to = cpu + X87 + ((top() + i) & 7) * 16;
    store<u64>(to, load<u64>(image + IMAGE_ST + i * 16));
    store<u16>(to, load<u16>(image + IMAGE_ST + i * 16, 8), X87_EXPONENT);
  }
}
/** `count` XMM registers: 8 outside of 64-bit mode. */
export function loadXmm(count: usize): void {
  for (let i: usize = 0; i < count; i++) v128.store(cpu + YMM + i * 32, v128.load(cpu + FXSAVE + IMAGE_XMM + i * 16));
}
export function loadYmm(count: usize): void {
  for (let i: usize = 0; i < count; i++)
    v128.store(cpu + YMM + i * 32, v128.load(cpu + FXSAVE + IMAGE_YMM + i * 16), YMM_HIGH);
}
export function loadMxcsr(): void {
  setMxcsr(load<u32>(cpu, FXSAVE + IMAGE_MXCSR) & MXCSR_DEFINED);
}
/** The components of `which` as after reset (SDM vol. 1, 13.6), written to the image: whoever loads them then has them. */
export function initialImage(which: u64): void {
  const image = cpu + FXSAVE;
  if (which & XCR0_X87) {
    memory.fill(image, 0, IMAGE_MXCSR);
    memory.fill(image + IMAGE_ST, 0, 128);
    store<u16>(image, FCW_INITIAL);
  }
  if (which & XCR0_SSE) memory.fill(image + IMAGE_XMM, 0, 256);
  if (which & XCR0_YMM) memory.fill(image + IMAGE_YMM, 0, 256);
}

/** Image to registers; components that its header does not have are as after reset. */
export function loadFpu(): void {
  initialImage(~load<u64>(cpu, FXSAVE + IMAGE_HEADER));
  loadX87();
  loadXmm(16);
  loadYmm(16);
  loadMxcsr();
}
