/**
 * The duplex sessions of one element at the acceptor, whichever connections they began on: found by identity and identifier,
 * each with the connection that its messages take now.
 */
import { type Delivery, delivery } from '../../channel/delivery.ts';
import { recipient } from '../../channel/recipient.ts';
import { formerAddresses } from '../../channel/reply-to.ts';
import { identitiesOf } from '../../security/evidence.ts';
import { type Addressing, addressingOf } from '../../soap/addressing.ts';
import type { HeaderBlock, Message } from '../../soap/message.ts';
import type { CreateSequence } from '../bodies.ts';
import { type DestinationEnd, sameReceipt } from '../destination-state.ts';
import { ReliableError } from '../errors.ts';
import { acknowledgementHeader } from '../headers.ts';
import { withOrigin } from '../origin.ts';
import { type AcceptorRecord, templateOf } from '../record.ts';
import { type RegisteredInit, Registry } from '../registry.ts';
import { wanted } from '../responses.ts';
import { assuranceOf, type Settings } from '../settings.ts';
import { type EndReason, sameSending } from '../source-state.ts';
import { UpwardSession } from '../upward.ts';
import type { ReliableVersion } from '../versions/version.ts';
import { Wording } from '../wording.ts';
import type { DuplexAcceptor } from './acceptor.ts';
import { Addresses } from './addresses.ts';
import type { DuplexKeep } from './ends.ts';
import { type Hearing, hearing } from './hearing.ts';
import { DuplexSession } from './session.ts';

type Connection = DuplexAcceptor;

/** How the session ended, for the layers above, where it was not given up. */
const endings: { readonly [code in EndReason['code']]?: DestinationEnd } = {
  completed: 'completed',
  RELIABLE_INACTIVE: 'inactive',
  RELIABLE_EXPIRED: 'expired',
};

/** A session of the acceptor, with the connection it began on and the one that it uses now. */
export class Accepted extends DuplexSession {
  readonly createId: string | undefined;
  /** Whose layers above are handed what it receives: its client's or, of a session that the store kept, anybody's. */
  readonly birth: Connection;
  /** On which it speaks: never another one than its client has spoken on. */
  readonly #way: { current: Connection | undefined };
  /** Whether that is the connection of its client. */
  #isAtHome: boolean;
  readonly #addresses: Addresses;
  readonly #wording: Wording;
  readonly #record: AcceptorRecord;

  /** @param birth the connection that it begins on; for one that the store kept, any */
  constructor(init: RegisteredInit<Accepted>, birth: Connection, onEnded: (session: Accepted) => void) {
    const { settings, version, record, signal } = init;
    const way: { current: Connection | undefined } = { current: init.resumed ? undefined : birth };
    const addresses = new Addresses();
    addresses.add(way.current?.replyTo);
    const upward = new UpwardSession(record, init.resumed);
    const template = templateOf(record) ?? { soap: settings.soap, wsa: settings.addressing, to: undefined };
    const state = { source: record.source ?? { phase: 'none' as const }, receipt: record.receipt };
    super(
      {
        side: 'acceptor',
        settings,
        version,
        // To whoever created the sequence, on its connection.
        template: {
          ...template,
          get to() {
            return way.current?.replyTo;
          },
        },
        state,
        keep: keepOf(init, (message) => {
          if (birth.replyTo !== undefined) addresses.add(addressingOf(message)?.replyTo?.address);
        }),
        receive: (trip) => {
          const { known } = addresses;
          return birth.up(known.length === 0 ? trip : trip.with(formerAddresses, known));
        },
        upward,
        signal,
        post: async (trip) => {
          if (way.current === undefined) throw noConnection();
          const addressed = addresses.renamed(trip.message, way.current.replyTo);
          return way.current.post(trip.carrying(addressed).with(recipient, record.identity));
        },
        create: () => {
          throw noConnection();
        },
        onEnded: (reason) => {
          upward.end(endings[reason.code] ?? 'faulted');
          onEnded(this);
        },
      },
      { resumed: init.resumed, peer: () => record.identity },
    );
    this.birth = birth;
    this.createId = record.createId ?? undefined;
    this.#way = way;
    this.#isAtHome = !init.resumed;
    this.#addresses = addresses;
    this.#record = record;
    this.#wording = new Wording(settings, version, assuranceOf(settings), this.offer);
  }

