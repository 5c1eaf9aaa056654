/**
 * The acceptor's end of duplex sessions: one channel a connection, one hub for all of them, because a session outlives its
 * connection. Its messages go over the connection that last brought an authentic message of it (WCF's UseNewChannel); who
 * may say something of a sequence is decided by identity before anything is learned (attacks M2, M10).
 */
import { asError } from '../../base/errors.ts';
import { abortable } from '../../base/signals.ts';
import type { Channel } from '../../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../channel/delivery.ts';
import { turnedAway } from '../../channel/refusal.ts';
import { session as sessionOf } from '../../channel/session.ts';
import { identitiesOf } from '../../security/evidence.ts';
import { addressingOf, requireMessageId } from '../../soap/addressing.ts';
import { addressingFault } from '../../soap/addressing-faults.ts';
import { addressing200508 } from '../../soap/addressing-versions.ts';
import { SoapError } from '../../soap/errors.ts';
import { faultOf, faultReply } from '../../soap/fault.ts';
import { createSequenceOf, requireUnderstood, tellRefused } from '../acceptor.ts';
import { ReliableError } from '../errors.ts';
import { reliableFaultReply, requiredFault } from '../faults.ts';
import { refusal, refused, unknownSequence } from '../responses.ts';
import type { Settings } from '../settings.ts';
import type { ReliableVersion } from '../versions/version.ts';
import { type Hearing, hearing } from './hearing.ts';
import type { Hub } from './hub.ts';

export class DuplexAcceptor implements Channel {
  readonly side = 'acceptor';
  readonly isDuplex = true;
  readonly closed: Promise<Error | undefined>;
  /** Where the messages of sessions that began here are handed up. */
  readonly up: Carry;
  readonly #settings: Settings;
  readonly #below: Channel;
  readonly #hub: Hub;
  readonly #closed = Promise.withResolvers<Error | undefined>();
  #isLost = false;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, below: Channel, receive: Carry, hub: Hub) {
    this.#settings = settings;
    this.#below = below;
    this.#hub = hub;
    this.up = receive;
    this.closed = this.#closed.promise;
    hub.joined(this);
    void below.closed.then((reason) => this.#lost(reason));
  }

  get replyTo(): string | undefined {
    return this.#below.replyTo;
  }

  /** False when nothing can be sent over the connection any more. */
  get isOpen(): boolean {
    return !this.#isLost;
  }

  async open(signal?: AbortSignal): Promise<void> {
    await this.#below.open(signal);
    await this.#hub.recover(this);
  }

  /** Puts a message on its way over this connection. */
  post(trip: Delivery): Promise<unknown> {
    return this.#below.send(trip);
  }

  /** Sends on the session that the message names (channel/session), else on the only one that began on this connection. */
  readonly send: Carry = (trip) => this.#hub.sessionFor(this, trip.get(sessionOf)?.id).send(trip);

