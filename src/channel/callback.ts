/**
 * The way back to whoever sent a message unasked: over a duplex channel a service may call its client (WCF's callback
 * contract, OperationContext.GetCallbackChannel), and whoever is called may ask in turn before it answers. `listen` and `connect` leave
 * the top of the channel on every delivery that they hand up.
 */
import type { Channel } from './channel.ts';
import { expectsReply } from './correlation.ts';
import { type ContextKey, contextKey, type Delivery } from './delivery.ts';
import { ChannelError } from './errors.ts';
import { handling } from './handling.ts';
import { recipient } from './recipient.ts';
import { session } from './session.ts';

/** Left by `listen` and `connect` on what comes over a duplex channel. */
export const callback: ContextKey<Channel | undefined> = contextKey<Channel | undefined>('callback', undefined);

/**
 * A channel to the sender of `of`, on the session that `of` is part of. It may be kept and used after `of` was answered, for
 * as long as that session lives; closing it does nothing, because it is the other end's to close.
 *
 * In a reliable session a handler that waits for an answer for more than a second lets the next message be handled (WCF's
 * re-entrant concurrency); where all that there is room for wait, the newest call back rejects with ReliableError `RELIABLE_STANDSTILL`.
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
    side: back.side,
    isDuplex: true,
    closed: mine?.ended ?? back.closed,
    open: async () => undefined,
    send: (trip) => {
      const said = trip.with(session, mine).with(recipient, sender);
      // What expects no answer ends when it is acknowledged, for which there is always room.
      if (handler === undefined || !trip.get(expectsReply)) return back.send(said);
      return handler.waiting('answer', (refused) => back.send(said.under(AbortSignal.any([trip.signal, refused]))));
    },
    close: async () => undefined,
    abort: () => undefined,
  };
}
