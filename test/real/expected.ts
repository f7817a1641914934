// What the steps of tools/real/tests.sh have to print, worked out here by other means than the guest's.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RealFiles } from '../../tools/real/fetch.mjs';
import { knownFile } from '../../tools/real/initramfs.mjs';

export function hash(name: 'sha256' | 'md5', bytes: Uint8Array | string): string {
  return `${createHash(name).update(bytes).digest('hex')}  -`;
}

export function numbers(count: number): string {
  return Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('');
}

/** As printf("%.15g") writes it. */
function general(value: number): string {
  return String(Number(value.toPrecision(15)));
}

function sumOfSquares(count: number): number {
  return (count * (count + 1) * (2 * count + 1)) / 6;
}

export function arithmetic(): string[] {
  return [
    [123456789n * 987654321n, -7n / 2n, -7n % 3n, 1n << 62n].join(' '),
    [355 / 113, 1e308 / 7, 2 - 1.1].map(general).join(' '),
    String(sumOfSquares(2000)),
    String(2n ** 200n + 1n),
  ];
}

export function files(): string[] {
  const size = numbers(20000).length;
  // Permissions, size, links: the renamed copy has its own, the other has a second name.
  return [`640 ${size} 1`, `644 ${size} 2`, 'numbers', '20000', '6'];
}

export function processes(): string[] {
  return ['status 3', 'Terminated', 'signal 15', 'caught', 'limits ok'];
}

export function pipes(): string[] {
  return [`${(5000 * 5001) / 2} 5000`, '1000', hash('md5', 'doorbell\n'.repeat(100000))];
}

export function sha256(real: RealFiles): string[] {
  return [hash('sha256', knownFile()), hash('sha256', readFileSync(real.busybox))];
}

/** The i440FX and PIIX3 of QEMU's `pc`, as QEMU's own boot lists them: address, vendor and device, class. */
export const CHIPSET = [
  '0000:00:00.0 0x8086:0x1237 0x060000',
  '0000:00:01.0 0x8086:0x7000 0x060100',
  '0000:00:01.1 0x8086:0x7010 0x010180',
  '0000:00:01.3 0x8086:0x7113 0x068000',
];
