// The built command, run as a user runs it.

import { spawn } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from '../../tools/build.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Brings dist/ up to date: every test file asks for it, the first one may have to compile. */
export async function buildCommand(): Promise<void> {
  const built = await stat(projectFile('dist/.tsbuildinfo')).catch(() => undefined);
  const names = await readdir(projectFile('src'), { recursive: true });
  const sources = await Promise.all(names.map((name) => stat(projectFile(`src/${name}`))));
  if (built !== undefined && sources.every(({ mtimeMs }) => mtimeMs < built.mtimeMs)) return;
  await build(['ts'], { quiet: true });
}

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A path in the project. */
export function projectFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Starts `doorbell ARGS`; `started` may talk to it. */
export function doorbell(args: string[], started?: (child: ReturnType<typeof spawn>) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: root,
      stdio: [started === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (text: Buffer) => (stdout += text.toString('latin1')));
    child.stderr!.on('data', (text: Buffer) => (stderr += text.toString()));
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
    started?.(child);
  });
}
