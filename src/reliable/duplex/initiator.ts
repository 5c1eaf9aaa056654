/**
 * The initiator's end of a duplex session: creates the two sequences over whatever connection it can get, keeps a connection
 * while the session lives, and ends both sequences before the connection (WS-RM 1.1 section 3.4; WCF's
 * ClientReliableDuplexSessionChannel).
 */
import { asError, type SurewireError } from '../../base/errors.ts';
import { abortable, deadline, never } from '../../base/signals.ts';
import type { Channel, ChannelFactory, Template } from '../../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../channel/delivery.ts';
import { Entering } from '../../channel/entering.ts';
import { onRefused } from '../../channel/refusal.ts';
import { fromAnywhere, fromHere } from '../../channel/reply-to.ts';
import { anonymous, identityOf } from '../../security/evidence.ts';
import { addressingOf } from '../../soap/addressing.ts';
import { deniesCredentials } from '../../soap/denial.ts';
import { FaultError } from '../../soap/errors.ts';
import type { Message } from '../../soap/message.ts';
import { Composer } from '../composer.ts';
import { newDestination } from '../destination-state.ts';
import { ReliableError, type ReliableErrorCode } from '../errors.ts';
import { publish } from '../events.ts';
import { abortion, interpret } from '../interpret.ts';
import { Keeper, type Knowledge } from '../keeper.ts';
import { originOf, withOrigin } from '../origin.ts';
import { adviceFor, isTurnedDown, takeLeave } from '../partings.ts';
import { type InitiatorRecord, templateOf } from '../record.ts';
import { refusal } from '../responses.ts';
import { lifeOf, type Settings } from '../settings.ts';
import type { DuplexKeep, DuplexState } from './ends.ts';
import { type Hearing, hearing, isAbout } from './hearing.ts';
import { Line } from './line.ts';
import { DuplexSession } from './session.ts';

/** Copies that one connection has taken: what it says of them late is said of no other connection. */
interface Asked {
  copies: number;
}

function oneLess(asked: Asked): void {
  asked.copies = Math.max(0, asked.copies - 1);
}

export class DuplexInitiator implements Channel {
  readonly side = 'initiator';
  readonly isDuplex = true;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly offers: NonNullable<Channel['offers']>;
  readonly #settings: Settings;
  readonly #line: Line;
  readonly #receive: Carry;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #end = new AbortController();
  readonly #keeper: Keeper;
  /** Messages that the session does not have yet. */
  readonly #entering = new Entering();
  /** Copies of CreateSequence that the connection of the moment has taken and that are not answered; each has its own count. */
  #asked: Asked = { copies: 0 };
  /** What one of them was refused with. */
  #refusal: Error | undefined;
  #session: DuplexSession | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  /** Why the session stands still while the store keeps it. */
  #standstill: ReliableError | undefined;

