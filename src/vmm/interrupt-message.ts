// An interrupt on its way to local APICs: what I/O APICs, MSIs and interprocessor interrupts have in common.

/** Delivery modes, as in bits 10:8 of MSI data, of an I/O APIC's entry and of the ICR (SDM vol. 3, 11.6.1 and 11.11.2). */
export const DeliveryMode = {
  Fixed: 0,
  LowestPriority: 1,
  Smi: 2,
  Nmi: 4,
  Init: 5,
  StartUp: 6,
  /** The vector comes from the 8259s. */
  ExtInt: 7,
} as const;
/** 3 bits; a guest may also ask for 3, which is reserved and delivers nothing. */
export type DeliveryMode = number;

export interface InterruptMessage {
  /** An APIC ID, or a logical destination: 8 bits, or 32 where x2APIC IDs are in use. All ones is everybody. */
  readonly destination: number;
  readonly logical: boolean;
  readonly mode: DeliveryMode;
  readonly vector: number;
  /** Level-triggered: the local APIC notes it in its TMR, and tells the I/O APICs of the EOI. */
  readonly level: boolean;
  /** The redirection hint of an MSI: one of those addressed is enough, as with LowestPriority. */
  readonly redirectionHint: boolean;
}

/** Gives a message to the local APICs; true if one of them took it. */
export type Deliver = (message: InterruptMessage) => boolean;
