/** A binding is a list of elements, outermost first, above a transport; its order is checked when it is made. */

import { faultReply } from '../soap/fault.ts';
import type { SoapVersion } from '../soap/version.ts';
import { callback } from './callback.ts';
import { type BindingElement, type Channel, type ChannelFactory, places } from './channel.ts';
import type { Carry } from './delivery.ts';
import { ChannelError } from './errors.ts';
import { destination, type Listener, type Publication, type Transport } from './transport.ts';

export interface Binding {
  readonly elements: readonly BindingElement[];
  readonly transport: Transport;
  /** The one SOAP version that it speaks; absent: whichever comes. */
  readonly soap?: SoapVersion | undefined;
  /** Milliseconds that a call over it may take, where it says so (WCF's SendTimeout). */
  readonly sendTimeout?: number | undefined;
}

/**
 * @param elements outermost first: exchange → session → conversation → security, each place at most once
 * @param soap the one SOAP version that it speaks; without, clients say theirs and services take any
 * @throws ChannelError `CHANNEL_ORDER`
 */
export function binding(elements: readonly BindingElement[], transport: Transport, soap?: SoapVersion): Binding {
  let last = -1;
  for (const element of elements) {
    const at = places.indexOf(element.place);
    if (at <= last) {
      throw new ChannelError(
        'CHANNEL_ORDER',
        `The element "${element.name}" (${element.place}) stands too far in, or its place is taken. ` +
          `List the elements outermost first: ${places.join(' → ')}, each at most once.`,
      );
    }
    last = at;
  }
  return Object.freeze({ elements: Object.freeze([...elements]), transport, soap });
}

/** Wraps `base` in every element of the binding. */
export function layered(elements: readonly BindingElement[], base: ChannelFactory): ChannelFactory {
  return elements.reduceRight((inner, element) => element.wrap(inner), base);
}

/**
 * Makes a client's channel through every layer of a binding. Nothing is sent before it is opened. Over a duplex transport what
 * arrives unasked bears the `callback` channel, on which a handler may ask the service in turn.
 *
 * @param to where the service is
 * @param receive hears what arrives unasked
 * @throws what the transport says of the address, such as TransportError `TRANSPORT_ADDRESS`
 */
export function connect(via: Binding, to: URL, receive: Carry = async () => undefined): Channel {
  const channel = layered(
    via.elements,
    via.transport.connect(to),
  )((trip) => receive(channel.isDuplex === true ? trip.with(callback, top) : trip));
  const top: Channel = Object.freeze({
    side: channel.side,
    isDuplex: channel.isDuplex,
    to,
    soap: via.soap,
    sendTimeout: via.sendTimeout,
    get replyTo() {
      return channel.replyTo;
    },
    open: (signal) => channel.open(signal),
    send: (trip) => channel.send(trip.with(destination, to)),
    token: channel.token,
    offers: channel.offers,
    close: (signal) => channel.close(signal),
    abort: (reason) => channel.abort(reason),
    closed: channel.closed,
  } satisfies Channel);
  return top;
}

/**
 * Listens at `at`; everything that arrives goes up through the layers to `receive`, whose value is the reply. Over a duplex
 * transport each delivery bears the `callback` channel on which its sender can be called.
 *
 * @param publication what is told of the endpoint at its address, such as `publish` makes
 *
 * @returns the listener with its real address; rejects as the transport says, such as with `TRANSPORT_PORT_BUSY`
 */
export function listen(via: Binding, at: URL, receive: Carry, publication?: Publication): Promise<Listener> {
  const accept = (session: ChannelFactory): Channel => {
    const top: Channel = layered(
      via.elements,
      speaking(via.soap, session),
    )((trip) => receive(top.isDuplex === true ? trip.with(callback, top) : trip));
    return top;
  };
  return via.transport.listen(at, accept, publication);
}

/** The factory `inner` whose channels let through one SOAP version and answer others with VersionMismatch (SOAP 1.2 section 5.4.7). */
function speaking(soap: SoapVersion | undefined, inner: ChannelFactory): ChannelFactory {
  if (soap === undefined) return inner;
  return (receive) =>
    inner(async (trip) => {
      if (trip.message.version === soap) return receive(trip);
      return trip.carrying(
        faultReply(trip.message, { code: 'versionMismatch', reason: `SOAP ${soap.name} is spoken here.` }),
      );
    });
}
