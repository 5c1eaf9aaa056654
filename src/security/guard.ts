/**
 * One policy at work at one end: secures what goes out, examines what comes in, for requests and for replies. What fails has no
 * effect but the error, and a diagnostics event.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { type Random, systemRandom } from '../base/random.ts';
import type { Delivery } from '../channel/delivery.ts';
import { mark } from '../channel/mark.ts';
import { peer } from '../channel/transport.ts';
import { findHeaders } from '../soap/envelope.ts';
import type { Denial } from '../soap/errors.ts';
import { FaultError, faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { SecurityError, untrusted } from './errors.ts';
import { evidence, naming } from './evidence.ts';
import type { ContextSource, Exchange } from './exchange.ts';
import { asSecurityError } from './faults.ts';
import { wsse } from './names.ts';
import { Protector, type Secured } from './protect.ts';
import type { InboundPolicy, SecurityPolicy } from './protection.ts';
import { MemoryReplayCache, type ReplayCache } from './replay.ts';
import { examine } from './verify.ts';

export interface SecurityOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: one in the memory of this process for all channels of this element. */
  readonly replay?: ReplayCache;
}

const publish = diagnostics('security');

/** What was examined, with its evidence. */
export interface Received {
  readonly delivery: Delivery;
  /** For the reply. */
  readonly exchange: Exchange;
}

export class Guard {
  readonly #policy: SecurityPolicy;
  readonly #clock: Clock;
  readonly #replay: ReplayCache;
  readonly #contexts: ContextSource | undefined;
  /** Whether each message has a password in it, or a signature under one. */
  readonly #offers: boolean;
  readonly #requests: Protector;
  readonly #replies: Protector;

  /** @param contexts where the policy lets messages be under a security context */
  constructor(policy: SecurityPolicy, options: SecurityOptions = {}, contexts?: ContextSource) {
    const { clock = systemClock, random = systemRandom, replay = new MemoryReplayCache() } = options;
    this.#policy = policy;
    this.#clock = clock;
    this.#replay = replay;
    this.#contexts = contexts;
    const { username, signature, endorsement } = policy.outbound;
    this.#offers = username !== undefined || signature?.kind === 'password' || endorsement?.kind === 'password';
    this.#requests = new Protector(policy.outbound, random);
    const { reply } = policy;
    this.#replies = reply.outbound === policy.outbound ? this.#requests : new Protector(reply.outbound, random);
  }

  /** @throws SecurityError `SECURITY_POLICY`, `SECURITY_KEY` */
  secureRequest(message: Message, exchange?: Exchange): Promise<Secured> {
    return this.#requests.secure(message, this.#clock.now(), exchange);
  }

  /** @throws SecurityError `SECURITY_POLICY`, `SECURITY_KEY` */
  secureReply(message: Message, exchange: Exchange): Promise<Secured> {
    return this.#replies.secure(message, this.#clock.now(), exchange);
  }

  /**
   * @param known what is known of the channel before the message is
   * @throws SecurityError every code of examination
   */
  async examineRequest(of: Delivery, known?: Exchange): Promise<Received> {
    try {
      return await this.#examined(of, this.#policy.inbound, known);
    } catch (thrown) {
      const refusal = asSecurityError(thrown);
      publish(() => refused('message.refused', refusal, of));
      throw refusal;
    }
  }

  /**
   * @param exchange what the request has left
   * @throws SecurityError every code of examination, and `SECURITY_UNSECURED_FAULT` (its cause is a `FaultError`): all transient,
   *   because what came proves nothing, so that sending again may help
   */
  async examineReply(of: Delivery, exchange: Exchange): Promise<Received> {
    try {
      const unsecured = unsecuredFault(of.message, this.#offered(of.get(peer)?.secure === true));
      if (unsecured !== undefined) throw unsecured;
      return await this.#examined(of, this.#policy.reply.inbound, exchange);
    } catch (thrown) {
      const refusal = asSecurityError(thrown);
      publish(() => refused('reply.refused', refusal, of));
      throw unproven(refusal);
    }
  }

  /**
   * What an unprotected fault comes to that answers a message on a duplex channel; `undefined` for anything else.
   *
   * @param isOwn it came over the connection that this end has made, where it proves with TLS who is at the other end
   */
  refusedBy(of: Delivery, isOwn = false): SecurityError | undefined {
    const refusal = unsecuredFault(of.message, this.#offered(isOwn && of.get(peer)?.secure === true));
    if (refusal === undefined) return undefined;
    publish(() => refused('reply.refused', refusal, of));
    return unproven(refusal);
  }

  #offered(isProven: boolean): Denial | undefined {
    if (!this.#offers) return undefined;
    return isProven ? 'proven' : 'unproven';
  }

  async #examined(of: Delivery, required: InboundPolicy, exchange?: Exchange): Promise<Received> {
    const around = { now: this.#clock.now(), replay: this.#replay, peer: of.get(peer), exchange };
    const result = await examine(of.message, required, { ...around, contexts: this.#contexts });
    publish(() => ({
      event: 'message.accepted',
      identity: result.evidence.signer?.identity ?? result.evidence.user?.identity,
      signed: [...result.evidence.signed],
      encrypted: [...result.evidence.encrypted],
      mark: of.get(mark),
    }));
    return {
      delivery: of.carrying(result.message).with(evidence, result.evidence).with(naming, result.naming),
      exchange: result.exchange,
    };
  }
}

/** What came proves nothing, so sending again may help. */
function unproven(refusal: SecurityError): SecurityError {
  const cause = refusal.cause ?? refusal;
  return new SecurityError(refusal.code, refusal.what, { cause, transient: true, refusal: true });
}

/** `SECURITY_UNSECURED_FAULT`, for a fault without a Security header. */
function unsecuredFault(reply: Message, offered: Denial | undefined): SecurityError | undefined {
  if (findHeaders(reply, wsse, 'Security').length > 0) return undefined;
  const fault = faultOf(reply);
  if (fault === undefined) return undefined;
  const code = fault.subcode === undefined ? fault.code : fault.subcode.local;
  return new SecurityError(
    'SECURITY_UNSECURED_FAULT',
    `The peer answered with an unprotected fault, which says (unproven): ${untrusted(code)}: ${untrusted(fault.reason)}.`,
    { cause: new FaultError(fault, { offered }) },
  );
}

function refused(event: string, refusal: SecurityError, of: Delivery) {
  return { event, code: refusal.code, message: refusal.message, cause: refusal.cause, mark: of.get(mark) };
}
