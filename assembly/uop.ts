// The micro-operation: what the decoder makes of an instruction and the run loop, the slow path and the emulator execute.
// 32 bytes each; an instruction is one or a few of them in a row, a block is up to BLOCK_MAX instructions.
//
// Registers are named by absolute address in the state page (AH is RAX's address + 1), so a handler needs no index
// arithmetic; an immediate is named by the address of the micro-operation's own IMM field, so register and immediate
// forms share one handler.

export const UOP: usize = 32;
export const HANDLER: usize = 0; // u16, Uop
export const DST: usize = 2; // u16, absolute address of a register
export const SRC: usize = 4; // u32, absolute address of a register or of this micro-operation's IMM
export const BASE: usize = 8; // u16, absolute address of the base register (or ZERO, PAGE, T0)
export const INDEX: usize = 10; // u16
export const DISP: usize = 12; // i32
export const IMM: usize = 16; // i64
export const SCALE: usize = 24; // u8, shift count
export const MEM: usize = 25; // u8, MEM_*: what memory it touches; 0 = none
export const OFFSET: usize = 26; // u16, page offset of the instruction's first byte
export const LENGTH: usize = 28; // u8, length of the instruction
export const NUMBER: usize = 29; // u8, how many instructions of the block come before this one
export const SEG: usize = 30; // u8, segment of the memory operand
export const AUX: usize = 31; // u8

/** Ends of blocks: where to go on. They share the address fields' room. */
export const TAKEN: usize = BASE; // u32, address of a micro-operation
export const NOT_TAKEN: usize = DISP; // u32

/** RARE and RARE_END: operation and details in IMM's room, immediate in DISP. */
export const RARE_OPERATION: usize = IMM; // u16
export const RARE_SIZE: usize = IMM + 2; // u8, log2
export const RARE_ADDRESS_SIZE: usize = IMM + 3; // u8, log2
export const RARE_CONDITION: usize = IMM + 4; // u8
export const RARE_PREFIXES: usize = IMM + 5; // u8
export const RARE_REGISTER: usize = IMM + 6; // u8, number of a segment, control or debug register
export const RARE_MEMORY: usize = IMM + 7; // u8, 1 = T0 holds the linear address of the operand
export const RARE_IMM2: usize = SCALE; // u8: ENTER's level
export const RARE_SELECTOR: usize = BASE; // u16: far pointer

/** Families of vectors and floating point (decode/family.ts). DST = register of the first operand (V0 when that is memory), SRC = the
 * last operand that is no immediate (V0 when it was memory), BASE = the first source (DST where the encoding has no other),
 * INDEX = a fourth operand or an implied XMM0, DISP = immediate. */
export const V_OPERATION: usize = IMM; // u16
export const V_SIZE: usize = IMM + 2; // u8, log2 of the operand size of a general-purpose register
export const V_FLAGS: usize = IMM + 3; // u8
export const V_256: u32 = 1; // YMM registers
export const V_MMX: u32 = 2; // MMX registers
export const V_IMMEDIATE: u32 = 4; // there is an immediate
export const V_VEX: u32 = 8;
export const V_MEMORY: u32 = 16; // an operand is in memory
/** X87: the operation is on memory (linear address = address of the micro-operation) of so many bytes, or on ST and ST(i). */
export const X_BYTES: usize = IMM + 2; // u8, 0 = registers
export const X_REGISTER: usize = IMM + 4; // u8, i
export const X_TO_REGISTER: usize = IMM + 5; // u8, 1 = ST(i) is the destination
export const X_OPCODE: usize = IMM + 6; // u16, FOP: low three bits of the first byte, ModRM
export const X_ESCAPE: usize = V_FLAGS; // u8, first opcode byte, D8-DF

export const MEM_SIZE: u32 = 7; // log2 of bytes
export const MEM_READ: u32 = 8;
export const MEM_WRITE: u32 = 16;
export const MEM_STACK: u32 = 32; // a fault of canonicality is #SS, not #GP
export const MEM_ALIGNED: u32 = 128; // #GP unless a multiple of the size
export const MEM_PLAIN: u32 = 64; // the instruction is a plain store: one write and nothing else

