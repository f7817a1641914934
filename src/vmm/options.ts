// What Vm.create() takes, and the one clear error for each thing that is wrong with it.

import { EINVAL } from '../eventfd/index.js';
import { CPU_FEATURES, CPU_LEVELS, featuresOf } from './cpu-features.js';
import type { CpuOptions, RequiredCpu } from './cpuid.js';

/** How guest-physical addresses become host addresses. */
export type PagingMode = 'ept' | 'npt' | 'shadow';
/** Whether time passes as on the host, or with retired instructions so that a run repeats exactly. */
export type ClockMode = 'virtual' | 'real';
/** Whether a plain store to a doorbell is answered at the exit, or emulated like any other (for comparison). */
export type DoorbellMode = 'fast' | 'emulate';

export interface VmOptions {
  /** Bytes of RAM in slot 0 at guest-physical 0, a multiple of 4096; 0 (the default) makes no slot. */
  memory?: number;
  /** Default 'ept'. */
  paging?: PagingMode;
  /** Default 'virtual'. */
  clock?: ClockMode;
  /** Frequency of the time-stamp counter in kHz; default 2,800,000. */
  tscKhz?: number;
  /** TSC ticks that one instruction takes by the virtual clock; default 8, about what the interpreter needs at 2.8 GHz. */
  ticksPerInstruction?: number;
  /** Default 'fast'. */
  doorbells?: DoorbellMode;
  cpu?: CpuOptions;
  /** Bytes of another build of the core. */
  core?: Uint8Array;
}

export interface CheckedOptions {
  memory: number;
  paging: PagingMode;
  clock: ClockMode;
  tscKhz: number;
  ticksPerInstruction: number;
  doorbells: DoorbellMode;
  cpu: RequiredCpu;
  core: Uint8Array | undefined;
}

const CPU_DEFAULTS: RequiredCpu = {
  level: 'v3',
  features: [],
  vendor: 'intel',
  brand: 'Doorbell virtual processor',
  physicalBits: 40,
  la57: false,
  apic: false,
  hypervisor: true,
};

/** Fills in defaults. Throws EINVAL naming the first option that is wrong. */
export function checkOptions(options: VmOptions): CheckedOptions {
  known('option', options, ['memory', 'paging', 'clock', 'tscKhz', 'ticksPerInstruction', 'doorbells', 'cpu', 'core']);
  known('cpu option', options.cpu ?? {}, Object.keys(CPU_DEFAULTS));
  const checked: CheckedOptions = {
    memory: options.memory ?? 0,
    paging: options.paging ?? 'ept',
    clock: options.clock ?? 'virtual',
    tscKhz: options.tscKhz ?? 2_800_000,
    ticksPerInstruction: options.ticksPerInstruction ?? 8,
    doorbells: options.doorbells ?? 'fast',
    cpu: { ...CPU_DEFAULTS, ...options.cpu },
    core: options.core,
  };
  const { memory, tscKhz, ticksPerInstruction, cpu } = checked;
  if (!Number.isSafeInteger(memory) || memory < 0 || memory % 4096 !== 0) {
    throw new EINVAL(`Vm.create: memory must be a number of bytes, a multiple of 4096, not ${String(memory)}`);
  }
  checkMode('Vm.create', 'paging', checked.paging);
  oneOf('clock', checked.clock, ['virtual', 'real']);
  checkMode('Vm.create', 'doorbells', checked.doorbells);
  oneOf('cpu.vendor', cpu.vendor, ['intel', 'amd']);
  oneOf('cpu.level', cpu.level, [...CPU_LEVELS]);
  if (!Array.isArray(cpu.features)) throw new EINVAL("Vm.create: cpu.features must be an array of '+name' and '-name'");
  featuresOf(cpu.level, cpu.features, (change) => {
    const known = Object.keys(CPU_FEATURES).join(', ');
    throw new EINVAL(`Vm.create: cpu.features takes '+name' and '-name', not '${String(change)}'; names are ${known}`);
  });
  if (!Number.isInteger(tscKhz) || tscKhz < 1000 || tscKhz > 0xffff_ffff) {
    throw new EINVAL(`Vm.create: tscKhz must be 1000…4294967295 kHz, not ${String(tscKhz)}`);
  }
  if (!(ticksPerInstruction >= 1 / 65536 && ticksPerInstruction <= 65535)) {
    throw new EINVAL(`Vm.create: ticksPerInstruction must be 1/65536…65535, not ${String(ticksPerInstruction)}`);
  }
  if (!Number.isInteger(cpu.physicalBits) || cpu.physicalBits < 36 || cpu.physicalBits > 46) {
    throw new EINVAL(`Vm.create: cpu.physicalBits must be 36…46, not ${String(cpu.physicalBits)}`);
  }
  if (typeof cpu.brand !== 'string' || cpu.brand.length > 48) {
    throw new EINVAL(`Vm.create: cpu.brand must be a string of up to 48 characters`);
  }
  return checked;
}

const MODES: Record<'paging' | 'doorbells', string[]> = {
  paging: ['ept', 'npt', 'shadow'] satisfies PagingMode[],
  doorbells: ['fast', 'emulate'] satisfies DoorbellMode[],
};

/** Throws EINVAL for a value that is none of the option's. */
export function checkMode(caller: string, name: 'paging' | 'doorbells', value: string): void {
  oneOf(name, value, MODES[name], caller);
}

function known(what: string, given: object, names: string[]): void {
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new EINVAL(`Vm.create: no ${what} is called "${unknown}"; there are ${names.join(', ')}`);
}

function oneOf(name: string, value: string, values: string[], caller = 'Vm.create'): void {
  if (!values.includes(value)) {
    throw new EINVAL(
      `${caller}: ${name} must be ${values.map((one) => `'${one}'`).join(' or ')}, not ${JSON.stringify(value)}`,
    );
  }
}
