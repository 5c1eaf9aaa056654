/**
 * A peer that is asked line by line: one process for many scenarios. When it ends, whoever waits for a word of it hears so at once,
 * with the tail of its log, and the next question starts it again, twice at most; after that every question fails at once. A
 * process of which several answers in turn are overdue, and that says nothing at all meanwhile, hangs, and is ended.
 */
import type { Child, PeerEvent } from './child.ts';

export interface Question {
  /** What was said to it so far, by name. */
  said(name: string): readonly PeerEvent[];
  /**
   * The first of its events of that name, or of one of these.
   *
   * @param limit milliseconds
   * @throws Error what it says of a failure, that it ended, or that the limit passed; with the tail of its log
   */
  answer(name: string | readonly string[], limit?: number): Promise<PeerEvent>;
  /** Its events of that name, once they are `count` or the limit has passed. */
  several(name: string, count: number, limit?: number): Promise<readonly PeerEvent[]>;
  /** One thing more that concerns it. */
  add(asked: object): void;
}

export interface Asked {
  /** What it said when it was ready. */
  readonly ready: PeerEvent;
  ask(asked: object): Promise<Question>;
  tail(): string;
  stop(): Promise<void>;
}

/** Milliseconds for one answer. */
export const ANSWER_LIMIT = 60_000;
const LIVES = 3;
/** Overdue answers in silence after which a process is taken for one that hangs. */
const PATIENCE = 3;

/** @param launch starts the process, which tells `ready` */
export async function asked(launch: () => Child, answerLimit: number = ANSWER_LIMIT): Promise<Asked> {
  let child = launch();
  const ready = await child.event('ready');
  let lives = 1;
  let ids = 0;
  let silence = { events: 0, overdue: 0 };
  /** One answer more is overdue. */
  const overdue = async (of: Child): Promise<void> => {
    const { length: events } = of.events;
    silence = { events, overdue: silence.events === events ? silence.overdue + 1 : 1 };
    if (of === child && silence.overdue >= PATIENCE) await of.stop();
  };
  /** The process as it is now; one that has ended is followed by another. */
  let current = Promise.resolve(child);
  const alive = (): Promise<Child> => {
    current = current.then(async (before) => {
      if (!before.ended) return before;
      if (lives >= LIVES) throw new Error(`${before.name} ended ${LIVES} times; its last lines:\n${before.tail()}`);
      lives++;
      child = launch();
      await child.event('ready');
      return child;
    });
    return current;
  };
  return {
    ready,
    tail: () => child.tail(),
    stop: () => child.stop(),
    async ask(what) {
      const of = await alive();
      const id = ++ids;
      of.say(JSON.stringify({ id, ...what }));
      return question(of, id, answerLimit, () => overdue(of));
    },
  };
}

function question(of: Child, id: number, answerLimit: number, overdue: () => Promise<void>): Question {
  const own = ({ id: owner }: PeerEvent): boolean => owner === id;
  const said = (name: string): readonly PeerEvent[] => of.events.filter((one) => one.event === name && own(one));
  return {
    said,
    add: (more) => of.say(JSON.stringify({ id, ...more })),
    async answer(name, limit = answerLimit) {
      const found = await within(limit, of.event([name, 'failed'].flat(), 1, own));
      if (found?.event === 'failed') {
        const { why } = found;
        throw new Error(`${of.name}: ${String(why)}\n${of.tail()}`);
      }
      if (found !== undefined) return found;
      const tail = of.tail();
      await overdue();
      throw new Error(`${of.name}: no "${[name].flat().join('" or "')}" in ${limit} ms\n${tail}`);
    },
    async several(name, count, limit = answerLimit) {
      if (count > 0) await within(limit, of.event(name, count, own));
      return said(name);
    },
  };
}

/** What comes of it, or nothing when the limit passes first. */
async function within<T>(limit: number, coming: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, limit);
  try {
    return await Promise.race([coming, promise]);
  } finally {
    clearTimeout(timer);
  }
}
