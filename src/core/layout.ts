// The names of the state layout that TypeScript uses. Their values come from the module's exported globals: assembly/state.ts
// alone knows them, and a name that it does not export is an error when the core is loaded, not a NaN offset later.

import { CoreError } from './error.js';

// prettier-ignore
const NAMES = [
  // linear memory
  'PAGE_SIZE', 'MAX_VCPUS', 'VCPUS', 'STATE_SIZE', 'ARENAS', 'ARENA_SIZE', 'MEMORY_FREE', 'CODE_MAP', 'LOG_WRITES',
  'WRITE_LOG', 'EPOCH', 'SEEN_DROPS', 'CODE_DROPS', 'CODE_DROPS_KEPT', 'CARRY_MMIO',
  // registers
  'GPR', 'RIP', 'NEXT_RIP', 'RFLAGS', 'REQUEST', 'MODE', 'CPL', 'MMU', 'RAISED_VECTOR', 'RAISED_ERROR', 'RAISED_HAS_ERROR', 'RAISED_CR2',
  'RAISED_EXIT', 'TLB_SUPERVISOR', 'TLB_USER', 'TLB_SUPERVISOR_AC', 'SEGMENTS', 'SEGMENT_SIZE', 'SEGMENT_BASE',
  'SEGMENT_LIMIT', 'SEGMENT_ATTRIBUTES', 'SEGMENT_SELECTOR', 'SEG_ES', 'SEG_CS', 'SEG_SS', 'SEG_DS', 'SEG_FS',
  'SEG_GS', 'SEG_LDTR', 'SEG_TR', 'GDTR_BASE', 'GDTR_LIMIT', 'IDTR_BASE', 'IDTR_LIMIT', 'CR0', 'CR2', 'CR3', 'CR4',
  'CR8', 'XCR0', 'EFER', 'DR', 'PDPTE', 'FXSAVE', 'XSAVE_SIZE', 'MXCSR',
  // model-specific registers and time
  'MSR_STAR', 'MSR_LSTAR', 'MSR_CSTAR', 'MSR_SFMASK', 'MSR_KERNEL_GS_BASE', 'MSR_SYSENTER_CS', 'MSR_SYSENTER_ESP',
  'MSR_SYSENTER_EIP', 'MSR_TSC_AUX', 'MSR_APIC_BASE', 'MSR_PAT', 'MSR_MISC_ENABLE', 'MSR_TSC_ADJUST', 'TSC_OFFSET', 'CLOCK_SKIPPED',
  'RETIRED', 'TSC_PER_INSN', 'RANDOM_KEY', 'RANDOM_COUNT', 'RANDOM_STREAM',
  // configuration
  'NESTED', 'NESTED_ROOT', 'SHADOW_ROOT', 'PHYSICAL_BITS', 'FEATURES', 'INTERCEPTS', 'NESTED_SHADOW', 'NESTED_EPT',
  'NESTED_NPT', 'INTERCEPT_CR3', 'FEATURE_LA57', 'FEATURE_SMEP', 'FEATURE_SMAP', 'FEATURE_UMIP', 'FEATURE_PCID',
  'FEATURE_NX', 'FEATURE_GB_PAGES', 'FEATURE_FSGSBASE', 'FEATURE_RDTSCP', 'FEATURE_INTEL', 'FEATURE_MOVBE',
  'FEATURE_INVPCID', 'FEATURE_POPCNT', 'FEATURE_FPU', 'FEATURE_MMX', 'FEATURE_SSE', 'FEATURE_SSE2', 'FEATURE_SSE3',
  'FEATURE_SSSE3', 'FEATURE_SSE41', 'FEATURE_SSE42', 'FEATURE_FXSR', 'FEATURE_CLFLUSH', 'FEATURE_AES',
  'FEATURE_PCLMULQDQ', 'FEATURE_SHA', 'FEATURE_RDRAND', 'FEATURE_RDSEED', 'FEATURE_XSAVE', 'FEATURE_XSAVEOPT',
  'FEATURE_XSAVEC', 'FEATURE_XSAVES', 'FEATURE_AVX', 'FEATURE_AVX2', 'FEATURE_BMI1', 'FEATURE_BMI2', 'FEATURE_LZCNT',
  'FEATURE_FMA', 'FEATURE_F16C', 'FEATURE_ADX', 'FEATURE_APIC', 'FEATURE_X2APIC', 'FEATURE_TSC_DEADLINE', 'TSC_KHZ', 'CRYSTAL_KHZ',
  // events
  'INJECT_INFO', 'INJECT_ERROR', 'INJECT_LENGTH', 'IRQ_VECTOR', 'NMI_PENDING', 'INTERRUPTIBILITY', 'ACTIVITY',
  'ACTIVITY_HALTED', 'ACTIVITY_WAIT_FOR_SIPI', 'APIC_TSC_DEADLINE',
  'PENDING_DEBUG', 'REQUEST_EVENT', 'REQUEST_STOP', 'REQUEST_WINDOW',
  // the exit record
  'EXIT_REASON', 'EXIT_INFO', 'EXIT_QUALIFICATION', 'EXIT_GPA', 'EXIT_GLA', 'EXIT_LENGTH', 'EXIT_SIZE', 'EXIT_DATA',
  'EXIT_VECTORING', 'EXIT_VECTORING_ERROR', 'ACCESS_READ', 'ACCESS_WRITE', 'ACCESS_EXEC', 'INFO_PLAIN_STORE',
  'INFO_WALK', 'INFO_USER',
  'INFO_KICK', 'INFO_LENGTH_SHIFT', 'INFO_SIZE_SHIFT', 'RESUME', 'SKIP', 'LEAVE',
  // the emulator's lists, counters
  'MMIO_ENTRY', 'MMIO_ENTRIES', 'ARENA_READS', 'ARENA_WRITES', 'ARENA_UNIMPLEMENTED', 'ARENA_EMULATE', 'SCRATCH_SIZE',
  'COUNT_WALKS', 'COUNT_DECODES',
  'COUNT_BLOCKS', 'COUNT_TLB_MISSES', 'COUNT_CODE_DROPS',
] as const;

export type LayoutName = (typeof NAMES)[number];

/** Offsets, sizes and bit values by the name they have in assembly/state.ts. */
export type Layout = Readonly<Record<LayoutName, number>>;

/**
 * A short name for the whole layout, by every constant that state.ts exports: state that was saved under one means nothing
 * under another.
 */
export function layoutFingerprint(exports: WebAssembly.Exports): string {
  let hash = 0x811c_9dc5; // FNV-1a, 32 bits
  for (const name of Object.keys(exports).toSorted()) {
    const value = exports[name];
    if (!(value instanceof WebAssembly.Global) || !/^[A-Z][A-Z0-9_]*$/.test(name)) continue;
    for (const character of `${name}=${String(value.value)};`) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193) >>> 0;
    }
  }
  return hash.toString(16).padStart(8, '0');
}

/** Collects the layout from an instance's exports. Throws CoreError naming what the module lacks. */
export function readLayout(exports: WebAssembly.Exports): Layout {
  const layout: Partial<Record<LayoutName, number>> = {};
  const missing: string[] = [];
  for (const name of NAMES) {
    const value = exports[name];
    if (value instanceof WebAssembly.Global) layout[name] = Number(value.value);
    else missing.push(name);
  }
  if (missing.length > 0) throw new CoreError(`the CPU core exports no ${missing.join(', ')}: build it anew`);
  return layout as Layout;
}
