// Writes down what a machine does: its exits, and on request its instructions one by one.

import { codeBits, linearRip, readLinear } from '../../machine/code-bytes.js';
import { LONGEST_INSTRUCTION } from '../../machine/disassembly.js';
import { hostTurn } from '../../vmm/host-turn.js';
import type { Pc } from '../../machine/pc.js';
import type { PcRunOptions } from '../../machine/pc-options.js';
import type { RunResult } from '../../machine/run-result.js';
import type { Disassembler } from './disassembler.js';
import { wantsExit, wantsInstruction, type TraceFilter } from './filter.js';
import type { TraceFormat } from './format.js';
import type { OutputFile } from './output-file.js';

/** Milliseconds between two turns of the host, as in Pc.run(). */
const TURN = 15;

export interface TracerParts {
  filter: TraceFilter;
  format: TraceFormat;
  file: OutputFile;
  /** Entries. */
  limit: number;
  /** Called when there have been so many. */
  full: () => void;
}

export class Tracer {
  readonly #parts: TracerParts;
  #entries = 0;
  #machines = 0;

  constructor(parts: TracerParts) {
    this.#parts = parts;
    parts.file.write(parts.format.opening);
  }

  /** Looks on from now on. */
  watch(pc: Pc): void {
    const { filter, format } = this.#parts;
    if (this.#machines++ > 0) this.#note('the machine starts again');
    pc.vm.onExit((exit) => {
      if (!wantsExit(filter, exit)) return;
      this.#add(pc, () => format.exit(exit));
    });
  }

  #note(text: string): void {
    this.#parts.file.write(this.#parts.format.note(text, performance.now()));
  }

  #add(pc: Pc, entry: () => string): void {
    const { limit, full, file } = this.#parts;
    if (this.#entries >= limit) return;
    file.write(entry());
    if (++this.#entries < limit) return;
    full();
    for (const vcpu of pc.vm.vcpus) vcpu.requestStop();
  }

  /**
   * Pc.run(), an instruction at a time, each told before it runs. An event that comes first takes the guest elsewhere, and
   * one instruction of its handler runs untold; a note says so wherever the code alone shows that it happened.
   */
  async step(pc: Pc, { timeoutMs = Infinity, signal }: PcRunOptions, disassembler: Disassembler): Promise<RunResult> {
    const start = performance.now();
    const first = pc.vcpu.retired;
    const { filter, format } = this.#parts;
    let turn = start + TURN;
    for (;;) {
      const regs = pc.vcpu.getRegs();
      const sregs = pc.vcpu.getSregs();
      const bits = codeBits(regs, sregs);
      const address = linearRip(regs, sregs, bits);
      const bytes = readLinear(pc.vm, pc.vcpu, address, LONGEST_INSTRUCTION);
      const { text, length, next } = disassembler.one(bytes, regs.rip, bits);
      const retired = pc.vcpu.retired;
      if (wantsInstruction(filter, address)) {
        const instruction = {
          vcpu: 0,
          retired,
          time: performance.now(),
          address,
          bits,
          bytes: bytes.subarray(0, length),
          text,
        };
        this.#add(pc, () => format.instruction(instruction));
      }
      const now = performance.now();
      const left = Math.max(0, timeoutMs - (now - start));
      const result = await pc.run({ maxInstructions: 1, timeoutMs: left, ...(signal === undefined ? {} : { signal }) });
      if (result.reason !== 'budget') {
        const instructions = pc.vcpu.retired - first;
        return { ...result, instructions, seconds: (performance.now() - start) / 1000 };
      }
      if (next !== undefined) {
        const { rip } = pc.vcpu.getRegs();
        if (!next.includes(rip)) this.#note(`an event was delivered; its handler goes on at RIP 0x${rip.toString(16)}`);
      }
      if (now >= turn) {
        await hostTurn();
        turn = performance.now() + TURN;
      }
    }
  }

  close(): void {
    this.#parts.file.close();
  }
}
