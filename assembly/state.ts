// The layout of shared memory: the one place that knows where anything of the CPU lives. Each offset is derived from
// the last; TypeScript reads them from the module's exports and never mirrors them by hand.
//
// Linear memory, bottom up:
//   0x0000 header | 0x1000 vCPU state pages (absolute addresses stay below 64 KiB, so a micro-operation names a register
//   in 16 bits) | 0x10000 decode tables | code map (one u64 a 4 KiB page) | write log (a byte a page) | one arena a vCPU | hypervisor's own (MEMORY_FREE).
//
// Offsets named after a register or a table are relative to a vCPU's state page (`cpu`); ARENA_* to its arena.

export const PAGE_SIZE: usize = 4096;
export const MAX_VCPUS: usize = 8;

// ---------------------------------------------------------------- absolute addresses
export const HEADER: usize = 0;
/** What the vCPUs of a memory share: how many there are, and the host pages whose code was overwritten: how many so far, and the last CODE_DROPS_KEPT of them. */
export const VCPU_COUNT: usize = HEADER;
export const CODE_DROPS: usize = VCPU_COUNT + 4;
/** Not zero: the hypervisor wants to know which pages are written (paging/write-log.ts). */
export const LOG_WRITES: usize = CODE_DROPS + 4;
/** Held while CMPXCHG16B compares and writes, for which there is no atomic access. */
export const PAIR_LOCK: usize = LOG_WRITES + 4;
export const CODE_DROPS_KEPT: u32 = 64;
export const CODE_DROPS_RING: usize = HEADER + 64;
export const VCPUS: usize = HEADER + PAGE_SIZE;
export const STATE_SIZE: usize = PAGE_SIZE;
/** Decode tables, written once when the memory is made (a second instance must not have data segments to run again). */
export const TABLES: usize = 0x10000;
export const TABLES_SIZE: usize = 0x20000;
/** What AES and carry-less multiplication look up (vector/tables.ts), written with them. */
export const VECTOR_TABLES: usize = TABLES + TABLES_SIZE;
export const VECTOR_TABLES_SIZE: usize = PAGE_SIZE;
/** Code map: for each 4 KiB page of linear memory a u64; bit n set = the 64-byte granule n holds decoded code. */
export const CODE_MAP: usize = VECTOR_TABLES + VECTOR_TABLES_SIZE;
export const CODE_MAP_SIZE: usize = (1 << 20) * 8;
/** Write log: for each 4 KiB page of linear memory a byte; not 0 = the hypervisor has been told that the page is written. */
export const WRITE_LOG: usize = CODE_MAP + CODE_MAP_SIZE;
export const WRITE_LOG_SIZE: usize = 1 << 20;
export const ARENAS: usize = WRITE_LOG + WRITE_LOG_SIZE;

