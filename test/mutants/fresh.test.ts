/** A mutant whose text is not in its file any more would be caught by nobody, and nobody would notice. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allMutants } from './all.ts';

test('there are 25 rules at least, each with a name of its own', () => {
  expect(new Set(allMutants.map(({ name }) => name)).size).toBe(allMutants.length);
  expect(allMutants.length).toBeGreaterThanOrEqual(25);
});

test.each(allMutants)('$name: its text is in its file once', ({ file, find }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  expect(text.split(find).length - 1).toBe(1);
});
