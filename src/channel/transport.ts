/** The port every transport implements, and the finding it leaves for the layers above: who was at the other end. */
import type { Channel, ChannelFactory } from './channel.ts';
import { type Carry, type ContextKey, contextKey } from './delivery.ts';

/** A document that is handed out to whoever asks. */
export interface PublicDocument {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What an endpoint tells of itself, in the clear and to anybody: its metadata. */
export interface Published {
  /** What GET at the endpoint's address is answered with. @param query without its question mark */
  document(query: string): PublicDocument | undefined;
  /** Answers messages that are sent to the endpoint's address with `/mex` behind it. */
  readonly answer: Carry;
}

/** Says what is published once the real address is known, and throws what keeps it from being published. */
export type Publication = (at: URL) => Published;

export interface Transport {
  readonly name: string;
  /** A factory for initiator channels to `to`. Nothing is connected before `open` or the first `send`. */
  connect(to: URL): ChannelFactory;
  /**
   * Listens at `at` (port 0 takes any free port). For each transport session `accept` is given the factory of its acceptor
   * channel; a sessionless transport such as HTTP has one session for the life of the listener.
   *
   * @param publication what is told at the same address; a transport that cannot tell anything leaves it aside
   */
  listen(at: URL, accept: (session: ChannelFactory) => Channel, publication?: Publication): Promise<Listener>;
}

export interface Listener {
  /** Where it listens, with the real port. */
  readonly url: URL;
  /** Takes nothing new, lets what is under way finish (until `signal` fires), then ends. */
  close(signal?: AbortSignal): Promise<void>;
}

/** What the transport knows of the other end, proven by TLS where `certificate` is there. */
export interface Peer {
  /** True when the message came over TLS. */
  readonly secure: boolean;
  /** The DER of the client (or server) certificate that TLS verified; absent when there was none. */
  readonly certificate?: Uint8Array;
  /** SHA-256 of `certificate`, lower-case hex. */
  readonly fingerprint?: string;
  /**
   * What no other TLS connection has: its exporter value (RFC 9266, `tls-exporter`), lower-case hex, the same at both ends. Only with TLS
   * 1.3.
   */
  readonly exporter?: string;
  /** Network address of the other end, for diagnostics only. */
  readonly address?: string;
}

/** Left on every inbound delivery by the transport. */
export const peer: ContextKey<Peer | undefined> = contextKey<Peer | undefined>('peer', undefined);

/** Set by `connect` on every message that an initiator sends: where it goes, which is also its wsa:To unless it says otherwise. */
export const destination: ContextKey<URL | undefined> = contextKey<URL | undefined>('destination', undefined);