// ---------------------------------------------------------------- vCPU state page: registers (hot)
/** RAX RCX RDX RBX RSP RBP RSI RDI R8…R15, 8 bytes each. */
export const GPR: usize = 0;
/** Always zero: the absent base or index of an address. */
export const ZERO: usize = GPR + 16 * 8;
/** Linear address of the page that is executing; RIP inside a block is PAGE | offset in page. */
export const PAGE: usize = ZERO + 8;
/** Temporaries of one instruction's micro-operations. T0 holds a linear address made by UOP.EA. */
export const T0: usize = PAGE + 8;
export const T1: usize = T0 + 8;
export const T2: usize = T1 + 8;
export const T3: usize = T2 + 8;
/** RIP of the instruction being executed: valid in helpers, at exits and outside run(); stale inside fast blocks. */
export const RIP: usize = T3 + 8;
/** RIP after the instruction being executed; valid in helpers. A helper that completes leaves by it. */
export const NEXT_RIP: usize = RIP + 8;
/** Lazy flags: kind of the last flag-setting operation, its sign-extended result and operands (flags.ts). */
export const FLAG_KIND: usize = NEXT_RIP + 8;
export const FLAG_R: usize = FLAG_KIND + 8;
export const FLAG_A: usize = FLAG_R + 8;
export const FLAG_B: usize = FLAG_A + 8;
/** RFLAGS; its CF PF AF ZF SF OF are valid only while FLAG_KIND is EXPLICIT: read through flags.ts. */
export const RFLAGS: usize = FLAG_B + 8;
/** Instructions left in this run() minus BLOCK_MAX: negative = finish with blocks cut to what is left. */
export const BUDGET: usize = RFLAGS + 8;
/** What must be looked at before the next block: bits REQUEST_*; written by other threads too. */
export const REQUEST: usize = BUDGET + 4;
/** Address of the data TLB in use (by privilege), and of the jump cache. */
export const TLB_NOW: usize = REQUEST + 4;
/** Compared with a jump-cache entry's key: epoch << 8 | user << 7 | decode mode. Any flush or mode change makes a new one. */
export const JUMP_KEY: usize = TLB_NOW + 4;
/** Decode mode: bits 0-1 code size (0 = 16, 1 = 32, 2 = 64 bit), bit 2 = 32-bit stack (SS.B), bits 3-6 MODE_*: which registers may be used, and whether there are VEX prefixes. */
export const MODE: usize = JUMP_KEY + 4;
/** Current privilege level 0…3 (3 in virtual-8086 mode). */
export const CPL: usize = MODE + 4;
/** Index of the data TLB in use: TLB_SUPERVISOR, TLB_USER or TLB_SUPERVISOR_AC. */
export const MMU: usize = CPL + 4;
export const EPOCH: usize = MMU + 4;
/** STRICT_* bits: every data access has to be looked at, so TLB_NOW is a TLB that never hits. */
export const STRICT: usize = EPOCH + 4;
/** CODE_DROPS as far as this vCPU has dropped its blocks accordingly. */
export const SEEN_DROPS: usize = STRICT + 4;
/** CR0.EM and TS allow x87 and MMX; CR0 and CR4 allow XMM registers; CR4.OSXSAVE and XCR0 allow VEX-encoded vectors. */
export const MODE_X87: u32 = 8;
export const MODE_SSE: u32 = 16;
export const MODE_AVX: u32 = 32;
/** Protected mode, not virtual-8086: VEX prefixes are defined. The decoder takes them in every mode, the lowering asks here. */
export const MODE_VEX: u32 = 64;
export const STRICT_ALIGNMENT: u32 = 1; // CR0.AM, RFLAGS.AC, CPL 3: #AC
export const STRICT_BREAKPOINTS: u32 = 2; // data breakpoints in DR7

// ---------------------------------------------------------------- segments: 6 + LDTR + TR, one shape
/** Selector order is the encoding's: ES CS SS DS FS GS, then LDTR, TR. */
export const SEG_ES: usize = 0;
export const SEG_CS: usize = 1;
export const SEG_SS: usize = 2;
export const SEG_DS: usize = 3;
export const SEG_FS: usize = 4;
export const SEG_GS: usize = 5;
export const SEG_LDTR: usize = 6;
export const SEG_TR: usize = 7;
export const SEGMENTS: usize = (SEEN_DROPS + 4 + 31) & ~31;
export const SEGMENT_SIZE: usize = 32;
/** Inside a segment. Attributes are in VT-x access-rights format (SDM vol. 3, 25.4.1): type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. The limit is in bytes. */
export const SEGMENT_BASE: usize = 0;
export const SEGMENT_LIMIT: usize = 8;
export const SEGMENT_ATTRIBUTES: usize = 12;
export const SEGMENT_SELECTOR: usize = 16;
export const GDTR_BASE: usize = SEGMENTS + 8 * SEGMENT_SIZE;
export const GDTR_LIMIT: usize = GDTR_BASE + 8;
export const IDTR_BASE: usize = GDTR_LIMIT + 8;
export const IDTR_LIMIT: usize = IDTR_BASE + 8;

