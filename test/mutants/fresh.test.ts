/** No mutant is stale: each still finds the text that it changes (`npm run mutants` breaks it and looks who notices). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allMutants } from './all.ts';

const src = join(import.meta.dirname, '../../src');

test('each mutant finds its text exactly once, and changes it', () => {
  const stale = allMutants.flatMap(({ name, file, find, replace }) => {
    const times = readFileSync(join(src, file), 'utf8').split(find).length - 1;
    return times === 1 && find !== replace ? [] : [`${name}: ${times} times in src/${file}`];
  });
  expect(stale).toEqual([]);
});

test('there are enough of them, each with a name of its own', () => {
  expect(allMutants.length).toBeGreaterThanOrEqual(25);
  expect(new Set(allMutants.map(({ name }) => name)).size).toBe(allMutants.length);
});
