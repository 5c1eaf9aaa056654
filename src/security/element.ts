/**
 * The binding element of this room: secures what goes down, examines what comes up, at both ends and in both directions.
 * What fails on the way up never reaches the layer above. At the acceptor it is answered with the one public fault; at the
 * initiator a bad reply is an error that invites a retry, because a forged or garbled reply must neither end a session nor
 * change its state (attack M5).
 */
import type { BindingElement } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { transform } from '../channel/transform.ts';
import { SoapError } from '../soap/errors.ts';
import { faultReply } from '../soap/fault.ts';
import { asSecurityError, publicFault } from './faults.ts';
import { Guard, type Received, type SecurityOptions } from './guard.ts';
import type { SecurityPolicy } from './protection.ts';

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
  const guard = new Guard(policy, options);
  return transform({
    name: `security:${policy.name}`,
    place: 'security',
    down: (next) => async (outgoing) => {
      const { message, exchange } = await guard.secureRequest(outgoing.message);
      const answered = await next(outgoing.carrying(message));
      return answered === undefined ? undefined : (await guard.examineReply(answered, exchange)).delivery;
    },
    up: (next) => async (incoming) => {
      let accepted: Received;
      try {
        accepted = await guard.examineRequest(incoming);
      } catch (thrown) {
        return delivery(publicFault(incoming.message, asSecurityError(thrown)), incoming.signal);
      }
      const answered = await answer(next, accepted.delivery);
      if (answered === undefined) return undefined;
      const { message } = await guard.secureReply(answered.message, accepted.exchange);
      return answered.carrying(message);
    },
  });
}

/** A fault that a layer above throws travels down protected like any reply. */
export async function answer(receive: Carry, accepted: Delivery): Promise<Delivery | undefined> {
  try {
    return await receive(accepted);
  } catch (thrown) {
    if (!(thrown instanceof SoapError) || thrown.fault === undefined) throw thrown;
    return accepted.carrying(faultReply(accepted.message, thrown.fault));
  }
}
