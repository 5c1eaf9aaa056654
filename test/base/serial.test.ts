import { describe, expect, test } from 'vitest';
import { Serial } from '../../src/base/serial.ts';

describe('Serial', () => {
  test('runs one piece of work at a time, in the order given, whatever each takes', async () => {
    const serial = new Serial();
    const seen: string[] = [];
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const first = serial.run(async () => {
      seen.push('first starts');
      await gate;
      seen.push('first ends');
    });
    const second = serial.run(() => seen.push('second'));
    await Promise.resolve();
    expect(seen).toEqual(['first starts']);
    open();
    await Promise.all([first, second]);
    expect(seen).toEqual(['first starts', 'first ends', 'second']);
  });

  test('a failure is told to its own caller and stops nobody', async () => {
    const serial = new Serial();
    const bad = serial.run(() => {
      throw new Error('bad');
    });
    const good = serial.run(() => 'good');
    await expect(bad).rejects.toThrow('bad');
    await expect(good).resolves.toBe('good');
  });

  test('idle settles when all work given so far has ended, also badly', async () => {
    const serial = new Serial();
    let done = false;
    serial.run(() => Promise.reject(new Error('bad'))).catch(() => undefined);
    void serial.run(async () => {
      await Promise.resolve();
      done = true;
    });
    await serial.idle();
    expect(done).toBe(true);
  });
});
