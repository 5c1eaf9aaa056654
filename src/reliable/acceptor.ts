/**
 * The acceptor's end of the reliable layer: finds out what each message is about and takes it to its session. Whatever is
 * wrong with a message is answered with the fault that the specification has for it and changes nothing in any session.
 */
import { after } from '../base/after.ts';
import { asError } from '../base/errors.ts';
import { abortable } from '../base/signals.ts';
import type { Channel } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { identitiesOf } from '../security/evidence.ts';
import { type Addressing, addressingOf, requireMessageId } from '../soap/addressing.ts';
import { addressingFault } from '../soap/addressing-faults.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { notUnderstood } from '../soap/envelope.ts';
import { SoapError } from '../soap/errors.ts';
import { faultOf, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { Accepted, type Answered, settling } from './accepted.ts';
import { readAboutSequence, readCreateSequence } from './bodies.ts';
import { Coalesced } from './coalescing.ts';
import { ReliableError } from './errors.ts';
import { publish } from './events.ts';
import { type ReliableFaultName, readReliableFault, reliableFaultReply, requiredFault } from './faults.ts';
import { type Acknowledgement, type ReliableHeaders, readHeaders, type SequenceBlock } from './headers.ts';
import { Registry } from './registry.ts';
import { refusal, refused, unknownSequence, wanted } from './responses.ts';
import type { Settings } from './settings.ts';
import { versionOf } from './versions/table.ts';
import type { ReliableVersion } from './versions/version.ts';

export class Acceptor implements Channel {
  readonly side = 'acceptor';
  readonly closed: Promise<Error | undefined>;
  readonly #settings: Settings;
  readonly #below: Channel;
  readonly #registry: Registry<Accepted>;
  readonly #end = new AbortController();
  #recovered: Promise<void> | undefined;
  #isRecovered = false;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings, below: Channel, receive: Carry) {
    this.#settings = settings;
    this.#below = below;
    this.#registry = new Registry(settings, (init) => new Accepted({ ...init, receive }), this.#end.signal);
    this.closed = below.closed;
    void below.closed.then((reason) => this.#stop(reason));
  }

  async open(signal?: AbortSignal): Promise<void> {
    await this.#below.open(signal);
    await this.#recover();
  }

  /** Nothing can be sent unasked over a request-reply channel. */
  readonly send: Carry = (trip) => this.#below.send(trip);

  /** Takes no new sessions, lets the application finish, and leaves living sessions to the store. */
  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#stop(reason);
    this.#below.abort(reason);
  }

  readonly receive: Carry = (trip) => (this.#isRecovered ? this.#take(trip) : this.#takeLater(trip));

  async #takeLater(trip: Delivery): Promise<Delivery | undefined> {
    await this.#recover();
    return this.#take(trip);
  }

  /** Without an async function: most messages are answered at once, or by a promise that is there. */
  #take(trip: Delivery): Promise<Delivery | undefined> {
    const { message } = trip;
    let version: ReliableVersion | undefined;
    try {
      const headers = readHeaders(message);
      const spoken = headers?.version ?? versionOfAction(message.action);
      version = spoken;
      const answer = this.#about(trip, spoken, headers);
      if (answer instanceof Coalesced) return answer.answer;
      return answer instanceof Promise ? this.#acceptable(answer, trip, spoken) : Promise.resolve(answer);
    } catch (thrown) {
      return this.#acceptable(Promise.reject(thrown), trip, version);
    }
  }

  async #acceptable(
    answer: Promise<Delivery | undefined>,
    trip: Delivery,
    version: ReliableVersion | undefined,
  ): Promise<Delivery | undefined> {
    try {
      return await answer;
    } catch (thrown) {
      return this.#unacceptable(trip, version, thrown);
    }
  }

  #about(trip: Delivery, version: ReliableVersion | undefined, headers: ReliableHeaders | undefined): Answered {
    if (headers?.sequence === undefined && faultOf(trip.message) !== undefined) return this.#posted(trip);
    if (version === undefined || !this.#settings.versions.includes(version)) return this.#notOurs(trip);
    return this.#route(trip, version, headers);
  }

  /** The fault that answers a message with which something is wrong. @throws what is not the client's business */
  #unacceptable(trip: Delivery, version: ReliableVersion | undefined, thrown: unknown): Delivery {
    const { message } = trip;
    if (thrown instanceof ReliableError && thrown.code !== 'RELIABLE_STORE') {
      tellRefused(thrown.code, thrown.message, thrown.fault?.name);
      return trip.carrying(refusal(message, version ?? this.#asked, thrown));
    }
    if (thrown instanceof SoapError && thrown.fault !== undefined) {
      const { code, message: reason } = thrown;
      tellRefused(code, reason);
      return trip.carrying(faultReply(message, thrown.fault));
    }
    throw thrown;
  }

  /** What makes closures is elsewhere: they would be paid for here by every message. */
  #route(trip: Delivery, version: ReliableVersion, headers: ReliableHeaders | undefined): Answered {
    const { message } = trip;
    const asked = addressingOf(message);
    if (asked === undefined) throw new ReliableError('RELIABLE_MALFORMED', 'WS-RM needs WS-Addressing headers.');
    const about = this.#protocol(message, version);
    if (about !== undefined) {
      requireUnderstood(message, version);
      return about === 'CreateSequence'
        ? this.#create(trip, version, asked)
        : this.#ending(trip, version, about, headers);
    }
    if (headers?.sequence === undefined) return this.#acknowledgements(trip, version, headers);
    requireMessageId(asked);
    const identities = identitiesOf(trip);
    const session = this.#session(identities, headers.sequence.id, version);
    const learned = this.#acknowledge(identities, headers, session.offer);
    return learned === undefined
      ? this.#sequenced(trip, session, headers, headers.sequence)
      : this.#sequencedLater(learned, trip, session, headers, headers.sequence);
  }

  /** CloseSequence or TerminateSequence. */
  #ending(
    trip: Delivery,
    version: ReliableVersion,
    about: 'CloseSequence' | 'TerminateSequence',
    headers: ReliableHeaders | undefined,
  ): Answered {
    const { message } = trip;
    const identities = identitiesOf(trip);
    return after(this.#acknowledge(identities, headers), () => {
      const { id, last } = readAboutSequence(version, message, about);
      const session = this.#session(identities, id, version);
      const ended = this.#answered(trip, session, async () => {
        const answer = about === 'CloseSequence' ? session.close(message, last) : session.terminate(message, last);
        const reply = await answer;
        return reply === undefined ? undefined : trip.carrying(reply);
      });
      return settling(ended);
    });
  }

  /** A message that only acknowledges, or asks for that. */
  #acknowledgements(trip: Delivery, version: ReliableVersion, headers: ReliableHeaders | undefined): Answered {
    const { message } = trip;
    const { actions } = version;
    const isAboutRm = headers !== undefined && (headers.ackRequested.length > 0 || headers.acknowledgements.length > 0);
    if (!isAboutRm || (message.action !== actions.ackRequested && message.action !== actions.sequenceAcknowledgement)) {
      return this.#notOurs(trip, version);
    }
    requireUnderstood(message, version);
    const identities = identitiesOf(trip);
    return after(this.#acknowledge(identities, headers), () => {
      const [first] = headers.ackRequested;
      if (first === undefined) return undefined;
      const session = this.#session(identities, first, version);
      return settling(this.#answered(trip, session, async () => trip.carrying(await session.ackRequested(message))));
    });
  }

  /** The protocol message that is asked something of, by its action. */
  #protocol(
    message: Message,
    { actions }: ReliableVersion,
  ): 'CreateSequence' | 'CloseSequence' | 'TerminateSequence' | undefined {
    switch (message.action) {
      case actions.createSequence:
        return 'CreateSequence';
      case actions.closeSequence:
        return 'CloseSequence';
      case actions.terminateSequence:
        return 'TerminateSequence';
      default:
        return undefined;
    }
  }

  async #create(trip: Delivery, version: ReliableVersion, asked: Addressing): Promise<Delivery> {
    if (this.#closing !== undefined) {
      const reason = 'This endpoint is closing and takes no new sessions.';
      const fault = addressingFault(asked.version, 'endpointUnavailable', reason);
      throw new SoapError('SOAP_FAULT', reason, { fault });
    }
    const body = createSequenceOf(version, trip.message);
    const session = await this.#registry.create(trip, version, asked, body);
    return trip.carrying(session.createResponse(trip.message));
  }

  #sequenced(trip: Delivery, session: Accepted, headers: ReliableHeaders, sequence: SequenceBlock): Answered {
    const { acknowledgements, ackRequested } = headers;
    const own = acknowledgements.length === 0 ? undefined : ofSequence(acknowledgements, session.offer);
    return this.#answered(trip, session, () => session.sequenced(trip, sequence, own, ackRequested.length > 0));
  }

  async #sequencedLater(
    learned: Promise<void>,
    trip: Delivery,
    session: Accepted,
    headers: ReliableHeaders,
    sequence: SequenceBlock,
  ): Promise<Delivery | undefined> {
    await learned;
    return settling(this.#sequenced(trip, session, headers, sequence));
  }

  /** Runs a session's answer; a fault about a closed sequence takes the final acknowledgement along. */
  #answered(trip: Delivery, session: Accepted, answer: () => Answered): Answered {
    const wasClosed = session.isClosed;
    try {
      const answered = answer();
      if (!(answered instanceof Promise)) return answered;
      return this.#settled(answered, trip, session, wasClosed);
    } catch (thrown) {
      return this.#failed(trip, session, wasClosed, thrown);
    }
  }

  async #settled(
    answered: Promise<Delivery | undefined>,
    trip: Delivery,
    session: Accepted,
    wasClosed: boolean,
  ): Promise<Delivery | undefined> {
    try {
      return await answered;
    } catch (thrown) {
      return this.#failed(trip, session, wasClosed, thrown);
    }
  }

  #failed(trip: Delivery, session: Accepted, wasClosed: boolean, thrown: unknown): Delivery {
    if (!(thrown instanceof ReliableError) || thrown.fault === undefined) throw thrown;
    const headers = wasClosed || session.isClosed ? session.finalAcknowledgement(trip.message) : [];
    tellRefused(thrown.code, thrown.message, thrown.fault.name, session.id);
    return trip.carrying(reliableFaultReply(trip.message, session.version, thrown.fault, headers));
  }

  /**
   * Acknowledgements that ride on a message: one that is not this client's is passed over, and its carrier is not harmed (M19).
   *
   * @returns `undefined` when there is nothing to wait for
   */
  #acknowledge(
    identities: readonly string[],
    headers: ReliableHeaders | undefined,
    except?: string,
  ): Promise<void> | undefined {
    if (headers === undefined || headers.acknowledgements.length === 0) return undefined;
    const others = headers.acknowledgements.filter(({ id }) => id !== except);
    return others.length === 0 ? undefined : this.#learn(identities, others);
  }

  async #learn(identities: readonly string[], acknowledgements: readonly Acknowledgement[]): Promise<void> {
    for (const acknowledgement of acknowledgements) {
      await this.#registry.offered(identities, acknowledgement.id)?.acknowledge(acknowledgement);
    }
  }

  #session(identities: readonly string[], id: string, version: ReliableVersion): Accepted {
    const session = this.#registry.session(identities, id);
    if (session === undefined || session.version !== version) throw unknownSequence(id);
    return session;
  }

  /** A fault that was posted here: the client gave its session up. It is never answered, whatever it says. */
  async #posted(trip: Delivery): Promise<undefined> {
    const identities = identitiesOf(trip);
    const id = readReliableFault(trip.message)?.fault.identifier;
    const session =
      id === undefined ? undefined : (this.#registry.session(identities, id) ?? this.#registry.offered(identities, id));
    await session?.faulted();
    return undefined;
  }

  #notOurs(trip: Delivery, version: ReliableVersion = this.#asked): Delivery | undefined {
    const asked = addressingOf(trip.message)?.version ?? addressing200508;
    const fault = requiredFault(version, asked);
    tellRefused('RELIABLE_REQUIRED', fault.reason, version.required === 'WsrmRequired' ? version.required : undefined);
    const action = version.required === 'WsrmRequired' ? version.faultAction : asked.faultAction;
    return wanted(trip, trip.carrying(faultReply(trip.message, fault, action === undefined ? {} : { action })));
  }

  /** The version that a message which is not of WS-RM is told of. */
  get #asked(): ReliableVersion {
    return this.#settings.versions[0] ?? this.#settings.version;
  }

  /** A store that fails now is asked again by whoever comes next. */
  #recover(): Promise<void> {
    this.#recovered ??= this.#registry.recover().then(
      () => {
        this.#isRecovered = true;
      },
      (thrown: unknown) => {
        this.#recovered = undefined;
        throw thrown;
      },
    );
    return this.#recovered;
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    try {
      const finished = this.#registry.close();
      await (signal === undefined ? finished : abortable(finished, signal));
    } catch (thrown) {
      this.#stop(asError(thrown));
    }
    await this.#below.close(signal);
  }

  #stop(reason: Error | undefined): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(reason ?? new ReliableError('RELIABLE_CLOSED', 'The endpoint is closed.'));
    void this.#registry.stop();
  }
}

