/** A device (or an ioeventfd's waiter, or an MSR handler) threw while the guest accessed it; `cause` is what it threw. */
export class DeviceError extends Error {
  constructor(access: string, cause: unknown) {
    super(`the device behind ${access} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'DeviceError';
  }
}
