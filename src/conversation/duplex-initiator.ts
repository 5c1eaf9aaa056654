/**
 * The conversation at the initiator of a duplex channel: requests about the context are answered by messages of their own, which are
 * found by wsa:RelatesTo; everything else goes out under the newest key, and what comes in has to be under a key of the
 * context and said by the other end. The key is renewed in time though nothing is to be said, because the service speaks under it too.
 */
import { Alarm } from '../base/alarm.ts';
import { later } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { dropOldest } from '../base/oldest.ts';
import { never } from '../base/signals.ts';
import { Awaited } from '../channel/awaited.ts';
import type { Channel, Template } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { Life } from '../channel/life.ts';
import { destination } from '../channel/transport.ts';
import type { SecurityError } from '../security/errors.ts';
import { type ContextSecret, nothingShared } from '../security/exchange.ts';
import { Guard, type Received } from '../security/guard.ts';
import { Refusals } from '../security/refusals.ts';
import { writeUnattachedReference } from '../security/tokens/context.ts';
import { addressingOf, answerable, replyAddressing, withAddressing } from '../soap/addressing.ts';
import { message } from '../soap/envelope.ts';
import { faultFor, faultOf, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { offering } from './amendment.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import { sessionFaultOf } from './faults.ts';
import { underContext } from './party.ts';
import { attemptsInTime, type Requester } from './requester.ts';
import { writeCancelled } from './responses.ts';
import type { Settings } from './settings.ts';

/** So many messages are kept to be sent again should the key turn out to be over; the oldest go first. */
const mostSaid = 64;

export class ConversationDuplexInitiator implements Channel {
  readonly side = 'initiator';
  readonly isDuplex = true;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly token: NonNullable<Channel['token']>;
  readonly offers: NonNullable<Channel['offers']>;
  readonly #settings: Settings;
  readonly #requester: Requester;
  readonly #guard: Guard;
  /** Of the request by which the service ends the context. */
  readonly #ending: Guard;
  readonly #below: Channel;
  readonly #receive: Carry;
  readonly #awaited = new Awaited();
  readonly #life = new Life();
  readonly #renewal: Alarm;
  readonly #said = new Map<string, Delivery>();
  readonly #refusals = new Refusals();
  #isUp = false;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #template: Template;

  /** @param guard of messages under the context */
  constructor(settings: Settings, requester: Requester, guard: Guard, below: Channel, receive: Carry) {
    this.#settings = settings;
    this.#requester = requester;
    this.#guard = guard;
    this.#ending = new Guard(settings.cancellation, settings, requester);
    this.#below = below;
    this.#receive = receive;
    this.#template = { soap: settings.soap, wsa: settings.addressing, to: settings.to?.href };
    this.#renewal = new Alarm(settings.clock, () => requester.refresh());
    this.closed = below.closed;
    this.token = (like, signal) => this.#token(like, signal);
    this.send = (trip) => this.#life.run(trip.signal, (signal) => this.#send(trip.under(signal)));
    this.offers = offering((added, to, signal) =>
      this.#life.run(signal, async (given) => {
        await this.#connected(given);
        await requester.amend(added, to, given);
      }),
    );
    void below.closed.then((reason) => this.#gone(reason));
    requester.use(
      this.#awaited.asking(below.send, () => true),
      () => below.replyTo,
      () => this.#watch(),
    );
  }

  get replyTo(): string | undefined {
    return this.#below.replyTo;
  }

  /** Asks for the context where it is known where; else the first message does. */
  async open(signal?: AbortSignal): Promise<void> {
    await this.#connected(signal);
    if (this.#settings.to !== undefined) await this.#requester.ready(this.#template, signal ?? never);
  }

  /** Ends what is under way and cancels the context. */
  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  /** Ends this connection; the context may go on over another. */
  abort(reason: Error): void {
    this.#below.abort(reason);
  }

  /** Whatever the service says. */
  readonly receive: Carry = async (trip) => {
    if (this.#awaited.isAwaited(trip.message)) {
      this.#awaited.answer(trip);
      return undefined;
    }
    const { version } = this.#settings;
    const isEnding = trip.message.action === version.actions.cancel;
    const refusal = this.#guard.refusedBy(trip);
    if (refusal !== undefined) {
      this.#refused(trip, refusal);
      return undefined;
    }
    let received: Received;
    try {
      const own = { ...nothingShared, isOwn: this.#requester.own.isOwn };
      received = await (isEnding ? this.#ending : this.#guard).examineReply(trip, own);
    } catch {
      // What proves nothing changes nothing (attack M5), and is not worth an answer.
      return undefined;
    }
    const { delivery: came, exchange } = received;
    this.#refusals.answered(came.message);
    const under = exchange.context ?? this.#requester.newest;
    if (isEnding) return this.#ended(came, under);
    switch (sessionFaultOf(version, came.message)) {
      case 'renew':
        if (under !== undefined) this.#requester.renewNeeded(under);
        this.#sayAgain(came.message);
        return undefined;
      case 'aborted':
        this.#over('The acceptor has aborted the security session.');
        return undefined;
      case undefined:
        await this.#handedUp(exchange.context === undefined ? came : withContext(came, exchange.context));
        return undefined;
    }
  };

  /**
   * The service does not take what was said, in words that prove nothing. A context that it does not know is asked for again, before
   * whoever said something hears that it was not taken, and says it again.
   */
  #refused(answer: Delivery, refusal: SecurityError): void {
    const { newest } = this.#requester;
    if (newest !== undefined && this.#isAboutOwn(answer.message)) this.#requester.refused(newest, answer, refusal);
    this.#refusals.refused(answer.message)?.(refusal);
  }

  /** Where this end listens anybody may connect, over TLS too (attack M5), but nobody else has seen the name of what it has said. */
  #isAboutOwn(fault: Message): boolean {
    return this.#below.replyTo === undefined || this.#said.has(answerable(fault)?.relatesTo ?? '');
  }

  /**
   * Hands up what came. The answer is sent from here, so that a context is not cancelled before it is on its way; one that cannot be
   * secured or sent just now is not sent at all.
   */
  async #handedUp(came: Delivery): Promise<void> {
    if (!this.#life.isOpen) return;
    const { message: asked } = came;
    const handled = this.#life.run(came.signal, async (signal) => {
      const answered = await this.#answered(came.under(signal));
      if (answered === undefined || (faultOf(asked) !== undefined && faultOf(answered.message) !== undefined)) return;
      await this.#below.send(answered.carrying(await this.#secured(answered)));
    });
    await handled.catch((thrown: unknown) => {
      const { message: reason } = asError(thrown);
      publish(() => ({ event: 'answer.failed', action: asked.action, reason }));
    });
  }

  async #answered(came: Delivery): Promise<Delivery | undefined> {
    try {
      return await this.#receive(came);
    } catch (thrown) {
      return came.carrying(faultReply(came.message, faultFor(thrown)));
    }
  }

  async #send(trip: Delivery): Promise<undefined> {
    await this.#connected(trip.signal);
    const id = addressingOf(trip.message)?.messageId;
    if (id !== undefined) this.#remember(id, trip);
    this.#refusals.said(trip);
    await this.#below.send(trip.carrying(await this.#secured(trip)));
    return undefined;
  }

  async #secured(trip: Delivery): Promise<Message> {
    const context = await this.#requester.ready(this.#templateOf(trip), trip.signal);
    const secured = await this.#guard.secureRequest(trip.message, { ...nothingShared, context });
    this.#requester.own.remember(secured.exchange);
    return secured.message;
  }

  /** The reference to the context, by its Identifier, as WCF writes it. */
  async #token(like: Template, signal: AbortSignal): Promise<XmlFragment> {
    await this.#connected(signal);
    const context = await this.#requester.ready({ ...this.#template, ...like }, signal);
    return writeUnattachedReference(context.namespace, context);
  }

  /** Sees to it that the key is renewed in time, and what failed is tried again, for as long as there is a connection. */
  #watch(): void {
    const { due } = this.#requester;
    const { clock, requestTimeout } = this.#settings;
    const now = clock.now();
    if (!this.#isUp || due === undefined) this.#renewal.cancel();
    else this.#renewal.set(due > now ? due : later(now, requestTimeout / attemptsInTime));
  }

  /** How requests are addressed: as what is said unasked, because an answer goes wherever it was wanted. */
  #templateOf(trip: Delivery): Template {
    const said = addressingOf(trip.message);
    if (said !== undefined && said.relatesTo === undefined) {
      const to = said.to ?? trip.get(destination)?.href ?? this.#template.to;
      this.#template = { soap: trip.message.version, wsa: said.version, to };
    }
    return this.#template;
  }

  #connected(signal: AbortSignal | undefined): Promise<void> {
    this.#opening ??= this.#connect(signal).catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    this.#requester.requireLife();
    await this.#below.open(signal);
    const isListening = this.#below.replyTo !== undefined;
    if (!isListening || this.#settings.session.inbound.transport !== 'tls') {
      this.#isUp = this.#life.isOpen;
      this.#watch();
      return;
    }
    throw new ConversationError(
      'CONVERSATION_SETTING',
      'What the service says comes on connections that anybody can make, and under this context it is not signed. ' +
        "Use a bootstrap policy with message security (anonymousForCertificate, …), or protection: 'message'.",
    );
  }

  #remember(id: string, trip: Delivery): void {
    this.#said.delete(id);
    this.#said.set(id, trip);
    dropOldest(this.#said, mostSaid);
  }

  /** The acceptor has looked at nothing of it but its signature. */
  #sayAgain(fault: Message): void {
    const id = answerable(fault)?.relatesTo;
    const trip = id === undefined ? undefined : this.#said.get(id);
    if (id === undefined || trip === undefined) return;
    // Once: what was answered so twice is not sent for ever.
    this.#said.delete(id);
    const again = this.#life.run(trip.signal, async (signal) => {
      await this.#below.send(trip.carrying(await this.#secured(trip.under(signal))));
    });
    again.catch((thrown: unknown) => {
      const { message: reason } = asError(thrown);
      publish(() => ({ event: 'request.failed', kind: 'renew', code: undefined, reason }));
    });
  }

  /** The service ends the session, as WCF's does when it closes first. */
  async #ended(came: Delivery, under: ContextSecret | undefined): Promise<Delivery | undefined> {
    const asked = addressingOf(came.message);
    if (asked === undefined || under === undefined) return undefined;
    const { version } = this.#settings;
    const bare = message({ version: came.message.version, body: writeCancelled(version) });
    const reply = withAddressing(bare, replyAddressing(asked, version.actions.cancelResponse));
    const secured = await this.#ending.secureRequest(reply, { ...nothingShared, context: under });
    this.#requester.own.remember(secured.exchange);
    this.#requester.abort('The acceptor has cancelled the security session.');
    // When the answer is on its way.
    void this.#below.close();
    return came.carrying(secured.message);
  }

  #over(text: string): void {
    this.#requester.abort(text);
    this.#below.abort(new ConversationError('CONVERSATION_ENDED', `${text} Connect again.`));
  }

  #gone(reason: Error | undefined): void {
    this.#isUp = false;
    this.#renewal.cancel();
    this.#awaited.end(reason);
    if (reason !== undefined) this.#life.abort(reason);
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    await this.#life.close(signal);
    this.#isUp = false;
    this.#renewal.cancel();
    await this.#requester.close(signal);
    await this.#below.close(signal);
  }
}

function withContext(came: Delivery, context: ContextSecret): Delivery {
  return underContext(came, context, undefined, 'context');
}