/** LINK's AUX. */
export const LINK_WORD: u32 = 1; // the target is cut to 16 bits
export const LINK_SEQUENTIAL: u32 = 2; // not a branch: falls through
/** LOOP's kind, in AUX. */
export const LOOP_ALWAYS: u32 = 0;
export const LOOP_EQUAL: u32 = 1;
export const LOOP_NOT_EQUAL: u32 = 2;
export const LOOP_COUNT_ZERO: u32 = 3;
/** SHIFT's operation, in AUX: ModRM.reg of group 2 (6 is SHL too). */
export const ROL: u32 = 0;
export const ROR: u32 = 1;
export const RCL: u32 = 2;
export const RCR: u32 = 3;
export const SHL: u32 = 4;
export const SHR: u32 = 5;
export const SAR: u32 = 7;
/** BIT's and SCAN's operation, in AUX. */
export const BT: u32 = 0;
export const BTS: u32 = 1;
export const BTR: u32 = 2;
export const BTC: u32 = 3;
export const BSF: u32 = 0;
export const BSR: u32 = 1;
export const POPCNT: u32 = 2;
export const LZCNT: u32 = 3;
export const TZCNT: u32 = 4;
/** BMI's operation, in AUX. */
export const BLSR: u32 = 0;
export const BLSMSK: u32 = 1;
export const BLSI: u32 = 2;
export const BZHI: u32 = 3;
export const BEXTR: u32 = 4;
export const PDEP: u32 = 5;
export const PEXT: u32 = 6;
export const MULX: u32 = 7;
export const ADCX: u32 = 8;
export const ADOX: u32 = 9;
/** A rare POP's AUX: to a register, the value alone, the stack pointer alone. */
export const POP_REGISTER: u32 = 0;
export const POP_PEEK: u32 = 1;
export const POP_ADJUST: u32 = 2;

/** Most instructions a block may have; the run loop's budget is kept this much too low so that one sign test serves. */
export const BLOCK_MAX: u32 = 32;

