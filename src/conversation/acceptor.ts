/**
 * The conversation at the acceptor: requests about contexts are answered here and go no further; everything else has to be under a
 * context, and goes up as the message of whom the context was issued to. By its action a message chooses only the policy that it
 * has to satisfy; what it does is decided by what was signed (under TLS: by what came through it).
 */

import { asError } from '../base/errors.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { recipient } from '../channel/recipient.ts';
import { turnedAway } from '../channel/refusal.ts';
import { answer, relatedTo } from '../security/element.ts';
import type { SecurityError } from '../security/errors.ts';
import { evidence, identitiesOf, identityOf } from '../security/evidence.ts';
import { type ContextSecret, type Exchange, nothingShared } from '../security/exchange.ts';
import { asSecurityError, publicFault } from '../security/faults.ts';
import { Guard } from '../security/guard.ts';
import { Heard } from '../security/heard.ts';
import { addressingOf, replyAddressing, withAddressing } from '../soap/addressing.ts';
import { message, payload } from '../soap/envelope.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlError } from '../xml/errors.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import { type ConversationFaultName, conversationFault, sessionFaultAction } from './faults.ts';
import type { Issuer } from './issuer.ts';
import { Met } from './met.ts';
import { type Party, partyOf, underContext } from './party.ts';
import { type ContextRequest, readRequest, requireAmendment } from './requests.ts';
import type { Settings } from './settings.ts';

type Kind = ContextRequest['kind'];

export class ConversationAcceptor {
  readonly #settings: Settings;
  readonly #issuer: Issuer;
  readonly #guards: Readonly<Record<Kind | 'message', Guard>>;
  readonly #receive: Carry;
  /** Who was met on this channel, where this end speaks unasked. */
  readonly #met: Met | undefined;
  readonly #heard = new Heard();

