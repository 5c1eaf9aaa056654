/** Processes of which each does one thing at a time: for peers whose servers in one process disturb one another. */
import type { Asked } from './asked.ts';

export interface Pool {
  /** One that has nothing to do; another is started while there are fewer than there may be. */
  take(): Promise<Asked>;
  give(back: Asked): void;
  stop(): Promise<void>;
}

/** @param first a process that is there already */
export function pool(first: Asked, most: number, another: () => Promise<Asked>): Pool {
  const all: Promise<Asked>[] = [Promise.resolve(first)];
  const idle = [first];
  const waiting: ((next: Asked) => void)[] = [];
  return {
    async take() {
      const free = idle.pop();
      if (free !== undefined) return free;
      if (all.length < most) {
        const started = another();
        all.push(started);
        return started;
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    give(back) {
      const next = waiting.shift();
      if (next === undefined) idle.push(back);
      else next(back);
    },
    async stop() {
      const started = await Promise.allSettled(all);
      await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)));
    },
  };
}
