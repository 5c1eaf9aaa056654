/**
 * Connections over two: the client sends to the service on one, and the service to the client on another (WCF's wsDualHttp, whose
 * binding has it as CompositeDuplex and OneWay). As the client says where it listens, the service would dial whatever anybody
 * names: it dials only hosts of a list (attack M15).
 */
import { never } from '../base/signals.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import type { Delivery } from '../channel/delivery.ts';
import { isAllowedHost } from '../channel/reply-to.ts';
import type { Listener, Publication, Transport } from '../channel/transport.ts';
import { identityOf } from '../security/evidence.ts';
import { addressingOf, isAnonymous, isNone } from '../soap/addressing.ts';
import { addressingError } from '../soap/addressing-faults.ts';
import { CallingChannel } from './calling.ts';
import { Clients } from './clients.ts';
import { DialingChannel } from './dialing.ts';
import { ConnectionError } from './errors.ts';
import { Plain } from './plain.ts';
import { type ClientSettings, type CompositeDuplexOptions, clientSettings } from './settings.ts';

/**
 * Duplex connections made of two of `transport`: put security and the reliable session above, as WCF does.
 *
 * A client listens at `callbackAddress`, on any free port where that is 0, and names the address in wsa:ReplyTo and AcksTo of whatever it
 * sends. Its `open` rejects as the transport's `listen` does, and with `CONNECTION_SETTING` where no address was given. A service
 * dials `replyHosts` and no other host, with the scheme of its own address and following no redirection; a message
 * that names another is answered with the fault InvalidAddress on its own connection. Messages that can be answered on the same
 * connection, or want no answer, go up on a request-reply channel, as if this transport were not there; a reliable session above
 * knows its own among them by their identifier.
 *
 * @throws ConnectionError `CONNECTION_SETTING`
 *
 * @example
 * const client = compositeDuplex(httpTransport(), { callbackAddress: new URL('http://127.0.0.1:0/callback') });
 * const service = compositeDuplex(httpTransport(), { replyHosts: ['127.0.0.1'] });
 */
export function compositeDuplex(transport: Transport, options: CompositeDuplexOptions = {}): Transport {
  const settings = clientSettings(options);
  const { callbackAddress, knownAs, replyHosts = [] } = options;
  return {
    name: `two of ${transport.name}`,
    connect: (to) => {
      const dial = transport.connect(to);
      return (receive) =>
        new CallingChannel({
          dial,
          listen: async (came) => {
            if (callbackAddress !== undefined) return transport.listen(callbackAddress, (session) => session(came));
            const text = 'The service has to reach this end: give callbackAddress, where to listen for it.';
            throw new ConnectionError('CONNECTION_SETTING', text);
          },
          knownAs,
          receive,
        });
    },
    listen: (at, accept, publication) => new Service(transport, settings, replyHosts, accept).listen(at, publication),
  };
}

class Service {
  readonly #transport: Transport;
  readonly #replyHosts: readonly string[];
  readonly #clients: Clients<DialingChannel>;
  readonly #plain: Plain;

  constructor(
    transport: Transport,
    settings: ClientSettings,
    replyHosts: readonly string[],
    accept: (session: ChannelFactory) => Channel,
  ) {
    this.#transport = transport;
    this.#replyHosts = replyHosts;
    this.#plain = new Plain(accept);
    this.#clients = new Clients(
      settings,
      accept,
      (address, receive) => new DialingChannel(address, settings, receive, transport.connect(new URL(address))),
    );
  }

  async listen(at: URL, publication: Publication | undefined): Promise<Listener> {
    const hear = (session: ChannelFactory) => session((trip) => this.#receive(trip, at.protocol));
    const below = await this.#transport.listen(at, hear, publication);
    let closing: Promise<void> | undefined;
    const close = async (signal: AbortSignal): Promise<void> => {
      await Promise.all([this.#clients.close(signal), this.#plain.close(signal)]);
      await below.close(signal);
    };
    return {
      url: below.url,
      close: (signal = never) => {
        closing ??= close(signal);
        return closing;
      },
    };
  }

  async #receive(trip: Delivery, scheme: string): Promise<Delivery | undefined> {
    const said = addressingOf(trip.message);
    const target = said?.replyTo;
    if (
      said === undefined ||
      target === undefined ||
      isAnonymous(said.version, target) ||
      isNone(said.version, target)
    ) {
      return this.#plain.receive(trip);
    }
    if (!isAllowedHost(target.address, this.#replyHosts, scheme)) {
      const reason = 'Answers are not sent to the address that wsa:ReplyTo names.';
      throw addressingError(said.version, 'invalidHeader', reason, { problem: 'InvalidAddress', header: 'ReplyTo' });
    }
    const client = await this.#clients.announced(identityOf(trip), target.address);
    await client.take(trip);
    return undefined;
  }
}
