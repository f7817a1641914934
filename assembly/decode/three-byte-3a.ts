// Opcode map 3: 0F 3A (SDM vol. 2, table A-5).

import { Operation } from './operation';
import { MAP_0F3A } from './insn';
import * as op from './operand-code';
import { mapTable, row, NP, P66 } from './table';
import { variants, wideImmediate, byW } from './vector-rows';

export function initThreeByte3a(): void {
  const t = mapTable(MAP_0F3A);
  wideImmediate(t, 0x08, Operation.ROUNDPS);
  wideImmediate(t, 0x09, Operation.ROUNDPD);
  wideImmediate(t, 0x0a, Operation.ROUNDSS, op.Wd);
  wideImmediate(t, 0x0b, Operation.ROUNDSD, op.Wq);
  wideImmediate(t, 0x0c, Operation.BLENDPS);
  wideImmediate(t, 0x0d, Operation.BLENDPD);
  wideImmediate(t, 0x0e, Operation.PBLENDW);
  const align = variants(t, 0x0f);
  row(align, NP, Operation.PALIGNR, 0, op.Pq, op.Qq, op.Ib);
  row(align, P66, Operation.PALIGNR, 0, op.Vdq, op.Wdq, op.Ib);
  row(variants(t, 0x14), P66, Operation.PEXTRB, 0, op.EyMb, op.Vdq, op.Ib);
  row(variants(t, 0x15), P66, Operation.PEXTRW, 0, op.EyMw, op.Vdq, op.Ib);
  byW(variants(t, 0x16), P66, Operation.PEXTRD, Operation.PEXTRQ, op.Ey, op.Vdq, op.Ib);
  row(variants(t, 0x17), P66, Operation.EXTRACTPS, 0, op.EyMd, op.Vdq, op.Ib);
  row(variants(t, 0x20), P66, Operation.PINSRB, 0, op.Vdq, op.EyMb, op.Ib);
  wideImmediate(t, 0x21, Operation.INSERTPS, op.Wd);
  byW(variants(t, 0x22), P66, Operation.PINSRD, Operation.PINSRQ, op.Vdq, op.Ey, op.Ib);
  wideImmediate(t, 0x40, Operation.DPPS);
  wideImmediate(t, 0x41, Operation.DPPD);
  wideImmediate(t, 0x42, Operation.MPSADBW);
  wideImmediate(t, 0x44, Operation.PCLMULQDQ);
  wideImmediate(t, 0x60, Operation.PCMPESTRM);
  wideImmediate(t, 0x61, Operation.PCMPESTRI);
  wideImmediate(t, 0x62, Operation.PCMPISTRM);
  wideImmediate(t, 0x63, Operation.PCMPISTRI);
  row(variants(t, 0xcc), NP, Operation.SHA1RNDS4, 0, op.Vdq, op.Wdq, op.Ib);
  wideImmediate(t, 0xdf, Operation.AESKEYGENASSIST);
}
