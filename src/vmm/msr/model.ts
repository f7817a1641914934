// Which model-specific registers a processor has beside those of its core: CPUID's announcements decide.

import type { Clock } from '../clock.js';
import type { VcpuContext } from '../context.js';
import { CPU_FEATURES } from '../cpu-features.js';
import type { RequiredCpu } from '../cpuid.js';
import type { GuestMemory } from '../guest-memory.js';
import { KVM_FEATURES, KvmFeature } from '../kvm-leaves.js';
import { KvmClock } from './kvmclock.js';
import { mtrrs } from './mtrr.js';
import { RegisterFile } from './register-file.js';
import type { MsrRules } from './register.js';
import { speculation } from './speculation.js';
import { amdRegisters, intelRegisters, machineCheck } from './vendors.js';

interface MachineParts {
  readonly clock: Clock;
  readonly memory: GuestMemory;
  readonly cpu: RequiredCpu;
  /** Of all vCPUs there are. */
  readonly contexts: readonly VcpuContext[];
}

/** Gives a new vCPU its registers and its clock. */
export function giveRegisters(context: VcpuContext, { clock, memory, cpu, contexts }: MachineParts): void {
  const { core } = context;
  const retired = (): number => {
    core.exports.syncExit();
    return core.exports.retired();
  };
  context.kvmclock = new KvmClock({
    clock,
    memory,
    ticks: () => clock.ticksOf(retired),
    offset: () => tscOffset(context),
    stable: () => haveOneTsc(contexts, clock),
  });
  context.registers = new RegisterFile(rulesFor(context, cpu, clock.tscKhz));
}

function tscOffset({ core, shared }: VcpuContext): bigint {
  return shared.memory.u64[(core.state + core.layout.TSC_OFFSET) / 8]!;
}

/** The TSCs of all vCPUs go together. By the virtual clock each counts instructions of its own. */
function haveOneTsc(contexts: readonly VcpuContext[], clock: Clock): boolean {
  const [first, ...others] = contexts;
  if (first === undefined || others.length === 0) return true;
  return clock.mode === 'real' && others.every((other) => tscOffset(other) === tscOffset(first));
}

function rulesFor({ shared, kvmclock }: VcpuContext, { vendor, physicalBits }: RequiredCpu, tscKhz: number): MsrRules {
  const { cpuid } = shared;
  const has = (name: string): boolean => {
    const { leaf, subleaf, register, bit } = CPU_FEATURES[name]!;
    return ((cpuid.find(leaf, subleaf)[register] >>> bit) & 1) !== 0;
  };
  const kvm = cpuid.find(KVM_FEATURES, 0).eax;
  return [
    ...(has('mtrr') ? mtrrs(physicalBits) : []),
    ...(has('mca') ? machineCheck() : []),
    ...speculation(has('spec_ctrl'), has('arch_capabilities')),
    ...(vendor === 'intel' ? intelRegisters(tscKhz) : amdRegisters()),
    ...kvmclock.rules((kvm & KvmFeature.Clocksource) !== 0, (kvm & KvmFeature.Clocksource2) !== 0),
  ];
}
