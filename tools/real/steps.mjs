// Reads what tests.sh prints on the serial line.

/**
 * @typedef {object} Step
 * @property {number | undefined} status undefined if it did not come to its end
 * @property {string[]} lines
 */

/**
 * The steps by name; the last one is `end`, if the script came to its end.
 * @param {string} serial
 * @returns {Map<string, Step>}
 */
export function readSteps(serial) {
  /** @type {Map<string, Step>} */
  const steps = new Map();
  /** @type {Step | undefined} */
  let current;
  for (const line of serial.replaceAll('\r', '').split('\n')) {
    const [, begins] = /^==> (\S+)$/.exec(line) ?? [];
    const [, ends, status] = /^<== (\S+) (\d+)$/.exec(line) ?? [];
    if (begins !== undefined) {
      current = { status: undefined, lines: [] };
      steps.set(begins, current);
    } else if (ends !== undefined) {
      const step = steps.get(ends);
      if (step !== undefined) step.status = Number(status);
      current = undefined;
    } else {
      current?.lines.push(line);
    }
  }
  return steps;
}

/**
 * What the kernel's log has of warnings and worse, without the time: `<LEVEL> TEXT`.
 * @param {Map<string, Step>} steps
 */
export function kernelWarnings(steps) {
  const { lines } = steps.get('warnings') ?? { lines: [] };
  return lines.map((line) => line.replace(/^<(\d)>\[\s*\d+\.\d+\] /, '<$1> '));
}
