import { describe, expect, test } from 'vitest';
import { Alarm } from '../../src/base/alarm.ts';
import { type Clock, later, VirtualClock } from '../../src/base/clock.ts';

describe('an alarm', () => {
  test('rings once, at what it was set to last, whether that is later or earlier than before', async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    const rung: number[] = [];
    const alarm = new Alarm(clock, () => rung.push(clock.now() - start));
    alarm.set(later(start, 100));
    alarm.set(later(start, 300));
    await clock.advance(200);
    expect(rung).toEqual([]);
    alarm.set(later(start, 250));
    await clock.advance(1_000);
    expect(rung).toEqual([250]);
  });

  test('is silent once it was cancelled or set to never, and can be set again', async () => {
    const clock = new VirtualClock();
    let rung = 0;
    const alarm = new Alarm(clock, () => {
      rung += 1;
    });
    alarm.set(later(clock.now(), 100));
    alarm.cancel();
    await clock.advance(200);
    alarm.set(later(clock.now(), 100));
    alarm.set(undefined);
    await clock.advance(200);
    expect(rung).toBe(0);
    alarm.set(later(clock.now(), 100));
    await clock.advance(200);
    expect(rung).toBe(1);
  });

  test('may be set again while it rings', async () => {
    const clock = new VirtualClock();
    let rung = 0;
    const alarm: Alarm = new Alarm(clock, () => {
      rung += 1;
      if (rung < 3) alarm.set(later(clock.now(), 10));
    });
    alarm.set(later(clock.now(), 10));
    await clock.advance(100);
    expect(rung).toBe(3);
  });

  test('that is put off a thousand times asks the clock for two timers', async () => {
    const clock = new VirtualClock();
    let timers = 0;
    const counting: Clock = {
      now: () => clock.now(),
      at: (when, task) => {
        timers += 1;
        return clock.at(when, task);
      },
    };
    let rung = 0;
    const alarm = new Alarm(counting, () => {
      rung += 1;
    });
    for (let turn = 1; turn <= 1_000; turn++) alarm.set(later(clock.now(), turn));
    await clock.advance(2_000);
    expect([rung, timers]).toEqual([1, 2]);
  });
});