function ofSequence(all: readonly Acknowledgement[], id: string | undefined): Acknowledgement | undefined {
  return all.find((one) => one.id === id);
}

export function tellRefused(code: string, reason: string, fault?: ReliableFaultName, session = ''): void {
  publish(() => ({ event: 'message.refused', side: 'acceptor', session, code, reason, fault: fault ?? null }));
}

/** A CreateSequence that cannot be read is refused as such. */
export function createSequenceOf(version: ReliableVersion, message: Message): ReturnType<typeof readCreateSequence> {
  try {
    return readCreateSequence(version, message);
  } catch (thrown) {
    if (!(thrown instanceof ReliableError || thrown instanceof SoapError)) throw thrown;
    throw refused({ name: 'CreateSequenceRefused', code: 'sender', reason: thrown.message });
  }
}

/** Protocol messages end here: what is left with mustUnderstand, nobody understands. */
export function requireUnderstood(message: Message, version: ReliableVersion): void {
  const blocks = notUnderstood(message).filter(({ namespace }) => namespace !== version.namespace);
  if (blocks.length === 0) return;
  const reason = `Not understood: ${blocks.map(({ local }) => local).join(', ')}.`;
  throw new SoapError('SOAP_NOT_UNDERSTOOD', reason, { fault: { code: 'mustUnderstand', reason } });
}

function versionOfAction(action: string): ReliableVersion | undefined {
  const slash = action.lastIndexOf('/');
  return slash < 0 ? undefined : versionOf(action.slice(0, slash));
}
