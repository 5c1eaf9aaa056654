import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { never } from '../../src/base/signals.ts';
import { Watch } from '../../src/base/watch.ts';

class One {
  slot = -1;
  readonly reasons: unknown[] = [];
  giveUp(reason: unknown): void {
    this.reasons.push(reason);
  }
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

test('all behind a signal are given up with its reason, behind one listener; who left is not', () => {
  const watch = new Watch();
  const { signal, abort } = controller();
  const [first, second, third] = [new One(), new One(), new One()];
  for (const one of [first, second, third]) watch.add(signal, one);
  expect(listeners(signal)).toBe(1);
  watch.remove(signal, second);
  abort('enough');
  expect([first.reasons, second.reasons, third.reasons]).toEqual([['enough'], [], ['enough']]);
});

test('one that comes behind a signal that has fired is given up at once', () => {
  const one = new One();
  new Watch().add(AbortSignal.abort('before'), one);
  expect(one.reasons).toEqual(['before']);
});

test('a signal that nobody is behind has no listener, and after the end none has', () => {
  const watch = new Watch();
  const signals = Array.from({ length: 5 }, () => controller().signal);
  for (const signal of signals) {
    const one = new One();
    watch.add(signal, one);
    watch.remove(signal, one);
  }
  expect(signals.map(listeners)).toEqual([0, 0, 0, 0, 0]);
  for (const signal of signals) watch.add(signal, new One());
  expect(signals.map(listeners)).toEqual([1, 1, 1, 1, 1]);
  watch.add(never, new One());
  expect(listeners(never)).toBe(0);
  watch.end();
  expect(signals.map(listeners)).toEqual([0, 0, 0, 0, 0]);
});

function controller(): { readonly signal: AbortSignal; abort(reason: unknown): void } {
  const made = new AbortController();
  return { signal: made.signal, abort: (reason) => made.abort(reason) };
}
