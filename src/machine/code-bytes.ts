// The guest's code as memory: at which linear address it goes on, how wide it is, and its bytes, as far as they can be read.
// Looking changes nothing: the guest's tables are read without setting an accessed flag.

import type { CodeBits } from '../core/inspect.js';
import type { Regs, Sregs } from '../vmm/regs.js';
import type { Vcpu } from '../vmm/vcpu.js';
import type { Vm } from '../vmm/vm.js';

const PAGE = 4096n;
const CR0_PE = 1n;
const RFLAGS_VM = 1n << 17n;
const EFER_LMA = 1n << 10n;

/** The width of the code that runs now. */
export function codeBits({ rflags }: Regs, { cr0, efer, cs }: Sregs): CodeBits {
  if ((cr0 & CR0_PE) === 0n || (rflags & RFLAGS_VM) !== 0n) return 16;
  if ((efer & EFER_LMA) !== 0n && cs.l !== 0) return 64;
  return cs.db !== 0 ? 32 : 16;
}

/** Cuts a linear address to what code of this width can reach. */
export function reach(address: bigint, bits: CodeBits): bigint {
  return BigInt.asUintN(bits === 64 ? 64 : 32, address);
}

/** The linear address of the instruction that comes next. */
export function linearRip({ rip }: Regs, { cs }: Sregs, bits: CodeBits): bigint {
  return reach(bits === 64 ? rip : cs.base + rip, bits);
}

/** Up to `length` bytes from a linear address on, page by page, until one has no memory. */
export function readLinear(vm: Vm, vcpu: Vcpu, address: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const at = BigInt.asUintN(64, address + BigInt(filled));
    const part = Math.min(length - filled, Number(PAGE - (at % PAGE)));
    const { gpa } = vcpu.lookUp(at);
    if (gpa === undefined || !vm.memory.covers(gpa, part)) break;
    vm.memory.readInto(gpa, bytes.subarray(filled, filled + part));
    filled += part;
  }
  return bytes.slice(0, filled);
}