// ---------------------------------------------------------------- control, debug and model-specific registers
export const CR0: usize = IDTR_LIMIT + 8;
export const CR2: usize = CR0 + 8;
export const CR3: usize = CR2 + 8;
export const CR4: usize = CR3 + 8;
export const CR8: usize = CR4 + 8;
export const XCR0: usize = CR8 + 8;
export const EFER: usize = XCR0 + 8;
/** DR0…DR7, 8 bytes each (DR4 and DR5 unused). */
export const DR: usize = EFER + 8;
/** The four PDPTE registers of PAE paging (SDM vol. 3, 4.4.1), loaded by MOV CR3 and friends. */
export const PDPTE: usize = DR + 8 * 8;
export const MSR_STAR: usize = PDPTE + 4 * 8;
export const MSR_LSTAR: usize = MSR_STAR + 8;
export const MSR_CSTAR: usize = MSR_LSTAR + 8;
export const MSR_SFMASK: usize = MSR_CSTAR + 8;
export const MSR_KERNEL_GS_BASE: usize = MSR_SFMASK + 8;
export const MSR_SYSENTER_CS: usize = MSR_KERNEL_GS_BASE + 8;
export const MSR_SYSENTER_ESP: usize = MSR_SYSENTER_CS + 8;
export const MSR_SYSENTER_EIP: usize = MSR_SYSENTER_ESP + 8;
export const MSR_TSC_AUX: usize = MSR_SYSENTER_EIP + 8;
export const MSR_APIC_BASE: usize = MSR_TSC_AUX + 8;
export const MSR_PAT: usize = MSR_APIC_BASE + 8;
export const MSR_MISC_ENABLE: usize = MSR_PAT + 8;
export const MSR_TSC_ADJUST: usize = MSR_MISC_ENABLE + 8;
/** Added to the clock to give the TSC. */
export const TSC_OFFSET: usize = MSR_TSC_ADJUST + 8;
/** How far the virtual clock was put forward, in ticks: a machine that waits skips the time. */
export const CLOCK_SKIPPED: usize = TSC_OFFSET + 8;
/** Instructions retired before the present run(), and the budget that run() began with. */
export const RETIRED: usize = CLOCK_SKIPPED + 8;
export const RUN_BUDGET: usize = RETIRED + 8;
/** Virtual clock: TSC ticks per 2^16 retired instructions (0 = the host's clock, asked through an import). */
export const TSC_PER_INSN: usize = RUN_BUDGET + 8;

/** RDRAND and RDSEED: the key of a ChaCha20 stream, and its block counter and nonce (execute/random.ts). The hypervisor draws the key with a real clock; with a virtual one it is zero, so that runs repeat. */
export const RANDOM_KEY: usize = TSC_PER_INSN + 8;
export const RANDOM_COUNT: usize = RANDOM_KEY + 32;
export const RANDOM_STREAM: usize = RANDOM_COUNT + 8;

// ---------------------------------------------------------------- the processor's configuration, set by the hypervisor
/** NESTED_*: how guest-physical (or, for shadow, linear) addresses become host addresses. */
export const NESTED: usize = RANDOM_STREAM + 8;
/** EPTP / nCR3: linear-memory address of the root table of EPT or NPT. Under NESTED_SHADOW also the EPT used for software walks. */
export const NESTED_ROOT: usize = NESTED + 8;
/** Root of the shadow page table (4 or 5 levels as CR4.LA57 says), linear-memory address. */
export const SHADOW_ROOT: usize = NESTED_ROOT + 8;
/** Physical-address width in bits (CPUID 80000008H) and what this processor has: FEATURE_* bits. */
export const PHYSICAL_BITS: usize = SHADOW_ROOT + 8;
export const FEATURES: usize = PHYSICAL_BITS + 8;
/** INTERCEPT_* bits: what leaves the guest although hardware could do it alone. */
export const INTERCEPTS: usize = FEATURES + 8;
/** Frequencies of the TSC and of the core crystal clock, by which the APIC timer counts. */
export const TSC_KHZ: usize = INTERCEPTS + 8;
export const CRYSTAL_KHZ: usize = TSC_KHZ + 4;

