/**
 * Over some duplex channels the other end knows whose a message is by its wsa:ReplyTo alone: whatever the initiator of such a
 * channel says bears one, and with it a MessageID (WS-Addressing 1.0 Core, 3.4).
 */
import { addressingOf, anonymousReference, isAnonymous, referenceTo, withAddressing } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import type { Channel } from './channel.ts';
import { type ContextKey, contextKey, type Delivery } from './delivery.ts';

/**
 * Where the other end of the message's session was heard before: its answer goes the way that the session takes now, whichever of these its
 * ReplyTo names. Empty where no session lives longer than its channel.
 */
export const formerAddresses: ContextKey<readonly string[]> = contextKey<readonly string[]>('former addresses', []);

/**
 * True where the host of `address` (name, or name:port) is one of `hosts`: whatever else a peer names is not dialled (attack M15).
 *
 * @param scheme what the address has to begin with, such as `https:`; any, without
 */
export function isAllowedHost(address: string, hosts: readonly string[], scheme?: string): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (scheme !== undefined && url.protocol !== scheme) return false;
  return hosts.includes(url.host) || hosts.includes(url.hostname);
}

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
  // The anonymous address means this very channel.
  if (given === undefined || !isAnonymous(given.version, given.replyTo)) return message;
  const messageId = given.messageId ?? newIdentifier();
  return withAddressing(message, { ...given, messageId, replyTo: referenceTo(replyTo) });
}

/**
 * The message as it is kept by a session that may go on over another channel: answers to it are wanted wherever this end is then. The
 * opposite of `fromHere`.
 */
export function fromAnywhere<Trip extends Delivery | undefined>(
  trip: Trip,
  { replyTo }: Pick<Channel, 'replyTo'>,
): Trip;
export function fromAnywhere(trip: Delivery | undefined, { replyTo }: Pick<Channel, 'replyTo'>): Delivery | undefined {
  const given = replyTo === undefined || trip === undefined ? undefined : addressingOf(trip.message);
  if (trip === undefined || given?.replyTo === undefined || given.replyTo.address !== replyTo) return trip;
  return trip.carrying(withAddressing(trip.message, { ...given, replyTo: anonymousReference(given.version) }));
}