export const enum Uop {
  LEAVE = 0, // never made: zeroed memory, where nothing should ever lead, leaves the run loop
  // ends of blocks and of scratch blocks
  LINK, // go to PAGE + IMM; SRC = link field to patch when that is on the same page (0 = none)
  SLOW_END, // the slow path's single micro-operation is over
  DEAD, // the rest of this block was overwritten: look up again
  UNDEFINED, // #UD
  NO_DEVICE, // #NM, or #UD: registers that are not to be used now (IMM: which)
  FETCH_FAULT, // fetching or decoding this instruction faults: raise what block building met
  RARE, // anything out of line that goes on with the next micro-operation
  RARE_END, // the same, and the block ends: look up NEXT_RIP again
  IN, // RARE's fields; port by IMM's room: straight to the exit when nothing is in the way
  OUT,
  // families: false from the function = raised
  FLOAT, PACKED, MASKED, CRYPTO, X87,
  MMX_CHECK, // #MF if an x87 exception waits
  MMX_ENTER, // TOP = 0, all registers valid; DST = the MMX register written, or ZERO
  EA, // T0 = linear address of a memory operand that needs a segment or a narrower address (DST = T0)
  OFFSET16, // DST = 16-bit effective address (LEA)
  JMP, // TAKEN
  JMP_R, // to SRC
  CALL, // push IMM (page-relative return address), TAKEN
  CALL_R, // push PAGE + IMM, go to SRC
  RET,
  RET_N, // RET imm16: SRC = IMM
  // conditional branches on the lazy flags; the opposite ones have their links swapped
  JO, JB, JZ, JBE, JS, JP, JL, JLE,
  LOOP, // LOOP, LOOPE, LOOPNE, JRCXZ: AUX = kind | address size << 4
  // compare or test fused with the branch
  CMP8_JB, CMP8_JZ, CMP8_JBE, CMP8_JS, CMP8_JL, CMP8_JLE,
  CMP16_JB, CMP16_JZ, CMP16_JBE, CMP16_JS, CMP16_JL, CMP16_JLE,
  CMP32_JB, CMP32_JZ, CMP32_JBE, CMP32_JS, CMP32_JL, CMP32_JLE,
  CMP64_JB, CMP64_JZ, CMP64_JBE, CMP64_JS, CMP64_JL, CMP64_JLE,
  TEST8_JZ, TEST8_JS, TEST8_JLE,
  TEST16_JZ, TEST16_JS, TEST16_JLE,
  TEST32_JZ, TEST32_JS, TEST32_JLE,
  TEST64_JZ, TEST64_JS, TEST64_JLE,
  // register and immediate moves
  MOV8, MOV16, MOV32, MOV64,
  MOVZX8_16, MOVZX8_32, MOVZX16_32, MOVSX8_16, MOVSX8_32, MOVSX8_64, MOVSX16_32, MOVSX16_64, MOVSX32_64,
  LEA32, LEA64,
  // loads and stores
  LOAD8, LOAD16, LOAD32, LOAD64,
  LOADZX8_32, LOADZX16_32, LOADSX8_32, LOADSX8_64, LOADSX16_32, LOADSX16_64, LOADSX32_64,
  LOAD_RMW8, LOAD_RMW16, LOAD_RMW32, LOAD_RMW64, // checks writability as well; to DST (T1)
  STORE8, STORE16, STORE32, STORE64,
  LOAD_LOCKED8, LOAD_LOCKED16, LOAD_LOCKED32, LOAD_LOCKED64, // as LOAD_RMW, and remembers value and flags (execute/locked.ts)
  STORE_LOCKED8, STORE_LOCKED16, STORE_LOCKED32, STORE_LOCKED64, // if memory has not changed since; else back by AUX micro-operations
  PUSH64, POP64,
  // arithmetic: DST op= SRC
  ADD8, ADD16, ADD32, ADD64,
  OR8, OR16, OR32, OR64,
  ADC8, ADC16, ADC32, ADC64,
  SBB8, SBB16, SBB32, SBB64,
  AND8, AND16, AND32, AND64,
  SUB8, SUB16, SUB32, SUB64,
  XOR8, XOR16, XOR32, XOR64,
  CMP8, CMP16, CMP32, CMP64,
  TEST8, TEST16, TEST32, TEST64,
  // arithmetic with a memory source: DST op= [address]
  ADD32_M, ADD64_M, SUB32_M, SUB64_M, AND32_M, AND64_M, OR32_M, OR64_M, XOR32_M, XOR64_M, CMP32_M, CMP64_M, CMP8_M,
  // arithmetic with a memory destination
  ADD32_RMW, ADD64_RMW, SUB32_RMW, SUB64_RMW,
  INC8, INC16, INC32, INC64,
  DEC8, DEC16, DEC32, DEC64,
  NEG8, NEG16, NEG32, NEG64,
  NOT8, NOT16, NOT32, NOT64,
  XCHG8, XCHG16, XCHG32, XCHG64, // DST <-> SRC, both registers
  // shifts by IMM (already masked, not zero)
  SHL32_I, SHL64_I, SHR32_I, SHR64_I, SAR32_I, SAR64_I, ROL32_I, ROL64_I, ROR32_I, ROR64_I,
  // shifts by CL
  SHL32_CL, SHL64_CL, SHR32_CL, SHR64_CL, SAR32_CL, SAR64_CL,
  SHIFT, // any other shift or rotate: AUX = operation | size << 4, DST, count at SRC
  DOUBLE_SHIFT, // SHLD, SHRD: AUX = right | size << 4, DST, SRC, count at BASE (u16 address)
  IMUL16, IMUL32, IMUL64, // DST *= SRC
  IMUL32_I, IMUL64_I, // DST = SRC * IMM
  IMUL16_I,
  MULTIPLY, // MUL, IMUL one operand: AUX = signed | size << 4, SRC
  DIVIDE, // DIV, IDIV
  CBW, CWDE, CDQE, CWD, CDQ, CQO,
  SETCC, // DST = condition AUX
  CMOV16, CMOV32, CMOV64, // DST = SRC if condition AUX
  BSWAP32, BSWAP64,
  BIT, // BT, BTS, BTR, BTC on DST: AUX = operation | size << 4, bit number at SRC
  BIT_ADDRESS, // T0 = address + the byte offset of bit number SRC (signed, AUX = size)
  SCAN, // BSF, BSR, POPCNT, LZCNT, TZCNT: AUX = operation | size << 4
  CRC32, // AUX = size of SRC
  CMPXCHG, // T1 against the accumulator: AUX = size << 4, SRC
  XADD, // DST (T1 or register) += SRC, SRC = old: AUX = size << 4; IMM = address of the second register
  BYTE_SWAP, // MOVBE: DST = SRC swapped, AUX = size
  // DST = SRC, rotated by IMM or shifted by [BASE]; ANDN: DST = ~[BASE] & SRC
  RORX32, RORX64, SHLX32, SHLX64, SHRX32, SHRX64, SARX32, SARX64, ANDN32, ANDN64, LZCNT32, LZCNT64, TZCNT32, TZCNT64,
  BMI, // AUX = operation | size << 4, DST, SRC, and the operand in VEX.vvvv at BASE where it is not DST
  CLC, STC, CMC, CLD, STD, LAHF, SAHF,
  // the same as above without flags: lower/flag-liveness.ts puts them where the flags are overwritten unseen. In the order of
  // the ones they stand for.
  ADD32_N, ADD64_N, OR32_N, OR64_N, AND32_N, AND64_N, SUB32_N, SUB64_N, XOR32_N, XOR64_N,
  SHL32_N, SHL64_N, SHR32_N, SHR64_N, SAR32_N, SAR64_N, ROL32_N, ROL64_N, ROR32_N, ROR64_N,
  IMUL32_N, IMUL64_N, IMUL32_I_N, IMUL64_I_N,
  ADD32_M_N, ADD64_M_N, SUB32_M_N, SUB64_M_N, AND32_M_N, AND64_M_N, OR32_M_N, OR64_M_N, XOR32_M_N, XOR64_M_N,
  // vectors: loads (to a register or V0; LOADX32 and LOADX64 clear the rest of 128 bits), stores, moves. The _A forms are aligned.
  LOADX32, LOADX64, LOADX128, LOADX128_A, LOADX256, LOADX256_A, STOREX128, STOREX128_A, STOREX256, STOREX256_A,
  PROBE, // the memory could be written: for what must not change anything before its store faults
  CLEARX32, CLEARX64, // low part of SRC, the rest of 128 bits cleared
  MOVX32, MOVX64, MOVX128, MOVX256, // register to register; MOVX32 and MOVX64 leave the rest
  ZERO_HIGH, // upper half of a YMM register = 0
  // FLOAT's fields, DST for the low element or 16 bytes: quick.ts, and float() where that is not enough
  ADDSD, SUBSD, MULSD, DIVSD, SQRTSD, MINSD, MAXSD, ADDSS, SUBSS, MULSS, DIVSS, SQRTSS, MINSS, MAXSS,
  ADDPD, SUBPD, MULPD, DIVPD, ADDPS, SUBPS, MULPS, DIVPS,
  COMISD, COMISS, CVTTSD2SI32, CVTTSD2SI64, CVTSI2SD32, CVTSI2SD64, CVTSS2SD, CVTSD2SS,
  // family PACKED with the same fields, on 128 bits: operations up to SSE2, in the run loop itself; later ones
  LANE, LANE_EXTENDED,
  // and a few that every loop over bytes or words has: DST = BASE op SRC
  XORX, ANDX, ORX, ADDX32, ADDX64, EQUALX8, SIGNSX8, SIGNSY8,
}
