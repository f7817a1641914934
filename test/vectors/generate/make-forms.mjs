// Writes forms.inc: every user-mode form of floating point, vectors and bit manipulation that iced-x86 knows, as rows of
// the C table in forms.c. A form that nobody thought of is in it all the same. Usage: node make-forms.mjs
import { writeFileSync } from 'node:fs';
import {
  Code,
  CodeExt,
  CpuidFeature,
  EncodingKind,
  Instruction,
  MandatoryPrefix,
  MemorySize,
  MemorySizeExt,
  OpCodeOperandKind,
} from 'iced-x86';
import { groupOf, casesOf, ignoredCode } from './groups.mjs';

/** CPUID features whose forms are recorded. */
const FEATURES = new Set(
  (
    'FPU FPU287 FPU387 FPU+CMOV FPU+SSE3 MMX SSE SSE2 SSE3 SSSE3 SSE4_1 SSE4_2 AES AES+AVX PCLMULQDQ PCLMULQDQ+AVX SHA ' +
    'AVX AVX2 FMA F16C BMI1 BMI2 ADX LZCNT FXSR XSAVE XSAVEOPT XSAVEC XSAVES'
  ).split(' '),
);

/** iced's operand kinds as [place, type] of forms.h. */
const OPERANDS = {
  xmm_reg: ['REG', 'XMM'], xmm_rm: ['RM_REG', 'XMM'], xmm_or_mem: ['RM', 'XMM'], xmm_vvvv: ['VVVV', 'XMM'], xmm_is4: ['IS4', 'XMM'],
  ymm_reg: ['REG', 'YMM'], ymm_rm: ['RM_REG', 'YMM'], ymm_or_mem: ['RM', 'YMM'], ymm_vvvv: ['VVVV', 'YMM'], ymm_is4: ['IS4', 'YMM'],
  mm_reg: ['REG', 'MM'], mm_rm: ['RM_REG', 'MM'], mm_or_mem: ['RM', 'MM'],
  r8_or_mem: ['RM', 'R8'], r16_or_mem: ['RM', 'R16'], r32_or_mem: ['RM', 'R32'], r64_or_mem: ['RM', 'R64'],
  r16_reg: ['REG', 'R16'], r32_reg: ['REG', 'R32'], r64_reg: ['REG', 'R64'], r32_vvvv: ['VVVV', 'R32'], r64_vvvv: ['VVVV', 'R64'],
  r32_rm: ['RM_REG', 'R32'], r64_rm: ['RM_REG', 'R64'],
  mem: ['RM_MEM', 'NOTHING'], imm8: ['IMM', 'NOTHING'], sti_opcode: ['STI', 'NOTHING'], st0: ['IMPLIED', 'NOTHING'], ax: ['IMPLIED', 'NOTHING'],
  seg_rDI: ['IMPLIED', 'NOTHING'],
  mem_vsib32x: ['VSIB32', 'XMM'], mem_vsib32y: ['VSIB32', 'YMM'], mem_vsib64x: ['VSIB64', 'XMM'], mem_vsib64y: ['VSIB64', 'YMM'],
}; // prettier-ignore

/** What a memory operand is made of. */
function memoryClass(size, mnemonic) {
  if (/^pcmp[ei]str/.test(mnemonic)) return 'STRING';
  const name = MemorySize[size === MemorySize.Unknown ? size : MemorySizeExt.elementType(size)];
  const match = /^(Float|U?Int)(16|32|64|8)$/.exec(name);
  if (match) return (match[1] === 'Float' ? 'F' : 'I') + match[2];
  if (name === 'Unknown') return undefined;
  return 'I64';
}

/** What the vector registers of a form hold. */
function vectorClass(mnemonic, memory) {
  const suffix = /(?:2|^)\w*?([sp][sd])$/.exec(mnemonic);
  if (/^cvt(si|pi)2|^cvtps2ph/.test(mnemonic)) return mnemonic.endsWith('d') ? 'F64' : 'F32';
  if (memory) return memory;
  if (suffix) return suffix[1].endsWith('s') ? 'F32' : 'F64';
  if (/^mov(hl|lh)ps|^movmskps/.test(mnemonic)) return 'F32';
  const element = /^p(?:s[rl][la]|insr|extr|movmsk|mask|avg|max|min)?.*?(b|w|d|q)$/.exec(mnemonic);
  return element ? { b: 'I8', w: 'I16', d: 'I32', q: 'I64' }[element[1]] : 'I64';
}

