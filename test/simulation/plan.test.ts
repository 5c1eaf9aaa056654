/** What the plain test run goes through: every shape of a session there is, in twenty thousand schedules and more. */
import { expect, test } from 'vitest';
import { schedulesIn } from './schedules.ts';
import { shapeName, shapes, shapesLike } from './shapes.ts';

test('both versions, both SOAP versions, ordered and not, one-way, request-reply and duplex', () => {
  const parts = [
    ['2005/02', '200702'],
    ['1.1', '1.2'],
    ['ordered', 'unordered'],
    ['one-way', 'request-reply', 'duplex'],
  ];
  const all = parts.reduce<readonly string[]>(
    (before, some) => before.flatMap((one) => some.map((part) => (one === '' ? part : `${one},${part}`))),
    [''],
  );
  expect(shapes.map(shapeName).sort()).toEqual([...all].sort());
});

test('20,000 schedules at least, of each shape some, in the two files that run them', () => {
  const files = [shapesLike('2005/02'), shapesLike('200702')];
  expect(files.flat().map(shapeName).sort()).toEqual(shapes.map(shapeName).sort());
  expect(schedulesIn(files.flat())).toBeGreaterThanOrEqual(20_000);
  for (const shape of shapes) expect(schedulesIn([shape])).toBeGreaterThan(90);
});
