// Before any test: the Wasm modules that tests load are built if their sources have changed. A module that does not
// compile is reported and left out, so that the tests that need none still run, and those that need it fail.

import { build, BuildError } from './build.mjs';

/** Rooms that are tested without a CPU: naming only such tests on the command line builds nothing. */
const withoutCore = /^(\.\/)?test\/(bus|eventfd|tools)(\/|$)/;

export async function setup() {
  const filters = process.argv.slice(2).filter((arg) => /^(\.\/)?test\//.test(arg));
  if (filters.length > 0 && filters.every((filter) => withoutCore.test(filter))) return;
  try {
    await build(['core', 'inspect'], { quiet: true });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
  }
}
