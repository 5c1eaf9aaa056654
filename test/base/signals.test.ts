import { getEventListeners } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { abortable, deadline, never, wait } from '../../src/base/signals.ts';

const reason = new Error('given up');

describe('abortable', () => {
  test('settles as the work does', async () => {
    await expect(abortable(Promise.resolve(1), never)).resolves.toBe(1);
    await expect(abortable(Promise.reject(reason), never)).rejects.toBe(reason);
  });

  test('rejects with the reason as soon as the signal fires, and leaves no listener behind', async () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, 'removeEventListener');
    const work = Promise.withResolvers<number>();
    const waiting = abortable(work.promise, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    work.resolve(1);
    await vi.waitFor(() => expect(remove).toHaveBeenCalled());
  });

  test('a signal that has fired already wins, and the failure of the work is no unhandled rejection', async () => {
    await expect(abortable(Promise.reject(new Error('unheard')), AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test('what waits on the signal that never fires leaves nothing with it, however many do', () => {
  const clock = new VirtualClock(0);
  for (let each = 0; each < 100; each++) {
    void wait(clock, 5, never);
    void abortable(Promise.race([]), never);
    deadline(clock, 5, never, () => reason);
  }
  expect(getEventListeners(never, 'abort')).toEqual([]);
});

describe('deadline', () => {
  test('fires with its reason when the time is over', async () => {
    const clock = new VirtualClock(0);
    const limit = deadline(clock, 10, undefined, () => reason);
    await clock.advance(9);
    expect(limit.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(limit.signal.reason).toBe(reason);
  });

  test('fires with its parent, also with one that has fired', () => {
    const parent = new AbortController();
    const limit = deadline(new VirtualClock(0), 10, parent.signal, () => new Error('late'));
    parent.abort(reason);
    expect(limit.signal.reason).toBe(reason);
    expect(deadline(new VirtualClock(0), 10, parent.signal, () => new Error('late')).signal.reason).toBe(reason);
  });

  test('clear stops the timer and lets go of the parent', async () => {
    const clock = new VirtualClock(0);
    const parent = new AbortController();
    const limit = deadline(clock, 10, parent.signal, () => reason);
    limit.clear();
    parent.abort(reason);
    await clock.advance(20);
    expect(limit.signal.aborted).toBe(false);
    expect(clock.next).toBeUndefined();
  });

  test('an infinite one has no timer', () => {
    const clock = new VirtualClock(0);
    deadline(clock, Number.POSITIVE_INFINITY, undefined, () => reason);
    expect(clock.next).toBeUndefined();
  });
});

describe('wait', () => {
  test('waits its time', async () => {
    const clock = new VirtualClock(0);
    const done = vi.fn();
    void wait(clock, 5).then(done);
    await clock.advance(4);
    expect(done).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(done).toHaveBeenCalledOnce();
  });

  test('rejects with the reason of its signal, and its timer is gone', async () => {
    const clock = new VirtualClock(0);
    const controller = new AbortController();
    const waiting = wait(clock, 5, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(clock.next).toBeUndefined();
    await expect(wait(clock, 5, controller.signal)).rejects.toBe(reason);
    expect(clock.next).toBeUndefined();
  });
});