function parts(info) {
  // "VEX.128.66.0F38.W0 2E /r ib", "F3 o64 0F 2A /r", "D8 C0+i", "NP 0F AE E8"
  const words = info.opCodeString.split(' ');
  const row = { prefix: 0, osz: 0, map: 0, second: -1, digit: -1 };
  if (words[0].startsWith('VEX')) words.splice(0, 1);
  const bytes = [];
  for (const word of words) {
    if (word === 'NP' || word === 'ib') continue;
    if (/^o(16|32|64)$/.test(word)) row.osz = Number(word.slice(1)) / 8;
    else if (/^\/[0-7]$/.test(word)) row.digit = Number(word[1]);
    else if (word === '/r' || word === '/is4') row.modrm = true;
    else if (/^[0-9A-F]{2}\+i$/.test(word)) bytes.push(parseInt(word, 16));
    else if (/^[0-9A-F]{2}$/.test(word)) bytes.push(parseInt(word, 16));
    else throw new Error(`${info.opCodeString}: what is ${word}?`);
  }
  const encoding = info.encoding;
  if (encoding === EncodingKind.VEX) {
    row.map = { '0F': 1, '0F38': 2, '0F3A': 3 }[/\.(0F3A|0F38|0F)\./.exec(info.opCodeString)[1]];
  } else {
    if ([0x66, 0xf2, 0xf3].includes(bytes[0]) && bytes.length > 1) bytes.shift();
    if (bytes[0] === 0x0f) {
      bytes.shift();
      row.map = 1;
      if ((bytes[0] === 0x38 || bytes[0] === 0x3a) && bytes.length > 1) row.map = bytes.shift() === 0x38 ? 2 : 3;
    }
  }
  row.opcode = bytes[0];
  if (bytes.length > 1) row.second = bytes[1];
  row.modrm ??= row.digit >= 0;
  row.prefix =
    { [MandatoryPrefix.P66]: 0x66, [MandatoryPrefix.PF3]: 0xf3, [MandatoryPrefix.PF2]: 0xf2 }[info.mandatoryPrefix] ??
    0;
  return row;
}

const rows = [];
const names = new Map();
for (const [code, value] of Object.entries(Code)) {
  if (typeof value !== 'number') continue;
  const info = CodeExt.opCode(value);
  const instruction = new Instruction();
  instruction.code = value;
  const feature = Array.from(instruction.cpuidFeatures(), (one) => CpuidFeature[one]).join('+');
  const vex = info.encoding === EncodingKind.VEX;
  if (!(FEATURES.has(feature) || code === 'Wait') || (!vex && info.encoding !== EncodingKind.Legacy)) continue;
  // FSTCW and the like are two instructions: 9B, which is here as WAIT, and FNSTCW.
  if (info.fwait || ignoredCode(code)) continue;
  let name = info.instructionString.toLowerCase();
  const mnemonic = name.split(' ')[0];
  const bare = vex ? mnemonic.replace(/^v/, '') : mnemonic;
  const part = parts(info);
  if (names.has(name)) name += ` (${part.opcode.toString(16)})`;
  if (names.has(name)) name += ` ${part.digit >= 0 ? part.digit : part.second.toString(16)}`;
  if (names.has(name)) throw new Error(`${name} twice: ${code}`);
  names.set(name, code);
  const operands = [];
  for (let i = 0; i < info.opCount; i++) {
    const kind = OpCodeOperandKind[info.opKind(i)];
    if (!OPERANDS[kind]) throw new Error(`${code}: operand kind ${kind}`);
    operands.push(OPERANDS[kind]);
  }
  const memory = memoryClass(info.memorySize, bare);
  const mmx = operands.some(([, type]) => type === 'MM') || bare === 'emms';
  const x87 = feature.startsWith('FPU') || code === 'Wait';
  const state = /^(FXSR|XSAVE)/.test(feature);
  const general = /^(BMI|ADX|LZCNT)/.test(feature);
  const group = groupOf(bare, { vex, mmx, x87, state, general, feature });
  const vector = general || x87 ? 'NONE' : vectorClass(bare, memory);
  const bytes = info.memorySize === MemorySize.Unknown ? 0 : MemorySizeExt.size(info.memorySize);
  const memorySize = /^(xsave|xrstor)/.test(bare) ? 832 : bytes;
  const [registerCases, memoryCases] = casesOf(
    bare,
    group,
    operands.some(([, type]) => type === 'YMM'),
  );
  const x87Class = x87 || state ? 'F80' : mmx ? (bare.startsWith('cvt') ? 'I32' : vector) : 'NONE';
  const agreement = /^(rcp|rsqrt)[ps]s$/.test(bare)
    ? 'APPROXIMATE'
    : group === 'x87-transcendental'
      ? 'LAST_PLACE'
      : 'EXACT';
  const hex = (n) => (n < 0 ? '-1' : `0x${n.toString(16).toUpperCase().padStart(2, '0')}`);
  const w = vex ? (info.isWIG ? 'ANY' : info.W) : 0;
  const l = vex ? (info.isLIG ? 'ANY' : info.L) : 0;
  const list = operands.map(([place, type]) => `{${place}, ${type}}`).join(', ') || '{NOWHERE, NOTHING}';
  rows.push(
    `{"${name}", "${group}", ${vex ? 'VEX' : 'LEGACY'}, ${part.map}, ${hex(part.prefix)}, ${hex(part.opcode)}, ${hex(part.second)}, ` +
      `${part.modrm}, ${part.digit}, ${part.osz}, ${w}, ${l}, ${!info.mode32}, {${list}}, ${memorySize}, ` +
      `{CLASS_${vector}, CLASS_${x87Class}, CLASS_${memory ?? 'I64'}}, ${agreement}, ${registerCases}, ${memoryCases}},`,
  );
  info.free();
  instruction.free();
}
const text = `/* Written by make-forms.mjs from the tables of iced-x86; do not edit. Fields: forms.h. */\n${rows.join('\n')}\n`;
writeFileSync(new URL('./forms.inc', import.meta.url), text);
console.log(`${rows.length} forms`);
