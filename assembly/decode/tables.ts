// Writes the decode tables into the memory. Called once, when the memory is made; other instances find them there.

import { clearTables } from './table';
import { initSizes } from './operand-code';
import { initOneByte } from './one-byte';
import { initTwoByte } from './two-byte';
import { initThreeByte38 } from './three-byte-38';
import { initThreeByte3a } from './three-byte-3a';
import { initVex0f } from './vex-0f';
import { initVex38 } from './vex-38';
import { initVex3a } from './vex-3a';

export function initTables(): void {
  clearTables();
  initSizes();
  initOneByte();
  initTwoByte();
  initThreeByte38();
  initThreeByte3a();
  initVex0f();
  initVex38();
  initVex3a();
}