// ---------------------------------------------------------------- events
/** The exception raised by the running instruction: vector, error code, whether it has one, and CR2 for #PF. */
export const RAISED_VECTOR: usize = CRYSTAL_KHZ + 4;
export const RAISED_ERROR: usize = RAISED_VECTOR + 4;
export const RAISED_HAS_ERROR: usize = RAISED_ERROR + 4;
export const RAISED_CR2: usize = RAISED_HAS_ERROR + 8;
/** Event to deliver before the next instruction, VT-x interruption-information format: vector 0-7, type 8-10 (0 external, 2 NMI, 3 hardware exception, 4 software interrupt, 5 privileged software exception, 6 software exception), error-code valid 11, valid 31. Set by the hypervisor (injection) or by an exit in the middle of a delivery. */
export const INJECT_INFO: usize = RAISED_CR2 + 8;
export const INJECT_ERROR: usize = INJECT_INFO + 4;
/** Instruction length for software events: the return address is RIP + this. */
export const INJECT_LENGTH: usize = INJECT_ERROR + 4;
/** The external interrupt that waits (vector, or -1), and the NMI latch. */
export const IRQ_VECTOR: usize = INJECT_LENGTH + 4;
export const NMI_PENDING: usize = IRQ_VECTOR + 4;
/** Interruptibility: bit 0 blocking by STI, bit 1 by MOV SS, bit 3 by NMI (VT-x guest interruptibility state). */
export const INTERRUPTIBILITY: usize = NMI_PENDING + 4;
/** 0 active, 1 halted, 2 shutdown, 3 wait-for-SIPI (VT-x activity state): ACTIVITY_*. */
export const ACTIVITY: usize = INTERRUPTIBILITY + 4;
/** Debug conditions met by the running instruction, DR6 bits, delivered as a trap #DB when it ends. */
export const PENDING_DEBUG: usize = ACTIVITY + 4;

// ---------------------------------------------------------------- the exit record
export const EXIT_REASON: usize = (PENDING_DEBUG + 4 + 7) & ~7;
/** INFO_* bits: access type, plain store, size, instruction length. */
export const EXIT_INFO: usize = EXIT_REASON + 4;
export const EXIT_QUALIFICATION: usize = EXIT_INFO + 4;
/** Guest-physical address; for port I/O the port. */
export const EXIT_GPA: usize = EXIT_QUALIFICATION + 8;
/** Guest linear address. */
export const EXIT_GLA: usize = EXIT_GPA + 8;
export const EXIT_LENGTH: usize = EXIT_GLA + 8;
/** Size in bytes of a port access. */
export const EXIT_SIZE: usize = EXIT_LENGTH + 4;
/** Value written, or to be filled in for a read (IN, RDMSR, MOV from an intercepted register). */
export const EXIT_DATA: usize = EXIT_SIZE + 4;
/** IDT-vectoring information: the event whose delivery this exit interrupted (format of INJECT_INFO). */
export const EXIT_VECTORING: usize = EXIT_DATA + 8;
export const EXIT_VECTORING_ERROR: usize = EXIT_VECTORING + 4;

// ---------------------------------------------------------------- counters for the statistics
export const COUNT_WALKS: usize = EXIT_VECTORING_ERROR + 4;
export const COUNT_DECODES: usize = COUNT_WALKS + 8;
export const COUNT_BLOCKS: usize = COUNT_DECODES + 8;
export const COUNT_TLB_MISSES: usize = COUNT_BLOCKS + 8;
export const COUNT_CODE_DROPS: usize = COUNT_TLB_MISSES + 8;

