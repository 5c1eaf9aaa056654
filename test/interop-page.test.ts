/** docs/INTEROP.md says what test/interop/matrix.json says, and false rows state a reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type FlawName, flaws } from './interop/flaws.ts';
import { isExplained, type Row } from './interop/matrix.ts';
import { interopPage } from './interop/page.ts';

const here = (path: string): string => readFileSync(resolve(import.meta.dirname, path), 'utf8');
const rows = JSON.parse(here('interop/matrix.json')) as readonly Row[];

test('the page is that of the matrix', () => {
  expect(here('../docs/INTEROP.md')).toBe(interopPage(rows));
});

test('every row is told once', () => {
  const keys = rows.map(({ peer, version, scenario, direction }) => [peer, version, scenario, direction].join('|'));
  expect(new Set(keys).size).toBe(keys.length);
});

test('a row that is false says why, who is wrong by which clause, and where it can be seen', () => {
  expect(rows.filter((row) => !row.result && !isExplained(row))).toEqual([]);
  for (const { result, transcript, reason, wrong, clause } of rows) {
    if (!result) expect({ reason, wrong, clause }).toEqual(flaws[transcript as FlawName]);
  }
});

test('a transcript that a row points at is there, and every one is pointed at', () => {
  const told = new Set(rows.flatMap(({ transcript }) => transcript ?? []));
  const kept = readdirSync(resolve(import.meta.dirname, 'interop/transcripts'));
  expect([...told].toSorted()).toEqual(kept.toSorted());
  expect(rows.filter(({ result, transcript }) => result && transcript !== undefined)).toEqual([]);
});
