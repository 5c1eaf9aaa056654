/**
 * The in-memory transport as duplex connections: each initiator channel is one, both ends send unasked, and the network
 * between them may lose, repeat, delay and reorder what they send, or break the connection under them.
 */
import { asError } from '../base/errors.ts';
import { never } from '../base/signals.ts';
import type { Message } from '../soap/message.ts';
import type { Channel, ChannelFactory, Side } from './channel.ts';
import { type Carry, type Delivery, delivery } from './delivery.ts';
import { arrive } from './duplex.ts';
import { ChannelError } from './errors.ts';
import { Life } from './life.ts';
import { free, keyOf, unreachable } from './loopback-address.ts';
import type { Leg, Network } from './network.ts';
import { received, requireSize, sent } from './parcel.ts';
import { type Listener, type Peer, peer } from './transport.ts';

export interface DuplexWire {
  readonly network: Network;
  readonly server: Peer;
  readonly maxBytes: number;
  readonly listening: Map<string, DuplexListening>;
}

interface DuplexListening {
  isOpen: boolean;
  readonly accept: (session: ChannelFactory) => Channel;
  /** The top channels of connections and sessions that live. */
  readonly tops: Set<Channel>;
  /** The bottom channels of connections that live. */
  readonly ends: Set<End>;
}

/** One end of a connection. */
class End implements Channel {
  readonly side: Side;
  readonly isDuplex = true;
  readonly life: Life = new Life();
  readonly closed: Promise<Error | undefined> = this.life.closed;
  readonly send: Carry;
  readonly #receive: Carry;
  readonly #from: Peer;
  readonly #join: (end: End) => Promise<Connection>;
  #connection: Promise<Connection> | undefined;

  constructor(side: Side, receive: Carry, from: Peer, join: (end: End) => Promise<Connection>) {
    this.side = side;
    this.#receive = receive;
    this.#from = from;
    this.#join = join;
    this.send = (trip) => this.life.run(trip.signal, () => this.#write(trip.message));
    void this.closed.then((reason) => this.#connection?.then((one) => one.end(reason)).catch(() => undefined));
  }

  async open(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.life.requireOpen();
    await this.#connected();
  }

  /** What is under way up is finished and answered first. */
  close(signal?: AbortSignal): Promise<void> {
    return this.life.close(signal);
  }

  abort(reason: Error): void {
    this.life.abort(reason);
  }

  /** A message of the other end. */
  async take(message: Message): Promise<void> {
    const { life } = this;
    if (!life.isOpen) return;
    const write = (answer: Message) => this.#write(answer).then(() => undefined);
    await arrive(delivery(message).with(peer, this.#from), {
      life,
      receive: this.#receive,
      write,
      failed: () => undefined,
    });
  }

  #connected(): Promise<Connection> {
    this.#connection ??= this.#join(this).catch((thrown: unknown) => {
      this.#connection = undefined;
      throw thrown;
    });
    return this.#connection;
  }

  async #write(message: Message): Promise<Delivery | undefined> {
    const connection = await this.#connected();
    connection.post(this.side === 'initiator' ? 'request' : 'reply', sent(message), this);
    return undefined;
  }
}

/** Two ends and the network between them. */
class Connection {
  readonly #network: Network;
  readonly #maxBytes: number;
  readonly #ends: readonly [End, End];
  readonly #over = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor({ network, maxBytes }: DuplexWire, ends: readonly [End, End]) {
    this.#network = network;
    this.#maxBytes = maxBytes;
    this.#ends = ends;
  }

  post(way: Leg['way'], parcel: ReturnType<typeof sent>, from: End): void {
    const to = this.#ends.find((end) => end !== from);
    const deliver = () => {
      try {
        requireSize(parcel, this.#maxBytes);
        void to?.take(received(parcel));
      } catch (thrown) {
        // As over WebSocket, what is too large costs the connection.
        this.end(asError(thrown));
      }
    };
    const posted = this.#network.post(way, parcel, deliver, this.#over.signal, (reason) => this.end(reason));
    const settled: Promise<void> = posted.finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  /** Over for both ends: in good order without `reason`, else with the loss of what is under way. */
  end(reason: Error | undefined): void {
    if (reason === undefined) void Promise.allSettled(this.#underWay).then(() => this.#cut(undefined));
    else this.#cut(reason);
  }

  #cut(reason: Error | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort(reason ?? new ChannelError('CHANNEL_CLOSED', 'The other end closed the connection.'));
    for (const end of this.#ends) {
      if (reason === undefined) void end.close();
      else end.abort(reason);
    }
  }
}

export function connectDuplex(wire: DuplexWire, to: URL, connecting: Peer): ChannelFactory {
  return (receive) => new End('initiator', receive, wire.server, (end) => meet(wire, to, connecting, end));
}

/** Makes the acceptor's end, with everything above it. */
async function meet(wire: DuplexWire, to: URL, connecting: Peer, initiator: End): Promise<Connection> {
  const listening = wire.listening.get(keyOf(to));
  if (listening === undefined || !listening.isOpen) throw unreachable(to);
  const { promise, resolve } = Promise.withResolvers<Connection>();
  let end: End | undefined;
  const top = listening.accept((receive) => {
    end = new End('acceptor', receive, connecting, () => promise);
    return end;
  });
  if (end === undefined) throw unreachable(to);
  const acceptor: End = end;
  const connection = new Connection(wire, [initiator, acceptor]);
  resolve(connection);
  listening.ends.add(acceptor);
  listening.tops.add(top);
  void acceptor.closed.then(() => listening.ends.delete(acceptor));
  void top.closed.then(() => listening.tops.delete(top));
  try {
    await top.open();
  } catch (thrown) {
    top.abort(asError(thrown));
    throw unreachable(to);
  }
  return connection;
}

export function listenDuplex(wire: DuplexWire, at: URL, accept: (session: ChannelFactory) => Channel): Listener {
  const { url, key } = free(wire.listening, at);
  const listening: DuplexListening = { isOpen: true, accept, tops: new Set(), ends: new Set() };
  wire.listening.set(key, listening);
  let closing: Promise<void> | undefined;
  const close = async (signal: AbortSignal): Promise<void> => {
    listening.isOpen = false;
    wire.listening.delete(key);
    await Promise.all([...listening.ends].map((end) => end.life.idle(signal)));
    await Promise.all([...listening.tops].map((top) => top.close(signal)));
  };
  return {
    url,
    close: (signal = never) => {
      closing ??= close(signal);
      return closing;
    },
  };
}
