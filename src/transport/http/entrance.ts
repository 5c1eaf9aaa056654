/**
 * The one transport session of a listener: HTTP itself has none, so everything that comes in goes to the channel that was
 * made last, and nothing can be sent to a client that did not ask.
 */
import { asError } from '../../base/errors.ts';
import type { Channel, ChannelFactory } from '../../channel/channel.ts';
import type { Carry } from '../../channel/delivery.ts';
import { TransportError } from '../errors.ts';

export class Entrance {
  #receive: Carry | undefined;

  /** The up-arrow, while a channel stands here. */
  get receive(): Carry | undefined {
    return this.#receive;
  }

  /** Makes the acceptor channel; a layer above may make another after it gave up the last. */
  readonly session: ChannelFactory = (receive): Channel => {
    const { promise: closed, resolve } = Promise.withResolvers<Error | undefined>();
    this.#receive = receive;
    const end = (reason: Error | undefined) => {
      if (this.#receive === receive) this.#receive = undefined;
      resolve(reason);
    };
    return {
      side: 'acceptor',
      closed,
      open: async () => undefined,
      send: async () => {
        throw new TransportError(
          'TRANSPORT_NO_BACK_CHANNEL',
          'HTTP cannot send to a client that did not ask. Return the message as the reply of a request, or use a duplex binding.',
        );
      },
      close: async () => end(undefined),
      abort: end,
    };
  };
}

/** Closes the top channel; one that cannot end in good order before `signal` fires ends now. */
export async function closeTop(top: Channel, signal: AbortSignal): Promise<void> {
  try {
    await top.close(signal);
  } catch (error) {
    top.abort(asError(error));
    if (!signal.aborted) throw error;
  }
}
