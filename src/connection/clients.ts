/**
 * The clients that a service has heard of and that it waits for: found by identity and address together, so that knowing an
 * address is of no use to anybody else (attack M16), and no more of them than may be.
 */
import { asError } from '../base/errors.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import type { Life } from '../channel/life.ts';
import { addressingFault } from '../soap/addressing-faults.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { SoapError } from '../soap/errors.ts';
import { ConnectionError } from './errors.ts';
import type { ClientSettings } from './settings.ts';

/** What a client's channel is to the table. */
interface Kept extends Channel {
  readonly replyTo: string;
  readonly life: Life;
}

export class Clients<C extends Kept> {
  readonly #settings: Pick<ClientSettings, 'maxConnections' | 'maxConnectionsPerIdentity'>;
  readonly #make: (address: string, receive: Parameters<ChannelFactory>[0]) => C;
  readonly #accept: (session: ChannelFactory) => Channel;
  readonly #known = new Map<string, Promise<C>>();
  readonly #counts = new Map<string, number>();
  /** The channels above, which may outlive those below. */
  readonly #tops = new Set<Channel>();
  #isClosing = false;

  constructor(
    settings: Pick<ClientSettings, 'maxConnections' | 'maxConnectionsPerIdentity'>,
    accept: (session: ChannelFactory) => Channel,
    make: (address: string, receive: Parameters<ChannelFactory>[0]) => C,
  ) {
    this.#settings = settings;
    this.#accept = accept;
    this.#make = make;
  }

  /** The client that `identity` announced; nobody else's. */
  find(identity: string, address: string): Promise<C> | undefined {
    return this.#known.get(keyOf(identity, address));
  }

  /**
   * The client of `identity` at `address`, which is told of it now for the first time or again. Where its channel is about to end, another
   * one when it has: whoever was refused, and asks again at once, does not meet the channel that is ended for it.
   *
   * @throws SoapError `SOAP_FAULT` with EndpointUnavailable where there are too many, and what opening throws
   */
  async announced(identity: string, address: string): Promise<C> {
    let client = await this.#announced(identity, address);
    while (!client.life.isOpen) {
      await client.closed;
      client = await this.#announced(identity, address);
    }
    return client;
  }

  /** Ends every channel in good order, until `signal` fires. */
  async close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const all = await Promise.allSettled(this.#known.values());
    await Promise.all(all.map((one) => (one.status === 'fulfilled' ? one.value.life.idle(signal) : undefined)));
    await Promise.all(
      [...this.#tops].map((top) =>
        top.close(signal).catch((thrown: unknown) => {
          top.abort(asError(thrown));
        }),
      ),
    );
  }

  #announced(identity: string, address: string): Promise<C> {
    const known = this.find(identity, address);
    if (known !== undefined) return known;
    const { maxConnections, maxConnectionsPerIdentity } = this.#settings;
    const mine = this.#counts.get(identity) ?? 0;
    if (this.#isClosing || this.#known.size >= maxConnections || mine >= maxConnectionsPerIdentity) {
      const reason = 'There are too many clients just now. Try again later.';
      const fault = addressingFault(addressing200508, 'endpointUnavailable', reason);
      throw new SoapError('SOAP_FAULT', reason, { fault, transient: true });
    }
    const key = keyOf(identity, address);
    this.#counts.set(identity, mine + 1);
    const making = this.#begin(address);
    this.#known.set(key, making);
    const forget = () => {
      if (this.#known.get(key) !== making) return;
      this.#known.delete(key);
      const left = (this.#counts.get(identity) ?? 1) - 1;
      if (left > 0) this.#counts.set(identity, left);
      else this.#counts.delete(identity);
    };
    making.then((client) => client.closed.then(forget), forget);
    return making;
  }

  async #begin(address: string): Promise<C> {
    let made: C | undefined;
    const top = this.#accept((receive) => {
      made = this.#make(address, receive);
      return made;
    });
    this.#tops.add(top);
    void top.closed.then(() => this.#tops.delete(top));
    try {
      await top.open();
    } catch (thrown) {
      top.abort(asError(thrown));
      throw thrown;
    }
    if (made !== undefined) return made;
    throw new ConnectionError('CONNECTION_SETTING', 'Nobody made a channel for the client: accept calls its factory.');
  }
}

/** Identities are free text; their length keeps two pairs from having one key. */
export function keyOf(identity: string, name: string): string {
  return `${identity.length} ${identity} ${name}`;
}
