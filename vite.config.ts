// The web pages: `npx vite` serves them while they are written, `node tools/build.mjs web` builds them to dist/site, which any
// static file server can serve.

import preact from '@preact/preset-vite';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** What makes a page cross-origin isolated, and gives it shared memory. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  root: path('src/web'),
  base: './',
  plugins: [preact({ devToolsEnabled: false })],
  build: {
    outDir: path('dist/site'),
    // tools/build.mjs empties it, all but what `npm run linux` has put there.
    emptyOutDir: false,
    target: 'es2022',
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        lab: path('src/web/index.html'),
        embed: path('src/web/embed.html'),
        'doorbell-vm': path('src/web/element/doorbell-vm.ts'),
      },
      output: {
        // what other pages include has a name that stays
        entryFileNames: ({ name }) => (name === 'doorbell-vm' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
      preserveEntrySignatures: 'exports-only',
    },
  },
  worker: { format: 'es' },
  server: { headers: ISOLATION, fs: { allow: [path('.')] } },
  preview: { headers: ISOLATION },
});
