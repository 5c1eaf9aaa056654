import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bag, type Bagged } from '../../src/base/bag.ts';
import { traces } from './traces.ts';

interface Thing extends Bagged {
  readonly name: number;
}

const thing = (name: number): Thing => ({ slot: -1, name });

test('a bag holds what was put in and not taken out, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (names) => {
      const bag = new Bag<Thing>();
      const things = Array.from({ length: 21 }, (_, name) => thing(name));
      const expected = new Set<number>();
      for (const name of names) {
        const one = things[name] as Thing;
        if (expected.delete(name)) bag.delete(one);
        else {
          expected.add(name);
          bag.add(one);
        }
        expect(bag.size).toBe(expected.size);
        expect(new Set([...bag].map((held) => held.name))).toEqual(expected);
      }
    }),
  );
});

test('what is not in a bag cannot be taken out of it', () => {
  const [bag, other] = [new Bag<Thing>(), new Bag<Thing>()];
  const [one, two] = [thing(1), thing(2)];
  bag.add(one);
  other.add(two);
  bag.delete(two);
  bag.delete(thing(3));
  expect([bag.size, other.size]).toEqual([1, 1]);
  bag.delete(one);
  bag.delete(one);
  expect(bag.size).toBe(0);
});

test('what has gone from a bag leaves no trace', () => {
  const bag = new Bag<Thing & { readonly weight: readonly number[] }>();
  const heavy = (name: number) => ({ ...thing(name), weight: new Array<number>(40).fill(name) });
  const grown = traces(
    heavy,
    (one) => bag.add(one),
    (one) => bag.delete(one),
  );
  expect(grown).toBeLessThan(10_000_000);
});
