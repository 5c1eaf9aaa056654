/**
 * The sequences of an acceptor: found by their identifiers, counted against quotas, created once however often the request
 * is repeated, taken up again from the store, and remembered for a while after their end so that a late CloseSequence or
 * TerminateSequence still gets its answer (WS-RM 1.1 appendix D; WCF's ReliableChannelListener).
 *
 * Whatever a client names is looked up together with its identity: what belongs to another does not exist.
 */
import { later, type Timer } from '../base/clock.ts';
import type { Delivery } from '../channel/delivery.ts';
import { type Addressing, isAnonymous } from '../soap/addressing.ts';
import { ownerOf, unbindable } from './binding.ts';
import { type CreateSequence, type Offer, readExpires } from './bodies.ts';
import { newDestination } from './destination-state.ts';
import type { ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { originOf } from './origin.ts';
import { type AcceptorRecord, acceptorRecord, readAcceptorRecord } from './record.ts';
import { refused } from './responses.ts';
import { Journal, type SessionView, storeFailed } from './session.ts';
import { type Settings, transmissionOf } from './settings.ts';
import { offeredSource } from './source-state.ts';
import { versionNamed } from './versions/table.ts';
import type { ReliableVersion } from './versions/version.ts';

/** A session of an acceptor, as far as the registry has to know it. */
export interface Registered extends SessionView {
  /** Identifier of the sequence that the client offered. */
  readonly offer: string | undefined;
  /** MessageID of the CreateSequence. */
  readonly createId: string | undefined;
  begin(): Promise<void>;
  resume(): Promise<void>;
  idle(): Promise<void>;
}

/** What a session is made of. */
export interface RegisteredInit<S> {
  readonly settings: Settings;
  readonly version: ReliableVersion;
  readonly record: AcceptorRecord;
  readonly journal: Journal;
  readonly resumed: boolean;
  /** Fires when the acceptor is torn down. */
  readonly signal: AbortSignal;
  /** The CreateSequence; absent when the session comes from the store. */
  readonly trip: Delivery | undefined;
  /** Called once when the session is over for the peer and for the application. */
  readonly onEnded: (session: S) => void;
}

export class Registry<S extends Registered> {
  readonly #settings: Settings;
  readonly #create: (init: RegisteredInit<S>) => S;
  readonly #signal: AbortSignal;
  readonly #sessions = new Map<string, S>();
  readonly #offered = new Map<string, S>();
  /** By MessageID and by offer: the session that a repeated CreateSequence has made, or is making. */
  readonly #created = new Map<string, Promise<S>>();
  readonly #living = new Map<string, number>();
  readonly #forgetting = new Map<S, Timer>();
  #live = 0;
  #pending = 0;

  /** @param create makes the driver of one session */
  constructor(settings: Settings, create: (init: RegisteredInit<S>) => S, signal: AbortSignal) {
    this.#settings = settings;
    this.#create = create;
    this.#signal = signal;
  }

  /** The session whose messages have this identifier, when it is that of one of these. */
  session(identities: readonly string[], id: string): S | undefined {
    const found = this.#sessions.get(id);
    if (found === undefined || identities.includes(found.peer)) return found;
    publish(() => ({
      event: 'identity.refused',
      side: 'acceptor',
      session: id,
      owner: found.peer,
      identity: identities.at(-1) ?? '',
    }));
    return undefined;
  }

  /** The session whose replies have this identifier, when it is that of one of these. */
  offered(identities: readonly string[], id: string): S | undefined {
    for (const identity of identities) {
      const found = this.#offered.get(keyOf(identity, id));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * The session that a CreateSequence asks for: a new one, or that which the same request made before.
   *
   * @param back where the client is reached over its connection, where that is not the anonymous address
   * @throws ReliableError with CreateSequenceRefused, `RELIABLE_STORE`
   */
  create(trip: Delivery, version: ReliableVersion, asked: Addressing, body: CreateSequence, back?: string): Promise<S> {
    const identity = ownerOf(trip, version);
    const keys = [
      ...(asked.messageId === undefined ? [] : [keyOf(identity, `message ${asked.messageId}`)]),
      ...(body.offer === undefined ? [] : [keyOf(identity, `offer ${body.offer.id}`)]),
    ];
    for (const key of keys) {
      const known = this.#created.get(key);
      if (known !== undefined) return known;
    }
    const making = this.#make(trip, identity, version, asked, body, back);
    for (const key of keys) this.#created.set(key, making);
    making.catch(() => {
      for (const key of keys) this.#created.delete(key);
    });
    return making;
  }

  /** Takes up every session of the store that has this acceptor's label. */
  async recover(): Promise<void> {
    const { store, label } = this.#settings;
    if (store === undefined) return;
    const all = await store.sessions().catch((thrown: unknown) => Promise.reject(storeFailed(thrown)));
    for (const { session: key, state } of all) {
      const record = readAcceptorRecord(state);
      const version = record === undefined ? undefined : versionNamed(record.version);
      if (record === undefined || version === undefined || record.label !== (label ?? null)) continue;
      // There already when an earlier try failed behind it.
      if (this.#sessions.has(record.receipt.id)) continue;
      const session = this.#accept(record, version, new Journal(store, key), undefined);
      try {
        await this.#settings.onSession?.(session);
        await session.resume();
      } catch (thrown) {
        await session.suspend();
        this.#forget(session);
        throw thrown;
      }
      for (const created of keysOf(session)) this.#created.set(created, Promise.resolve(session));
    }
  }

  /** Lets go of a session that was suspended; the store still has it. */
  release(session: S): void {
    if (this.#sessions.get(session.id) !== session) return;
    if (this.#forgetting.has(session)) this.#remove(session);
    else this.#forget(session);
  }

  /** Waits until the application has finished with everything, then lets go of timers. Nothing is told to the clients. */
  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.idle()));
    await this.stop();
  }

  async stop(): Promise<void> {
    for (const timer of this.#forgetting.values()) timer.cancel();
    await Promise.all([...this.#sessions.values()].map((session) => session.suspend()));
  }

  async #make(
    trip: Delivery,
    identity: string,
    version: ReliableVersion,
    asked: Addressing,
    body: CreateSequence,
    back: string | undefined,
  ): Promise<S> {
    this.#admit(trip, identity, version, asked, body, back);
    const record = this.#recordOf(trip, identity, version, asked, body);
    const { store } = this.#settings;
    const session = this.#accept(record, version, new Journal(store, `acceptor ${record.receipt.id}`), trip);
    try {
      await this.#admitted(session);
      await session.begin();
    } catch (thrown) {
      this.#forget(session);
      throw thrown;
    }
    return session;
  }

  /** Waits for the application, when it takes its time; sessions that do so are what `maxPendingChannels` counts. */
  async #admitted(session: S): Promise<void> {
    const answer = this.#settings.onSession?.(session);
    if (answer === undefined) return;
    this.#pending += 1;
    try {
      await answer;
    } finally {
      this.#pending -= 1;
    }
  }

  /** Whether the request may have a session at all (WCF's checks 3.4; attacks M9, M15, M27). */
  #admit(
    trip: Delivery,
    identity: string,
    version: ReliableVersion,
    asked: Addressing,
    body: CreateSequence,
    back: string | undefined,
  ): void {
    const { maxPendingChannels, maxSessions, maxSessionsPerIdentity } = this.#settings;
    const elsewhere = [body.acksTo, body.offer?.endpoint, asked.replyTo, asked.faultTo].some(
      (reference) => !isAnonymous(asked.version, reference) && reference?.address !== back,
    );
    if (elsewhere) {
      const where = back === undefined ? 'anonymous' : 'the same';
      throw notCreated('sender', `AcksTo, Endpoint and ReplyTo have to be ${where} here.`);
    }
    const reason = unbindable(trip, version, body);
    if (reason !== undefined) throw notCreated('sender', reason);
    for (const expires of [body.expires, body.offer?.expires]) {
      if (expires !== undefined && readExpires(expires) === undefined) {
        throw notCreated('sender', 'Expires is no duration, or a negative one.');
      }
    }
    if (body.offer !== undefined && this.#sessions.has(body.offer.id)) {
      throw notCreated('sender', 'The identifier of the offered sequence is in use.');
    }
    if (
      this.#pending >= maxPendingChannels ||
      this.#live >= maxSessions ||
      (this.#living.get(identity) ?? 0) >= maxSessionsPerIdentity
    ) {
      throw notCreated('receiver', 'There are too many sessions just now. Try again later.', true);
    }
  }

  #recordOf(
    trip: Delivery,
    identity: string,
    version: ReliableVersion,
    asked: Addressing,
    body: CreateSequence,
  ): AcceptorRecord {
    const { clock, newIdentifier, maxExpires, label } = this.#settings;
    const now = clock.now();
    const life = body.expires === undefined ? undefined : readExpires(body.expires);
    const granted = grantedLife(life, body.offer, maxExpires);
    const policy = transmissionOf(this.#settings, version, 'reply');
    return acceptorRecord({
      label: label ?? null,
      version: version.name,
      soap: trip.message.version.name,
      addressing: asked.version.name,
      identity,
      origin: originOf(trip),
      createId: asked.messageId ?? null,
      to: asked.to ?? asked.version.anonymous,
      expires:
        granted === undefined ? null : granted === life ? (body.expires ?? null) : `PT${Math.ceil(granted / 1000)}S`,
      receipt: newDestination(newIdentifier('sequence'), now, granted === undefined ? undefined : later(now, granted)),
      source: body.offer === undefined ? null : offeredSource(body.offer.id, now, policy),
      answers: [],
    });
  }

  #accept(record: AcceptorRecord, version: ReliableVersion, journal: Journal, trip: Delivery | undefined): S {
    const session = this.#create({
      settings: this.#settings,
      version,
      record,
      journal,
      resumed: trip === undefined,
      signal: this.#signal,
      trip,
      onEnded: (ended) => this.#ended(ended),
    });
    this.#sessions.set(session.id, session);
    if (session.offer !== undefined) this.#offered.set(keyOf(session.peer, session.offer), session);
    this.#count(session.peer, 1);
    return session;
  }

  #ended(session: S): void {
    this.#count(session.peer, -1);
    const { clock, remember } = this.#settings;
    this.#forgetting.set(
      session,
      clock.at(later(clock.now(), remember), () => this.#remove(session)),
    );
    // Memory of the dead is bounded too: the oldest go first.
    for (const [oldest, timer] of this.#forgetting) {
      if (this.#forgetting.size <= this.#settings.maxSessions) break;
      timer.cancel();
      this.#remove(oldest);
    }
  }

  #forget(session: S): void {
    this.#count(session.peer, -1);
    this.#remove(session);
  }

  #remove(session: S): void {
    this.#forgetting.get(session)?.cancel();
    this.#forgetting.delete(session);
    this.#sessions.delete(session.id);
    if (session.offer !== undefined) this.#offered.delete(keyOf(session.peer, session.offer));
    for (const key of keysOf(session)) this.#created.delete(key);
  }

  #count(identity: string, change: 1 | -1): void {
    this.#live += change;
    const count = (this.#living.get(identity) ?? 0) + change;
    if (count > 0) this.#living.set(identity, count);
    else this.#living.delete(identity);
  }
}

/** In milliseconds: both sequences are one session, which lives for as long as the shorter of them (WS-RM 1.1, 3.4). */
function grantedLife(life: number | undefined, offer: Offer | undefined, longest: number): number | undefined {
  const offered = offer?.expires === undefined ? Number.POSITIVE_INFINITY : readExpires(offer.expires);
  const asked = Math.min(life ?? Number.POSITIVE_INFINITY, offered ?? Number.POSITIVE_INFINITY);
  return life === undefined && !Number.isFinite(asked) ? undefined : Math.min(asked, longest);
}

function keysOf(session: Registered): readonly string[] {
  return [
    ...(session.createId === undefined ? [] : [keyOf(session.peer, `message ${session.createId}`)]),
    ...(session.offer === undefined ? [] : [keyOf(session.peer, `offer ${session.offer}`)]),
  ];
}

/** Identities are free text; their length keeps two pairs from having one key. */
function keyOf(identity: string, name: string): string {
  return `${identity.length} ${identity} ${name}`;
}

function notCreated(code: 'sender' | 'receiver', reason: string, connectionLimit = false): ReliableError {
  return refused({ name: 'CreateSequenceRefused', code, reason, connectionLimit });
}
