// How a vCPU begins: its registers after power-up and INIT (SDM vol. 3, table 10-1), and what INIT and SIPI messages do.

import {
  ACTIVITY,
  ACTIVITY_WAIT_FOR_SIPI,
  APIC_ID,
  APIC_STARTUP,
  BUDGET,
  cpu,
  CR0,
  CR2,
  CR3,
  CR4,
  CR8,
  DR,
  EFER,
  FCW,
  FLAG_KIND,
  GDTR_BASE,
  GDTR_LIMIT,
  GPR,
  IDTR_BASE,
  IDTR_LIMIT,
  INJECT_INFO,
  INTERRUPTIBILITY,
  IRQ_VECTOR,
  MSR_APIC_BASE,
  MSR_PAT,
  NMI_PENDING,
  PENDING_DEBUG,
  RFLAGS,
  RIP,
  SEG_CS,
  SEG_LDTR,
  SEG_TR,
  segment,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_LIMIT,
  SEGMENT_SELECTOR,
  SEGMENT_SIZE,
  STATE_END,
  XCR0,
} from '../state';
import { BLOCK_MAX } from '../uop';
import { STARTUP_INIT, STARTUP_SIPI } from '../apic/message';
import { BASE_BSP, BASE_ENABLED, indexOf, resetRegisters } from '../apic/registers';
import { setMxcsr } from '../float/environment';
import { init, modeChanged } from '../paging/mode';
import { flushAll } from '../paging/tlb';

const APIC_ADDRESS: u64 = 0xfee00000;
const CR0_CACHES: u64 = 0x60000000;

/** Real mode at F000:FFF0, everything else clear. */
export function powerUp(): void {
  memory.fill(cpu, 0, STATE_END);
  store<u64>(cpu, CR0_CACHES | 0x10, CR0);
  initRegisters();
  store<u64>(cpu, 0x0007040600070406, MSR_PAT);
  const index = indexOf(cpu);
  store<u64>(cpu, APIC_ADDRESS | BASE_ENABLED | (index ? 0 : BASE_BSP), MSR_APIC_BASE);
  store<u32>(cpu, index, APIC_ID);
  resetRegisters();
  store<u64>(cpu, 1, XCR0);
  store<u16>(cpu, 0x37f, FCW); // as KVM has it; hardware has 0040H until FNINIT
  setMxcsr(0x1f80);
  store<i32>(cpu, -1, IRQ_VECTOR);
  store<i32>(cpu, -(<i32>BLOCK_MAX), BUDGET);
  init();
}

/** What power-up and INIT have in common. */
function initRegisters(): void {
  memory.fill(cpu + GPR, 0, 16 * 8);
  for (let i: usize = 0; i < 8; i++) {
    const s = segment(i);
    memory.fill(s, 0, SEGMENT_SIZE);
    store<u32>(s, 0xffff, SEGMENT_LIMIT);
    store<u32>(s, i == SEG_CS ? 0x9b : i == SEG_LDTR ? 0x82 : i == SEG_TR ? 0x8b : 0x93, SEGMENT_ATTRIBUTES);
  }
  store<u64>(segment(SEG_CS), 0xffff0000, SEGMENT_BASE);
  store<u16>(segment(SEG_CS), 0xf000, SEGMENT_SELECTOR);
  store<u64>(cpu, 0xfff0, RIP);
  store<u64>(cpu, 0, FLAG_KIND);
  store<u64>(cpu, 2, RFLAGS);
  store<u64>(cpu, 0, GDTR_BASE);
  store<u64>(cpu, 0, IDTR_BASE);
  store<u32>(cpu, 0xffff, GDTR_LIMIT);
  store<u32>(cpu, 0xffff, IDTR_LIMIT);
  store<u64>(cpu, 0xffff0ff0, DR + 6 * 8);
  store<u64>(cpu, 0x400, DR + 7 * 8);
}

/** INIT: as power-up, but time, model-specific registers, x87 and vector registers and the APIC's mode stay. */
function initialise(): void {
  const caches = load<u64>(cpu, CR0) & CR0_CACHES;
  initRegisters();
  store<u64>(cpu, caches | 0x10, CR0);
  store<u64>(cpu, 0, CR2);
  store<u64>(cpu, 0, CR3);
  store<u64>(cpu, 0, CR4);
  store<u64>(cpu, 0, CR8);
  store<u64>(cpu, 0, EFER);
  for (let number: usize = 0; number < 4; number++) store<u64>(cpu + DR + number * 8, 0);
  store<u32>(cpu, 0, INJECT_INFO);
  store<u32>(cpu, 0, INTERRUPTIBILITY);
  store<u32>(cpu, 0, PENDING_DEBUG);
  store<u32>(cpu, 0, NMI_PENDING);
  resetRegisters();
  // the bootstrap processor begins anew, the others wait for what tells them where (12.4.7.3)
  store<u32>(cpu, load<u64>(cpu, MSR_APIC_BASE) & BASE_BSP ? 0 : ACTIVITY_WAIT_FOR_SIPI, ACTIVITY);
}

/** Carry out what has arrived: INIT first, then the SIPI, which means something only to who waits for it. */
export function startUp(): void {
  const asked = atomic.xchg<u32>(cpu, 0, APIC_STARTUP);
  if (asked & STARTUP_INIT) initialise();
  if (asked & STARTUP_SIPI && load<u32>(cpu, ACTIVITY) == ACTIVITY_WAIT_FOR_SIPI) {
    const vector = (asked >> 8) & 0xff;
    store<u64>(segment(SEG_CS), vector << 12, SEGMENT_BASE);
    store<u16>(segment(SEG_CS), <u16>(vector << 8), SEGMENT_SELECTOR);
    store<u64>(cpu, 0, RIP);
    store<u32>(cpu, 0, ACTIVITY);
  }
  modeChanged();
  flushAll();
}
