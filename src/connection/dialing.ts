/** A client that listens itself, as the service sees it: a duplex channel whose messages are brought to the client's own address. */
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { Life } from '../channel/life.ts';
import { ConnectionError } from './errors.ts';
import { Reception } from './reception.ts';
import type { ClientSettings } from './settings.ts';

export class DialingChannel implements Channel {
  readonly side = 'acceptor';
  readonly isDuplex = true;
  readonly replyTo: string;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly life: Life = new Life();
  readonly #reception: Reception;
  readonly #below: Channel;

  /** @param dial connects to the client's address */
  constructor(address: string, settings: ClientSettings, receive: Carry, dial: ChannelFactory) {
    this.replyTo = address;
    this.closed = this.life.closed;
    this.#below = dial(async (trip) => {
      await this.take(trip);
      return undefined;
    });
    this.send = (trip) => this.life.run(trip.signal, (signal) => this.#say(trip.under(signal)));
    this.#reception = new Reception({
      life: this.life,
      settings,
      receive,
      say: (trip) => this.#say(trip),
      silent: () => {
        const text = `The client was not heard for ${settings.idleTimeout} ms.`;
        this.abort(new ConnectionError('CONNECTION_IDLE', text, { transient: true }));
      },
      refused: () => void this.close(),
    });
    void this.closed.then((reason) => (reason === undefined ? this.#below.close() : this.#below.abort(reason)));
  }

  open(signal?: AbortSignal): Promise<void> {
    this.life.requireOpen();
    return this.#below.open(signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    return this.life.close(signal);
  }

  abort(reason: Error): void {
    this.life.abort(reason);
  }

  /** A message of the client. */
  take(trip: Delivery): Promise<void> {
    return this.#reception.take(trip);
  }

  async #say(trip: Delivery): Promise<undefined> {
    const answer = await this.#below.send(trip);
    // Whoever takes a message is there: a client that only acknowledges may never say so under this address.
    this.#reception.heard();
    if (answer !== undefined) await this.take(answer);
    return undefined;
  }
}
