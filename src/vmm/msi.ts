// Message-signalled interrupts: a write to FEEx_xxxxh is an interrupt message (SDM vol. 3, 11.11).

import type { InterruptMessage } from './interrupt-message.js';

/** A message as a device holds it in its MSI or MSI-X registers, and KVM in kvm_msi and its routes. Each is a u32. */
export interface Msi {
  addressLo: number;
  addressHi: number;
  data: number;
}

/**
 * Address bits 19:12 are the destination, bit 3 the redirection hint, bit 2 logical; data bits 7:0 the vector, 10:8 the delivery
 * mode, bit 15 level-triggered. With `wide` (KVM's X2APIC_API with 32-bit IDs) address bits 63:40 are the destination's bits
 * 31:8; without it they mean nothing. As in KVM bit 14 of the data, "assert", is not looked at, nor is the address beyond these bits.
 */
export function decodeMsi({ addressLo, addressHi, data }: Msi, wide = false): InterruptMessage {
  const high = wide ? addressHi & 0xffff_ff00 : 0;
  return {
    destination: (high | ((addressLo >>> 12) & 0xff)) >>> 0,
    logical: (addressLo & 0x4) !== 0,
    mode: (data >>> 8) & 7,
    vector: data & 0xff,
    level: (data & 0x8000) !== 0,
    redirectionHint: (addressLo & 0x8) !== 0,
  };
}