  constructor(settings: Settings, inner: ChannelFactory, below: Channel, receive: Carry, inUse: Set<string>) {
    this.#settings = settings;
    // Whatever is said one way only: the other end sends unasked too, so it is always offered a sequence.
    this.#keeper = new Keeper({ ...settings, oneWay: false }, inUse);
    this.#receive = receive;
    this.closed = this.#closed.promise;
    this.#line = new Line({
      settings,
      inner,
      below,
      receive: (trip) => this.receive(trip),
      session: () => this.#session?.id ?? '',
      onUp: (isFirst) => {
        this.#asked = { copies: 0 };
        if (!isFirst) this.#session?.reconnected();
        else this.#begin();
      },
      onGone: (reason) => {
        void this.#giveUp('RELIABLE_FAILED', reason, false);
      },
    });
    this.offers = this.#line.offers;
    this.send = async (trip) => {
      const given = this.#entering.one();
      try {
        await this.#start(this.#templateOf(trip.message), trip.signal);
        const sent = this.#session?.send(fromAnywhere(trip, this));
        given();
        return await sent;
      } finally {
        given();
      }
    };
  }

  get replyTo(): string | undefined {
    return this.#line.replyTo;
  }

  async open(signal?: AbortSignal): Promise<void> {
    const { soap, addressing, to } = this.#settings;
    // Where to, and in which SOAP version, only the first message will tell.
    if (to === undefined) return;
    await this.#start({ soap, wsa: addressing, to: to.href }, signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    if (this.#session === undefined) this.#leave(reason);
    else this.#session.abort('RELIABLE_ABORTED', reason);
  }

  /** Whatever comes over the connection. */
  readonly receive: Carry = async (trip) => {
    const session = this.#session;
    const { record } = this.#keeper;
    if (session === undefined || record === undefined) return undefined;
    let heard: Hearing | undefined;
    try {
      heard = hearing(trip.message);
      if (heard === undefined || heard.version !== session.version) return undefined;
      if (record.peer !== null && record.peer !== identityOf(trip)) {
        const owner = record.peer;
        publish(() => ({
          event: 'identity.refused',
          side: 'initiator',
          session: session.id,
          owner,
          identity: identityOf(trip),
        }));
        return undefined;
      }
      if (session.phase === 'creating') {
        // What overtakes the answer comes again: the sequence that it is about is not known yet.
        const { kind } = heard.about;
        if (kind === 'created' || kind === 'fault') await this.#created(trip, record, session);
        return undefined;
      }
      if (!isAbout(heard, session)) return undefined;
      this.#line.heard();
      const answer = await session.hear(trip, heard);
      return answer === undefined ? undefined : this.#worded(answer);
    } catch (thrown) {
      if (!(thrown instanceof ReliableError) || thrown.code === 'RELIABLE_STORE') throw thrown;
      if (heard === undefined || heard.about.kind === 'fault') return undefined;
      return this.#worded(trip.carrying(refusal(trip.message, session.version, thrown)));
    }
  };

  /** What is said as it goes out over the connection. */
  #worded(trip: Delivery): Delivery {
    return trip.carrying(fromHere(trip.message, this, () => this.#settings.newIdentifier('message')));
  }

  /** The answer to CreateSequence. */
  async #created(trip: Delivery, record: InitiatorRecord, session: DuplexSession): Promise<void> {
    const said = interpret({ kind: 'create' }, trip, {
      version: session.version,
      record,
      id: '',
      phase: session.phase,
      messageId: record.createId,
      replies: undefined,
      flowControl: this.#settings.flowControlEnabled,
    });
    if (said.kind === 'refused') {
      oneLess(this.#asked);
      this.#refusal = said.trouble;
      // A peer that takes a copy for a second request may still answer the first.
      if (this.#asked.copies === 0) session.post(...said.source);
      return;
    }
    if (said.kind !== 'created' || record.offer === null) return;
    if (!said.accepted) {
      session.post(abortion('RELIABLE_REFUSED', 'The peer does not accept a sequence of its own, so it cannot send.'));
      return;
    }
    this.#keeper.bind(identityOf(trip), said.behaviour, originOf(trip));
    this.#line.heard();
    const { clock } = this.#settings;
    const life = lifeOf(this.#settings, said.life);
    await session.created({ id: said.id, ...life }, newDestination(record.offer, clock.now(), undefined));
  }

  #templateOf(message: Message): Template {
    const addressing = addressingOf(message);
    return { soap: message.version, wsa: addressing?.version ?? this.#settings.addressing, to: addressing?.to };
  }

  #start(template: Template, signal: AbortSignal | undefined): Promise<void> {
    this.#opening ??= this.#create(template);
    return signal === undefined ? this.#opening : abortable(this.#opening, signal);
  }

  async #create(given: Template): Promise<void> {
    const { clock, openTimeout } = this.#settings;
    const session = await this.#made(given).catch((thrown: unknown) => {
      this.#leave(asError(thrown));
      throw thrown;
    });
    this.#session = session;
    const limit = deadline(clock, openTimeout, undefined, () => this.#openTimedOut());
    try {
      this.#line.start();
      await abortable(session.opened, limit.signal);
    } catch (thrown) {
      const error = asError(thrown);
      const code: ReliableErrorCode = error instanceof ReliableError ? error.code : 'RELIABLE_FAILED';
      throw (await this.#giveUp(code, error, false)) ?? error;
    } finally {
      limit.clear();
    }
    await this.#settings.onSession?.(session);
  }

  /** Takes up the session of the store, or makes a new one. */
  async #made(given: Template): Promise<DuplexSession> {
    const line = this.#line;
    const { record, resumed } = await this.#keeper.begin(given);
    const template: Template = {
      ...(templateOf(record) ?? given),
      get replyTo() {
        return line.replyTo;
      },
    };
    const { namesContext } = this.#settings;
    const composer = new Composer(this.#settings, template, record);
    const session: DuplexSession = new DuplexSession(
      {
        side: 'initiator',
        settings: this.#settings,
        version: this.#settings.version,
        template,
        state: { source: record.source, receipt: record.replies ?? undefined },
        keep: keepOf(this.#keeper, record),
        receive: async (trip) => fromAnywhere(await this.#receive(trip), this),
        upward: undefined,
        signal: this.#end.signal,
        post: (trip) => this.#posted(trip),
        create: async () => {
          const token = namesContext ? await line.token(template, this.#end.signal) : undefined;
          return composer.control({ effect: 'create', attempt: 1 }, '', undefined, token);
        },
        behaviour: () => this.#keeper.record?.behaviour,
        onHalted: (error) => {
          this.#standstill = error;
          this.#leave(error);
        },
        onEnded: (reason) => void this.#over(session.errorOf(reason), session.state),
      },
      { resumed, peer: () => this.#keeper.record?.peer ?? anonymous },
    );
    return session;
  }

  #posted(trip: Delivery): Promise<unknown> {
    if (trip.message.action !== this.#settings.version.actions.createSequence) {
      return this.#line.post(this.#worded(trip));
    }
    const asked = this.#asked;
    const posted = this.#line.post(this.#worded(trip.with(onRefused, (reason) => this.#declined(reason, asked))));
    asked.copies += 1;
    posted.catch(() => oneLess(asked));
    return posted;
  }

  /** The peer does not take a CreateSequence, in words that prove nothing. */
  #declined(reason: SurewireError, asked: Asked): void {
    oneLess(asked);
    this.#refusal = reason;
    // A peer in trouble, or whose answer could not be sent, may do better next time.
    const isTrouble = reason.cause instanceof FaultError && reason.cause.fault.code === 'receiver';
    // Another copy brings nothing better for a wrong password.
    const isLast = asked.copies === 0 || deniesCredentials(reason);
    if (!isTrouble && asked === this.#asked && isLast) this.#session?.declined(reason);
  }

  /** There is a connection for the first time. */
  #begin(): void {
    const session = this.#session;
    session?.start(session.resumed ? 'resumed' : 'open').catch((thrown: unknown) => {
      const { message, ...rest } = asError(thrown);
      void session.suspend(new ReliableError('RELIABLE_STORE', message, { transient: true, cause: rest.cause }));
    });
  }

  /**
   * The session ends, or stands still where the store keeps it.
   *
   * @returns why it stands still
   */
  async #giveUp(code: ReliableErrorCode, error: Error, tell: boolean): Promise<ReliableError | undefined> {
    const session = this.#session;
    if (this.#standstill !== undefined || session === undefined) return this.#standstill;
    if (!session.isKept || session.phase === 'terminating') {
      if (tell) session.abort(code, error);
      else session.post(abortion(code, error.message, false));
      return undefined;
    }
    const text = `${error.message} ${adviceFor(session.label)}`;
    const kept = new ReliableError(code, text, { cause: error, transient: true });
    await session.suspend(kept);
    return kept;
  }

  #openTimedOut(): ReliableError {
    const text = `No sequence was created within ${this.#settings.openTimeout} ms.`;
    return new ReliableError('RELIABLE_OPEN_TIMEOUT', text, {
      transient: true,
      cause: this.#refusal ?? this.#line.trouble,
    });
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    if (this.#opening === undefined) {
      this.#opening = Promise.reject(new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
      this.#opening.catch(() => undefined);
      await this.#line.close(signal);
      this.#closed.resolve(undefined);
      return;
    }
    // Opening has a time limit of its own; only the caller may cut it short.
    await abortable(this.#opening, signal ?? never).catch(() => undefined);
    const session = this.#session;
    if (this.#standstill !== undefined) throw this.#standstill;
    if (session === undefined) return;
    const { clock, closeTimeout } = this.#settings;
    const text = `The session could not be ended in good order within ${closeTimeout} ms.`;
    const limit = deadline(clock, closeTimeout, signal, () => new ReliableError('RELIABLE_CLOSE_TIMEOUT', text));
    try {
      // What was sent before belongs to the session; what the handlers of this end still have to answer goes out first.
      await this.#entering.gone(limit.signal);
      await abortable(session.numbered(), limit.signal);
      await abortable(session.idle(), limit.signal);
      session.post({ kind: 'close' });
      const reason = await abortable(this.closed, limit.signal);
      if (reason !== undefined) throw reason;
    } catch (thrown) {
      const error = asError(thrown);
      const code = error instanceof ReliableError ? error.code : 'RELIABLE_ABORTED';
      throw (await this.#giveUp(code, error, true)) ?? error;
    } finally {
      limit.clear();
    }
  }

  /** Both sequences are over, or the peer says nothing of its own any more. */
  async #over(error: Error | undefined, { source, receipt }: DuplexState): Promise<void> {
    const known = { source, replies: receipt };
    await this.#keeper.appendBoth(known, known, { put: [], drop: [] }, true).catch(() => undefined);
    this.#leave(error);
  }

  #leave(error: Error | undefined): void {
    const leave = async () => {
      if (error === undefined) {
        await this.#line.close().catch(() => undefined);
      } else {
        const said = this.#session?.lastWord ?? Promise.resolve();
        await takeLeave(this.#settings.clock, error, async (signal) => void (await abortable(said, signal)));
        if (isTurnedDown(error)) await takeLeave(this.#settings.clock, error, (signal) => this.#line.close(signal));
        this.#line.abort(error);
      }
      this.#end.abort(error ?? new ReliableError('RELIABLE_CLOSED', 'The session is closed.'));
      this.#keeper.release();
      this.#closed.resolve(error);
    };
    void leave();
  }
}

/** What the store knows of the session: nothing, where there is none or the session has no label. */
function keepOf(keeper: Keeper, { source, replies }: InitiatorRecord): DuplexKeep {
  let before: Knowledge = { source, replies: replies ?? undefined };
  return {
    save: async (state, { put = [], drop = [] }) => {
      const after = { source: state.source, replies: state.receipt };
      await keeper.appendBoth(before, after, { put, drop });
      before = after;
    },
    octets: (message) => keeper.octets(message),
    message: (direction, number) => keeper.message(number, direction),
    restored: (message) => {
      const origin = keeper.record?.origin;
      return origin === undefined ? delivery(message) : withOrigin(delivery(message), origin);
    },
  };
}
