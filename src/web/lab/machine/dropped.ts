// Files that were dropped on the page, sorted by what they are for: a program to start (a kernel, a boot sector, a BIOS), an
// initial file system, a disk. Which program it is, the machine finds out.

/** What was dropped, and is run in place of a guest of the list. */
export interface Dropped {
  readonly program?: DroppedProgram;
  readonly initrd?: DroppedProgram;
  /** Read piece by piece, when the guest wants it. */
  readonly disk?: File;
}
export interface DroppedProgram {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export class DroppedFileError extends Error {
  override readonly name = 'DroppedFileError';
}

/** Larger files are refused before they are read: the machine has 256 MiB. */
const LARGEST = 48 * 2 ** 20;
const SECTOR = 512;
/** A flat program is shorter (docs/booting.md). */
const LEAST_DISK = 512 * 1024;
const BIOS_BLOCK = 0x1_0000;
const HEAD = 1024;
/** Compressed files and cpio archives: what Linux takes as an initial file system (Documentation/filesystems/ramfs-rootfs-initramfs.rst). */
const INITRD_MAGIC = ['1f8b', '303730373031', 'fd377a585a00', '28b52ffd', '02214c18', '425a68', '894c5a4f'];

function startsWith(bytes: Uint8Array, hex: string): boolean {
  return Array.from({ length: hex.length / 2 }, (_, at) => bytes[at]).every(
    (byte, at) => byte === Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16),
  );
}

/** A boot protocol's kernel has the boot sector's signature too. */
function isLinux(head: Uint8Array): boolean {
  return [...'HdrS'].every((char, at) => head[0x202 + at] === char.charCodeAt(0));
}

/** As the machine recognises one: whole blocks, and a far jump into segment F000 at the reset vector (docs/booting.md). */
export function isBios({ bytes }: DroppedProgram): boolean {
  const { length } = bytes;
  return length % BIOS_BLOCK === 0 && bytes.at(-16) === 0xea && bytes.at(-13) === 0 && bytes.at(-12) === 0xf0;
}

/** Two signs of three: longer than a flat program, bootable, called a disk. */
function isDisk(head: Uint8Array, { name, size }: File): boolean {
  if (size <= SECTOR || size % SECTOR !== 0 || isLinux(head) || startsWith(head, '7f454c46')) return false;
  const signs = [size >= LEAST_DISK, head[510] === 0x55 && head[511] === 0xaa, /\.(img|raw|dsk|iso)$/i.test(name)];
  return signs.filter(Boolean).length >= 2;
}

/** Text is no machine code, though any bytes can be started as a boot sector. */
function isText(bytes: Uint8Array): boolean {
  try {
    // eslint-disable-next-line no-control-regex
    return !/[\x00-\x08\x0e-\x1f\x7f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}

/** Adds files to those of before; a program begins anew, but for the disk. Throws DroppedFileError: one line about one file. */
export async function addFiles(before: Dropped, files: readonly File[]): Promise<Dropped> {
  let after = before;
  for (const file of files) {
    if (file.size === 0) throw new DroppedFileError(`${file.name} is empty`);
    const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
    if (isDisk(head, file)) after = { ...after, disk: file };
    else if (file.size > LARGEST) {
      throw new DroppedFileError(`${file.name} has ${file.size} bytes; an image may have ${LARGEST}`);
    } else {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (isText(bytes)) throw new DroppedFileError(`${file.name} is a text, not a program for the machine`);
      const program = { name: file.name, bytes };
      if (INITRD_MAGIC.some((magic) => startsWith(head, magic))) after = { ...after, initrd: program };
      else {
        // files that come together belong together
        const initrd = after.initrd === before.initrd ? undefined : after.initrd;
        after = { program, ...(initrd && { initrd }), ...(after.disk && { disk: after.disk }) };
      }
    }
  }
  return after;
}

/** What the list of guests shows for them. */
export function nameOf({ program, initrd, disk }: Dropped): string {
  return [program, initrd, disk].flatMap((file) => (file === undefined ? [] : [file.name])).join(' + ');
}

/** The command line that a dropped kernel gets: only Linux wants one. */
export function cmdlineOf({ program }: Dropped): string {
  return program === undefined || isLinux(program.bytes) ? LINUX_CMDLINE : '';
}
const LINUX_CMDLINE = 'console=ttyS0';