// ---------------------------------------------------------------- decoder's result (decode/insn.ts), floating point and vectors
export const INSN: usize = (COUNT_CODE_DROPS + 8 + 63) & ~63;
export const INSN_SIZE: usize = 192;
/** Up to 15 instruction bytes gathered from two pages, padded. */
export const FETCH_BUFFER: usize = INSN + INSN_SIZE;
/** A memory operand that crosses pages is assembled here: four of 64 bytes. */
export const BOUNCE: usize = FETCH_BUFFER + 32;
export const BOUNCE_SIZE: usize = 64;
/** x87 registers by their physical number (ST(i) is number (TOP + i) & 7), 16 bytes each: significand u64, sign and exponent u16. MMn is the significand of number n. */
export const X87: usize = (BOUNCE + 4 * BOUNCE_SIZE + 63) & ~63;
export const X87_EXPONENT: usize = 8;
/** YMM0…YMM15, 32 bytes each; the lower half is the XMM register. */
export const YMM: usize = X87 + 8 * 16;
export const YMM_HIGH: usize = 16;
/** Vector operands loaded from memory and results on their way to it, 32 bytes each; V0 is the last source's. */
export const V0: usize = YMM + 16 * 32;
export const V1: usize = V0 + 32;
export const MXCSR: usize = V1 + 32;
/** Not zero while MXCSR rounds to nearest, masks everything and has PE set: plain arithmetic on normal numbers then needs no look at the flags (vector/quick.ts). */
export const MXCSR_PLAIN: usize = MXCSR + 4;
/** x87 control and status word (TOP, bits 11-13, is always current), tags (bit n: physical register n is not empty), last opcode. */
export const FCW: usize = MXCSR_PLAIN + 4;
export const FSW: usize = FCW + 2;
export const FTW: usize = FSW + 2;
export const FOP: usize = FTW + 2;
/** Last x87 instruction and its memory operand: offsets and selectors. */
export const FIP: usize = (FOP + 2 + 7) & ~7;
export const FDP: usize = FIP + 8;
export const FCS: usize = FDP + 8;
export const FDS: usize = FCS + 2;
/** An XSAVE image in standard form (SDM vol. 1, 13.4): made by saveFpu(), taken over by loadFpu(). */
export const FXSAVE: usize = (FDS + 2 + 63) & ~63;
export const XSAVE_SIZE: usize = 512 + 64 + 256;
/** What an instance of the module remembers from one run() to the next, put here by saveVcpu() and taken up by loadVcpu(): CARRY_ENTRY (enter.ts), CARRY_PORT (port.ts), CARRY_MMIO (mmio.ts). */
export const CARRY_ENTRY: usize = (FXSAVE + XSAVE_SIZE + 7) & ~7;
export const CARRY_PORT: usize = CARRY_ENTRY + 16;
export const CARRY_MMIO: usize = CARRY_PORT + 40;
/** The local APIC (apic/registers.ts): what its registers hold, in the order of their offsets on the APIC page. */
export const APIC: usize = (CARRY_MMIO + 16 + 63) & ~63;
export const APIC_ID: usize = APIC;
export const APIC_TPR: usize = APIC_ID + 4;
export const APIC_LDR: usize = APIC_TPR + 4;
export const APIC_DFR: usize = APIC_LDR + 4;
export const APIC_SVR: usize = APIC_DFR + 4;
/** What ESR shows, and the errors since it was last written. */
export const APIC_ESR: usize = APIC_SVR + 4;
export const APIC_ERRORS: usize = APIC_ESR + 4;
/** INIT (bit 0) and SIPI (bit 1, its vector in bits 8-15) that wait; other vCPUs set them. */
export const APIC_STARTUP: usize = APIC_ERRORS + 4;
/** In service, trigger mode, requested: 256 bits each, by vector. Other threads set bits of the latter two. */
export const APIC_ISR: usize = APIC_STARTUP + 4;
export const APIC_TMR: usize = APIC_ISR + 32;
export const APIC_IRR: usize = APIC_TMR + 32;
export const APIC_ICR: usize = APIC_IRR + 32;
/** Local vector table: timer, thermal, performance, LINT0, LINT1, error; 4 bytes each. */
export const APIC_LVT: usize = APIC_ICR + 8;
export const APIC_TIMER_INITIAL: usize = APIC_LVT + 6 * 4;
export const APIC_TIMER_DIVIDE: usize = APIC_TIMER_INITIAL + 4;
/** When the timer fires, in ticks of the clock (the TSC without its offset); 0 = it does not run. */
export const APIC_TIMER_DEADLINE: usize = APIC_TIMER_DIVIDE + 4;
/** IA32_TSC_DEADLINE as it was written: the same in the guest's TSC; 0 = disarmed. */
export const APIC_TSC_DEADLINE: usize = APIC_TIMER_DEADLINE + 8;
/** What TIMER_DEADLINE lacks of the time that was meant, in ticks / CRYSTAL_KHZ: so that no period is lost in rounding. */
export const APIC_TIMER_FRACTION: usize = APIC_TSC_DEADLINE + 8;
export const STATE_END: usize = APIC_TIMER_FRACTION + 8;

