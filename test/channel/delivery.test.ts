import { describe, expect, test } from 'vitest';
import { contextKey, delivery } from '../../src/channel/delivery.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';

describe('a delivery', () => {
  const one = message({ version: soap12 });
  const other = message({ version: soap11 });

  test('answers with the initial value of a key until somebody leaves another', () => {
    const key = contextKey('count', 7);
    const plain = delivery(one);
    expect(plain.get(key)).toBe(7);
    expect(plain.with(key, 8).get(key)).toBe(8);
    expect(plain.get(key)).toBe(7);
  });

  test('a value of undefined is a value', () => {
    const key = contextKey<string | undefined>('name', 'initial');
    expect(delivery(one).with(key, undefined).get(key)).toBeUndefined();
  });

  test('two keys of one name are two keys', () => {
    const [mine, yours] = [contextKey('same', 1), contextKey('same', 2)];
    const trip = delivery(one).with(mine, 10);
    expect([trip.get(mine), trip.get(yours)]).toEqual([10, 2]);
  });

  test('another message on the same trip keeps signal and findings', () => {
    const key = contextKey('count', 0);
    const { signal } = new AbortController();
    const trip = delivery(one, signal).with(key, 1).carrying(other);
    expect(trip.message).toBe(other);
    expect(trip.signal).toBe(signal);
    expect(trip.get(key)).toBe(1);
  });

  test('without a signal it can be given up by nobody', () => {
    expect(delivery(one).signal.aborted).toBe(false);
  });
});
