/**
 * WS-MakeConnection 1.1 as a transport: connections on which both ends send unasked, made of exchanges that only the client
 * begins. For clients that nobody can connect to, behind a firewall or in a browser.
 *
 * What lies below is a binding of its own, security included, because the question for what waits has to prove who asks just as
 * the messages do (Reliable Secure Profile; attack M16).
 */
import { diagnostics } from '../base/diagnostics.ts';
import { dropOldest } from '../base/oldest.ts';
import { deadline, never } from '../base/signals.ts';
import { type Binding, listen } from '../channel/binding.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import type { Delivery } from '../channel/delivery.ts';
import type { Listener, Publication, Transport } from '../channel/transport.ts';
import { identityOf } from '../security/evidence.ts';
import { addressingOf } from '../soap/addressing.ts';
import { requireUnderstood } from '../soap/envelope.ts';
import { faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { Clients, keyOf } from './clients.ts';
import { ConnectionError } from './errors.ts';
import { Plain } from './plain.ts';
import { PollingChannel, type Standing } from './polling.ts';
import { type MakeConnectionOptions, type MakeConnectionSettings, makeConnectionSettings } from './settings.ts';
import { WaitingChannel } from './waiting.ts';
import { faultActionOf, fetched, isWaitedFor, makeConnectionAction, newAddress, selectionOf } from './wording.ts';

const publish = diagnostics('connection');

/**
 * Connections for clients without an inbound port.
 *
 * A channel of `connect` has an address of its own, which nobody can guess; whatever the service has to say to it waits there
 * until the client asks for it: at once after it has sent something, then less and less often while nothing comes. `send` settles
 * when its message is with the service, and rejects as the transport below says. It ends with `CONNECTION_UNSUPPORTED` when the
 * service answers the question with a fault.
 *
 * A listener keeps what waits for a client in a table of its own for each identity and address: somebody else's address fetches
 * nothing, and an address that is not known is answered just like one at which nothing waits. Messages that name no such address
 * go up on a request-reply channel, as if this transport were not there.
 *
 * Exchanges get lost, and what was fetched with them: put a reliable session above.
 *
 * @param over security, and the transport that carries the exchanges
 * @throws ConnectionError `CONNECTION_SETTING`
 *
 * @example
 * const transport = makeConnection(binding([], httpTransport()));
 * const service = binding([exchange({ addressing: addressing200508 }), reliableSession()], transport);
 */
export function makeConnection(over: Binding, options: MakeConnectionOptions = {}): Transport {
  const settings = makeConnectionSettings(options);
  requireBelow(over);
  return {
    name: `make-connection over ${over.transport.name}`,
    connect(to) {
      const standing: Standing = { address: newAddress(settings.random), wasHeard: false, hopeless: undefined };
      return (receive) => new PollingChannel({ over, to, standing, settings, receive });
    },
    listen: (at, accept, publication) => new Service(settings, accept).listen(over, at, publication),
  };
}

/** @throws ConnectionError `CONNECTION_SETTING` */
function requireBelow({ elements }: Binding): void {
  const above = elements.find(({ place }) => place === 'exchange' || place === 'session');
  if (above === undefined) return;
  const text = `The element "${above.name}" belongs above the connection, not below it: list it in the binding that uses this transport.`;
  throw new ConnectionError('CONNECTION_SETTING', text);
}

/** So many questions of the service are remembered until they are answered; the oldest go first. */
const mostQuestions = 4_096;

class Service {
  readonly #settings: MakeConnectionSettings;
  readonly #clients: Clients<WaitingChannel>;
  /** What clients have fetched and may answer, by identity and MessageID. */
  readonly #questions = new Map<string, WaitingChannel>();
  readonly #plain: Plain;
  #held = 0;

  constructor(settings: MakeConnectionSettings, accept: (session: ChannelFactory) => Channel) {
    this.#settings = settings;
    this.#plain = new Plain(accept);
    this.#clients = new Clients(settings, accept, (address, receive) => new WaitingChannel(address, settings, receive));
  }

  async listen(over: Binding, at: URL, publication: Publication | undefined): Promise<Listener> {
    const below = await listen(over, at, (trip) => this.#receive(trip), publication);
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

  async #receive(trip: Delivery): Promise<Delivery | undefined> {
    const { message } = trip;
    if (message.action === makeConnectionAction) return this.#asked(trip);
    const said = addressingOf(message);
    const address = said?.replyTo?.address;
    if (address === undefined || !isWaitedFor(address)) {
      const asker = this.#questions.get(keyOf(identityOf(trip), said?.relatesTo ?? ''));
      if (asker !== undefined) {
        await asker.take(trip);
        return undefined;
      }
      return this.#plain.receive(trip);
    }
    const client = await this.#clients.announced(identityOf(trip), address);
    await client.take(trip);
    return undefined;
  }

  /** What waits for whoever asks, if anything does; an empty answer says nothing of why. */
  async #asked(trip: Delivery): Promise<Delivery | undefined> {
    requireUnderstood(trip.message);
    const selection = selectionOf(trip.message);
    if ('fault' in selection) {
      const { fault } = selection;
      return trip.carrying(faultReply(trip.message, fault, { action: faultActionOf(fault) }));
    }
    const client = await this.#clients.find(identityOf(trip), selection.address);
    if (client === undefined) {
      publish(() => ({ event: 'poll.unknown', address: selection.address, identity: identityOf(trip) }));
      return undefined;
    }
    client.heard();
    let waiting = client.fetch();
    if (waiting === undefined) {
      await this.#hold(client, trip.signal);
      waiting = client.fetch();
    }
    if (waiting === undefined) return undefined;
    this.#remember(identityOf(trip), { message: waiting.message, client });
    return trip.carrying(fetched(waiting.message, client.size > 0));
  }

  /** An answer to what was fetched may name nothing but what it answers (Metro). */
  #remember(
    identity: string,
    { message, client }: { readonly message: Message; readonly client: WaitingChannel },
  ): void {
    const id = addressingOf(message)?.messageId;
    if (id === undefined) return;
    this.#questions.set(keyOf(identity, id), client);
    dropOldest(this.#questions, mostQuestions);
  }

  /** Waits a while for something to wait. */
  async #hold(client: WaitingChannel, signal: AbortSignal): Promise<void> {
    const { clock, pollHold, maxHeld } = this.#settings;
    if (pollHold === 0 || this.#held >= maxHeld || !client.life.isOpen) return;
    const limit = deadline(clock, pollHold, signal, () => new ConnectionError('CONNECTION_IDLE', 'Nothing came.'));
    this.#held += 1;
    try {
      await client.hold(limit.signal);
    } finally {
      this.#held -= 1;
      limit.clear();
    }
  }
}
