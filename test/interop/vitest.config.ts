import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const { SUREWIRE_INTEROP_RECORD } = process.env;

const config: ViteUserConfig = defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    // Recording is another thing than trying.
    include: [`test/interop/**/*.${SUREWIRE_INTEROP_RECORD === undefined ? 'interop' : 'record'}.ts`],
    globalSetup: 'test/temporary.ts',
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});

export default config;