// ---------------------------------------------------------------- data TLBs (in the arena)
export const TLB_SUPERVISOR: u32 = 0;
export const TLB_USER: u32 = 1;
/** Supervisor with RFLAGS.AC set: SMAP allows user pages (SDM vol. 3, 4.6). */
export const TLB_SUPERVISOR_AC: u32 = 2;
export const TLB_ENTRIES: usize = 1024;
export const TLB_ENTRY: usize = 32;
export const TLB_SIZE: usize = TLB_ENTRIES * TLB_ENTRY;
/** In an entry: linear page readable / writable without any further check (else odd), host address - linear address, flags, guest-physical page. A page that is MMIO has tag = page | TAG_MMIO, so the inline check misses and the slow path knows at once. */
export const TLB_READ: usize = 0;
export const TLB_WRITE: usize = 8;
export const TLB_ADDEND: usize = 16;
export const TLB_FLAGS: usize = 20;
export const TLB_GPA: usize = 24;
export const TAG_MMIO: u64 = 1;
/** A tag that matches nothing: low bits are never set in a page address. */
export const TAG_NONE: u64 = 0xfff;
export const TLB_GLOBAL: u32 = 1;

export const ARENA_TLB: usize = 0;
/** The data TLB that never hits (STRICT). */
export const ARENA_NO_TLB: usize = ARENA_TLB + 3 * TLB_SIZE;
/** Instruction TLB: 512 entries { tag u64 (page, or TAG_NONE), gpa u64, host u32, flags u32, pad }; one for supervisor, one for user. */
export const ITLB_ENTRIES: usize = 512;
export const ITLB_ENTRY: usize = 32;
export const ITLB_SIZE: usize = ITLB_ENTRIES * ITLB_ENTRY;
export const ITLB_TAG: usize = 0;
export const ITLB_GPA: usize = 8;
export const ITLB_HOST: usize = 16;
export const ITLB_FLAGS: usize = 20;
export const ARENA_ITLB: usize = ARENA_NO_TLB + TLB_SIZE;
/** Jump cache: { linear RIP u64, block u32, key u32 }, direct mapped. */
export const JUMP_ENTRIES: usize = 8192;
export const ARENA_JUMPS: usize = ARENA_ITLB + 2 * ITLB_SIZE;
/** Block hash: heads of chains by host address of the first byte. */
export const HASH_ENTRIES: usize = 16384;
export const ARENA_HASH: usize = ARENA_JUMPS + JUMP_ENTRIES * 16;
/** Heads of the lists of blocks by the host page they lie in. */
export const PAGE_HASH_ENTRIES: usize = 4096;
export const ARENA_PAGES: usize = ARENA_HASH + HASH_ENTRIES * 4;
/** Emulator's reads already answered and writes to be carried out: { gpa u64, data u64, length u32, pad u32 } each. */
export const MMIO_ENTRIES: usize = 128;
export const MMIO_ENTRY: usize = 24;
export const ARENA_READS: usize = ARENA_PAGES + PAGE_HASH_ENTRIES * 4;
export const ARENA_WRITES: usize = ARENA_READS + MMIO_ENTRIES * MMIO_ENTRY;
/** Counts of unimplemented operations met, u32 by operation. */
export const ARENA_UNIMPLEMENTED: usize = ARENA_WRITES + MMIO_ENTRIES * MMIO_ENTRY;
/** Scratch blocks: cut-off blocks (single step, end of budget), the slow path's rest of an instruction, the emulator's. */
export const ARENA_CUT: usize = (ARENA_UNIMPLEMENTED + 2048 * 4 + 63) & ~63;
export const SCRATCH_SIZE: usize = 0x2000;
export const ARENA_SLOW: usize = ARENA_CUT + SCRATCH_SIZE;
export const ARENA_EMULATE: usize = ARENA_SLOW + SCRATCH_SIZE;
/** What the guest sees as the APIC page is made here for each access (apic/page.ts). */
export const ARENA_APIC: usize = (ARENA_EMULATE + SCRATCH_SIZE + 4095) & ~4095;
/** Micro-operations of decoded blocks; started over when full. */
export const ARENA_UOPS: usize = ARENA_APIC + PAGE_SIZE;
export const UOPS_SIZE: usize = 6 << 20;
export const ARENA_SIZE: usize = (ARENA_UOPS + UOPS_SIZE + 0xffff) & ~0xffff;
/** First address that belongs to the hypervisor. */
export const MEMORY_FREE: usize = ARENAS + MAX_VCPUS * ARENA_SIZE;