  /** Makes a new session durable. */
  async begin(): Promise<void> {
    await this.start('accepted');
  }

  async resume(): Promise<void> {
    await this.start('resumed');
  }

  /** The answer to CreateSequence, the same for each copy of it. */
  createResponse(request: Message): Message {
    return this.#wording.created(request, this.#record);
  }

  /** What goes with a fault about this session: once the sequence is closed, the final acknowledgement. */
  faultHeaders(request: Message): readonly HeaderBlock[] {
    const { receipt } = this;
    if (receipt?.phase !== 'closed') return [];
    const block = { id: receipt.id, ranges: receipt.received, nacks: [], final: this.version.final };
    return [acknowledgementHeader(this.version, request.version, block)];
  }

  /** Whether it is the session of the client of `connection`, and began there. */
  beganOn(connection: Connection): boolean {
    return this.#isAtHome && this.birth === connection;
  }

  /** The connection that is used now, or was last. */
  get connection(): Connection {
    return this.#way.current ?? this.birth;
  }

  /** The peer was heard over `connection`: its messages go there from now on. */
  over(connection: Connection): void {
    const before = this.#way.current;
    if (before === connection || !connection.isOpen) return;
    this.#way.current = connection;
    this.#isAtHome ||= connection === this.birth;
    this.#addresses.add(connection.replyTo);
    if (before?.isOpen !== true) this.reconnected();
  }

  /** `connection` is gone. A client that closes it in good order has heard the last word of its session. */
  without(connection: Connection, isGood: boolean): void {
    if (this.#way.current !== connection) return;
    this.#way.current = undefined;
    if (isGood && this.phase === 'terminating') this.post({ kind: 'terminate-answered' });
  }
}

export class Hub {
  readonly #registry: Registry<Accepted>;
  readonly #sessions = new Set<Accepted>();
  readonly #end = new AbortController();
  /** On which connection a session that is being made begins. */
  readonly #births = new WeakMap<Delivery, Connection>();
  readonly #connections = new Set<Connection>();
  #recovered: Promise<void> | undefined;

  constructor(settings: Settings) {
    this.#registry = new Registry<Accepted>(settings, (init) => this.#make(init), this.#end.signal);
  }

  joined(connection: Connection): void {
    this.#connections.add(connection);
  }

