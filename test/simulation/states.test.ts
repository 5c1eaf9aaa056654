/** docs/STATES.md is what the reducers do. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { statesPage } from '../../docs/states.ts';

const page = resolve(import.meta.dirname, '../../docs/STATES.md');

test('docs/STATES.md says what the reducers do (run `npm run docs` after a change)', () => {
  expect(readFileSync(page, 'utf8')).toBe(statesPage());
});

test('it has a row for every phase of source and destination', () => {
  const rows = new Set([...statesPage().matchAll(/^\| (\w+)/gm)].map((match) => match[1]));
  const phases = ['none', 'creating', 'created', 'rollover', 'draining', 'closing', 'closed', 'terminating'];
  expect([...phases, 'terminated', 'ended'].filter((phase) => !rows.has(phase))).toEqual([]);
});
