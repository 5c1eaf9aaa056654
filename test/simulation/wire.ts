/**
 * A transport for simulations that need no octets: messages cross as the values they are, and the network between the ends
 * loses, repeats, delays, reorders and breaks them. One timer a leg, so that a schedule costs little; the way through octets,
 * `loopback` with its `Network`, is what the schedules of the full stack take.
 */
import { type Clock, later } from '../../src/base/clock.ts';
import { asError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { Channel, Side } from '../../src/channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { ChannelError } from '../../src/channel/errors.ts';
import { type Peer, peer, type Transport } from '../../src/channel/transport.ts';
import { type Turn, turn } from '../../src/channel/turn.ts';
import { faultFor, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import type { Weather } from './weather.ts';

const somebody: Peer = Object.freeze({ secure: false, address: 'wire' });

export interface WireOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: Weather;
  /** A signal of this world that never fires: those who listen to it go with the world. */
  readonly never: AbortSignal;
  /** True once the network has healed. */
  readonly isHealed: () => boolean;
  /** Sees each message as it is sent, before its fate is known. */
  readonly watch: (message: Message, way: 'request' | 'reply') => void;
}

/** A transport with one listener, reachable from itself only. */
export function wire(options: WireOptions): Transport {
  let current: { readonly receive: Carry } | undefined;
  return {
    name: 'wire',
    connect: () => () => end('initiator', (trip) => exchange(options, trip, () => current?.receive), turnOf(options)),
    listen: async (url, accept) => {
      let mine: { readonly receive: Carry } | undefined;
      const top = accept((receive) => {
        mine = { receive };
        current = mine;
        return end('acceptor', () => Promise.reject(lost('A listener only answers.')));
      });
      const close = (signal?: AbortSignal) => {
        if (current === mine) current = undefined;
        return top.close(signal);
      };
      return { url, close };
    },
  };
}

async function exchange(
  options: WireOptions,
  trip: Delivery,
  listener: () => Carry | undefined,
): Promise<Delivery | undefined> {
  const { random, weather, watch } = options;
  watch(trip.message, 'request');
  const brought = delivery(trip.message, options.never).with(peer, somebody).with(turn, turnOf(options));
  const deliver = () => served(listener(), brought);
  if ((await leg(options, weather.loseRequest, trip.signal)) && random.fraction() < weather.duplicate) {
    // The copy goes its own way: nobody waits for its reply.
    pause(options.clock, latency(options))
      .then(deliver)
      .catch(() => undefined);
  }
  const reply = await deliver();
  if (reply !== undefined) watch(reply.message, 'reply');
  await leg(options, weather.loseReply, trip.signal);
  return reply === undefined ? undefined : delivery(reply.message, trip.signal).with(peer, somebody);
}

/** Takes a message up and brings the reply; what goes wrong above becomes a fault, as an HTTP server answers 500. */
async function served(receive: Carry | undefined, brought: Delivery): Promise<Delivery | undefined> {
  if (receive === undefined) throw lost('Nobody listens.');
  const { message } = brought;
  try {
    return await receive(brought);
  } catch (thrown) {
    return delivery(
      faultReply(message, faultFor(asError(thrown)), {
        version: message.version,
      }),
    );
  }
}

/** What arrives within a turn is answered, and what is answered within one is heard, in view of one another. */
function turnOf({ clock, weather }: WireOptions): Turn | undefined {
  if (weather.turn === 0) return undefined;
  return { atEnd: (task) => void clock.at(later(clock.now(), weather.turn), task) };
}

/** One leg to its end; true while the network misbehaves. Throws when the message did not get through. */
async function leg(options: WireOptions, lose: number, signal: AbortSignal): Promise<boolean> {
  const { clock, random, weather, isHealed } = options;
  const bad = !isHealed();
  const isLost = bad && random.fraction() < lose;
  const breaks = bad && !isLost && random.fraction() < weather.break;
  const overtaken = bad && random.fraction() < weather.reorder;
  await pause(clock, isLost ? weather.patience : latency(options) + (overtaken ? weather.reorderBy : 0));
  signal.throwIfAborted();
  if (isLost || breaks) throw lost('The message or its answer did not get through.');
  return bad;
}

function latency({ random, weather }: WireOptions): number {
  return 1 + random.fraction() * (weather.slowest - 1);
}

function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.at(later(clock.now(), milliseconds), resolve);
  });
}

function end(side: Side, send: Carry, turns?: Turn): Channel {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  return {
    side,
    send,
    turn: turns,
    closed: promise,
    open: async () => undefined,
    close: async () => resolve(undefined),
    abort: resolve,
  };
}

function lost(text: string): ChannelError {
  return new ChannelError('CHANNEL_LOST', text, { transient: true });
}
