// Writes the decode tables into the memory. Called once, when the memory is made; other instances find them there.

import { clearTables } from './table';
import { initSizes } from './operand-code';
import { initOneByte } from './one-byte';
import { initTwoByte } from './two-byte';
import { initThreeByte38 } from './three-byte-38';
import { initThreeByte3a } from './three-byte-3a';

export function initTables(): void {
  clearTables();
  initSizes();
  initOneByte();
  initTwoByte();
  initThreeByte38();
  initThreeByte3a();
}