  /** Takes up the sessions of the store; until their clients come again, they belong to `connection`. */
  recover(connection: Connection): Promise<void> {
    this.#connections.delete(connection);
    this.#connections.add(connection);
    this.#recovered ??= this.#registry.recover().catch((thrown: unknown) => {
      this.#recovered = undefined;
      throw thrown;
    });
    return this.#recovered;
  }

  create(
    connection: Connection,
    trip: Delivery,
    version: ReliableVersion,
    asked: Addressing,
    body: CreateSequence,
  ): Promise<Accepted> {
    this.#births.set(trip, connection);
    return this.#registry.create(trip, version, asked, body, connection.replyTo);
  }

  /** The session that a message is about, when it is that of one of these. */
  find(
    identities: readonly string[],
    { about, headers }: Hearing,
  ): { readonly session: Accepted | undefined; readonly named: string } {
    const received = (id: string) => ({ session: this.#registry.session(identities, id), named: id });
    const sent = (id: string) => ({ session: this.#registry.offered(identities, id), named: id });
    switch (about.kind) {
      case 'message':
        return received(about.block.id);
      case 'close':
      case 'terminate':
        return received(about.body.id);
      case 'closed':
      case 'terminated':
        return sent(about.body.id);
      case 'acknowledgement': {
        const [asked] = headers?.ackRequested ?? [];
        if (asked !== undefined) return received(asked);
        const [first] = headers?.acknowledgements ?? [];
        return first === undefined ? { session: undefined, named: '' } : sent(first.id);
      }
      case 'fault': {
        const id = about.fault?.identifier ?? '';
        const offered = sent(id);
        return offered.session === undefined ? received(id) : offered;
      }
      case 'create':
      case 'created':
        return { session: undefined, named: '' };
      default:
        return about satisfies never;
    }
  }

  /**
   * A message of one of these sessions that came where it can be answered at most on its own exchange: WS-RM finds a session by
   * its identifier, and what expects no answer, as CXF's one-way messages and acknowledgements, names no address of its sender.
   *
   * @returns `undefined` where it is of no session here
   */
  hear(trip: Delivery): Promise<Delivery | undefined> | undefined {
    if (this.#sessions.size === 0) return undefined;
    const heard = readable(trip.message);
    const session = heard === undefined ? undefined : this.find(identitiesOf(trip), heard).session;
    return session?.connection.receiveElsewhere(trip).then((answer) => wanted(trip, answer));
  }

  /** The session to send on: the one of that identifier, else the only one that began on `connection`. */
  sessionFor(connection: Connection, id: string | undefined): Accepted {
    const mine = [...this.#sessions].filter((session) =>
      id === undefined ? session.beganOn(connection) : session.id === id,
    );
    const [only, another] = mine;
    if (only === undefined) {
      const text = 'There is no session to send on: it has ended, or none was created on this connection yet.';
      throw new ReliableError('RELIABLE_CLOSED', text);
    }
    if (another === undefined) return only;
    const text = 'Several sessions began on this connection: say which one is meant, as callbackChannel does.';
    throw new ReliableError('RELIABLE_SETTING', text);
  }

  hasSessionsOf(connection: Connection): boolean {
    return [...this.#sessions].some(({ birth }) => birth === connection);
  }

  /** The connection broke: sessions go on without one, until their clients come again. */
  lost(connection: Connection, isGood: boolean): void {
    for (const session of this.#sessions) session.without(connection, isGood);
    if (!this.hasSessionsOf(connection)) this.#gone(connection);
  }

  /** The endpoint closes: sessions that began on this connection are left to the store. */
  async left(connection: Connection): Promise<void> {
    const mine = [...this.#sessions].filter(({ birth }) => birth === connection);
    await Promise.all(mine.map((session) => session.idle()));
    for (const session of mine) {
      await session.suspend();
      this.#sessions.delete(session);
      this.#registry.release(session);
    }
    this.#gone(connection);
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection);
    // Whoever listens again takes up what the store has.
    if (this.#connections.size === 0) this.#recovered = undefined;
  }

  #make(init: RegisteredInit<Accepted>): Accepted {
    const birth = (init.trip === undefined ? undefined : this.#births.get(init.trip)) ?? [...this.#connections].at(-1);
    if (birth === undefined) throw noConnection();
    const session = new Accepted(init, birth, (ended) => {
      this.#sessions.delete(ended);
      init.onEnded(ended);
      ended.birth.freed();
    });
    this.#sessions.add(session);
    return session;
  }
}

/** What the message is about; nothing when it cannot be read, and whoever takes it next says so. */
function readable(message: Message): Hearing | undefined {
  try {
    return hearing(message);
  } catch {
    return undefined;
  }
}

/** @param handedUpLate is told of each message that was accepted in another life of this process, or kept for long */
function keepOf({ record, journal }: RegisteredInit<Accepted>, handedUpLate: (message: Message) => void): DuplexKeep {
  let before = { source: record.source, receipt: record.receipt };
  let isNew = true;
  return {
    save: async ({ source, receipt = before.receipt }, { put = [], drop = [] }) => {
      const isOver = source.phase === 'ended' && receipt.phase === 'ended';
      const same = before.source !== null && sameSending(before.source, source) && sameReceipt(before.receipt, receipt);
      if (same && !isNew && put.length === 0 && drop.length === 0) return;
      await journal.commit(isOver ? { end: true } : { state: { ...record, source, receipt }, put, drop });
      isNew = false;
      before = { source, receipt };
    },
    octets: (message) => journal.octets(message),
    message: (direction, number) => journal.message(direction, number),
    restored: (message) => {
      handedUpLate(message);
      return withOrigin(delivery(message), record.origin);
    },
  };
}

function noConnection(): ReliableError {
  return new ReliableError('RELIABLE_FAILED', 'There is no connection to the peer just now.', { transient: true });
}
