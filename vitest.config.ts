import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** They put something in the place of a module, count what is executed from the first call on, or walk all that a value is tied to. */
const alone = [
  'test/attacks/decryption-oracle.test.ts',
  'test/attacks/every-accessor.test.ts',
  'test/attacks/key-references.test.ts',
  'test/fuzz/growth.test.ts',
  'test/security/encryption/attacks.test.ts',
];

const config: ViteUserConfig = defineConfig({
  test: {
    globalSetup: 'test/temporary.ts',
    // What only a hang takes, also on a machine that is several times as slow and busy with other things.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Vitest leaves one core for watching; nobody watches here.
    maxWorkers: '100%',
    // The commands that tests start as processes load in a third of the time once they were compiled.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'] },
    projects: [
      // The product keeps no state in its modules, so files share them: loading them for each was a third of the run.
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', ...alone],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
});

export default config;
