// Before the tests in browsers: builds the pages, serves them, starts Chromium. After them: ends both.

import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build as bundle } from 'vite';
import type { TestProject } from 'vitest/node';
import { build } from '../../tools/build.mjs';
import { serve } from './server.js';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
export const SCREENSHOTS = path('.ci/out/screenshots');

declare module 'vitest' {
  interface ProvidedContext {
    origin: string;
    chromium: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await build(['core', 'inspect', 'web'], { quiet: true });
  // The client library as an application bundles it.
  await bundle({
    configFile: false,
    root: path('test/browser/pages'),
    base: './',
    logLevel: 'warn',
    worker: { format: 'es' },
    build: {
      outDir: path('build/browser-pages'),
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      rollupOptions: { input: path('test/browser/pages/library.html') },
    },
  });
  await rm(SCREENSHOTS, { recursive: true, force: true });
  await mkdir(SCREENSHOTS, { recursive: true });
  const server = await serve({ site: path('dist/site'), pages: path('build/browser-pages') });
  const browser = await chromium.launchServer({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  project.provide('origin', server.origin);
  project.provide('chromium', browser.wsEndpoint());
  return async () => {
    await browser.close();
    await server.close();
  };
}
