// Opcode map 2: 0F 38 (SDM vol. 2, table A-4).

import { Operation } from './operation';
import { MAP_0F38 } from './insn';
import * as op from './operand-code';
import { mapTable, row, FORCE64, NO16, NP, P66, PF2, PF3 } from './table';
import { variants, both, wide } from './vector-rows';

function ssse3(t: usize): void {
  for (let i: u32 = 0; i < 12; i++) both(t, i, Operation.PSHUFB + i); // PSHUFB … PMULHRSW, in the encoding's order
  both(t, 0x1c, Operation.PABSB);
  both(t, 0x1d, Operation.PABSW);
  both(t, 0x1e, Operation.PABSD);
}

function sse4(t: usize): void {
  row(variants(t, 0x10), P66, Operation.PBLENDVB, 0, op.Vdq, op.Wdq, op.XMM0);
  row(variants(t, 0x14), P66, Operation.BLENDVPS, 0, op.Vdq, op.Wdq, op.XMM0);
  row(variants(t, 0x15), P66, Operation.BLENDVPD, 0, op.Vdq, op.Wdq, op.XMM0);
  wide(t, 0x17, Operation.PTEST);
  for (let zero: u32 = 0; zero < 2; zero++) {
    const opcode: u32 = zero ? 0x30 : 0x20;
    const first: u32 = zero ? Operation.PMOVZXBW : Operation.PMOVSXBW; // BW BD BQ WD WQ DQ
    wide(t, opcode, first, op.Wq);
    wide(t, opcode + 1, first + 1, op.Wd);
    wide(t, opcode + 2, first + 2, op.Ww);
    wide(t, opcode + 3, first + 3, op.Wq);
    wide(t, opcode + 4, first + 4, op.Wd);
    wide(t, opcode + 5, first + 5, op.Wq);
  }
  wide(t, 0x28, Operation.PMULDQ);
  wide(t, 0x29, Operation.PCMPEQQ);
  wide(t, 0x2a, Operation.MOVNTDQA, op.Mdq);
  wide(t, 0x2b, Operation.PACKUSDW);
  for (let i: u32 = 0x37; i < 0x42; i++) wide(t, i, Operation.PCMPGTQ + (i - 0x37)); // PCMPGTQ PMIN* PMAX* PMULLD PHMINPOSUW
}

function cryptography(t: usize): void {
  row(variants(t, 0xc8), NP, Operation.SHA1NEXTE, 0, op.Vdq, op.Wdq);
  row(variants(t, 0xc9), NP, Operation.SHA1MSG1, 0, op.Vdq, op.Wdq);
  row(variants(t, 0xca), NP, Operation.SHA1MSG2, 0, op.Vdq, op.Wdq);
  row(variants(t, 0xcb), NP, Operation.SHA256RNDS2, 0, op.Vdq, op.Wdq, op.XMM0);
  row(variants(t, 0xcc), NP, Operation.SHA256MSG1, 0, op.Vdq, op.Wdq);
  row(variants(t, 0xcd), NP, Operation.SHA256MSG2, 0, op.Vdq, op.Wdq);
  for (let i: u32 = 0; i < 5; i++) wide(t, 0xdb + i, Operation.AESIMC + i); // AESIMC AESENC AESENCLAST AESDEC AESDECLAST
}

export function initThreeByte38(): void {
  const t = mapTable(MAP_0F38);
  ssse3(t);
  sse4(t);
  cryptography(t);
  row(variants(t, 0x82), P66, Operation.INVPCID, FORCE64, op.Gy, op.Mdq);
  // 66 only chooses the operand size here; with F2 too it makes the source of CRC32 16 bits.
  const load = variants(t, 0xf0);
  row(load, NP, Operation.MOVBE, 0, op.Gv, op.Mv);
  row(load, P66, Operation.MOVBE, 0, op.Gv, op.Mv);
  row(load, PF2, Operation.CRC32, 0, op.Gy, op.Eb);
  const store = variants(t, 0xf1);
  row(store, NP, Operation.MOVBE, 0, op.Mv, op.Gv);
  row(store, P66, Operation.MOVBE, 0, op.Mv, op.Gv);
  row(store, PF2, Operation.CRC32, 0, op.Gy, op.Ev);
  const carry = variants(t, 0xf6);
  row(carry, P66, Operation.ADCX, NO16, op.Gy, op.Ey);
  row(carry, PF3, Operation.ADOX, NO16, op.Gy, op.Ey);
}
