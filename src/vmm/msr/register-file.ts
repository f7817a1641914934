// The model-specific registers of one vCPU that its core does not know: by rules, which follow from CPUID.

import type { DeviceState, Stateful } from '../../bus/index.js';
import type { MsrRules, MsrRule } from './register.js';

interface Register {
  readonly rule: MsrRule;
  value: bigint;
}

export class RegisterFile implements Stateful {
  readonly #registers: ReadonlyMap<number, Register>;

  constructor(rules: MsrRules) {
    this.#registers = new Map(rules.map(([index, rule]) => [index, { rule, value: rule.reset }]));
  }

  /** Indexes of the registers that hold something, in ascending order. */
  get indexes(): number[] {
    return [...this.#registers].flatMap(([index, { rule }]) => (rule.fixed ? [] : [index])).sort((a, b) => a - b);
  }

  /** Undefined: no such register, or it cannot be read. */
  read(index: number): bigint | undefined {
    const register = this.#registers.get(index);
    return register?.rule.writeOnly ? undefined : register?.value;
  }

  /** False: no such register, or not this value. */
  write(index: number, value: bigint): boolean {
    const register = this.#registers.get(index);
    if (register === undefined) return false;
    const { rule } = register;
    if (rule.takes?.(value) !== true) return false;
    if (!rule.fixed) register.value = value;
    rule.written?.(value);
    return true;
  }

  /** As after power-on. */
  reset(): void {
    for (const register of this.#registers.values()) register.value = register.rule.reset;
  }

  save(): DeviceState {
    return Object.fromEntries(this.indexes.map((index) => [index.toString(16), this.#registers.get(index)!.value]));
  }

  /** Registers that the state does not name become as after reset. Nothing is told of it: what a write did is in the snapshot too. */
  restore(state: DeviceState): void {
    const values = state as Readonly<Record<string, bigint>>;
    for (const [index, register] of this.#registers) {
      register.value = values[index.toString(16)] ?? register.rule.reset;
    }
  }
}
