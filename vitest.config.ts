import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/slow/**'],
    testTimeout: 30_000,
    // Vitest leaves one core for watching; nobody watches here.
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'] },
  },
});

export default config;
