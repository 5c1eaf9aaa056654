/**
 * The conversation at the acceptor: requests about contexts are answered here and go no further; everything else has to be under a
 * context, and goes up as the message of whom the context was issued to. By its action a message chooses only the policy that it
 * has to satisfy; what it does is decided by what was signed (under TLS: by what came through it).
 */

import { asError } from '../base/errors.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { answer } from '../security/element.ts';
import type { SecurityError } from '../security/errors.ts';
import { evidence, identityOf } from '../security/evidence.ts';
import type { ContextSecret, Exchange } from '../security/exchange.ts';
import { asSecurityError, publicFault } from '../security/faults.ts';
import { Guard } from '../security/guard.ts';
import { addressingOf, replyAddressing, withAddressing } from '../soap/addressing.ts';
import { message, payload } from '../soap/envelope.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { XmlError } from '../xml/errors.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { ConversationError } from './errors.ts';
import { publish } from './events.ts';
import { type ConversationFaultName, conversationFault, sessionFaultAction } from './faults.ts';
import type { Issuer } from './issuer.ts';
import { underContext } from './party.ts';
import { type ContextRequest, readRequest } from './requests.ts';
import type { Settings } from './settings.ts';

type Kind = ContextRequest['kind'];

export class ConversationAcceptor {
  readonly #settings: Settings;
  readonly #issuer: Issuer;
  readonly #guards: Readonly<Record<Kind | 'message', Guard>>;
  readonly #receive: Carry;

  /** @param receive hears what is under a context */
  constructor(settings: Settings, issuer: Issuer, receive: Carry) {
    this.#settings = settings;
    this.#issuer = issuer;
    this.#receive = receive;
    this.#guards = {
      issue: new Guard(settings.bootstrap, settings),
      renew: new Guard(settings.renewalPolicy, settings, issuer),
      cancel: new Guard(settings.cancellation, settings, issuer),
      message: new Guard(settings.session, settings, issuer),
    };
  }

  readonly receive: Carry = async (incoming) => {
    const kind = kindOf(this.#settings, incoming.message.action);
    const guard = this.#guards[kind ?? 'message'];
    let accepted: Awaited<ReturnType<Guard['examineRequest']>>;
    try {
      accepted = await guard.examineRequest(incoming);
    } catch (thrown) {
      return delivery(this.#refusal(incoming.message, asSecurityError(thrown)), incoming.signal);
    }
    const { exchange } = accepted;
    const answered =
      kind === undefined
        ? await this.#under(accepted.delivery, exchange.context)
        : accepted.delivery.carrying(this.#requested(kind, accepted.delivery, exchange.context));
    if (answered === undefined) return undefined;
    const context = exchange.context && this.#issuer.answering(exchange.context);
    const secured = await guard.secureReply(answered.message, { ...exchange, context } satisfies Exchange);
    return answered.carrying(secured.message);
  };

  async #under(accepted: Delivery, context: ContextSecret | undefined): Promise<Delivery | undefined> {
    const standing = context && this.#issuer.standing(context);
    if (context === undefined || standing === undefined)
      return accepted.carrying(this.#fault(accepted.message, 'BadContextToken'));
    if (standing.isExpired) return accepted.carrying(this.#fault(accepted.message, 'RenewNeeded'));
    this.#issuer.used(context);
    return answer(this.#receive, underContext(accepted, context, standing.party, this.#settings.speaksFor));
  }

  /** The answer to a request about a context. */
  #requested(kind: Kind, accepted: Delivery, context: ContextSecret | undefined): Message {
    const { version } = this.#settings;
    try {
      const body = this.#answer(kind, accepted, context);
      const asked = addressingOf(accepted.message);
      const reply = message({ version: accepted.message.version, body });
      if (asked === undefined) throw new ConversationError('CONVERSATION_MALFORMED', 'The request has no addressing.');
      return withAddressing(reply, replyAddressing(asked, version.actions[`${kind}Response`]));
    } catch (thrown) {
      const error = asError(thrown);
      const name = faultNameOf(error);
      if (name === undefined) throw thrown;
      publish(() => ({ event: 'request.refused', kind, reason: error.message, fault: name }));
      return this.#fault(accepted.message, kind === 'renew' && name === 'RequestFailed' ? 'UnableToRenew' : name);
    }
  }

  #answer(kind: Kind, accepted: Delivery, context: ContextSecret | undefined): XmlFragment {
    const { version } = this.#settings;
    const body = payload(accepted.message);
    if (body === undefined) throw new ConversationError('CONVERSATION_MALFORMED', 'The request has an empty Body.');
    // A target that is named by #id is the token in the header, and that is the one whose possession was proved.
    const request = readRequest(version, body, () => context);
    const party = { evidence: accepted.get(evidence), identity: identityOf(accepted) };
    if (request.kind !== kind)
      throw new ConversationError('CONVERSATION_MALFORMED', 'The request is not what its action says.');
    if (request.kind === 'issue') return this.#issuer.issue(request, party);
    if (context === undefined)
      throw new ConversationError('CONVERSATION_MALFORMED', 'The request is under no context.');
    return request.kind === 'renew'
      ? this.#issuer.renew(request, party, context)
      : this.#issuer.cancel(request, context);
  }

  #fault(request: Message, name: ConversationFaultName): Message {
    const { version } = this.#settings;
    const action = name === 'RenewNeeded' ? { action: sessionFaultAction } : {};
    return faultReply(request, conversationFault(version, name), action);
  }

  /** The unsecured answer to what was refused; that a context is not known here is no secret, and its owner has to know. */
  #refusal(refused: Message, reason: SecurityError): Message {
    if (reason.code !== 'SECURITY_CONTEXT') return publicFault(refused, reason);
    return faultReply(undefined, conversationFault(this.#settings.version, 'BadContextToken'), {
      version: refused.version,
    });
  }
}

function kindOf({ version }: Settings, action: string): Kind | undefined {
  const kinds: readonly Kind[] = ['issue', 'renew', 'cancel'];
  return kinds.find((kind) => version.actions[kind] === action);
}

/** What the requester is told; `undefined` for what is none of its doing. */
function faultNameOf(error: Error): ConversationFaultName | undefined {
  if (error instanceof XmlError) return 'InvalidRequest';
  if (!(error instanceof ConversationError)) return undefined;
  if (error.code === 'CONVERSATION_TOO_BUSY') return 'ServerTooBusy';
  return error.code === 'CONVERSATION_REFUSED' ? 'RequestFailed' : 'InvalidRequest';
}
