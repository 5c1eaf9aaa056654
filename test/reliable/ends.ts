/** Either end of a reliable session by itself: the element over a channel whose other side is the test. */

import { layered } from '../../src/channel/binding.ts';
import type { Channel, Side } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import type { Turn } from '../../src/channel/turn.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { type AddressingVersion, addressing200508 } from '../../src/soap/addressing-versions.ts';
import { decode, encode, soapActionHeader } from '../../src/soap/codec.ts';
import { message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';

/** The message as the other end reads it: written to octets and read again. */
export function overTheWire(of: Message): Message {
  const { body, contentType, headers } = encode(of);
  return decode(body, contentType, headers[soapActionHeader]);
}

function bottom(side: Side, send: Carry, turn?: Turn): Channel {
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  return {
    side,
    send,
    turn,
    closed: promise,
    open: async () => undefined,
    close: async () => resolve(undefined),
    abort: (reason) => resolve(reason),
  };
}

export interface AcceptorEnd {
  readonly channel: Channel;
  /** Sends a message in; the value is what comes back. */
  ask(request: Message, mark?: (trip: Delivery) => Delivery): Promise<Message | undefined>;
}

/** An acceptor with its exchange element, and what its client would see. */
export function acceptorEnd(
  options: ReliableSessionOptions,
  receive: Carry,
  addressing: AddressingVersion = addressing200508,
): AcceptorEnd {
  let up: Carry = async () => undefined;
  const channel = layered([exchange({ addressing }), reliableSession(options)], (into) => {
    up = into;
    return bottom('acceptor', async () => undefined);
  })(receive);
  return {
    channel,
    ask: async (request, mark = (trip) => trip) => {
      const answer = await up(mark(delivery(overTheWire(request))));
      return answer === undefined ? undefined : overTheWire(answer.message);
    },
  };
}

/** An initiator with its exchange element whose peer is `answer`; its answers come in turns where there is one. */
export function initiatorEnd(
  options: ReliableSessionOptions,
  answer: (request: Message) => Promise<Delivery | Message | undefined>,
  addressing: AddressingVersion = addressing200508,
  turn?: Turn,
): Channel {
  const send: Carry = async (trip) => {
    const answered = await answer(overTheWire(trip.message));
    if (answered === undefined) return undefined;
    return 'message' in answered ? answered : delivery(overTheWire(answered));
  };
  return layered([exchange({ addressing, to: options.to }), reliableSession(options)], () =>
    bottom('initiator', send, turn),
  )(async () => undefined);
}

/** A message whose body says `text`. */
export function saying(text: string, soap: SoapVersion = soap12, action = 'urn:test:say'): Message {
  return message({ version: soap, action, body: new XmlWriter().element('urn:test', 'said', text).finish() });
}
