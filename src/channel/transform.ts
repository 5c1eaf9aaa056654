/**
 * A binding element from two functions, one for each way through it. Each gets the rest of the way as a `Carry` and
 * gives back a `Carry`, so it may change what goes in, what comes back, both, or stop the trip.
 */
import type { BindingElement, Channel, ChannelFactory, Place } from './channel.ts';
import { type Carry, contextKey } from './delivery.ts';
import { Entering } from './entering.ts';

export interface Transform {
  /** For diagnostics, and for the message of a binding in the wrong order. */
  readonly name: string;
  readonly place: Place;
  /** What is sent; left out, it passes untouched. */
  readonly down?: ((next: Carry) => Carry) | undefined;
  /** What arrives unasked; left out, it passes untouched. */
  readonly up?: ((next: Carry) => Carry) | undefined;
}

const pass = (next: Carry): Carry => next;

/**
 * An element that does no more than look at, change or stop what passes. Life and death of the channel below are its own.
 *
 * @example
 * const counting = transform({ name: 'counting', place: 'security', down: (next) => (trip) => { count++; return next(trip); } });
 */
export function transform({ name, place, down = pass, up = pass }: Transform): BindingElement {
  return {
    name,
    place,
    wrap:
      (inner: ChannelFactory): ChannelFactory =>
      (receive) => {
        const below = inner(up(receive));
        if (down === pass) return sendingThrough(below, below.send);
        const entering = new Entering();
        // Of this channel alone: elements may stand above one another.
        const given = contextKey<() => void>(name, () => undefined);
        const next = down((trip) => {
          const sent = below.send(trip);
          trip.get(given)();
          return sent;
        });
        const send: Carry = (trip) => {
          const gone = entering.one();
          try {
            const sent = next(trip.with(given, gone));
            sent.then(gone, gone);
            return sent;
          } catch (thrown) {
            gone();
            return Promise.reject(thrown);
          }
        };
        return sendingThrough(below, send, async (signal) => {
          await entering.gone(signal);
          await below.close(signal);
        });
      },
  };
}

/** The channel `below` with another way down, and another end where one is given. */
export function sendingThrough(below: Channel, send: Carry, close?: Channel['close']): Channel {
  return {
    side: below.side,
    isDuplex: below.isDuplex,
    get replyTo() {
      return below.replyTo;
    },
    send,
    token: below.token,
    offers: below.offers,
    turn: below.turn,
    closed: below.closed,
    open: (signal) => below.open(signal),
    close: close ?? ((signal) => below.close(signal)),
    abort: (reason) => below.abort(reason),
  };
}
