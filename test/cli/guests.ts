// Guests of a few bytes, in 16-bit code as NASM assembles it: flat images start at 0:7C00 in real mode.

/** mov eax, value; out 0xf4, eax: ends the run. */
export function debugExit(value: number): number[] {
  const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  return [0x66, 0xb8, ...bytes, 0x66, 0xe7, 0xf4];
}

/** out 0x80, al, so many times: a port that nothing answers. */
export function deadPort(times: number): number[] {
  return Array.from({ length: times }, () => [0xe6, 0x80]).flat();
}

/** Prints a text on COM1 by one OUT a character, without looking whether there is room. */
export function print(text: string): number[] {
  const bytes = [...text].flatMap((character) => [0xb0, character.charCodeAt(0), 0xee]); // mov al, c; out dx, al
  return [0xba, 0xf8, 0x03, ...bytes]; // mov dx, 0x3f8
}

/** jmp $ */
export const spin = [0xeb, 0xfe];

/** cli; hlt */
export const halt = [0xfa, 0xf4];

/** Sends back what arrives on COM1 until a 'q' has come. */
export const echo = [
  ...[0xba, 0xfd, 0x03], // mov dx, 0x3fd
  0xec, // in al, dx
  ...[0xa8, 0x01], // test al, 1
  ...[0x74, 0xf8], // jz start
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
  0xec, // in al, dx
  0xee, // out dx, al
  ...[0x3c, 0x71], // cmp al, 'q'
  ...[0x75, 0xef], // jne start
  ...debugExit(0),
];

/** An instruction that this version does not have, twice; its #UD comes back behind it through vector 6. */
export const unimplemented = [
  ...[0x31, 0xc0], // 7C00 xor ax, ax
  ...[0x8e, 0xd8], // 7C02 mov ds, ax
  ...[0xc7, 0x06, 0x18, 0x00, 0x16, 0x7c], // 7C04 mov word [6 * 4], 0x7c16
  ...[0xc7, 0x06, 0x1a, 0x00, 0x00, 0x00], // 7C0A mov word [6 * 4 + 2], 0
  ...[0x31, 0xdb], // 7C10 xor bx, bx
  ...[0x0f, 0x58, 0xc1], // 7C12 addps xmm0, xmm1
  0x90, // 7C15 nop
  0x43, // 7C16 inc bx
  ...[0x83, 0xfb, 0x02], // 7C17 cmp bx, 2
  ...[0x75, 0xf6], // 7C1A jne 7C12
  ...debugExit(0),
];

/** lidt with limit 0, then int3: nothing can be delivered. `offset` is where this stands in the image. */
export function tripleFault(offset: number): number[] {
  return [
    ...[0x0f, 0x01, 0x1e, 0x06 + offset, 0x7c], // lidt [behind the int3]
    0xcc, // int3
    ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00], // limit 0, base 0
  ];
}
