/** What the pages say is what the source says. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes, errorsPage } from '../docs/errors.ts';

const root = resolve(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(resolve(root, name), 'utf8');

describe('docs/ERRORS.md', () => {
  test('lists every code of every room (run `npm run docs` after a change)', () => {
    expect(read('docs/ERRORS.md')).toBe(errorsPage());
  });

  test('every code says when it is thrown', () => {
    expect(errorCodes().filter((code) => code.meaning === '')).toEqual([]);
  });

  test('no code stands twice', () => {
    const codes = errorCodes().map((code) => code.code);
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
  });
});

describe('docs/DEPENDENCIES.md', () => {
  test('names every dependency of package.json', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const page = read('docs/DEPENDENCIES.md');
    const missing = [...Object.keys(dependencies), ...Object.keys(devDependencies)].filter(
      (name) => !name.startsWith('@types/') && !page.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});

describe('the lockfile', () => {
  test('holds no registry address', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });
});

describe('README.md', () => {
  test('every npm script it names exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read('README.md').matchAll(/npm run (?:-s )?([a-z:]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('its program is examples/00-readme.ts, which the examples test runs', () => {
    const [, program] = /```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(program?.replaceAll("'surewire'", "'../src/index.ts'")).toBe(read('examples/00-readme.ts'));
  });

  test('every file it links to exists', () => {
    const links = [...read('README.md').matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const link of links) expect(() => readFileSync(resolve(root, link)), link).not.toThrow(/ENOENT/);
  });
});
