/** Stores of which one thing is different. */
import type { SessionStore } from '../../src/reliable/store.ts';

/** As `store` in everything but how it commits. */
export function committing(store: SessionStore, commit: SessionStore['commit']): SessionStore {
  return {
    sessions: () => store.sessions(),
    messages: (session) => store.messages(session),
    message: (session, direction, number) => store.message(session, direction, number),
    commit,
    close: () => store.close(),
  };
}