// ---------------------------------------------------------------- values
export const NESTED_SHADOW: u32 = 0;
export const NESTED_EPT: u32 = 1;
export const NESTED_NPT: u32 = 2;

export const ACCESS_READ: u32 = 1;
export const ACCESS_WRITE: u32 = 2;
export const ACCESS_EXEC: u32 = 4;

/** EXIT_INFO: bits 0-2 the access (ACCESS_*), 3 plain store, 4 met while walking the guest's tables, 5 user privilege, 6 a plain store
 * to a page known to be MMIO that the guest's tables allow: the address alone may answer it, 8-11 instruction length, 16-23 size in bytes. */
export const INFO_PLAIN_STORE: u32 = 1 << 3;
export const INFO_WALK: u32 = 1 << 4;
export const INFO_USER: u32 = 1 << 5;
export const INFO_KICK: u32 = 1 << 6;
export const INFO_LENGTH_SHIFT: u32 = 8;
export const INFO_SIZE_SHIFT: u32 = 16;

/** What the hypervisor's exit handler returns: go on from the state as it is now, step over the instruction, or leave run(). */
export const RESUME: i32 = 0;
export const SKIP: i32 = 1;
export const LEAVE: i32 = 2;

export const ACTIVITY_HALTED: u32 = 1;
export const ACTIVITY_WAIT_FOR_SIPI: u32 = 3;

export const REQUEST_EVENT: u32 = 1; // something in INJECT_INFO, IRQ_VECTOR, NMI_PENDING, or of the local APIC
export const REQUEST_STOP: u32 = 2; // leave run() at the next block
export const REQUEST_WINDOW: u32 = 4; // exit as soon as an interrupt could be taken

export const INTERCEPT_CR3: u32 = 1; // shadow paging: MOV to CR0, CR3, CR4, EFER and INVLPG exit after taking effect

