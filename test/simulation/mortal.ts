/** Stores of processes that die. */
import { isOver, readInitiatorRecord } from '../../src/reliable/record.ts';
import type { SessionStore } from '../../src/reliable/store.ts';

export interface Death {
  readonly commit: number;
  readonly when: 'before' | 'after';
}

/** A store whose process dies at one commit: from then on nothing is written and nothing comes back. */
export function mortal(store: SessionStore, death: Death, died: () => void): SessionStore {
  let commits = 0;
  let dead = false;
  const never = () => new Promise<never>(() => undefined);
  return {
    sessions: () => (dead ? never() : store.sessions()),
    async *messages(session) {
      yield* dead ? await never() : store.messages(session);
    },
    message: (session, direction, number) => (dead ? never() : store.message(session, direction, number)),
    commit: async (change) => {
      if (dead) return never();
      commits += 1;
      if (commits !== death.commit) return store.commit(change);
      dead = true;
      if (death.when === 'after') await store.commit(change);
      died();
      return never();
    },
    close: async () => undefined,
  };
}

/** What became of a session that is over (see `storedOutcomes`). */
export function isEnded(state: unknown): boolean {
  const record = readInitiatorRecord(state);
  return record !== undefined && isOver(record);
}
