// Why run() came back: KVM's exit reasons, numbers and payloads (kvm_run), one class per shape.

/** KVM_EXIT_* numbers, and one of our own. */
export const ExitReason = {
  Unknown: 0,
  Io: 2,
  Hypercall: 3,
  Debug: 4,
  Hlt: 5,
  Mmio: 6,
  IrqWindowOpen: 7,
  Shutdown: 8,
  FailEntry: 9,
  Intr: 10,
  InternalError: 17,
  /** Not KVM's: the maxInstructions or timeoutMs given to run() are used up. */
  Budget: 1000,
} as const;
export type ExitReason = (typeof ExitReason)[keyof typeof ExitReason];

/** Suberrors of InternalErrorExit, with KVM's numbers. */
export const InternalError = {
  /** An instruction that needed the emulator cannot be emulated (say, code in MMIO). */
  Emulation: 1,
  /** MMIO was touched while delivering an event, say by an IDT or stack there. */
  DeliveryEvent: 3,
  /** An exit that nothing here expects. */
  UnexpectedExitReason: 4,
} as const;

/** A port access that no bus claimed. An IN is answered with complete(); RIP stays at the instruction until the next run(). */
export class IoExit {
  readonly reason = ExitReason.Io;
  /** Bytes to transfer: what OUT wrote, or what complete() set. */
  readonly data: Uint8Array;
  /** Always 1: a REP INS or OUTS exits once an element. */
  readonly count = 1;

  constructor(
    readonly direction: 'in' | 'out',
    readonly port: number,
    /** 1, 2 or 4 bytes. */
    readonly size: number,
    value: number,
  ) {
    this.data = new Uint8Array(size);
    this.complete(value);
  }

  /** `data` as an unsigned number. */
  get value(): number {
    return Number(fromBytes(this.data));
  }

  /** Sets what IN reads. The instruction itself is completed by the next run(). */
  complete(value: number | bigint | Uint8Array = 0): void {
    toBytes(this.data, value);
  }
}

/**
 * A memory access that no slot, ioeventfd or device claimed, in pieces of at most 8 bytes. A read is answered with
 * complete(); RIP stays at the instruction until the next run(). At a write RIP is past it already.
 */
export class MmioExit {
  readonly reason = ExitReason.Mmio;
  readonly data: Uint8Array;

  constructor(
    readonly physAddr: bigint,
    readonly length: number,
    readonly isWrite: boolean,
    value: bigint,
  ) {
    this.data = new Uint8Array(length);
    this.complete(value);
  }

  /** `data` as an unsigned number. */
  get value(): bigint {
    return fromBytes(this.data);
  }

  /** Sets what a read finds. The instruction itself is completed by the next run(). */
  complete(value: number | bigint | Uint8Array = 0n): void {
    toBytes(this.data, value);
  }
}

/** One instruction was stepped (step()): as KVM reports it under KVM_GUESTDBG_SINGLESTEP. */
export class DebugExit {
  readonly reason = ExitReason.Debug;
  /** #DB. */
  readonly exception = 1;

  constructor(
    /** Linear address of the next instruction. */
    readonly pc: bigint,
    readonly dr6: bigint,
    readonly dr7: bigint,
  ) {}
  /** Nothing to complete. */
  complete(): void {}
}

/** The hypervisor could not go on: suberror is one of InternalError, data as in kvm_run. */
export class InternalErrorExit {
  readonly reason = ExitReason.InternalError;

  constructor(
    readonly suberror: number,
    readonly data: readonly bigint[],
    /** The same in words. */
    readonly message: string,
  ) {}
  /** Nothing to complete. */
  complete(): void {}
}

/** Exits without a payload. */
export class PlainExit {
  constructor(
    readonly reason:
      | typeof ExitReason.Hlt
      | typeof ExitReason.IrqWindowOpen
      | typeof ExitReason.Shutdown
      | typeof ExitReason.Intr
      | typeof ExitReason.Budget,
  ) {}
  /** Nothing to complete. */
  complete(): void {}
}

export type Exit = IoExit | MmioExit | DebugExit | InternalErrorExit | PlainExit;

function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!);
  return value;
}

function toBytes(bytes: Uint8Array, value: number | bigint | Uint8Array): void {
  if (value instanceof Uint8Array) {
    bytes.fill(0);
    bytes.set(value.subarray(0, bytes.length));
    return;
  }
  let rest = BigInt(value);
  for (let at = 0; at < bytes.length; at++, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
}
