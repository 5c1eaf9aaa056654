/** What crosses an in-memory transport: octets with their content type, as a wire would carry them. */
import { decode, type Encoded, encode, soapActionHeader } from '../soap/codec.ts';
import type { Message } from '../soap/message.ts';
import { ChannelError } from './errors.ts';
import type { Parcel } from './network.ts';

export interface Sent extends Encoded, Parcel {}

export function sent(message: Message): Sent {
  return { ...encode(message), message };
}

/** The message as the other end reads it. */
export function received({ body, contentType, headers }: Sent): Message {
  return decode(body, contentType, headers[soapActionHeader]);
}

/** @throws ChannelError `CHANNEL_TOO_LARGE` */
export function requireSize({ body }: Sent, maxBytes: number): void {
  if (body.length > maxBytes) {
    throw new ChannelError('CHANNEL_TOO_LARGE', `The message has ${body.length} octets; ${maxBytes} are allowed here.`);
  }
}
