/** What is published: the packed tarball, not the checkout. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const run = (command: string, args: readonly string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('the packed tarball', () => {
  let folder: string;
  let tarball: string;
  let names: readonly string[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'surewire-pack-'));
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], root)) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(folder, packed.filename);
    names = packed.files.map((file) => file.path);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('holds the library, its declarations and the command, and no test, key or certificate', () => {
    expect(names).toContain('dist/index.js');
    expect(names).toContain('dist/index.d.ts');
    expect(names).toContain('dist/cli/main.js');
    expect(names).toContain('SECURITY.md');
    expect(names.filter((name) => /\.(pem|key|pfx|p12|crl)$|(^|\/)test\/|generated/.test(name))).toEqual([]);
    const keys = names.filter((name) =>
      /-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=]/.test(readFileSync(join(root, name), 'utf8')),
    );
    expect(keys).toEqual([]);
  });

  test('publint finds nothing to say', () => {
    expect(run(bin('publint'), [tarball, '--strict'], root)).toMatch(/All good/);
  });

  test('the types resolve for every kind of importer (attw)', () => {
    expect(() => run(bin('attw'), [tarball, '--profile', 'esm-only'], root)).not.toThrow();
  });

  test('installs nothing but itself to be imported, and the command answers', () => {
    run('tar', ['-xzf', tarball, '-C', folder], folder);
    const at = join(folder, 'package');
    run('ln', ['-s', join(root, 'node_modules'), join(folder, 'node_modules')], folder);
    const version = run(process.execPath, [join(at, 'dist/cli/main.js'), '--version'], folder).trim();
    expect(version).toBe((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version);
    const found = run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import * as all from ${JSON.stringify(join(at, 'dist/index.js'))}; console.log(Object.keys(all).length)`,
      ],
      folder,
    );
    expect(Number(found)).toBeGreaterThan(20);
  });
});
