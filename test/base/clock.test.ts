import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { instant, later, systemClock, VirtualClock } from '../../src/base/clock.ts';

describe('VirtualClock', () => {
  test('stands still until it is moved', async () => {
    const clock = new VirtualClock(1000);
    const ran = vi.fn();
    clock.at(instant(1010), ran);
    await clock.advance(9);
    expect(clock.now()).toBe(1009);
    expect(ran).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(ran).toHaveBeenCalledOnce();
  });

  test('law: timers run in the order they fall due, equal ones in the order they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 20 }), async (delays) => {
        const clock = new VirtualClock(0);
        const ran: number[] = [];
        delays.forEach((delay, index) => {
          clock.at(instant(delay), () => ran.push(index));
        });
        await clock.advance(50);
        const expected = delays.map((delay, index) => ({ delay, index }));
        expected.sort((one, other) => one.delay - other.delay || one.index - other.index);
        expect(ran).toEqual(expected.map(({ index }) => index));
      }),
    );
  });

  test('a timer sees its own time, and may set another within the same advance', async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    clock.at(instant(10), () => {
      seen.push(clock.now());
      clock.at(later(clock.now(), 5), () => seen.push(clock.now()));
    });
    await clock.advance(100);
    expect(seen).toEqual([10, 15]);
    expect(clock.now()).toBe(100);
  });

  test('promises settle between timers', async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    clock.at(instant(1), () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => seen.push('settled'));
    });
    clock.at(instant(2), () => seen.push('next'));
    await clock.advance(2);
    expect(seen).toEqual(['settled', 'next']);
  });

  test('a cancelled timer never runs; `next` tells the earliest that waits', async () => {
    const clock = new VirtualClock(0);
    const ran = vi.fn();
    const timer = clock.at(instant(5), ran);
    clock.at(instant(7), () => undefined);
    expect(clock.next).toBe(5);
    timer.cancel();
    timer.cancel();
    expect(clock.next).toBe(7);
    await clock.advance(10);
    expect(ran).not.toHaveBeenCalled();
    expect(clock.next).toBeUndefined();
  });

  test('what was due in the past runs with the next move', async () => {
    const clock = new VirtualClock(100);
    const ran = vi.fn();
    clock.at(instant(1), ran);
    await clock.advance(0);
    expect(ran).toHaveBeenCalledOnce();
    expect(clock.now()).toBe(100);
  });
});

describe('systemClock', () => {
  test('cuts a wait that setTimeout cannot count into pieces', () => {
    vi.useFakeTimers();
    try {
      const ran = vi.fn();
      systemClock.at(later(systemClock.now(), 2 ** 31 + 10), ran);
      vi.advanceTimersByTime(2 ** 31);
      expect(ran).not.toHaveBeenCalled();
      vi.advanceTimersByTime(10);
      expect(ran).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });

  test('cancel stops it', () => {
    vi.useFakeTimers();
    try {
      const ran = vi.fn();
      const timer = systemClock.at(later(systemClock.now(), 5), ran);
      timer.cancel();
      vi.advanceTimersByTime(10);
      expect(ran).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
