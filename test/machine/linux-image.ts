// Builds Linux kernel images for the loader's tests, after the table in Documentation/arch/x86/boot.rst.

export interface LinuxOptions {
  version?: number;
  setupSects?: number;
  /** Where the header ends: 0x202 and the distance of the jump. */
  headerEnd?: number;
  /** In bytes; by default the code's size. */
  sysSize?: number;
  loadflags?: number;
  initrdMax?: number;
  alignment?: number;
  relocatable?: number;
  xloadflags?: number;
  cmdlineSize?: number;
  prefAddress?: number;
  initSize?: number;
  code?: Uint8Array;
}

/** By default a relocatable bzImage of protocol 2.15, entered in 64-bit mode, that wants 1 MiB at 2 MiB and halts. */
export function linux(options: LinuxOptions = {}): Uint8Array {
  const { version = 0x20f, setupSects = 1, headerEnd = 0x26c, loadflags = 1 } = options;
  const { code = new Uint8Array(0x400).fill(0xf4) } = options;
  const image = new Uint8Array((setupSects + 1) * 512 + code.length);
  const view = new DataView(image.buffer);
  image[0x1f1] = setupSects;
  view.setUint32(0x1f4, (options.sysSize ?? code.length) / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  image.set([0xeb, headerEnd - 0x202, 0x48, 0x64, 0x72, 0x53], 0x200);
  view.setUint16(0x206, version, true);
  image[0x211] = loadflags;
  view.setUint32(0x214, 0x10_0000, true);
  view.setUint32(0x22c, options.initrdMax ?? 0x7fff_ffff, true);
  view.setUint32(0x230, options.alignment ?? 0x20_0000, true);
  image[0x234] = options.relocatable ?? 1;
  view.setUint16(0x236, options.xloadflags ?? 1, true);
  view.setUint32(0x238, options.cmdlineSize ?? 2047, true);
  view.setBigUint64(0x258, BigInt(options.prefAddress ?? 0x20_0000), true);
  view.setUint32(0x260, options.initSize ?? 0x10_0000, true);
  image.set(code, (setupSects + 1) * 512);
  return image;
}
