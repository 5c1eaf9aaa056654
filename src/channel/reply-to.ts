/**
 * Over some duplex channels the other end knows whose a message is by its wsa:ReplyTo alone: whatever the initiator of such a
 * channel says bears one, and with it a MessageID (WS-Addressing 1.0 Core, 3.4).
 */
import { addressingOf, referenceTo, withAddressing } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import type { Channel } from './channel.ts';

/**
 * The message as it goes out over a channel.
 *
 * @param newIdentifier makes the MessageID of a message that has none
 */
export function fromHere(
  message: Message,
  { side, replyTo }: Pick<Channel, 'side' | 'replyTo'>,
  newIdentifier: () => string,
): Message {
  if (side !== 'initiator' || replyTo === undefined) return message;
  const given = addressingOf(message);
  if (given === undefined || given.replyTo !== undefined) return message;
  const messageId = given.messageId ?? newIdentifier();
  return withAddressing(message, { ...given, messageId, replyTo: referenceTo(replyTo) });
}
