/** The import table of docs/ARCHITECTURE.md, held by a test: who may import whom, and who may touch `node:`. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replaceAll('\\', '/'))
  .sort();

/** One row of the import table: rooms or single files of the house, and modules from outside. */
interface Allowed {
  readonly house: readonly string[];
  readonly outside: readonly string[];
}

const page = readFileSync(resolve(src, '../docs/ARCHITECTURE.md'), 'utf8');
const words = (cell: string): readonly string[] =>
  cell.trim() === '–' ? [] : cell.split(',').map((word) => word.trim());
const table: ReadonlyMap<string, Allowed> = new Map(
  [...page.matchAll(/^\| ([a-z]+)(?: †)? \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, room = '', house = '', outside = '']) => [room, { house: words(house), outside: words(outside) }],
  ),
);

function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The source without its comments and the text of its messages. */
function codeOf(file: string): string {
  return readFileSync(join(src, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{))*`/g, "''");
}

describe('the house', () => {
  test('the import table of the page is found', () => {
    expect([...table.keys()]).toContain('reliable');
    expect(table.get('reliable')).toEqual({
      house: ['base', 'xml', 'soap', 'channel', 'security/evidence'],
      outside: [],
    });
  });

  test.each(files.filter((file) => file !== 'index.ts'))('%s imports only what its room may', (file) => {
    const room = file.split('/')[0] ?? '';
    const allowed = table.get(room);
    expect(allowed, `the room "${room}" is not in the table`).toBeDefined();
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) {
        const target = relative(src, resolve(src, dirname(file), specifier)).replaceAll('\\', '/');
        const inside = target.startsWith(`${room}/`);
        const granted = allowed?.house.some((name) => target.startsWith(`${name}/`) || target === `${name}.ts`);
        expect(inside || granted, `${file} imports ${target}`).toBe(true);
        expect(specifier.endsWith('.ts'), `${file} imports a folder: ${specifier}`).toBe(true);
      } else {
        const granted = allowed?.outside.some((name) =>
          name === 'node:*' ? specifier.startsWith('node:') : specifier === name,
        );
        expect(granted, `${file} imports ${specifier}`).toBe(true);
      }
    }
  });

  test('only the CLI touches process, argv and standard output', () => {
    const offenders = files
      .filter((file) => !file.startsWith('cli/'))
      .filter((file) => /\bprocess\.|\bconsole\./.test(codeOf(file)));
    expect(offenders).toEqual([]);
  });

  test('no escape hatch: any, ts-ignore, biome-ignore, non-erasable syntax', () => {
    const offenders = files.filter(
      (file) =>
        /@ts-(ignore|expect-error|nocheck)|biome-ignore/.test(readFileSync(join(src, file), 'utf8')) ||
        /: any\b|\bas any\b|<any>|^\s*(export )?(const )?enum |^\s*namespace \w+ \{/m.test(codeOf(file)),
    );
    expect(offenders).toEqual([]);
  });

  test('every file begins with a comment that says what it is for', () => {
    const offenders = files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(readFileSync(join(src, file), 'utf8')));
    expect(offenders).toEqual([]);
  });
});
