/** A mutant whose text is not in its file any more would be caught by nobody, and nobody would notice. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allMutants } from './all.ts';

test.each(allMutants)('$name: its text is in its file once', ({ file, find }) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
  expect(text.split(find).length - 1).toBe(1);
});
