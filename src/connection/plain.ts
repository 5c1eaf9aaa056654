/** The channel of whoever can be answered on the same exchange, made when the first of them comes. */
import { never } from '../base/signals.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { ChannelError } from '../channel/errors.ts';
import { Life } from '../channel/life.ts';

interface Made {
  readonly top: Channel;
  readonly receive: Carry;
}

export class Plain {
  readonly #accept: (session: ChannelFactory) => Channel;
  #made: Promise<Made> | undefined;

  constructor(accept: (session: ChannelFactory) => Channel) {
    this.#accept = accept;
  }

  async receive(trip: Delivery): Promise<Delivery | undefined> {
    this.#made ??= made(this.#accept);
    return (await this.#made).receive(trip);
  }

  async close(signal: AbortSignal): Promise<void> {
    const { top } = (await this.#made) ?? {};
    await top?.close(signal);
  }
}

async function made(accept: (session: ChannelFactory) => Channel): Promise<Made> {
  const life = new Life();
  let up: Carry = async () => undefined;
  const top = accept((receive) => {
    up = receive;
    return {
      side: 'acceptor',
      closed: life.closed,
      open: async () => life.requireOpen(),
      close: (signal) => life.close(signal),
      abort: (reason) => life.abort(reason),
      send: () =>
        Promise.reject(
          new ChannelError('CHANNEL_ONE_WAY', 'This client can only be answered: it named no address to reach it at.'),
        ),
    } satisfies Channel;
  });
  await top.open();
  return { top, receive: (trip) => life.run(never, (signal) => up(trip.under(signal))) };
}