/** What CPUID would say, in bits that the core asks for. */
export const FEATURE_LA57: u64 = 1;
export const FEATURE_SMEP: u64 = 2;
export const FEATURE_SMAP: u64 = 4;
export const FEATURE_UMIP: u64 = 8;
export const FEATURE_PCID: u64 = 16;
export const FEATURE_NX: u64 = 32;
export const FEATURE_GB_PAGES: u64 = 64;
export const FEATURE_FSGSBASE: u64 = 128;
export const FEATURE_RDTSCP: u64 = 256;
export const FEATURE_INTEL: u64 = 512; // Intel's behaviour where the vendors differ (SYSCALL in compatibility mode, SYSENTER in long mode, …)
export const FEATURE_MOVBE: u64 = 1024;
export const FEATURE_INVPCID: u64 = 2048;
export const FEATURE_POPCNT: u64 = 1 << 12;
export const FEATURE_FPU: u64 = 1 << 13;
export const FEATURE_MMX: u64 = 1 << 14;
export const FEATURE_SSE: u64 = 1 << 15;
export const FEATURE_SSE2: u64 = 1 << 16;
export const FEATURE_SSE3: u64 = 1 << 17;
export const FEATURE_SSSE3: u64 = 1 << 18;
export const FEATURE_SSE41: u64 = 1 << 19;
export const FEATURE_SSE42: u64 = 1 << 20;
export const FEATURE_FXSR: u64 = 1 << 21;
export const FEATURE_CLFLUSH: u64 = 1 << 22;
export const FEATURE_AES: u64 = 1 << 23;
export const FEATURE_PCLMULQDQ: u64 = 1 << 24;
export const FEATURE_SHA: u64 = 1 << 25;
export const FEATURE_RDRAND: u64 = 1 << 26;
export const FEATURE_RDSEED: u64 = 1 << 27;
export const FEATURE_XSAVE: u64 = 1 << 28;
export const FEATURE_XSAVEOPT: u64 = 1 << 29;
export const FEATURE_XSAVEC: u64 = 1 << 30;
export const FEATURE_XSAVES: u64 = 1 << 31;
export const FEATURE_AVX: u64 = 1 << 32;
export const FEATURE_AVX2: u64 = 1 << 33;
export const FEATURE_BMI1: u64 = 1 << 34;
export const FEATURE_BMI2: u64 = 1 << 35;
export const FEATURE_LZCNT: u64 = 1 << 36;
export const FEATURE_FMA: u64 = 1 << 37;
export const FEATURE_F16C: u64 = 1 << 38;
export const FEATURE_ADX: u64 = 1 << 39;
export const FEATURE_APIC: u64 = 1 << 40;
export const FEATURE_X2APIC: u64 = 1 << 41;
export const FEATURE_TSC_DEADLINE: u64 = 1 << 42;

// ---------------------------------------------------------------- the vCPU this instance runs
/** State page and arena of the vCPU that this instance of the module runs; set by attach(). */
export let cpu: usize = 0;
export let arena: usize = 0;
/** 0 = nothing; RAISED_EXCEPTION: RAISED_* holds a fault of the running instruction; RAISED_EXIT: the exit record is filled in. Callers of anything that can fail look here. */
export let raised: u32 = 0;
export const RAISED_EXCEPTION: u32 = 1;
export const RAISED_EXIT: u32 = 2;
/** An MMIO read in emulation waits for its data (last entry of the read list is incomplete). */
export const RAISED_NEED_READ: u32 = 3;
/** The emulator is running: MMIO goes through the read and write lists instead of exiting. */
export let emulating: bool = false;

export function attach(index: u32): void {
  cpu = VCPUS + index * <u32>STATE_SIZE;
  arena = ARENAS + index * <u32>ARENA_SIZE;
}
export function setRaised(value: u32): void {
  raised = value;
}
export function setEmulating(value: bool): void {
  emulating = value;
}

/** Raise an exception without an error code. The instruction must change nothing after this. */
export function raise(vector: u32): void {
  store<u32>(cpu, vector, RAISED_VECTOR);
  store<u32>(cpu, 0, RAISED_ERROR);
  store<u32>(cpu, 0, RAISED_HAS_ERROR);
  raised = RAISED_EXCEPTION;
}
/** Raise an exception with an error code. */
export function raiseError(vector: u32, error: u32): void {
  store<u32>(cpu, vector, RAISED_VECTOR);
  store<u32>(cpu, error, RAISED_ERROR);
  store<u32>(cpu, 1, RAISED_HAS_ERROR);
  raised = RAISED_EXCEPTION;
}
// @ts-ignore: decorator
@inline export function segment(index: usize): usize {
  return cpu + SEGMENTS + index * SEGMENT_SIZE;
}
// @ts-ignore: decorator
@inline export function isLongMode(): bool {
  return (load<u64>(cpu, EFER) & 0x400) != 0;
}
/** 64-bit code segment in use. */
// @ts-ignore: decorator
@inline export function is64(): bool {
  return (load<u32>(cpu, MODE) & 3) == 2;
}
// @ts-ignore: decorator
@inline export function isProtected(): bool {
  return (load<u64>(cpu, CR0) & 1) != 0;
}
/** Virtual-8086 mode. */
// @ts-ignore: decorator
@inline export function isV86(): bool {
  return (load<u64>(cpu, RFLAGS) & 0x20000) != 0 && isProtected();
}
