/**
 * The secure conversation as a binding element: above the transport in place of `security`, below the reliable session. The
 * initiator asks for a security context under the bootstrap policy and secures everything that follows with it; the
 * acceptor issues contexts and takes nothing that is not under one (WCF's SecureConversation).
 */
import type { BindingElement } from '../channel/channel.ts';
import type { Carry } from '../channel/delivery.ts';
import { sendingThrough } from '../channel/transform.ts';
import { Guard } from '../security/guard.ts';
import { ConversationAcceptor } from './acceptor.ts';
import { ConversationDuplexInitiator } from './duplex-initiator.ts';
import { ConversationError } from './errors.ts';
import { ConversationInitiator } from './initiator.ts';
import { Issuer } from './issuer.ts';
import { Requester } from './requester.ts';
import { type SecureConversationOptions, type Settings, settingsOf } from './settings.ts';

/**
 * Messages under a security context of WS-SecureConversation, which the initiator asks for when it is opened (where `to` is
 * given) or with its first message, renews in time and cancels when it is closed. It stands where `security` would, with the bootstrap policy inside.
 *
 * Over a duplex channel (WebSocket, two connections) requests about the context are messages of their own, what either end says unasked
 * is under the context too, and a connection that was made again goes on under it.
 *
 * `open` and `send` reject with ConversationError `CONVERSATION_REFUSED`, `CONVERSATION_TOO_BUSY`, `CONVERSATION_UNANSWERED`
 * (transient), `CONVERSATION_ENDED`, with SecurityError as `security` does, and with what the transport throws. A wrong password is
 * SecurityError `SECURITY_UNSECURED_FAULT`, because a fault about it is not signed by anybody.
 *
 * @throws ConversationError `CONVERSATION_SETTING`; SecurityError `SECURITY_POLICY`
 * @example secureConversation({ bootstrap: usernameOverTransport({ username: { user, password } }) })
 */
export function secureConversation(options: SecureConversationOptions): BindingElement {
  const settings = settingsOf(options);
  // What is issued is known on every connection of this element.
  const issuer = new Issuer(settings);
  return {
    name: `secureConversation:${settings.bootstrap.name}`,
    place: 'conversation',
    wrap: (inner) => {
      // A context outlives the connections that it is used over.
      const requester = new Requester(settings);
      const guard = new Guard(settings.session, settings, requester);
      return (receive) => {
        let up: Carry = async () => undefined;
        const below = inner((trip) => up(trip));
        const isDuplex = below.isDuplex === true;
        if (isDuplex) requireNoConfirmation(settings);
        if (below.side === 'acceptor') {
          const acceptor = new ConversationAcceptor(settings, issuer, receive, isDuplex);
          up = acceptor.receive;
          return sendingThrough(below, isDuplex ? (trip) => acceptor.say(trip, below.send) : below.send);
        }
        if (!isDuplex) return new ConversationInitiator(settings, requester, guard, below);
        const initiator = new ConversationDuplexInitiator(settings, requester, guard, below, receive);
        up = initiator.receive;
        return initiator;
      };
    },
  };
}

/** What is said unasked confirms nothing: there is no request whose signature it could repeat. */
function requireNoConfirmation({ session: { reply } }: Settings): void {
  if (!reply.inbound.confirmation) return;
  const text =
    'Signatures are confirmed in replies, and over a duplex channel both ends send unasked: leave confirmSignatures out.';
  throw new ConversationError('CONVERSATION_SETTING', text);
}
