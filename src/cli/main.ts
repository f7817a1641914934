#!/usr/bin/env node
// Where the `doorbell` process begins and ends. What can be loaded later is: the first byte of a guest's output should
// come within 150 ms of here.

import * as nodeModule from 'node:module';
import { CommandError, describe, Status } from './failure.js';

// Node 22 and later keep compiled code between runs; it must be asked before anything else is loaded.
(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.();

// Who reads our output may leave early (`doorbell … | head`). That is no error of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(Status.Success);
    throw error;
  });
}

try {
  const args = process.argv.slice(2);
  // What `run` needs is fetched while the options are read. If it cannot be had, the command itself will say so.
  if (args[0] === 'run') import('./run-command.js').catch(() => {});
  const { runProgram } = await import('./program.js');
  process.exitCode = await runProgram(args);
} catch (error) {
  process.stderr.write(`doorbell: ${describe(error)}\n`);
  process.exitCode = error instanceof CommandError ? error.status : Status.Failure;
}
