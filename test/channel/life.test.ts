import { describe, expect, test } from 'vitest';
import { never } from '../../src/base/signals.ts';
import { Life } from '../../src/channel/life.ts';

const reason = new Error('why');

describe('the life of a channel', () => {
  test('runs work while it is open, and tells its failures to its caller alone', async () => {
    const life = new Life();
    await expect(life.run(never, async () => 1)).resolves.toBe(1);
    await expect(life.run(never, () => Promise.reject(reason))).rejects.toBe(reason);
    expect(life.isOpen).toBe(true);
  });

  test('close waits for what is under way, also for what failed, and ends well', async () => {
    const life = new Life();
    const work = Promise.withResolvers<number>();
    const working = life.run(never, () => work.promise);
    const closing = life.close();
    expect(life.isOpen).toBe(false);
    await expect(life.run(never, async () => 1)).rejects.toMatchObject({ code: 'CHANNEL_CLOSED' });
    work.reject(reason);
    await expect(working).rejects.toBe(reason);
    await closing;
    await expect(life.closed).resolves.toBeUndefined();
    expect(life.isWhole).toBe(true);
  });

  test('a signal cuts off what close waits for; the end is still a good one', async () => {
    const life = new Life();
    let cut: AbortSignal | undefined;
    const working = life.run(never, (signal) => {
      cut = signal;
      return new Promise(() => undefined);
    });
    await Promise.all([
      expect(working).rejects.toBe(reason),
      expect(life.close(AbortSignal.abort(reason))).resolves.toBeUndefined(),
    ]);
    expect(cut?.aborted).toBe(true);
    expect(life.isWhole).toBe(false);
    await expect(life.closed).resolves.toBeUndefined();
  });

  test('abort cuts at once, also while closing; what comes first decides the end', async () => {
    const life = new Life();
    const working = life.run(never, () => new Promise(() => undefined));
    const closing = life.close();
    life.abort(reason);
    life.abort(new Error('again'));
    await expect(working).rejects.toBe(reason);
    await closing;
    await expect(life.closed).resolves.toBe(reason);
    await expect(life.run(never, async () => 1)).rejects.toBe(reason);
  });

  test('after a good end abort changes nothing', async () => {
    const life = new Life();
    await life.close();
    life.abort(reason);
    await expect(life.closed).resolves.toBeUndefined();
    expect(() => life.requireOpen()).toThrow(expect.objectContaining({ code: 'CHANNEL_CLOSED' }));
  });

  test('idle waits without closing', async () => {
    const life = new Life();
    const work = Promise.withResolvers<void>();
    const working = life.run(never, () => work.promise);
    const idle = life.idle();
    work.resolve();
    await idle;
    await working;
    expect(life.isOpen).toBe(true);
  });

  test('work whose own signal fires is cut off alone', async () => {
    const life = new Life();
    const controller = new AbortController();
    const working = life.run(controller.signal, () => new Promise(() => undefined));
    controller.abort(reason);
    await expect(working).rejects.toBe(reason);
    await expect(life.run(never, async () => 1)).resolves.toBe(1);
  });
});