  /** @param receive hears what is under a context */
  constructor(settings: Settings, issuer: Issuer, receive: Carry, isDuplex: boolean = false) {
    this.#met = isDuplex ? new Met(issuer) : undefined;
    this.#settings = settings;
    this.#issuer = issuer;
    this.#receive = receive;
    this.#guards = {
      issue: new Guard(settings.bootstrap, settings),
      renew: new Guard(settings.renewalPolicy, settings, issuer),
      cancel: new Guard(settings.cancellation, settings, issuer),
      // Where none is amended, whoever has the context is told so.
      amend: new Guard(settings.amendment ?? settings.session, settings, issuer),
      message: new Guard(settings.session, settings, issuer),
    };
  }

  readonly receive: Carry = async (incoming) => {
    const kind = kindOf(this.#settings, incoming.message.action);
    const guard = this.#guards[kind ?? 'message'];
    let accepted: Awaited<ReturnType<Guard['examineRequest']>>;
    try {
      const own = this.#met && { ...nothingShared, isOwn: this.#issuer.own.isOwn };
      accepted = await guard.examineRequest(incoming, own);
    } catch (thrown) {
      const reason = asSecurityError(thrown);
      incoming.get(turnedAway)?.();
      // Which contexts there are is told of copies too: it depends on nothing that is secret.
      const isSaid =
        this.#met === undefined || reason.code === 'SECURITY_CONTEXT' || this.#heard.isWaitedFor(incoming.message);
      if (!isSaid) return undefined;
      return delivery(this.#refusal(incoming.message, reason), incoming.signal);
    }
    if (this.#met !== undefined) this.#heard.believed(accepted.delivery.message);
    const { exchange } = accepted;
    const answered =
      kind === undefined || kind === 'amend'
        ? await this.#under(accepted.delivery, exchange.context, kind)
        : accepted.delivery.carrying(
            this.#requested(kind, accepted.delivery, () => this.#answer(kind, accepted.delivery, exchange.context)),
          );
    if (answered === undefined) return undefined;
    const context = exchange.context && this.#issuer.answering(exchange.context);
    return this.#secured(guard, answered, { ...exchange, context });
  };

  /**
   * What this end says unasked on a duplex channel, to whom `recipient` names, under the key that they used last.
   *
   * @param below puts it on its way
   */
  async say(trip: Delivery, below: Carry): Promise<undefined> {
    const context = this.#met?.contextFor(trip.get(recipient));
    await below(await this.#secured(this.#guards.message, trip, { ...nothingShared, context }));
    return undefined;
  }

  async #secured(guard: Guard, said: Delivery, exchange: Exchange): Promise<Delivery> {
    const secured = await guard.secureReply(said.message, exchange);
    if (this.#met !== undefined) this.#issuer.own.remember(secured.exchange);
    return said.carrying(secured.message);
  }

  /** @param kind of the request that does something under the key, as a message of the application does */
  async #under(
    accepted: Delivery,
    context: ContextSecret | undefined,
    kind: 'amend' | undefined,
  ): Promise<Delivery | undefined> {
    const standing = context && this.#issuer.standing(context);
    if (context === undefined || standing === undefined) {
      accepted.get(turnedAway)?.();
      return accepted.carrying(this.#fault(accepted.message, 'BadContextToken'));
    }
    if (standing.isExpired) return accepted.carrying(this.#fault(accepted.message, 'RenewNeeded'));
    this.#issuer.used(context);
    if (kind !== undefined) {
      const answered = () => this.#amended(accepted, standing.party, context);
      return accepted.carrying(this.#requested(kind, accepted, answered));
    }
    const known = underContext(accepted, context, standing.party, this.#settings.speaksFor);
    if (this.#met === undefined) return answer(this.#receive, known);
    this.#met.heard(identitiesOf(known), context);
    return answer(this.#receive, known.with(recipient, identityOf(known)));
  }

  /** The answer to a request about a context. */
  #requested(kind: Kind, accepted: Delivery, answered: () => XmlFragment): Message {
    const { version } = this.#settings;
    try {
      const body = answered();
      const asked = addressingOf(accepted.message);
      const reply = message({ version: accepted.message.version, body });
      if (asked === undefined) throw new ConversationError('CONVERSATION_MALFORMED', 'The request has no addressing.');
      return withAddressing(reply, replyAddressing(asked, version.actions[`${kind}Response`]));
    } catch (thrown) {
      const error = asError(thrown);
      const name = faultNameOf(error);
      if (name === undefined) throw thrown;
      publish(() => ({ event: 'request.refused', kind, reason: error.message, fault: name }));
      if (kind === 'issue') accepted.get(turnedAway)?.();
      return this.#fault(accepted.message, kind === 'renew' && name === 'RequestFailed' ? 'UnableToRenew' : name);
    }
  }

  #answer(kind: Exclude<Kind, 'amend'>, accepted: Delivery, context: ContextSecret | undefined): XmlFragment {
    const { version } = this.#settings;
    const body = bodyOf(accepted);
    // A target that is named by #id is the token in the header, and that is the one whose possession was proved.
    const request = readRequest(version, body, () => context);
    const party = partyOf(accepted);
    if (request.kind !== kind)
      throw new ConversationError('CONVERSATION_MALFORMED', 'The request is not what its action says.');
    if (request.kind === 'issue') return this.#issuer.issue(request, party);
    if (context === undefined)
      throw new ConversationError('CONVERSATION_MALFORMED', 'The request is under no context.');
    return request.kind === 'renew'
      ? this.#issuer.renew(request, party, context)
      : this.#issuer.cancel(request, context);
  }

  #amended(accepted: Delivery, party: Party, context: ContextSecret): XmlFragment {
    const { version, amendment } = this.#settings;
    const proven = accepted.get(evidence);
    if (amendment === undefined || proven === undefined) {
      const text = 'Contexts are not amended here: ask for another with the credentials that it shall stand for.';
      throw new ConversationError('CONVERSATION_REFUSED', text);
    }
    requireAmendment(version, bodyOf(accepted));
    return this.#issuer.amend(party, proven, context);
  }

  #fault(request: Message, name: ConversationFaultName): Message {
    const { version } = this.#settings;
    const action = name === 'RenewNeeded' ? { action: sessionFaultAction } : {};
    return faultReply(request, conversationFault(version, name), action);
  }

  /** The unsecured answer to what was refused; that a context is not known here is no secret, and its owner has to know. */
  #refusal(refused: Message, reason: SecurityError): Message {
    const fault =
      reason.code === 'SECURITY_CONTEXT'
        ? faultReply(undefined, conversationFault(this.#settings.version, 'BadContextToken'), {
            version: refused.version,
          })
        : publicFault(refused, reason);
    return this.#met === undefined ? fault : relatedTo(refused, fault);
  }
}

/** @throws ConversationError `CONVERSATION_MALFORMED` */
function bodyOf({ message: request }: Delivery): XmlElement {
  const body = payload(request);
  if (body !== undefined) return body;
  throw new ConversationError('CONVERSATION_MALFORMED', 'The request has an empty Body.');
}

function kindOf({ version }: Settings, action: string): Kind | undefined {
  const kinds: readonly Kind[] = ['issue', 'renew', 'amend', 'cancel'];
  return kinds.find((kind) => version.actions[kind] === action);
}

/** What the requester is told; `undefined` for what is none of its doing. */
function faultNameOf(error: Error): ConversationFaultName | undefined {
  if (error instanceof XmlError) return 'InvalidRequest';
  if (!(error instanceof ConversationError)) return undefined;
  if (error.code === 'CONVERSATION_TOO_BUSY') return 'ServerTooBusy';
  return error.code === 'CONVERSATION_REFUSED' ? 'RequestFailed' : 'InvalidRequest';
}
