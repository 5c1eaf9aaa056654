import { describe, expect, test } from 'vitest';
import { seededRandom, systemRandom, uuidUrn } from '../../src/base/random.ts';

const uuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('uuidUrn (RFC 9562 section 5.4)', () => {
  test.each([
    ['all ones', 0xff],
    ['all zeros', 0x00],
  ])('sets version and variant over %s', (_, octet) => {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(octet), fraction: () => 0 };
    expect(uuidUrn(random)).toMatch(uuid);
  });

  test('is another one each time', () => {
    const made = new Set(Array.from({ length: 1000 }, () => uuidUrn(systemRandom)));
    expect(made.size).toBe(1000);
  });
});

describe('seededRandom', () => {
  test('the same seed gives the same run, another seed another', () => {
    const run = (seed: number) => {
      const random = seededRandom(seed);
      return [random.fraction(), random.fraction(), ...random.bytes(8)];
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });

  test.each([[seededRandom(1)], [systemRandom]])('fractions lie in [0, 1) and spread evenly', (random) => {
    const bins = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index++) {
      const bin = Math.floor(random.fraction() * 10);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    expect(bins).toHaveLength(10);
    for (const count of bins) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });
});
