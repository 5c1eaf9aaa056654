/**
 * The conversation at the initiator: every message goes out under the newest key of the context, and what comes back has to be
 * under a key of it. Where the reply says that the key is over, the key is renewed and the message goes out again: the
 * acceptor has looked at nothing of it but its signature.
 */
import { abortable, never } from '../base/signals.ts';
import type { Channel, Template } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { type ContextSecret, nothingShared } from '../security/exchange.ts';
import type { Guard } from '../security/guard.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import { writeUnattachedReference } from '../security/tokens/context.ts';
import { addressingOf } from '../soap/addressing.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { offering } from './amendment.ts';
import { ConversationError } from './errors.ts';
import { sessionFaultOf } from './faults.ts';
import { underContext } from './party.ts';
import type { Requester } from './requester.ts';
import type { Settings } from './settings.ts';

export class ConversationInitiator implements Channel {
  readonly side = 'initiator';
  readonly closed: Promise<Error | undefined>;
  readonly turn: Channel['turn'];
  readonly send: Carry;
  readonly token: NonNullable<Channel['token']>;
  readonly offers: NonNullable<Channel['offers']>;
  readonly #settings: Settings;
  readonly #requester: Requester;
  readonly #guard: Guard;
  readonly #below: Channel;
  readonly #underWay = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @param guard of messages under the context */
  constructor(settings: Settings, requester: Requester, guard: Guard, below: Channel) {
    this.#settings = settings;
    this.#requester = requester;
    this.#guard = guard;
    this.#below = below;
    this.closed = below.closed;
    this.turn = below.turn;
    this.token = (like, signal) => this.#token(like, signal);
    this.send = (trip) => this.#counted(this.#send(trip));
    this.offers = offering((added, to, signal) => this.#counted(this.#amend(added, to, signal)));
    requester.use(below.send);
  }

  /** Asks for the context where it is known where; else the first message does. */
  async open(signal?: AbortSignal): Promise<void> {
    await this.#below.open(signal);
    const { to, soap, addressing } = this.#settings;
    if (to === undefined) return;
    await this.#requester.ready({ soap, wsa: addressing, to: to.href }, signal ?? never);
  }

  /** The reference to the context, by its Identifier, as WCF writes it. */
  async #token(like: Template, signal: AbortSignal): Promise<XmlFragment> {
    const context = await this.#requester.ready(like, signal);
    return writeUnattachedReference(context.namespace, context);
  }

  async #amend(added: SecurityPolicy, to: URL | undefined, signal: AbortSignal): Promise<void> {
    this.#requester.requireLife();
    await this.#below.open(signal);
    await this.#requester.amend(added, to, signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#requester.abort(reason.message);
    this.#below.abort(reason);
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    const idle = Promise.allSettled([...this.#underWay]);
    await (signal === undefined ? idle : abortable(idle, signal).catch(() => undefined));
    await this.#requester.close(signal);
    await this.#below.close(signal);
  }

  async #counted<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #send(trip: Delivery): Promise<Delivery | undefined> {
    const first = await this.#exchange(trip);
    if (first !== 'renew') return first;
    const second = await this.#exchange(trip);
    if (second !== 'renew') return second;
    const text = 'The acceptor wants a new key again after it was given one.';
    throw new ConversationError('CONVERSATION_REFUSED', text, { transient: true });
  }

  async #exchange(trip: Delivery): Promise<Delivery | 'renew' | undefined> {
    const { version } = this.#settings;
    const context = await this.#requester.ready(templateOf(trip, this.#settings), trip.signal);
    const secured = await this.#guard.secureRequest(trip.message, { ...nothingShared, context });
    const answer = await this.#below.send(trip.carrying(secured.message));
    if (answer === undefined) return undefined;
    const reply = await this.#examined(answer, { ...secured.exchange, context }, context);
    switch (sessionFaultOf(version, reply.message)) {
      case 'renew':
        this.#requester.renewNeeded(context);
        return 'renew';
      case 'aborted':
        this.#requester.abort('The acceptor has aborted the security session.');
        throw new ConversationError(
          'CONVERSATION_ENDED',
          'The acceptor has aborted the security session. Connect again.',
        );
      case undefined:
        return reply;
    }
  }

  async #examined(
    answer: Delivery,
    exchange: Parameters<Guard['examineReply']>[1],
    context: ContextSecret,
  ): Promise<Delivery> {
    try {
      const received = await this.#guard.examineReply(answer, exchange);
      const under = received.exchange.context;
      return under === undefined ? received.delivery : underContext(received.delivery, under, undefined, 'context');
    } catch (thrown) {
      this.#requester.refused(context, answer, thrown);
      throw thrown;
    }
  }
}

function templateOf({ message }: Delivery, { addressing }: Settings): Template {
  const said = addressingOf(message);
  return { soap: message.version, wsa: said?.version ?? addressing, to: said?.to };
}
