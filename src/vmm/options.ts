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
  /**
   * The date at power-on, for clocks that tell one, in milliseconds since 1970. Default: now with the real clock; midnight of
   * 1 January 2026 UTC with the virtual one, so that runs repeat.
   */
  startTime?: number;
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
  startTime: number;
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
  cores: 1,
  hypervisor: true,
  kvmclock: true,
};

/** With the virtual clock, the date at power-on: 1 January 2026, 0:00 UTC. */
const VIRTUAL_START = Date.UTC(2026, 0, 1);
/** What a signed 32-bit count of seconds holds: KVM's wall clock has one. */
const LAST_START = 0x7fff_ffff * 1000;

/** Fills in defaults. Throws EINVAL naming the first option that is wrong. */
export function checkOptions(options: VmOptions): CheckedOptions {
  const names = ['memory', 'paging', 'clock', 'tscKhz', 'ticksPerInstruction', 'doorbells', 'startTime', 'cpu', 'core'];
  known('option', options, names);
  known('cpu option', options.cpu ?? {}, Object.keys(CPU_DEFAULTS));
  const checked: CheckedOptions = {
    memory: options.memory ?? 0,
    paging: options.paging ?? 'ept',
    clock: options.clock ?? 'virtual',
    tscKhz: options.tscKhz ?? 2_800_000,
    ticksPerInstruction: options.ticksPerInstruction ?? 8,
    doorbells: options.doorbells ?? 'fast',
    startTime: options.startTime ?? (options.clock === 'real' ? Date.now() : VIRTUAL_START),
    cpu: { ...CPU_DEFAULTS, ...options.cpu },
    core: options.core,
  };
  const { memory, tscKhz, ticksPerInstruction, startTime, cpu } = checked;
  if (!Number.isSafeInteger(memory) || memory < 0 || memory % 4096 !== 0) {
    throw new EINVAL(`Vm.create: memory must be a number of bytes, a multiple of 4096, not ${String(memory)}`);
  }
  checkMode('Vm.create', 'paging', checked.paging);
  oneOf('clock', checked.clock, ['virtual', 'real']);
  checkMode('Vm.create', 'doorbells', checked.doorbells);
  oneOf('cpu.vendor', cpu.vendor, ['intel', 'amd']);
  oneOf('cpu.level', cpu.level, [...CPU_LEVELS]);
  if (!Array.isArray(cpu.features)) throw new EINVAL("Vm.create: cpu.features must be an array of '+name' and '-name'");
  featuresOf(cpu, cpu.features, (change) => {
    const own = Object.entries(CPU_FEATURES).filter(([, { vendor = cpu.vendor }]) => vendor === cpu.vendor);
    const known = own.map(([name]) => name).join(', ');
    throw new EINVAL(`Vm.create: cpu.features takes '+name' and '-name', not '${String(change)}'; names are ${known}`);
  });
  if (!Number.isInteger(tscKhz) || tscKhz < 1000 || tscKhz > 0xffff_ffff) {
    throw new EINVAL(`Vm.create: tscKhz must be 1000…4294967295 kHz, not ${String(tscKhz)}`);
  }
  if (!(ticksPerInstruction >= 1 / 65536 && ticksPerInstruction <= 65535)) {
    throw new EINVAL(`Vm.create: ticksPerInstruction must be 1/65536…65535, not ${String(ticksPerInstruction)}`);
  }
  if (!(startTime >= 0 && startTime <= LAST_START)) {
    throw new EINVAL(`Vm.create: startTime must be 0…${LAST_START} ms since 1970, not ${String(startTime)}`);
  }
  if (!Number.isInteger(cpu.cores) || cpu.cores < 1 || cpu.cores > 8) {
    throw new EINVAL(`Vm.create: cpu.cores must be 1…8, not ${String(cpu.cores)}`);
  }
  for (const name of ['la57', 'apic', 'hypervisor', 'kvmclock'] as const) {
    if (typeof cpu[name] !== 'boolean')
      throw new EINVAL(`Vm.create: cpu.${name} must be true or false, not ${String(cpu[name])}`);
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
