/**
 * The way back to whoever sent a message unasked: over a duplex channel a service may call its client (WCF's callback
 * contract, OperationContext.GetCallbackChannel). `listen` leaves the top of the channel on every delivery that it hands up.
 */
import type { Channel } from './channel.ts';
import { type ContextKey, contextKey, type Delivery } from './delivery.ts';
import { ChannelError } from './errors.ts';
import { handling } from './handling.ts';
import { recipient } from './recipient.ts';
import { session } from './session.ts';

/** Left by `listen` on what comes over a duplex channel. */
export const callback: ContextKey<Channel | undefined> = contextKey<Channel | undefined>('callback', undefined);

/**
 * A channel to the sender of `of`, on the session that `of` is part of. It may be kept and used after `of` was answered, for
 * as long as that session lives; closing it does nothing, because it is the other end's to close.
 *
 * @throws ChannelError `CHANNEL_NO_CALLBACK` when it came over a request-reply channel such as HTTP
 */
export function callbackChannel(of: Delivery): Channel {
  const back = of.get(callback);
  const mine = of.get(session);
  const sender = of.get(recipient);
  const handler = of.get(handling);
  if (back === undefined) {
    throw new ChannelError(
      'CHANNEL_NO_CALLBACK',
      'The sender of this message cannot be called back: it came over a request-reply channel. Use a duplex transport.',
    );
  }
  return {
    side: 'acceptor',
    isDuplex: true,
    closed: mine?.ended ?? back.closed,
    open: async () => undefined,
    send: (trip) => {
      const send = () => back.send(trip.with(session, mine).with(recipient, sender));
      return handler === undefined ? send() : handler.waiting('answer', send);
    },
    close: async () => undefined,
    abort: () => undefined,
  };
}