  /** Takes no new sessions here, lets the application finish, and leaves those that began here to the store. */
  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    void this.#hub.left(this);
    this.#below.abort(reason);
    this.#closed.resolve(reason);
  }

  /** A session that began here has ended. */
  freed(): void {
    if (this.#isLost && !this.#hub.hasSessionsOf(this)) this.#closed.resolve(undefined);
  }

  readonly receive: Carry = (trip) => this.#received(trip, 'here');

  /** A message for a session that uses the layers above this connection, which came another way: its client need not be here. */
  readonly receiveElsewhere: Carry = (trip) => this.#received(trip, 'elsewhere');

  async #received(trip: Delivery, where: 'here' | 'elsewhere'): Promise<Delivery | undefined> {
    const { message } = trip;
    let version: ReliableVersion | undefined;
    try {
      const heard = hearing(message);
      version = heard?.version;
      if (heard === undefined || version === undefined || !this.#settings.versions.includes(version)) {
        return faultOf(message) === undefined ? this.#notOurs(trip) : undefined;
      }
      return await this.#route(trip, heard, where);
    } catch (thrown) {
      if (faultOf(message) !== undefined) return undefined;
      trip.get(turnedAway)?.();
      if (thrown instanceof ReliableError && thrown.code !== 'RELIABLE_STORE') {
        tellRefused(thrown.code, thrown.message, thrown.fault?.name);
        return trip.carrying(refusal(message, version ?? this.#asked, thrown));
      }
      if (thrown instanceof SoapError && thrown.fault !== undefined) {
        tellRefused(thrown.code, thrown.message);
        return trip.carrying(faultReply(message, thrown.fault));
      }
      throw thrown;
    }
  }

  async #route(trip: Delivery, heard: Hearing, where: 'here' | 'elsewhere'): Promise<Delivery | undefined> {
    const { message } = trip;
    const { version, about } = heard;
    const identities = identitiesOf(trip);
    const asked = addressingOf(message);
    if (asked === undefined) throw new ReliableError('RELIABLE_MALFORMED', 'WS-RM needs WS-Addressing headers.');
    if (about.kind === 'create') {
      requireUnderstood(message, version);
      if (this.#closing !== undefined) {
        const reason = 'This endpoint is closing and takes no new sessions.';
        const fault = addressingFault(asked.version, 'endpointUnavailable', reason);
        throw new SoapError('SOAP_FAULT', reason, { fault });
      }
      const body = createSequenceOf(version, message);
      if (body.offer === undefined) {
        const reason = 'A duplex session needs an Offer: this end sends on a sequence of its own.';
        throw refused({ name: 'CreateSequenceRefused', code: 'sender', reason });
      }
      const session = await this.#hub.create(this, trip, version, asked, body);
      session.over(this);
      return trip.carrying(session.createResponse(message));
    }
    if (about.kind !== 'message') requireUnderstood(message, version);
    else requireMessageId(asked);
    const { session, named } = this.#hub.find(identities, heard);
    if (session === undefined || session.version !== version) {
      if (about.kind === 'message' || about.kind === 'close' || about.kind === 'terminate')
        throw unknownSequence(named);
      if (about.kind === 'acknowledgement' && heard.headers?.ackRequested[0] !== undefined)
        throw unknownSequence(named);
      return undefined;
    }
    if (where === 'here') session.over(this);
    try {
      return await session.hear(trip, heard);
    } catch (thrown) {
      if (!(thrown instanceof ReliableError) || thrown.fault === undefined) throw thrown;
      tellRefused(thrown.code, thrown.message, thrown.fault.name, session.id);
      return trip.carrying(reliableFaultReply(message, version, thrown.fault, session.faultHeaders(message)));
    }
  }

  #notOurs(trip: Delivery): Delivery {
    trip.get(turnedAway)?.();
    const version = this.#asked;
    const asked = addressingOf(trip.message)?.version ?? addressing200508;
    const fault = requiredFault(version, asked);
    tellRefused('RELIABLE_REQUIRED', fault.reason, version.required === 'WsrmRequired' ? version.required : undefined);
    const action = version.required === 'WsrmRequired' ? version.faultAction : asked.faultAction;
    return delivery(faultReply(trip.message, fault, action === undefined ? {} : { action }), trip.signal);
  }

  /** The version that a message which is not of WS-RM is told of. */
  get #asked(): ReliableVersion {
    return this.#settings.versions[0] ?? this.#settings.version;
  }

  #lost(reason: Error | undefined): void {
    this.#isLost = true;
    this.#hub.lost(this, reason === undefined);
    if (!this.#hub.hasSessionsOf(this)) this.#closed.resolve(reason);
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    try {
      const finished = this.#hub.left(this);
      await (signal === undefined ? finished : abortable(finished, signal));
    } catch (thrown) {
      this.#below.abort(asError(thrown));
    }
    await this.#below.close(signal);
    this.#closed.resolve(undefined);
  }
}
