// Writes a cpio archive of the "newc" form, as Linux unpacks it for its initial file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). The same entries make the same bytes.

/**
 * @typedef {object} CpioEntry
 * @property {string} name without a leading slash; directories come before what is in them
 * @property {number} mode file type and permissions, as in st_mode
 * @property {Uint8Array} [bytes] a file's contents, or where a symbolic link leads
 * @property {readonly [number, number]} [device] of a device node: major and minor number
 */

const encoder = new TextEncoder();

export const DIRECTORY = 0o040755;
export const PROGRAM = 0o100755;
export const FILE = 0o100644;
export const LINK = 0o120777;
export const CHARACTER_DEVICE = 0o020600;

/** @param {number} value */
function hex(value) {
  return value.toString(16).padStart(8, '0').toUpperCase();
}

/**
 * @param {CpioEntry} entry
 * @param {number} inode
 */
function header({ name, mode, bytes, device = [0, 0] }, inode) {
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, bytes?.length ?? 0, 0, 0, ...device, encoder.encode(name).length + 1, 0];
  return `070701${fields.map(hex).join('')}${name}\0`;
}

/**
 * @param {readonly CpioEntry[]} entries
 * @returns {Uint8Array}
 */
export function cpio(entries) {
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  /** @param {Uint8Array} bytes followed by zeros up to a multiple of four */
  const add = (bytes) => {
    const padded = new Uint8Array((bytes.length + 3) & ~3);
    padded.set(bytes);
    parts.push(padded);
    length += padded.length;
  };
  for (const [index, entry] of entries.entries()) {
    add(encoder.encode(header(entry, index + 1)));
    add(entry.bytes ?? new Uint8Array());
  }
  add(encoder.encode(header({ name: 'TRAILER!!!', mode: 0 }, 0)));
  const archive = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}
