/**
 * The binding element of this room: secures what goes down, examines what comes up, at both ends and in both directions.
 * What fails on the way up never reaches the layer above. At the acceptor it is answered with the one public fault; at the
 * initiator a bad reply is an error that invites a retry, because a forged or garbled reply must neither end a session nor
 * change its state (attack M5).
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { type Random, systemRandom } from '../base/random.ts';
import type { BindingElement } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { mark } from '../channel/mark.ts';
import { transform } from '../channel/transform.ts';
import { peer } from '../channel/transport.ts';
import { SoapError } from '../soap/errors.ts';
import { faultOf, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { SecurityError, untrusted } from './errors.ts';
import { evidence } from './evidence.ts';
import type { Exchange } from './exchange.ts';
import { asSecurityError, publicFault } from './faults.ts';
import { readSecurityHeader } from './header.ts';
import { Protector } from './protect.ts';
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

interface Received {
  readonly delivery: Delivery;
  /** For the reply. */
  readonly exchange: Exchange;
}

/**
 * Message security as a binding element of place `security`.
 *
 * Errors of `send` (all of `SecurityError`): `SECURITY_UNSECURED_FAULT` when an unprotected fault came back, and every
 * code of examination when the reply does not satisfy the policy. All of them are transient: what came back proves
 * nothing, so sending again may help.
 *
 * @example security(x509Signed({ key, trust: trustChain({ anchors }) }))
 */
export function security(policy: SecurityPolicy, options: SecurityOptions = {}): BindingElement {
  const { clock = systemClock, random = systemRandom, replay = new MemoryReplayCache() } = options;
  const requests = new Protector(policy.outbound, random);
  const { reply } = policy;
  const replies = reply.outbound === policy.outbound ? requests : new Protector(reply.outbound, random);

  const examined = async (of: Delivery, required: InboundPolicy, exchange?: Exchange): Promise<Received> => {
    const around = { now: clock.now(), replay, peer: of.get(peer), exchange };
    const result = await examine(of.message, required, around);
    publish(() => ({
      event: 'message.accepted',
      identity: result.evidence.signer?.identity ?? result.evidence.user?.identity,
      signed: [...result.evidence.signed],
      encrypted: [...result.evidence.encrypted],
      mark: of.get(mark),
    }));
    return { delivery: of.carrying(result.message).with(evidence, result.evidence), exchange: result.exchange };
  };

  return transform({
    name: `security:${policy.name}`,
    place: 'security',
    down: (next) => async (outgoing) => {
      const { message, exchange } = await requests.secure(outgoing.message, clock.now());
      const answered = await next(outgoing.carrying(message));
      if (answered === undefined) return undefined;
      try {
        requireSecured(answered.message);
        return (await examined(answered, reply.inbound, exchange)).delivery;
      } catch (thrown) {
        const refusal = asSecurityError(thrown);
        publish(() => refused('reply.refused', refusal, answered));
        const cause = refusal.cause ?? refusal;
        throw new SecurityError(refusal.code, refusal.what, { cause, transient: true, refusal: true });
      }
    },
    up: (next) => async (incoming) => {
      let accepted: Received;
      try {
        accepted = await examined(incoming, policy.inbound);
      } catch (thrown) {
        const refusal = asSecurityError(thrown);
        publish(() => refused('message.refused', refusal, incoming));
        return delivery(publicFault(incoming.message, refusal), incoming.signal);
      }
      const answered = await answer(next, accepted.delivery);
      if (answered === undefined) return undefined;
      const { message } = await replies.secure(answered.message, clock.now(), accepted.exchange);
      return answered.carrying(message);
    },
  });
}

/** A fault that a layer above throws travels down protected like any reply. */
async function answer(receive: Carry, accepted: Delivery): Promise<Delivery | undefined> {
  try {
    return await receive(accepted);
  } catch (thrown) {
    if (!(thrown instanceof SoapError) || thrown.fault === undefined) throw thrown;
    return accepted.carrying(faultReply(accepted.message, thrown.fault));
  }
}

/** @throws SecurityError `SECURITY_UNSECURED_FAULT` */
function requireSecured(reply: Message): void {
  if (readSecurityHeader(reply) !== undefined) return;
  const fault = faultOf(reply);
  if (fault === undefined) return;
  const code = fault.subcode === undefined ? fault.code : fault.subcode.local;
  throw new SecurityError(
    'SECURITY_UNSECURED_FAULT',
    `The peer answered with an unprotected fault, which says (unproven): ${untrusted(code)}: ${untrusted(fault.reason)}.`,
  );
}

function refused(event: string, refusal: SecurityError, of: Delivery) {
  return { event, code: refusal.code, message: refusal.message, cause: refusal.cause, mark: of.get(mark) };
}
