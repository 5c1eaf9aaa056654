/** What processes that die have: their stores, and their transports. */
import type { Channel, ChannelFactory } from '../../src/channel/channel.ts';
import type { Transport } from '../../src/channel/transport.ts';
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

export const noMore: Error = new Error('the process was killed');

/** The transport as one process has it: when that dies its connections break, and nothing of it is heard any more. */
export class Process {
  readonly transport: Transport;
  readonly #bottoms = new Set<Channel>();
  #isDead = false;

  constructor(inner: Transport) {
    const owned = (factory: ChannelFactory): ChannelFactory => {
      return (receive) => {
        const below = factory((trip) => (this.#isDead ? new Promise(() => undefined) : receive(trip)));
        this.#bottoms.add(below);
        return below;
      };
    };
    this.transport = {
      name: inner.name,
      connect: (to) => {
        const factory = owned(inner.connect(to));
        return (receive) => {
          if (this.#isDead) throw noMore;
          return factory(receive);
        };
      },
      listen: (at, accept) => inner.listen(at, (session) => accept(owned(session))),
    };
  }

  /** The store as this process has it: when that dies nothing is written any more. */
  store(kept: SessionStore): SessionStore {
    return {
      sessions: () => kept.sessions(),
      messages: (session) => kept.messages(session),
      message: (session, direction, number) => kept.message(session, direction, number),
      commit: (change) => (this.#isDead ? new Promise(() => undefined) : kept.commit(change)),
      close: async () => undefined,
    };
  }

  kill(): void {
    this.#isDead = true;
    for (const bottom of this.#bottoms) bottom.abort(noMore);
  }
}

/** What became of a session that is over (see `storedOutcomes`). */
export function isEnded(state: unknown): boolean {
  const record = readInitiatorRecord(state);
  return record !== undefined && isOver(record);
}
