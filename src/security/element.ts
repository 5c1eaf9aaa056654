/**
 * The binding element of this room: secures what goes down, examines what comes up, at both ends and in both directions.
 * What fails on the way up never reaches the layer above. At the acceptor it is answered with the one public fault; at the
 * initiator a bad reply is an error that invites a retry, because a forged or garbled reply must neither end a session nor
 * change its state (attack M5).
 */
import { systemClock } from '../base/clock.ts';
import type { BindingElement, Channel, ChannelFactory } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { turnedAway } from '../channel/refusal.ts';
import { transform } from '../channel/transform.ts';
import { addressedTo, addressingOf, answerable, faultAddressing, withAddressing } from '../soap/addressing.ts';
import { SoapError } from '../soap/errors.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { Allowance } from './allowance.ts';
import type { SecurityError } from './errors.ts';
import { nothingShared } from './exchange.ts';
import { asSecurityError, publicFault } from './faults.ts';
import { Guard, type Received, type SecurityOptions } from './guard.ts';
import { Heard } from './heard.ts';
import type { SecurityPolicy } from './protection.ts';
import { Refusals } from './refusals.ts';

/**
 * Message security as a binding element of place `security`.
 *
 * Errors of `send` (all of `SecurityError`): `SECURITY_UNSECURED_FAULT` when an unprotected fault came back, and every
 * code of examination when the reply does not satisfy the policy. All of them are transient: what came back proves
 * nothing, so sending again may help. Nor does it prove that the message was not taken: a call that must not be made twice needs a
 * reliable session. On a duplex channel `send` settles when the message is on its way, and whoever waits for
 * its answer (`onRefused`) hears of an unprotected fault that relates to it.
 *
 * @example security(x509Signed({ key, trust: trustChain({ anchors }) }))
 */
export function security(policy: SecurityPolicy, options: SecurityOptions = {}): BindingElement {
  const guard = new Guard(policy, options);
  const { clock = systemClock } = options;
  const name = `security:${policy.name}`;
  return {
    name,
    place: 'security',
    wrap: (inner) => (receive) => {
      let below: Channel | undefined;
      const made: ChannelFactory = (up) => {
        below = inner(up);
        return below;
      };
      const at = () => {
        const isDuplex = below?.isDuplex === true;
        const isService = isDuplex && below?.side === 'acceptor';
        return { isDuplex, isService, isOwn: !isService && below?.replyTo === undefined };
      };
      return secured(name, guard, at, new Allowance(clock)).wrap(made)(receive);
    },
  };
}

/** Where the element stands. */
interface Standing {
  /** What is said on the channel is answered by messages of their own. */
  readonly isDuplex: boolean;
  /** The end of such a channel that says everything as it says replies; the other says everything as requests. */
  readonly isService: boolean;
  /** What comes up comes over the connection that this end has made, and not where it listens for anybody. */
  readonly isOwn: boolean;
}

function secured(name: string, guard: Guard, at: () => Standing, allowance: Allowance): BindingElement {
  const refusals = new Refusals();
  const heard = new Heard();
  /** Where this end speaks to. */
  let to: string | undefined;
  return transform({
    name,
    place: 'security',
    down: (next) => async (outgoing) => {
      const { isDuplex, isService } = at();
      if (isDuplex) {
        refusals.said(outgoing);
        to = addressingOf(outgoing.message)?.to ?? to;
      }
      if (isService) return next(outgoing.carrying((await guard.secureReply(outgoing.message, nothingShared)).message));
      const { message, exchange } = await guard.secureRequest(outgoing.message);
      const answered = await next(outgoing.carrying(message));
      return answered === undefined ? undefined : (await guard.examineReply(answered, exchange)).delivery;
    },
    up: (next) => async (incoming) => {
      const { isDuplex, isService, isOwn } = at();
      let accepted: Received;
      try {
        const refusal = isDuplex ? guard.refusedBy(incoming, isOwn) : undefined;
        if (refusal !== undefined) {
          incoming.get(turnedAway)?.();
          refusals.refused(incoming.message)?.(refusal);
          return undefined;
        }
        // What the service says unasked is secured as its replies are, which it may be.
        const isReply = isDuplex && !isService;
        accepted = await (isReply ? guard.examineReply(incoming, nothingShared) : guard.examineRequest(incoming));
      } catch (thrown) {
        incoming.get(turnedAway)?.();
        if (isDuplex && !heard.isWaitedFor(incoming.message)) return undefined;
        // A service answers what it is asked; a client has not asked for what comes so.
        if (isDuplex && !isService && !allowance.take()) return undefined;
        return refused(incoming, asSecurityError(thrown), isDuplex);
      }
      if (isDuplex) {
        heard.believed(accepted.delivery.message);
        refusals.answered(accepted.delivery.message);
      }
      const answered = await answer(next, accepted.delivery);
      if (answered === undefined) return undefined;
      const isRequest = isDuplex && !isService;
      const { message } = await (isRequest
        ? guard.secureRequest(addressedTo(answered.message, to))
        : guard.secureReply(answered.message, accepted.exchange));
      return answered.carrying(message);
    },
  });
}

/** What whoever sent it is told, on a duplex channel in a message that says what it answers. */
function refused({ message, signal }: Delivery, reason: SecurityError, isDuplex: boolean): Delivery {
  const fault = publicFault(message, reason);
  return delivery(isDuplex ? relatedTo(message, fault) : fault, signal);
}

/** A fault as a message of its own, by which whoever waits finds what it answers. */
export function relatedTo(refused: Message, fault: Message): Message {
  const asked = answerable(refused);
  return asked === undefined ? fault : withAddressing(fault, faultAddressing(asked, asked.version.soapFaultAction));
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
