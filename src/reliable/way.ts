/** The way to the peer: the channel below, made again when it was lost. The session does not notice. */
import type { Channel, ChannelFactory, Template } from '../channel/channel.ts';
import { type Carry, type ContextKey, type Delivery, initial } from '../channel/delivery.ts';
import type { Turn } from '../channel/turn.ts';
import type { XmlFragment } from '../xml/fragment.ts';

export class Way {
  readonly #inner: ChannelFactory;
  readonly #receive: Carry;
  #below: Channel;
  #isLost = false;
  #opening: Promise<void> | undefined;

  constructor(inner: ChannelFactory, below: Channel, receive: Carry) {
    this.#inner = inner;
    this.#receive = receive;
    this.#below = below;
    this.#watch(below);
  }

  async open(signal?: AbortSignal): Promise<void> {
    await this.#below.open(signal);
  }

  /** The reference to the token that secures whatever goes this way, where there is one. */
  async token(like: Template, signal: AbortSignal): Promise<XmlFragment | undefined> {
    return this.#below.token?.(like, signal);
  }

  /** What the layers below have to offer. */
  readonly offers = <T>(of: ContextKey<T>): T => (this.#below.offers ?? initial)(of);

  /** The turns in which answers come this way, where they do. */
  get turn(): Turn | undefined {
    return this.#below.turn;
  }

  /** One exchange, over a new channel where the one before has ended. */
  send(trip: Delivery): Promise<Delivery | undefined> {
    return this.#isLost || this.#opening !== undefined ? this.#sendAgain(trip) : this.#below.send(trip);
  }

  async #sendAgain(trip: Delivery): Promise<Delivery | undefined> {
    if (this.#isLost) {
      this.#isLost = false;
      this.#below = this.#inner(this.#receive);
      this.#watch(this.#below);
      this.#opening = this.#below.open(trip.signal);
    }
    await this.#opening;
    this.#opening = undefined;
    return this.#below.send(trip);
  }

  close(signal?: AbortSignal): Promise<void> {
    return this.#below.close(signal);
  }

  abort(reason: Error): void {
    this.#below.abort(reason);
  }

  #watch(below: Channel): void {
    void below.closed.then(() => {
      if (this.#below === below) this.#isLost = true;
    });
  }
}
