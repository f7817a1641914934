// An interrupt on its way to local APICs: what an I/O APIC's redirection entry, an MSI and an interprocessor interrupt all say.

/** Delivery modes (SDM vol. 3, 12.6.1). */
export const DeliveryMode = {
  Fixed: 0,
  LowestPriority: 1,
  Smi: 2,
  Nmi: 4,
  Init: 5,
  StartUp: 6,
  ExtInt: 7,
} as const;

export interface InterruptMessage {
  /** An APIC id, or a set of logical ids; 8 bits, or 32 if `wide`. All ones: every vCPU. */
  readonly destination: number;
  readonly logical: boolean;
  readonly wide: boolean;
  /** DeliveryMode, 0…7. */
  readonly mode: number;
  /** 0…255. */
  readonly vector: number;
  /** Level-triggered: the sender hears of the EOI. */
  readonly level: boolean;
}
