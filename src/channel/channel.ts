/** A channel is a down-arrow with a life; a factory makes one from an up-arrow; an element wraps a factory. */

import type { AddressingVersion } from '../soap/addressing-versions.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import type { Carry, ContextKey } from './delivery.ts';
import type { Turn } from './turn.ts';

/** Who opened the conversation: the initiator creates sequences and tokens, the acceptor answers. */
export type Side = 'initiator' | 'acceptor';

/** How messages are addressed that are yet to be written. */
export interface Template {
  readonly soap: SoapVersion;
  readonly wsa: AddressingVersion;
  readonly to: string | undefined;
  /** Where this end is reached, where that is not the anonymous address. */
  readonly replyTo?: string | undefined;
}

export interface Channel {
  readonly side: Side;
  /**
   * True where both ends send unasked: `send` settles with nothing when the message is on its way, whatever the other end has
   * to say comes up, and what the up-arrow returns is sent as a message of its own. Absent on request-reply channels.
   */
  readonly isDuplex?: boolean | undefined;
  /** Where it was connected to, where it was made so. */
  readonly to?: URL | undefined;
  /** The SOAP version of its binding, where that speaks one only. */
  readonly soap?: SoapVersion | undefined;
  /** Milliseconds that a call may take, where its binding says so. */
  readonly sendTimeout?: number | undefined;
  /**
   * Where the initiator hears what the other end has to say, as wsa:ReplyTo and whatever else names it has it; absent where that
   * is the anonymous address: the way back of the same connection. Known once the channel is open.
   */
  readonly replyTo?: string | undefined;
  /** The turns in which answers come back; absent where each is by itself. */
  readonly turn?: Turn | undefined;
  /** Makes the channel ready: connects, negotiates, creates the sequence. Idempotent. */
  open(signal?: AbortSignal): Promise<void>;
  /** Carries a message to the other end; the value is what came back on the same exchange. */
  readonly send: Carry;
  /**
   * The wsse:SecurityTokenReference to the one token that secures everything that is sent here, made ready for messages as these.
   * Absent where each message is secured by itself, or not at all.
   */
  readonly token?: ((like: Template, signal: AbortSignal) => Promise<XmlFragment>) | undefined;
  /** What a layer below has to offer to whoever made the channel, in the slot of that layer. Absent where none has anything. */
  readonly offers?: (<T>(of: ContextKey<T>) => T) | undefined;
  /** Ends in good order: last acknowledgements, terminate, close-notify. Idempotent. */
  close(signal?: AbortSignal): Promise<void>;
  /** Ends now. */
  abort(reason: Error): void;
  /** Settles once when the channel has ended, with the reason when it ended badly. Never rejects. */
  readonly closed: Promise<Error | undefined>;
}

/** All that is needed to make a channel except the up-arrow for what arrives unasked. */
export type ChannelFactory = (receive: Carry) => Channel;

/** Where an element stands in a binding, outermost first. */
export const places = ['exchange', 'session', 'conversation', 'security'] as const;
export type Place = (typeof places)[number];

export interface BindingElement {
  readonly name: string;
  readonly place: Place;
  /** The same element serves both ends. It may call `inner` again to replace a channel that failed. */
  wrap(inner: ChannelFactory): ChannelFactory;
}
