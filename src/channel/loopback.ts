/**
 * An in-memory transport. Every leg is encoded to octets and decoded again, so what crosses is what would cross a wire;
 * exchanges are sessionless request-reply, as over HTTP, or duplex connections, as over WebSocket (duplex-loopback.ts). A
 * `Network` between the ends makes it as bad as a test wants.
 */
import { asError } from '../base/errors.ts';
import { never } from '../base/signals.ts';
import { faultFor, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { Channel, ChannelFactory } from './channel.ts';
import { type Carry, delivery } from './delivery.ts';
import { connectDuplex, type DuplexWire, listenDuplex } from './duplex-loopback.ts';
import { ChannelError } from './errors.ts';
import { Life } from './life.ts';
import { free, keyOf, unreachable } from './loopback-address.ts';
import { Network } from './network.ts';
import { received, requireSize, type Sent, sent } from './parcel.ts';
import { type Listener, type Peer, peer, type Transport } from './transport.ts';

export interface LoopbackOptions {
  /** What lies between the ends; without it everything arrives at once. */
  readonly network?: Network | undefined;
  /** What a listener is told of whoever connects. */
  readonly peer?: Peer | undefined;
  /** What a connecting side is told of the listener. */
  readonly server?: Peer | undefined;
  /** Greatest message either side takes, in octets; 16 MiB where not given. */
  readonly maxBytes?: number | undefined;
  /**
   * True: each initiator channel is a connection of its own, on which both ends send unasked; `listen` calls `accept` for each.
   * False where not given: request-reply without sessions.
   */
  readonly duplex?: boolean | undefined;
}

export interface Loopback extends Transport {
  /** The same listeners and the same network, as another connecting side sees them. */
  as(peer: Peer): Transport;
}

const defaultPeer: Peer = Object.freeze({ secure: false, address: 'loopback' });
const defaultMaxBytes = 16 * 2 ** 20;
/** A transport whose listeners are reachable from the transports that it makes, and from nowhere else. */
export function loopback(options: LoopbackOptions = {}): Loopback {
  const wire: Wire = {
    network: options.network ?? new Network(),
    server: options.server ?? defaultPeer,
    maxBytes: options.maxBytes ?? defaultMaxBytes,
    listening: new Map(),
  };
  const duplex: DuplexWire = { ...wire, listening: new Map() };
  const as = (connecting: Peer): Transport => ({
    name: 'loopback',
    connect: (to) => {
      if (options.duplex === true) return connectDuplex(duplex, to, connecting);
      return () => new Initiator(wire, to, connecting);
    },
    listen: async (at, accept) => {
      return options.duplex === true ? listenDuplex(duplex, at, accept) : startListening(wire, at, accept);
    },
  });
  return { ...as(options.peer ?? defaultPeer), as };
}

interface Wire {
  readonly network: Network;
  readonly server: Peer;
  readonly maxBytes: number;
  readonly listening: Map<string, Listening>;
}

class Initiator implements Channel {
  readonly side = 'initiator';
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly #life = new Life();

  constructor(wire: Wire, to: URL, connecting: Peer) {
    this.closed = this.#life.closed;
    this.send = (trip) =>
      this.#life.run(trip.signal, async (signal) => {
        const request = sent(trip.message);
        const deliver = async () => {
          requireSize(request, wire.maxBytes);
          return reach(wire, to).serve(request, connecting);
        };
        const reply = await wire.network.exchange(request, deliver, signal);
        if (reply === undefined) return undefined;
        requireSize(reply, wire.maxBytes);
        return delivery(received(reply), trip.signal).with(peer, wire.server);
      });
  }

  async open(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#life.requireOpen();
  }

  close(signal?: AbortSignal): Promise<void> {
    return this.#life.close(signal);
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }
}

/** The bottom of the one session of a listener. Nothing goes from here to the other end unasked. */
class Acceptor implements Channel {
  readonly side = 'acceptor';
  readonly closed: Promise<Error | undefined>;
  readonly #life = new Life();
  readonly #receive: Carry;

  constructor(receive: Carry) {
    this.#receive = receive;
    this.closed = this.#life.closed;
  }

  get isOpen(): boolean {
    return this.#life.isOpen;
  }

  async open(): Promise<void> {
    this.#life.requireOpen();
  }

  send(): Promise<undefined> {
    return Promise.reject(
      new ChannelError('CHANNEL_ONE_WAY', 'A loopback listener can only answer: it has no way to send unasked.'),
    );
  }

  /** Takes a request up and brings the reply; what goes wrong above becomes a fault, as an HTTP server answers 500. */
  async serve(request: Sent, from: Peer): Promise<Sent | undefined> {
    let message: Message | undefined;
    try {
      return await this.#life.run(never, async (signal) => {
        message = received(request);
        const reply = await this.#receive(delivery(message, signal).with(peer, from));
        return reply === undefined ? undefined : sent(reply.message);
      });
    } catch (error) {
      if (!this.#life.isWhole) {
        throw new ChannelError('CHANNEL_LOST', 'The listener ended before it answered.', {
          transient: true,
          cause: asError(error),
        });
      }
      return sent(faultReply(message, faultFor(error), { version: request.message.version }));
    }
  }

  /** Waits for what is under way, until `signal` fires. */
  idle(signal?: AbortSignal): Promise<void> {
    return this.#life.idle(signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    return this.#life.close(signal);
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }
}

interface Listening {
  /** The bottom channel that serves now; an element above may have replaced one that failed. */
  current: Acceptor | undefined;
}

function startListening(wire: Wire, at: URL, accept: (session: ChannelFactory) => Channel): Listener {
  const { url, key } = free(wire.listening, at);
  const listening: Listening = { current: undefined };
  const top = accept((receive) => {
    listening.current = new Acceptor(receive);
    return listening.current;
  });
  wire.listening.set(key, listening);
  let closing: Promise<void> | undefined;
  return {
    url,
    close(signal) {
      wire.listening.delete(key);
      closing ??= Promise.resolve(listening.current?.idle(signal)).then(() => top.close(signal));
      return closing;
    },
  };
}

function reach(wire: Wire, to: URL): Acceptor {
  const acceptor = wire.listening.get(keyOf(to))?.current;
  if (acceptor?.isOpen) return acceptor;
  throw unreachable(to);
}
