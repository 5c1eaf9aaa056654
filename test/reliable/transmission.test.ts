/** Round trip, back-off and window, with the numbers of WCF's transmission strategy (facts 3.6). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  backOff,
  firstRoundTrip,
  grown,
  measured,
  openWindow,
  patience,
  shrunk,
} from '../../src/reliable/transmission.ts';

describe('the round trip', () => {
  test('patience starts at the greater of 400 ms above the first round trip and three times that', () => {
    expect(patience(firstRoundTrip(100), 400)).toBe(500);
    expect(patience(firstRoundTrip(1000), 400)).toBe(3000);
  });

  test('mean and deviation move by an eighth of the error', () => {
    const after = measured({ mean: 80, deviation: 40 }, 160);
    expect(after).toEqual({ mean: 90, deviation: 45 });
  });

  test('it settles on a steady round trip, with no deviation left', () => {
    let trip = firstRoundTrip(2_000);
    for (let turn = 0; turn < 200; turn += 1) trip = measured(trip, 50);
    expect(trip.mean).toBeCloseTo(50, 3);
    expect(patience(trip, 400)).toBeCloseTo(450, 1);
  });

  test('a clock that went backwards does no harm', () => {
    expect(firstRoundTrip(-5).mean).toBe(0);
    expect(measured({ mean: 80, deviation: 0 }, -1_000).mean).toBe(70);
  });
});

describe('back-off', () => {
  test('doubles with each transmission: nine of them take 511 times the first wait', () => {
    const waits = Array.from({ length: 9 }, (_, at) => backOff(10, at + 1, 0));
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(5_110);
  });

  test('jitter adds up to a quarter, the ceiling holds before it', () => {
    expect(backOff(100, 1, 0.999)).toBeLessThan(125);
    expect(backOff(100, 20, 0, 5_000)).toBe(5_000);
  });
});

describe('the window', () => {
  test('opens by one for each acknowledged message (slow start from one)', () => {
    let window = openWindow(8);
    const sizes = [window.size];
    while (window.size < 8) {
      window = grown(window, 1, 8);
      sizes.push(window.size);
    }
    expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('falls back to one after a loss, grows fast to half of what it was, then slowly', () => {
    const lost = shrunk({ ...openWindow(64), size: 64 });
    expect(lost).toEqual({ size: 1, threshold: 32, lost: 64, credit: 0 });
    let window = lost;
    for (let turn = 0; turn < 32; turn += 1) window = grown(window, 1, 64);
    expect(window.size).toBe(33);
    expect(grown(window, 1, 64).size).toBe(33);
  });

  test('stays between one and the maximum whatever happens', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 9 }))),
        (most, turns) => {
          let window = openWindow(most);
          for (const acknowledged of turns) {
            window = acknowledged === 0 ? shrunk(window) : grown(window, acknowledged, most);
            expect(window.size).toBeGreaterThanOrEqual(1);
            expect(window.size).toBeLessThanOrEqual(most);
          }
        },
      ),
    );
  });
});
